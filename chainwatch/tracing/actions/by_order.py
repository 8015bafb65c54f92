"""Places to act on whose amount hangs on the order of transfers that bear one time."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import CONTESTED, TAGGED, UNSPENT
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import AMOUNT, counted, exact_sum

POSSIBLE = Table(
    "actions_by_order",
    (),
    "One row per place where somebody could act whose amount hangs on the order of transfers that"
    " bear one time: the least and the most over the orders that were followed.",
    (
        ENDS["subject"],
        ENDS["service"],
        ENDS["address"],
        ENDS["reason"],
        ENDS["certainty"],
        ENDS["basis"],
        Column.amount("low", "least traced value there"),
        Column.amount("high", "most traced value there"),
    ),
)


def can_be_acted_on() -> pl.Expr:
    """Return the condition of an end with somebody to turn to: who holds it, or keeps records."""
    held = pl.col("reason").is_in([TAGGED, UNSPENT])
    contested = (pl.col("certainty") == CONTESTED).fill_null(False)
    return pl.col("service").is_not_null() | contested | held


def possible_ends(trace: Trace) -> pl.DataFrame:
    """Return the places to act on whose amount is not the same in every order followed."""
    if not trace.others:
        return POSSIBLE.empty()
    key = [name for name in POSSIBLE.names if name not in ("low", "high")]
    ways = [one.ends.filter(can_be_acted_on()) for one in (trace, *trace.others)]
    sums = pl.concat(way.group_by(key).agg(exact_sum("amount")) for way in ways)
    amount, everywhere = pl.col("amount"), pl.len() == len(ways)
    low = pl.when(everywhere).then(amount.min()).otherwise(pl.lit(0, AMOUNT))
    rows = sums.group_by(key).agg(low.alias("low"), amount.max().alias("high"))
    return rows.filter(pl.col("low") != pl.col("high")).select(POSSIBLE.names).sort(key)


def hangs(possible: pl.DataFrame) -> str:
    """Return in a sentence what the order of transfers leaves open of a sheet."""
    if possible.is_empty():
        return "The ends are those of every order that was followed."
    named = possible["service"].drop_nulls().unique().sort().to_list()
    where = f", at {', '.join(named)} among them" if named else ""
    many = counted(possible.height, "place", "places")
    return f"The ends are those of one order; at {many}{where} the amount hangs on it."


def by_order(possible: pl.DataFrame, open_: str, asset: Asset) -> Finding:
    """Return the places whose amount hangs on the order of transfers."""
    shown = asset.shown
    said = [
        f"{row['service']}: between {shown(int(row['low']))} and {shown(int(row['high']))}, by the"
        " order of transfers."
        for row in possible.iter_rows(named=True)
        if row["service"]
    ]
    return Finding(
        "What hangs on the order of transfers",
        (open_, *said),
        POSSIBLE.rows(possible),
        asset,
        (CUSTODY, "A place with a least of nothing may not have been reached at all."),
    )
