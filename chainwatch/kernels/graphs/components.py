"""Graphs over dense numbers: groups that grow link by link, trees in them, and where they break.

Everything here is about numbers from 0 to a count; what they stand for is the caller's. The loops
run compiled where numba is installed and as plain Python where it is not, with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.errors import InputError
from chainwatch.kernels.graphs import component_loops as loops
from chainwatch.kernels.run import run

Numbers = NDArray[np.int32]

MOST = 2**30
"""Numbers, and rows, that fit the arrays."""


def _none() -> Numbers:
    return np.empty(0, np.int32)


@dataclass(frozen=True)
class Limits:
    """What keeps groups apart, and which meetings are to be told.

    Attributes
    ----------
    apart : array of shape (2, pairs)
        Numbers that must not come into one group.
    actor : array
        For each number the actor that it belongs to, -1 where none is known; empty: none at all.
        Numbers of two actors must not come into one group.
    tagged : array
        Numbers whose groups are told when they meet.
    large : int
        Size from which on two groups are told when they meet.
    """

    apart: Numbers = field(default_factory=lambda: np.empty((2, 0), np.int32))
    actor: Numbers = field(default_factory=_none)
    tagged: Numbers = field(default_factory=_none)
    large: int = MOST


class Joined(NamedTuple):
    """What joining row by row left.

    ``root`` is the smallest number of each number's group; ``rows`` are those that joined;
    ``refused`` those that were stopped, with ``because`` (the number of the pair, or -1 for
    actors) and the two ``actors``; ``met`` are joins to be told, with the ``sizes`` and a tagged
    number (or -1) of the two sides before.
    """

    root: Numbers
    rows: Numbers
    refused: Numbers
    because: Numbers
    actors: Numbers
    met: Numbers
    sizes: Numbers
    tags: Numbers


class Trees(NamedTuple):
    """A forest hung on its smallest numbers: who is above, by which row, and how deep."""

    up: Numbers
    edge: Numbers
    depth: Numbers


class Splits(NamedTuple):
    """What falls off without a point: how many addresses, and the smallest of them."""

    point: Numbers
    size: Numbers
    first: Numbers


def join_in_order(
    a: Numbers, b: Numbers, count: int, limits: Limits | None = None, *,
    compiled: bool | None = None,
) -> Joined:  # fmt: skip
    """Join the two numbers of each row, first come first joined.

    Kruskal's algorithm on rows that are sorted already. A row whose groups are one already is
    passed over; a row whose groups hold a pair that must stay apart, or numbers of two actors, is
    refused. What was refused once is refused for ever, since groups only grow: the result is that
    of the order alone.

    Parameters
    ----------
    a, b : arrays
        The numbers that each row joins.
    count : int
        How many numbers there are.
    limits : Limits, optional
        What must stay apart, and what is to be told.
    compiled : bool, optional
        Use the compiled loop; if not given, where numba is installed.

    Raises
    ------
    InputError
        If there are more numbers or rows than :data:`MOST`.
    """
    if max(count, len(a)) > MOST:
        raise InputError(
            f"{max(count, len(a)):,} addresses or links are more than can be joined at once",
            remedy=f"join at most {MOST:,} at a time",
        )
    limits = limits or Limits()
    pairs = limits.apart.shape[1]
    able = pairs > 0 or limits.actor.size > 0
    stops_room = len(a) if able else 0
    told = limits.tagged.size + count // max(limits.large, 1) + 1
    parent = np.arange(count, dtype=np.int32)
    tagged = _filled(count if limits.tagged.size else 0)
    tagged[limits.tagged] = limits.tagged
    joined, stops, met = _room(len(a)), _filled(4 * stops_room), _filled(5 * told + 5)
    lists = _lists(limits.apart, count if pairs else 0)
    memo = _filled(4 * loops.MEMO if pairs else 0)
    kept, stopped, meetings = run(
        loops.join_in_order, compiled, a, b, parent, np.ones(count, np.int32), tagged,
        limits.actor.copy(), *lists, memo, limits.large, joined, stops, met,
    )  # fmt: skip
    run(loops.flatten, compiled, parent)
    stop, told_of = stops[: 4 * stopped].reshape(-1, 4).T, met[: 5 * meetings].reshape(-1, 5).T
    return Joined(
        parent, joined[:kept].copy(), stop[0], stop[1], stop[2:], told_of[0], told_of[1:3],
        told_of[3:],
    )  # fmt: skip


def roots(a: Numbers, b: Numbers, count: int, *, compiled: bool | None = None) -> Numbers:
    """Return the smallest number of each number's group, all rows joined."""
    parent = np.arange(count, dtype=np.int32)
    run(loops.union, compiled, a, b, parent)
    run(loops.flatten, compiled, parent)
    return parent


