"""The evidence forest: of all links the few that join, the strongest first, and what they joined.

Kruskal's algorithm. Links come by falling confidence (one without a measured rate is the weakest),
then by transaction (one without comes last), then by addresses and rule. In that order each link
joins its two sides, unless they are one already.

What must stay apart is looked at first (:mod:`chainwatch.clusters.standing`): claims fall whole, by
no order of bytes, and what rests on them falls with them. What stands is then joined as if there
were nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.attribution import naming
from chainwatch.clusters.apart import Apart
from chainwatch.clusters.numbering import FramePlaces, Numbered, Places, number
from chainwatch.clusters.standing import Stopped, batches_of, stopped
from chainwatch.heuristics.links import LINKS, one_chain
from chainwatch.kernels.graphs.components import Joined, Limits, Numbers, join_in_order, roots
from chainwatch.results.table import CHAIN, Column, Table

BOTH_LARGE, OTHER_ACTORS = "both sides large", "sides tagged with different actors"

PAIR, ACTOR = "a pair must stay apart", "tags name different actors"

CLAIM = "what it stands or falls with must stay apart"
"""Reason of a link that falls with the claim that it is part of, or rests on."""

SHARE = 10
"""The smaller side is a good part of the whole from one in so many on; a choice of this project."""

VERY = 100
"""Times ``large``: from here on the smaller side is always worth a look."""

_MET = LINKS.pick("chain", "tx", "txid", "a", "b", "rule").columns

COLLAPSES = Table(
    "collapses",
    ("chain", "tx", "a", "b", "rule", "reason"),
    "One row per joining link and reason for alarm: two groups met that each hang together.",
    (
        *_MET,
        Column.number("addresses_a", "addresses on the side of a before"),
        Column.number("addresses_b", "addresses on the side of b before"),
        Column.kind("reason", "why a person should look at it"),
    ),
)

REFUSED = Table(
    "refused",
    ("chain", "tx", "a", "b", "rule"),
    "One row per link that would have joined what must stay apart.",
    (
        *_MET,
        LINKS["confidence"],
        Column.kind("reason", "why it joins nothing"),
        Column.text("detail", "the reason of the pair, or whom the tags name"),
        Column.number("pair", "row of the pair in what is kept apart, from 0; null for actors"),
    ),
)


MEMBERS = Table(
    "clusters",
    ("chain", "address"),
    "One row per address of a cluster of two or more.",
    (
        CHAIN,
        Column.party("address", "an address"),
        Column.party("cluster", "smallest address of its cluster on this chain"),
    ),
)


OWNERS = Table(
    "owners",
    ("chain", "cluster"),
    "Clusters of several chains that links of two chains join, one row per chain.",
    (
        Column.number("owner", "1, 2, ... by their smallest addresses"),
        LINKS["chain"],
        Column.party("cluster", "smallest address of the cluster on that chain"),
    ),
)


Names = frozenset[tuple[str, str]]
"""Whom tags name, each with what names it: *actor* or *label*."""


@dataclass(frozen=True)
class Forest:
    """What joining left.

    Attributes
    ----------
    members : polars.DataFrame
        ``chain, address, cluster`` of each cluster of two or more, sorted; the cluster is its
        smallest address on that chain.
    owners : polars.DataFrame
        ``owner, chain, cluster``: what links of two chains joined; see :data:`OWNERS`.
    links : polars.DataFrame
        The links that join, sorted by chain, transaction and addresses.
    collapses, refused : polars.DataFrame
        Rows in ``COLLAPSES`` and ``REFUSED``.
    """

    members: pl.DataFrame
    owners: pl.DataFrame
    links: pl.DataFrame
    collapses: pl.DataFrame
    refused: pl.DataFrame


class Joining(Protocol):
    """Links that no veto stops, in any form: their ends as numbers, and rows when asked.

    Attributes
    ----------
    places : Places
        The addresses by their numbers, smaller ones first.
    a, b : arrays
        The numbers of the two ends of each link.
    """

    @property
    def places(self) -> Places: ...

    @property
    def a(self) -> Numbers: ...

    @property
    def b(self) -> Numbers: ...

    def order(self) -> NDArray[np.int64]:
        """Return the links in the order in which they join."""
        ...

    def in_table_order(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return some links by chain, transaction (none first) and addresses."""
        ...

    def take(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some links in ``BOTH_ENDS``."""
        ...


class FrameJoining:
    """Links of a frame in ``BOTH_ENDS``."""

    def __init__(self, joining: pl.DataFrame) -> None:
        self._links = joining
        self._numbered = number(joining)
        self.a, self.b = self._numbered.a, self._numbered.b

    @cached_property
    def places(self) -> Places:
        """The addresses by their numbers."""
        return FramePlaces(self._numbered.places)

    def order(self) -> NDArray[np.int64]:
        """Return the links in the order in which they join."""
        return forest_order(self._links, self._numbered)

    def in_table_order(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return some links by chain, transaction (none first) and addresses."""
        ordered: NDArray[Any] = rows[_table_order(self._links, self._numbered, rows)]
        return ordered

    def take(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some links in ``BOTH_ENDS``."""
        return self._links[rows]

    def members(self, root: Numbers) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return who is in which cluster, and the clusters that one owner has on several chains."""
        return _members(self._numbered.places, root)


class Grown(NamedTuple):
    """What joining left, as numbers: each address's root, the links that join, and what to tell.

    ``rows`` are in the order of the table; a root is the smallest number of its group.
    """

    root: Numbers
    rows: NDArray[Any]
    collapses: pl.DataFrame
    refused: pl.DataFrame


def join(
    joining: Joining, named: pl.DataFrame | None = None, large: int = 100,
    apart: Apart | None = None,
) -> Grown:  # fmt: skip
    """Join what the links join.

    Parameters
    ----------
    joining : Joining
        Links that no veto stops.
    named : polars.DataFrame, optional
        Whom tags name: ``chain, address, basis, name``.
    large : int
        Addresses from which on a side counts as large.
    apart : Apart, optional
        What must not come into one cluster.
    """
    order = joining.order()
    actors = _actors(joining.places, named)
    limits, pairs = _limits(joining.places, actors, large, apart or Apart())
    made = join_in_order(joining.a[order], joining.b[order], joining.places.height, limits)
    fell = None
    if len(made.refused):
        fell = _fell(joining, order[made.refused], limits)
        order = order[~np.isin(order, fell.rows)]
        told = Limits(tagged=limits.tagged, large=limits.large)  # what stands is apart already
        made = join_in_order(joining.a[order], joining.b[order], joining.places.height, told)
    return Grown(
        made.root,
        joining.in_table_order(order[made.rows]),
        _collapses(joining, order, made, actors, large),
        _refused(joining, fell, apart or Apart(), pairs) if fell else REFUSED.empty(),
    )


def _fell(joining: Joining, refused: NDArray[Any], limits: Limits) -> Stopped:
    """Return the links that fall: they are in regions of which any order would refuse some link."""
    region = roots(joining.a, joining.b, joining.places.height)[joining.a]
    rows = np.flatnonzero(np.isin(region, region[refused]))
    found = stopped(joining.a[rows], joining.b[rows], batches_of(joining.take(rows)), limits)
    return found._replace(rows=rows[found.rows])


def grow(
    joining: pl.DataFrame, named: pl.DataFrame | None = None, large: int = 100,
    apart: Apart | None = None,
) -> Forest:  # fmt: skip
    """Join what links in ``BOTH_ENDS`` join, and return all of it as frames."""
    links = FrameJoining(joining)
    made = join(links, named, large, apart)
    members, owners = links.members(made.root)
    return Forest(members, owners, one_chain(links.take(made.rows)), made.collapses, made.refused)


def forest_order(edges: pl.DataFrame, numbered: Numbered) -> NDArray[np.int64]:
    """Return the rows in the order in which they join."""
    keys = [
        -edges["confidence"].fill_null(-np.inf).to_numpy(),
        edges["tx"].fill_null(np.iinfo(np.int64).max).to_numpy(),
        numbered.a,
        numbered.b,
        *_ranks(edges, "rule"),
    ]
    order = np.lexsort(keys[::-1])
    alike = np.ones(max(edges.height - 1, 0), bool)
    for key in keys:
        alike &= key[order[1:]] == key[order[:-1]]
    if alike.any():  # rows that differ in nothing else may still tell of two blocks
        order = np.lexsort([*_ranks(edges, "txid", "time"), *keys[::-1]])
    return order


def _ranks(edges: pl.DataFrame, *columns: str) -> list[NDArray[Any]]:
    """Return the rank of each value, for columns that hold more than one; nulls are first."""
    return [
        edges[column].rank("dense").fill_null(0).to_numpy()
        for column in columns
        if edges[column].n_unique() > 1
    ]


def _table_order(edges: pl.DataFrame, numbered: Numbered, rows: NDArray[Any]) -> NDArray[Any]:
    """Return the order of rows by chain, transaction (none first) and addresses."""
    found = edges.select("chain", "tx")[rows]
    tx = found["tx"].fill_null(np.iinfo(np.int64).min).to_numpy()
    chains = _ranks(found, "chain")
    return np.lexsort([numbered.b[rows], numbered.a[rows], tx, *chains])


def _members(places: pl.DataFrame, root: Numbers) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who is in which cluster, and the clusters that one owner has on several chains."""
    size = np.bincount(root, minlength=places.height)
    inside = np.flatnonzero(size[root] > 1)
    chains = places["chain"]
    rank = chains.rank("dense").to_numpy().astype(np.int64) - 1
    kinds = int(rank.max(initial=0)) + 1
    # Of each owner the first place on each chain: places are sorted, so it is the smallest.
    key = root[inside].astype(np.int64) * kinds + rank[inside]
    groups, first, which = np.unique(key, return_index=True, return_inverse=True)
    members = places[inside].with_columns(
        places["address"].gather(inside[first][which]).alias("cluster")
    )
    several = np.bincount(groups // kinds, minlength=1)[groups // kinds] > 1
    heads = places[inside[first[several]]]
    _, owner = np.unique(groups[several] // kinds, return_inverse=True)
    owners = pl.DataFrame(
        {"owner": owner.astype(np.int64) + 1, "chain": heads["chain"], "cluster": heads["address"]},
        schema=OWNERS.schema,
    )
    return members, owners


def _actors(places: Places, named: pl.DataFrame | None) -> dict[int, Names]:
    """Return whom the tags name, by the number of the address."""
    if named is None:
        return {}
    numbers = places.numbers_of(named).tolist()
    found: dict[int, set[tuple[str, str]]] = {}
    for place, basis, name in zip(numbers, named["basis"], named["name"], strict=True):
        if place >= 0:
            found.setdefault(place, set()).add((basis, name))
    return {place: frozenset(names) for place, names in found.items()}


def _limits(
    places: Places, actors: dict[int, Names], large: int, apart: Apart
) -> tuple[Limits, Numbers]:
    """Return what keeps these places apart, and which of the pairs those are."""
    ends = np.stack([
        places.numbers_of(apart.frame.select(chain=chain, address=side))
        for chain, side in (("chain", "a"), ("chain_b", "b"))
    ])  # fmt: skip
    pairs = np.flatnonzero((ends >= 0).all(axis=0)).astype(np.int32)
    owner = np.empty(0, np.int32)
    here = places.numbers_of(apart.speaking)
    if (here >= 0).any():
        owner = np.full(places.height, -1, np.int32)
        owner[here[here >= 0]] = _actor_ranks(apart)[here >= 0]
    tagged = np.array(sorted(actors), np.int32)
    return Limits(np.ascontiguousarray(ends[:, pairs]), owner, tagged, large), pairs


def _actor_ranks(apart: Apart) -> Numbers:
    return apart.speaking["actor"].rank("dense").to_numpy().astype(np.int32) - 1


def _collapses(
    joining: Joining, order: NDArray[Any], made: Joined,
    actors: dict[int, Names], large: int,
) -> pl.DataFrame:  # fmt: skip
    """Return the joins of two large or differently tagged sides."""
    sides = dict(actors)
    found: list[tuple[int, int, int, str]] = []
    told = zip(made.met.tolist(), made.sizes.T.tolist(), made.tags.T.tolist(), strict=True)
    for row, sizes, tags in told:
        if _alarming(min(sizes), sum(sizes), large):
            found.append((row, *sizes, BOTH_LARGE))
        if min(tags) >= 0:
            one, other = sides[tags[0]], sides[tags[1]]
            if _differ(one, other):
                found.append((row, *sizes, OTHER_ACTORS))
            sides[max(tags)] = one | other  # the larger number speaks for both from now on
    rows = order[np.array([row for row, *_ in found], np.int64)]
    return _rows_of(
        joining, rows, COLLAPSES,
        addresses_a=[one for _, one, _, _ in found], addresses_b=[one for _, _, one, _ in found],
        reason=[one for *_, one in found],
    )  # fmt: skip


def _differ(one: Names, other: Names) -> bool:
    """Tell whether two sides name different actors; labels are compared where neither states one.

    A label on one side and an actor on the other say nothing against each other.
    """
    parts = [[{name for basis, name in side if basis == kind} for side in (one, other)]
             for kind in (naming.ACTOR, naming.LABEL)]  # fmt: skip
    actors, labels = parts
    if any(actors):
        return all(actors) and actors[0] != actors[1]
    return labels[0] != labels[1]


def _alarming(smaller: int, whole: int, large: int) -> bool:
    """Tell whether the join of two large sides is worth a look.

    A service pools its deposits by the hundred and then spends the pools together: each such join
    adds a small share to what is large already, and says nothing. Where the smaller side is a good
    part of the whole, or very large by itself, two services may have become one.
    """
    return smaller >= large and (SHARE * smaller >= whole or smaller >= VERY * large)


def _refused(
    joining: Joining, fell: Stopped, apart: Apart, pairs: Numbers
) -> pl.DataFrame:  # fmt: skip
    """Return the links that would have joined what must stay apart, and what fell with them."""
    names = dict(zip(_actor_ranks(apart).tolist(), apart.speaking["actor"], strict=True))
    which = [int(pairs[one]) if one >= 0 else None for one in fell.because.tolist()]
    both = [sorted(names.get(one, "") for one in two) for two in fell.actors.T.tolist()]
    detail = [
        "; ".join(actors) if pair is None else apart.frame["reason"][pair]
        for pair, actors in zip(which, both, strict=True)
    ]
    reason = [CLAIM if beside else ACTOR if pair is None else PAIR
              for beside, pair in zip(fell.with_claim.tolist(), which, strict=True)]  # fmt: skip
    return _rows_of(
        joining, fell.rows, REFUSED, reason=reason, detail=detail, pair=which
    ).unique(maintain_order=True)  # fmt: skip


def _rows_of(
    joining: Joining, rows: NDArray[np.int64], table: Table, **columns: Iterable[Any]
) -> pl.DataFrame:
    """Return some rows of the links with more columns, in a table's columns and order."""
    found = joining.take(rows).with_columns(
        pl.Series(name, list(values), dtype=table.schema[name]) for name, values in columns.items()
    )
    key = [*table.key, "chain_b"]
    return one_chain(found.sort(key).select(*table.names, "chain_b"))
