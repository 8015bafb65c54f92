"""Who stands behind the ends of a trace: who holds what ends there, or who paid it away."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.results.table import BEHIND, behind

NAMELESS = b"\x00"
"""Stands for a party of whom nothing is known but that it is there: no address was read of it."""


def holders(ends: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Return ends, each with the column ``holder``: who holds it, or else each who paid it away.

    Fees and outputs without an address are held by nobody who can be named; the payer is known
    from the steps of the same transaction and subject.
    """
    payers = steps.select("txid", "subject", pl.col("source").alias("payer")).unique()
    rows = ends.join(payers, on=["txid", "subject"], how="left", maintain_order="left")
    return rows.with_columns(holder=pl.coalesce("address", "payer", pl.lit(NAMELESS)))


def behind_ends(ends: pl.DataFrame, steps: pl.DataFrame, kinds: Sequence[str]) -> pl.DataFrame:
    """Return for each kind of end who stands behind it, as editions ask for it."""
    return holders(ends, steps).group_by(kinds).agg(behind("holder"))


def with_behind(
    rows: pl.DataFrame, ends: pl.DataFrame, steps: pl.DataFrame, kinds: Sequence[str]
) -> pl.DataFrame:
    """Add to sums by kinds of end who stands behind each; of an unknown one somebody does."""
    found = behind_ends(ends, steps, kinds)
    told = rows.join(found, on=list(kinds), how="left", nulls_equal=True, maintain_order="left")
    return told.with_columns(pl.col(BEHIND.name).fill_null(NAMELESS.hex()))
