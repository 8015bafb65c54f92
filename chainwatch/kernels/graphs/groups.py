"""Groups of dense numbers: who is tied to whom within each, what stands twice, and rows by owner.

What the numbers stand for is the caller's. The loops run compiled where numba is installed and as
plain Python where it is not, with the same result.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels.graphs import group_loops as loops
from chainwatch.kernels.run import run


class Ties(NamedTuple):
    """What ties the members of groups: the smaller and the larger end, the group, and the tie.

    ``tie`` holds the strength of the weaker end
    (:data:`chainwatch.kernels.graphs.group_loops.BOUND` and those after it), with ``SOME_SHOWN``
    and ``PARTED`` added.
    """

    a: NDArray[np.uint32]
    b: NDArray[np.uint32]
    group: NDArray[np.uint32]
    tie: NDArray[np.uint8]


def stars(
    begin: NDArray[np.int64], member: NDArray[np.uint32], marks: NDArray[np.uint8],
    rank: NDArray[np.uint32], asked: NDArray[np.uint8], loose: NDArray[np.uint8], none: int, *,
    compiled: bool | None = None,
) -> Ties:  # fmt: skip
    """Tie the members of each group, each once, to the smallest of those that are bound most.

    What the strongest ties join is then what hangs together by the ties that join.

    Parameters
    ----------
    begin : array
        Where the members of each group begin; one entry more than groups.
    member, none
        A number for each member, or ``none``.
    marks : array
        For each member ``TIED``, ``OPEN``, ``SHOWN``, ``OF_TWO`` and ``SKIPPED`` of the loops,
        added up. Of a number that stands in a group several times, one that is tied ties it.
    rank : array
        The rank of each number, by which the smallest is found and ends are told.
    asked : array
        Which groups are looked at; empty is all.
    loose : array
        Which ranks bind nobody: a group of these alone has no ties.

    Returns
    -------
    Ties
        By rank, in the order of group, a and b.
    """
    sizes = np.diff(begin)
    room = int(sizes[sizes > 1].sum())
    a, b, group = (np.empty(room, np.uint32) for _ in range(3))
    tie = np.empty(room, np.uint8)
    found = run(
        loops.stars, compiled, begin, member, marks, none, rank, asked, loose,
        np.empty(int(sizes.max(initial=0)), np.int64), a, b, group, tie,
    )  # fmt: skip
    return Ties(a[:found], b[:found], group[:found], tie[:found])


def repeated(
    begin: NDArray[np.int64], value: NDArray[np.int64], above: int, groups: NDArray[Any], *,
    compiled: bool | None = None,
) -> NDArray[np.bool_]:  # fmt: skip
    """Tell of groups of values whether one that is above a bound stands in it twice."""
    room = np.empty(int(np.diff(begin).max(initial=0)), np.int64)
    found = np.zeros(len(groups), np.uint8)
    run(loops.repeated, compiled, begin, value, above, groups, room, found)
    return found.view(np.bool_)


def listed(
    owner: NDArray[np.uint32], none: int, count: int, *, compiled: bool | None = None
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return where the rows of each owner begin in a list of rows, and that list, in order.

    Parameters
    ----------
    owner : array
        The owner of each row, or ``none``.
    none, count : int
        What stands for no owner, and how many owners there are.
    """
    begin, rows = np.zeros(count + 1, np.int64), np.empty(len(owner), np.uint32)
    run(loops.listed, compiled, owner, none, begin, np.empty(count, np.int64), rows)
    return begin, rows[: begin[count]].copy()
