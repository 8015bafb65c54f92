"""The network of a shown case as two tables, from which formats of CSV take their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

import polars as pl

from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.network import LONGEST, Relation, network_of
from chainwatch.results.graph import LARGEST_LONG
from chainwatch.sanitize import clipped, distinct
from chainwatch.units import AMOUNT, LARGEST_AMOUNT

ENTITIES = dict.fromkeys(
    ("id", "kind", "label", "chain", "address", "role", "names", "concepts", "cluster"), pl.String
)
"""Columns of the entities; see :class:`chainwatch.case.exports.shown.network.Entity`."""

RELATIONS: dict[str, Any] = {
    "number": pl.Int64, "type": pl.String, "source": pl.String, "target": pl.String,
    "label": pl.String, "time": pl.String, "moment": pl.String, "txid": pl.String,
    "asset": pl.String, "contract": pl.String, "decimals": pl.Int64, "coins": pl.String,
    "coarse": pl.Boolean, "rows": pl.String, "measure": pl.String, "table": pl.String,
    "basis": pl.String, "rate": pl.String, "moved": pl.Boolean,
}  # fmt: skip
"""Columns of the relations, ``amount`` beside them, whose type depends on how large it gets."""


class NetworkTables(NamedTuple):
    """Entities by their ids, and relations by their numbers; null is what is not told."""

    entities: pl.DataFrame
    relations: pl.DataFrame


def network_tables(case: ShownCase) -> NetworkTables:
    """Return the entities and relations of a shown case as two tables."""
    network = network_of(case)
    ids = distinct(one.id for one in network.entities)
    entities = pl.DataFrame(
        [
            {name: _told(getattr(one, name)) for name in ENTITIES}
            | {"id": ids[one.id], "cluster": ids.get(one.cluster)}
            for one in network.entities
        ],
        schema=ENTITIES,
    )
    rows = [
        _row(number, one) | {"source": ids[one.source], "target": ids[one.target]}
        for number, one in zip(count(1), network.relations, strict=False)
    ]
    relations = pl.DataFrame(rows, schema=RELATIONS)
    amounts = amount_column([one.amount for one in network.relations])
    return NetworkTables(entities, relations.with_columns(amounts))


def headed(frame: pl.DataFrame, columns: Iterable[Sequence[str]]) -> pl.DataFrame:
    """Return columns of a frame under their heads: of each the head, then its name in the frame."""
    return frame.select(pl.col(name).alias(head) for head, name, *_ in columns)


def with_ends(
    relations: pl.DataFrame, entities: pl.DataFrame, columns: Sequence[str]
) -> pl.DataFrame:
    """Add columns of the entity at each end, such as ``source_label``: a row stands by itself."""
    for end in ("source", "target"):
        said = entities.select(
            pl.col("id").alias(end), *(pl.col(name).alias(f"{end}_{name}") for name in columns)
        )
        relations = relations.join(said, on=end, how="left", maintain_order="left")
    return relations


def amount_column(amounts: Sequence[int | None]) -> pl.Series:
    """Return amounts in the smallest type that holds them all exactly, never a float.

    That is 64 bits, 38 digits, or texts of digits.
    """
    largest = max((abs(one) for one in amounts if one is not None), default=0)
    if largest <= LARGEST_LONG:
        return pl.Series("amount", amounts, dtype=pl.Int64)
    if largest <= LARGEST_AMOUNT:
        whole = [None if one is None else Decimal(one) for one in amounts]
        return pl.Series("amount", whole, dtype=AMOUNT)
    return pl.Series("amount", [_told(one) for one in amounts], dtype=pl.String)


def _row(number: int, one: Relation) -> dict[str, Any]:
    asset = one.asset
    texts = ("type", "label", "time", "txid", "rows", "measure", "table", "basis", "rate")
    told = {name: _told(getattr(one, name)) for name in texts}
    return told | {
        "number": number, "moment": one.moment, "coins": one.coins, "coarse": one.coarse,
        "moved": one.moved,
        "asset": _told(clipped(asset.symbol, LONGEST)) if asset else None,
        "contract": _told(asset.contract) if asset else None,
        "decimals": asset.decimals if asset else None,
    }  # fmt: skip


def _told(value: object) -> str | None:
    """Return a value as text; nothing where it says nothing."""
    return None if value is None or value == "" else str(value)