def roots_of_groups(
    begin: NDArray[np.int64], member: NDArray[np.uint32], count: int, *,
    compiled: bool | None = None,
) -> NDArray[np.uint32]:  # fmt: skip
    """Return the smallest number that each number is joined to, the members of a group being one.

    The bare components, without the evidence: what :func:`join_in_order` keeps besides costs more.

    Parameters
    ----------
    begin : array
        Where the members of each group begin; one entry more than groups.
    member : array
        Numbers below ``count``.
    """
    parent = np.arange(count, dtype=np.uint32)
    run(loops.union_groups, compiled, begin, member, parent)
    run(loops.flatten, compiled, parent)
    return parent


def trees(a: Numbers, b: Numbers, count: int, *, compiled: bool | None = None) -> Trees:
    """Hang each tree of a forest on its smallest number."""
    begin, to, via = _neighbours(a, b, count, compiled)
    up, edge, depth = (_filled(count) for _ in range(3))
    run(loops.root_trees, compiled, begin, to, via, up, edge, depth, _room(count))
    return Trees(up, edge, depth)


def way(
    forest: Trees, x: int, y: int, *, compiled: bool | None = None
) -> tuple[Numbers, Numbers] | None:
    """Return the rows that lead from x to y, and the numbers that they pass, both ends included.

    None without a way. The work grows with the length of the way, not with the forest.
    """
    room = int(forest.depth[x]) + int(forest.depth[y])
    rows, nodes = _room(room), _room(room)
    here, there = run(loops.climb, compiled, x, y, *forest, rows, nodes)
    if here < 0:
        return None
    top = forest.up[nodes[here - 1]] if here else x
    passed = np.concatenate([nodes[:here], np.array([top], np.int32), nodes[there:]])
    return np.concatenate([rows[:here], rows[there:]]), passed


def splits(
    a: Numbers, b: Numbers, addresses: int, count: int, *, compiled: bool | None = None
) -> Splits:
    """Return what falls off a connected graph of addresses and evidence without each evidence.

    Parameters
    ----------
    a, b : arrays
        An address, below ``addresses``, and evidence that ties it, from there to ``count``.
    addresses, count : int
        How many numbers are addresses, and how many there are.

    Returns
    -------
    Splits
        One row per part that falls off; the part that holds address 0 stands in none.
    """
    begin, to, _ = _neighbours(a, b, count, compiled)
    spare = [np.zeros(count, np.int32) for _ in range(6)]
    point, size, first = (_room(count) for _ in range(3))
    found = run(loops.cut_points, compiled, begin, to, addresses, *spare, point, size, first)
    return Splits(point[:found], size[:found], first[:found])


def _neighbours(
    a: Numbers, b: Numbers, count: int, compiled: bool | None
) -> tuple[Numbers, Numbers, Numbers]:
    begin, to, via = np.zeros(count + 1, np.int32), _room(2 * len(a)), _room(2 * len(a))
    run(loops.neighbours, compiled, a, b, begin, _room(count), to, via)
    return begin, to, via


def _lists(apart: Numbers, count: int) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """Return for each number the list of those it must stay apart from.

    They are head, tail and length by number, and by entry the next one and who it names; entries
    2k and 2k + 1 are the two ends of pair k.
    """
    head, tail, listed = _filled(count), _filled(count), np.zeros(count, np.int32)
    here = apart.T.reshape(-1)
    following, partner = _filled(here.size), apart[::-1].T.reshape(-1).copy()
    order = np.argsort(here, kind="stable").astype(np.int32)
    owners = here[order]
    same = owners[1:] == owners[:-1]
    following[order[:-1][same]] = order[1:][same]
    begins = np.ones(here.size, bool)
    begins[1:] = ~same
    ends = np.ones(here.size, bool)
    ends[:-1] = ~same
    head[owners[begins]], tail[owners[ends]] = order[begins], order[ends]
    np.add.at(listed, here, 1)
    return head, tail, listed, following, partner


def _room(size: int) -> Numbers:
    return np.empty(size, np.int32)


def _filled(size: int) -> Numbers:
    return np.full(size, -1, np.int32)
