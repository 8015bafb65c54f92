"""Predictions from clusters: they rest on all links that joined these, and are in doubt without."""

from __future__ import annotations

import polars as pl

AFTER = "change after clusters"
"""Rule of a link that was predicted from the clusters of other links: it rests on all of them."""

_KEY = ["chain", "tx", "a", "b", "rule", "veto"]


def resting(before: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """Return the links that are left of others; predictions that may rest on what is gone are open.

    Nobody knows whether they would be made without it: they join nothing.
    """
    predicted = pl.col("rule") == AFTER
    if left.filter(predicted).is_empty():
        return left
    known = before.filter(~predicted & ~pl.col("veto"))
    if known.join(left, on=_KEY, how="anti", nulls_equal=True).is_empty():
        return left
    veto = pl.when(~(predicted & ~pl.col("veto")).fill_null(False)).then("veto")
    return left.with_columns(veto.alias("veto"))
