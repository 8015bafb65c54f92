"""Ends at what a budget of requests left unread, told apart from what nobody asked for."""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.left_by_budget import left_by_budget
from chainwatch.tracing.stops import NOT_READ, UNREAD_BUDGET

_WHY = "would have been asked for next when the budget of requests was spent: "


def told_by_budget(ends: pl.DataFrame, ledger: Ledger, chain: str) -> pl.DataFrame:
    """Return the ends of a trace, those at what a budget left unread called so.

    The ledger says which these are, whoever traces it: see
    :mod:`chainwatch.ledger.unread.left_by_budget`. Amounts, places and bases stay as they are.

    Parameters
    ----------
    ends : polars.DataFrame
        In the columns of :data:`chainwatch.tracing.trace_tables.ENDS`.
    ledger : Ledger
        Whose coverage is asked.
    chain : str
        CAIP-2 id.
    """
    unread = (pl.col("reason") == NOT_READ) & pl.col("address").is_not_null()
    if not ends.select(unread.any()).item():
        return ends
    left = left_by_budget(ledger, chain)
    spent = unread & pl.col("address").is_in(pl.Series([*left], dtype=pl.Binary).implode())
    return ends.with_columns(
        pl.when(spent).then(pl.lit(UNREAD_BUDGET)).otherwise("reason").alias("reason"),
        pl.when(spent)
        .then(pl.concat_str(pl.lit(_WHY), pl.col("detail").fill_null("")))
        .otherwise("detail")
        .alias("detail"),
    )
