"""Bursts: windows of one party's payments in which many others stand, and how alike amounts are.

Windows begin at a payment and last a span, both ends included. The first that fits is taken, and
looking goes on behind it: bursts of one party do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels.windows import Windows, windows
from chainwatch.typologies.flows import SECOND, Flows
from chainwatch.typologies.lists import NOBODY, Lists, Rows, lists_of, others_of

HOUR = 3_600 * SECOND
DAY = 24 * HOUR


@dataclass(frozen=True)
class Side:
    """The payments of every party at one side, with whom they are and windows over them.

    Attributes
    ----------
    lists : Lists
        The payments of each party.
    found : Windows
        The window that begins at each of them; rows count along ``lists.rows``.
    others : array
        How many others each party ever dealt with at this side.
    """

    lists: Lists
    found: Windows
    others: NDArray[np.int64]

    @classmethod
    def of(cls, flows: Flows, side: str, span: int, among: NDArray[np.bool_] | None = None) -> Side:
        """Look at windows of what parties received (``payee``), or paid (``payer``).

        Where ``among`` is given, at the payments that it marks alone.
        """
        into = side == "payee"
        lists, others = (flows.into, flows.payers) if into else (flows.out_of, flows.payees)
        who, whom = (flows.payee, flows.payer) if into else (flows.payer, flows.payee)
        if among is not None:
            lists = lists_of(np.where(among, who, np.int32(NOBODY)), len(flows.parties))
            others = others_of(lists, whom[lists.rows])
        return cls(
            lists, windows(lists.ptr, flows.clock[lists.rows], whom[lists.rows], span), others
        )

    def bursts(self, party: int, least: int, fits: Callable[[Burst], bool]) -> Iterator[Burst]:
        """Yield the windows of a party in which so many others stand and that fit, none twice."""
        first, stop = int(self.lists.ptr[party]), int(self.lists.ptr[party + 1])
        able = (first + np.flatnonzero(self.found.different[first:stop] >= least)).tolist()
        behind = first
        for begin in able:
            if begin < behind:
                continue
            end = int(self.found.end[begin])
            burst = Burst(begin - first, end - first, int(self.found.different[begin]),
                          int(self.found.only[begin]), self.lists.rows[begin:end])  # fmt: skip
            if fits(burst):
                behind = end
                yield burst


@dataclass(frozen=True)
class Burst:
    """A window of one party's payments.

    Attributes
    ----------
    begin, end : int
        Its first payment among the party's, and the one behind its last.
    different, only : int
        How many others stand in it, and how many of these deal with the party in it alone.
    rows : array of int64
        Its payments.
    """

    begin: int
    end: int
    different: int
    only: int
    rows: Rows


class Spread:
    """How alike amounts are, of any run of rows: exact, from sums up to each row.

    Parameters
    ----------
    amounts : array
        Base units.
    """

    def __init__(self, amounts: NDArray[Any]) -> None:
        values = [int(one) for one in amounts.tolist()]
        self._sum = [0, *accumulate(values)]
        self._squares = [0, *accumulate(one * one for one in values)]

    def total(self, begin: int, end: int) -> int:
        """Return what a run adds up to."""
        return self._sum[end] - self._sum[begin]

    def alike(self, begin: int, end: int, percent: int) -> bool:
        """Tell whether the standard deviation of a run is at most so many percent of its mean."""
        total = self.total(begin, end)
        squares = self._squares[end] - self._squares[begin]
        off = (end - begin) * squares - total * total
        return 10_000 * off <= percent * percent * total * total


def part_of(part: int, whole: int, percent: int) -> bool:
    """Tell whether a part is at least so many percent of a whole, exactly."""
    return 100 * part >= percent * whole


__all__ = ["DAY", "HOUR", "Burst", "Side", "Spread", "part_of"]
