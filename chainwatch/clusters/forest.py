"""The evidence forest: of all links the few that join, the strongest first, and what they joined.

Kruskal's algorithm. Links come by falling confidence (one without a measured rate is the weakest),
then by transaction, addresses and rule; a link whose two sides are joined already is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.attribution.naming import ACTOR, LABEL
from chainwatch.heuristics.links import LINKS
from chainwatch.results.table import Column, Table

FOREST_ORDER = ("confidence", "tx", "a", "b", "rule")

BOTH_LARGE, OTHER_ACTORS = "both sides large", "sides tagged with different actors"

COLLAPSES = Table(
    "collapses",
    ("chain", "tx", "a", "b", "rule", "reason"),
    "One row per joining link and reason for alarm: two groups met that each hang together.",
    (
        *LINKS.pick("chain", "tx", "txid", "a", "b", "rule").columns,
        Column.number("addresses_a", "addresses on the side of a before"),
        Column.number("addresses_b", "addresses on the side of b before"),
        Column.kind("reason", "why a person should look at it"),
    ),
)

Names = frozenset[tuple[str, str]]
"""Whom tags name, each with what names it: *actor* or *label*."""

Actors = Mapping[tuple[str, bytes], Names]
Collapse = tuple[int, int, int, str]
"""Row of the link, addresses on the side of ``a`` and of ``b``, reason."""


@dataclass(frozen=True)
class Forest:
    """What joining left.

    Attributes
    ----------
    members : polars.DataFrame
        ``chain, address, cluster``, sorted; the cluster is its smallest address.
    links : polars.DataFrame
        The links that join, in the order in which they did.
    collapses : polars.DataFrame
        Rows in ``COLLAPSES``.
    """

    members: pl.DataFrame
    links: pl.DataFrame
    collapses: pl.DataFrame


def grow(joining: pl.DataFrame, actors: Actors, large: int) -> Forest:
    """Join what the links join.

    Parameters
    ----------
    joining : polars.DataFrame
        Links that no veto stops.
    actors : mapping
        ``(chain, address)`` to the actors that tags name for it.
    large : int
        Addresses from which on a side counts as large.
    """
    ordered = joining.sort(
        FOREST_ORDER, descending=[True, False, False, False, False], nulls_last=True
    )
    places = _places(ordered)
    ends = [_numbered(ordered, places, side) for side in ("a", "b")]
    named = (
        {row: actors[key] for row, key in enumerate(places.rows()) if key in actors}
        if actors
        else {}
    )
    parent, rows, collapses = _join(places.height, ends[0], ends[1], named, large)
    roots = pl.Series([_root(parent, row) for row in range(places.height)], dtype=pl.UInt32)
    members = places.with_columns(places["address"].gather(roots).alias("cluster"))
    return Forest(members, ordered[rows], _collapse_rows(ordered, collapses))


def _places(links: pl.DataFrame) -> pl.DataFrame:
    """Return each address once, sorted: its row is its number, and smaller means smaller bytes."""
    sides = [links.select("chain", address=side) for side in ("a", "b")]
    return pl.concat(sides).unique().sort("chain", "address")


def _numbered(links: pl.DataFrame, places: pl.DataFrame, side: str) -> list[int]:
    numbers = places.with_row_index("number").rename({"address": side})
    joined = links.select("chain", side).join(
        numbers, on=["chain", side], how="left", maintain_order="left"
    )
    return joined["number"].to_list()


def _join(
    count: int, a: list[int], b: list[int], named: dict[int, Names], large: int
) -> tuple[list[int], list[int], list[Collapse]]:
    """Return the parent of each number, the rows that joined, and the alarms."""
    parent, size = list(range(count)), [1] * count
    rows: list[int] = []
    collapses: list[Collapse] = []
    for row, (left, right) in enumerate(zip(a, b, strict=True)):
        root_a, root_b = _root(parent, left), _root(parent, right)
        if root_a == root_b:
            continue
        rows.append(row)
        sizes = size[root_a], size[root_b]
        if min(sizes) >= large:
            collapses.append((row, *sizes, BOTH_LARGE))
        sides = named.get(root_a), named.get(root_b)
        if sides[0] and sides[1] and _differ(sides[0], sides[1]):
            collapses.append((row, *sizes, OTHER_ACTORS))
        low, high = (root_a, root_b) if root_a < root_b else (root_b, root_a)
        parent[high] = low  # the smallest address is the root, and so the cluster's id
        size[low] = sum(sizes)
        if sides[0] or sides[1]:
            named[low] = (sides[0] or frozenset()) | (sides[1] or frozenset())
    return parent, rows, collapses


def _differ(one: Names, other: Names) -> bool:
    """Tell whether two sides name different actors; labels are compared where neither states one.

    A label on one side and an actor on the other say nothing against each other.
    """
    parts = [[{name for basis, name in side if basis == kind} for side in (one, other)]
             for kind in (ACTOR, LABEL)]  # fmt: skip
    actors, labels = parts
    if any(actors):
        return all(actors) and actors[0] != actors[1]
    return labels[0] != labels[1]


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]  # halves the way for the next who asks
        number = parent[number]
    return number


def _collapse_rows(ordered: pl.DataFrame, collapses: list[Collapse]) -> pl.DataFrame:
    rows = [row for row, *_ in collapses]
    found = ordered[rows].with_columns(
        pl.Series("addresses_a", [item[1] for item in collapses], dtype=pl.Int64),
        pl.Series("addresses_b", [item[2] for item in collapses], dtype=pl.Int64),
        pl.Series("reason", [item[3] for item in collapses], dtype=pl.String),
    )
    return found.select(COLLAPSES.names).sort("chain", "tx", "a", "b", "rule", "reason")
