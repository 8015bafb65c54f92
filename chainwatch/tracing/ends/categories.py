"""Exposure by category: every base unit of a trace once, by what stands where it ends.

Shares stand in no table: a share of an exact total would undo the rounding of an amount in what
leaves the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import polars as pl

from chainwatch.results.table import BEHIND, Column, Privacy, Table, behind
from chainwatch.tracing.ends.fiat import PLACES, Worth
from chainwatch.tracing.ends.holders import holders
from chainwatch.tracing.stops import UNREAD
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import exact_sum, total

OWN, DIRECT, INDIRECT = "own", "direct", "indirect"
UNTAGGED = "untagged"
MILLION = 1_000_000

CATEGORIES = Table(
    "categories",
    ("category", "relation", "direction", "entity", "reason", "jurisdiction"),
    "One row per kind of end, category and entity: together they are all that was traced. What was"
    " *not read* and what nobody tagged are rows of their own.",
    (
        Column.word("category", f"what tags say that it is; {UNTAGGED}, or {' or '.join(UNREAD)}"),
        Column.word(
            "relation",
            f"{OWN}: at an address of the subject; {DIRECT}: one step from it; {INDIRECT}: more",
        ),
        Column.word("direction", "sent, or received where value was followed backward"),
        Column("entity", pl.String, Privacy.NAME, "the tagged actor", nullable=True),
        ENDS["reason"],
        Column.text("jurisdiction", "what the tag says of it; null where it says nothing"),
        Column.amount("amount", "traced value that ends there; reach under poison"),
        Column.number("hops", "payments of the shortest way"),
        Column.number("longest", "payments of the longest way"),
        Column.count("ends", "places at which it ends so"),
        Column(
            "fiat", pl.Decimal(38, PLACES), Privacy.NUMBER,
            "worth of what was priced, as it was then",
            "currency", nullable=True,
        ),
        Column.word("currency", "ISO 4217 code; null where no price was read"),
        Column.amount("unpriced", "what of it has no price of its time; null where none was asked"),
        BEHIND,
    ),
)  # fmt: skip

Said = Callable[[bytes | None, Any], tuple[str, str | None, str | None] | None]
"""Says of an address and a time the category, the actor and the jurisdiction that tags name."""


def categories(
    ends: pl.DataFrame,
    steps: pl.DataFrame,
    own: Mapping[bytes, bytes],
    said: Said,
    *,
    backward: bool,
    prices: Worth | None = None,
) -> pl.DataFrame:
    """Sum up ends by category, relation and entity.

    Parameters
    ----------
    ends, steps : polars.DataFrame
        Of a trace, in the columns of :mod:`chainwatch.tracing.trace_tables`.
    own : mapping of bytes to bytes
        The subject of each address of a subject.
    said : callable
        What tags say of an address at a time.
    backward : bool
        The direction of the trace.
    prices : Worth, optional
        What a whole coin was worth.

    Returns
    -------
    polars.DataFrame
        Rows in :data:`CATEGORIES`; their amounts add up to those of the ends.
    """
    rows = [_told(row, own, said) for row in ends.iter_rows(named=True)]
    kinds = {name: pl.String for name in _KEY if name != "reason"}
    told = pl.DataFrame(rows, schema=kinds, orient="row")
    whole = holders(ends.with_row_index("row").hstack(told), steps)
    key = ["row", *_KEY]
    once = whole.group_by(*key, "amount", "hop").agg(pl.col("holder"))
    return (
        once.group_by(_KEY)
        .agg(
            exact_sum("amount"),
            pl.col("hop").min().alias("hops"),
            pl.col("hop").max().alias("longest"),
            pl.len().cast(pl.Int64).alias("ends"),
        )
        .join(whole.group_by(_KEY).agg(behind("holder")), on=_KEY, nulls_equal=True)
        .join(_priced(ends.hstack(told), prices), on=_KEY, nulls_equal=True)
        .with_columns(pl.lit("received" if backward else "sent").alias("direction"))
        .select(CATEGORIES.names)
        .sort("amount", *_KEY, descending=[True, *[False] * len(_KEY)])
    )


_KEY = ["category", "relation", "entity", "reason", "jurisdiction"]


def _priced(ends: pl.DataFrame, prices: Worth | None) -> pl.DataFrame:
    """Return by category what was priced, in which currency, and what has no price."""
    priced: dict[tuple[Any, ...], Fraction | None] = {}
    lacking: dict[tuple[Any, ...], int] = {}
    for *key, amount, time in ends.select(*_KEY, "amount", "time").iter_rows():
        place = tuple(key)
        worth = prices.value(int(amount), time) if prices else None
        lacking[place] = lacking.get(place, 0) + (0 if worth is not None else int(amount))
        before = priced.get(place)
        priced[place] = before if worth is None else (before or 0) + worth
    rows = [
        (*key, prices.shown(worth) if prices and worth is not None else None,
         prices.currency if prices and worth is not None else None,
         lacking[key] if prices else None)
        for key, worth in priced.items()
    ]  # fmt: skip
    return CATEGORIES.pick(*_KEY, "fiat", "currency", "unpriced").frame(rows)


def _told(
    row: Mapping[str, Any], own: Mapping[bytes, bytes], said: Said
) -> tuple[str, str, str | None, str | None]:
    """Return category, relation, entity and jurisdiction of an end."""
    named = said(row["address"], row["time"])
    category = row["reason"] if row["reason"] in UNREAD else UNTAGGED
    entity, jurisdiction = row["service"], None
    if named is not None and row["reason"] not in UNREAD:
        category, entity, jurisdiction = named[0] or category, named[1], named[2]
    mine = own.get(row["address"]) == row["subject"]
    relation = OWN if mine else DIRECT if row["hop"] <= 1 else INDIRECT
    return category, relation, entity, jurisdiction


def shares(rows: pl.DataFrame) -> pl.DataFrame:
    """Return categories with their share of the whole, parts per million, rounded down."""
    whole = total(rows["amount"])
    parts = [int(amount) * MILLION // whole if whole else None for amount in rows["amount"]]
    return rows.with_columns(pl.Series("share", parts, pl.Int64))
