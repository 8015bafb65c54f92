"""Exposure where the order of transfers is open: whom any order reaches, and between what amounts.

Transfers that bear one time may have stood in several orders, and who is reached may hang on it.
Whoever is reached in one of them is named; amounts are two bounds, of which neither is preferred.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.results.table import Column, Privacy, Table
from chainwatch.units import AMOUNT

BY_ORDER = Table(
    "exposure_by_order",
    ("subject", "actor"),
    "The least and the most over the orders that were followed of transfers that bear one time.",
    (
        Column.party("subject", "whose value it is"),
        Column("actor", pl.String, Privacy.NAME, "the tagged actor"),
        Column.amount("arrived_low", "least that arrives"),
        Column.amount("arrived_high", "most that arrives"),
        Column.amount("stayed_low", "least that ends there"),
        Column.amount("stayed_high", "most that ends there"),
    ),
)

_KEY = ["subject", "actor"]


def with_possible(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of the first order, and those that others alone have, with no amount.

    Parameters
    ----------
    frames : sequence of polars.DataFrame
        Rows of exposure, one frame for each order.
    """
    first, *others = frames
    if not others:
        return first
    nothing = (pl.lit(0).cast(first.schema[name]).alias(name) for name in ("arrived", "stayed"))
    more = pl.concat(others).join(first, on=_KEY, how="anti").sort(*_KEY, "hops")
    once = more.unique(_KEY, keep="first", maintain_order=True)
    none = pl.lit(0).cast(first.schema["arrivals"]).alias("arrivals")
    return pl.concat([first, once.with_columns(*nothing, none)]).sort(_KEY)


def by_order(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the least and the most over the orders; no rows where there is one order alone.

    Parameters
    ----------
    frames : sequence of polars.DataFrame
        As :func:`with_possible` takes them. Who has no row in one order has nothing there.
    """
    if len(frames) == 1:
        return BY_ORDER.empty()
    everywhere, nothing = pl.len() == len(frames), pl.lit(0, AMOUNT)
    least = (
        pl.when(everywhere).then(pl.col(name).min()).otherwise(nothing).alias(f"{name}_low")
        for name in ("arrived", "stayed")
    )
    most = (pl.col(name).max().alias(f"{name}_high") for name in ("arrived", "stayed"))
    rows = pl.concat(frames).group_by(_KEY).agg(*least, *most)
    return rows.select(BY_ORDER.names).sort(_KEY)
