"""Which parties the money of several vendors could reach, or come from, and how many of them.

Money is followed from the vendors, payment by payment, each later than the one before and not much
later. What is looked at grows with what vendors could reach, never with the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.views import backwards, known
from chainwatch.typologies.flows import SECOND, Flows
from chainwatch.typologies.lists import Lists, lists_of, spread_out

REACHED, PAYS = "reached by", "pays"
"""Both ways in which vendors can have somebody in common: a place where money goes, a source."""

DAY = 86_400 * SECOND

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Bounds(NamedTuple):
    """How far money is followed: the most payments of a route, and days from one to the next."""

    hops: int
    days: int


@dataclass(frozen=True, eq=False)
class Way:
    """Payments in one direction of time, and where routes end.

    Attributes
    ----------
    flows : Flows
        Payments whose payers are known; for ``PAYS`` as if time ran backwards.
    direction : str
        ``REACHED`` or ``PAYS``.
    ends : array of bool
        Parties at which routes end: whoever holds, or may hold, the money of many.
    bounds : Bounds
        How far money is followed.
    """

    flows: Flows
    direction: str
    ends: Mask
    bounds: Bounds

    @cached_property
    def back(self) -> Flows:
        """The same payments the other way round."""
        return backwards(self.flows)

    def followed(self, vendors: Numbers) -> tuple[Numbers, Numbers]:
        """Return every payment to which money of a vendor could have come: whose, and which.

        ``whose`` is a place in ``vendors``.
        """
        every = self.flows.out_of
        sizes = every.sizes[vendors]
        rows = np.concatenate([every.of(one) for one in vendors.tolist()] or [every.rows[:0]])
        whose = np.repeat(np.arange(len(vendors), dtype=np.int64), sizes)
        return _followed(self.flows, every, whose, rows, vendors, self.ends, self.bounds)

    def counts(self, vendors: Numbers, whose: Numbers, rows: Numbers) -> Numbers:
        """Return of each party how many vendors' money could reach it, by what was followed."""
        pairs = np.unique(whose * len(self.flows.parties) + self.flows.payee[rows])
        pairs = pairs[vendors[pairs // len(self.flows.parties)] != pairs % len(self.flows.parties)]
        return np.bincount(pairs % len(self.flows.parties), minlength=len(self.flows.parties))

    def first_payments(self, place: int) -> Numbers:
        """Return the payments from which a route leads to a place: all there are, by anybody."""
        every = self.back.out_of
        rows = every.of(place)
        whose, at = np.zeros(len(rows), np.int64), np.array([place], np.int64)
        _, found = _followed(self.back, every, whose, rows, at, self.ends, self.bounds)
        return len(self.flows) - 1 - found


def ways_of(flows: Flows, ends: Mask, bounds: Bounds) -> tuple[Way, Way]:
    """Return both directions of some payments."""
    seen = known(flows)
    return Way(seen, REACHED, ends, bounds), Way(backwards(seen), PAYS, ends, bounds)


class Meeting(NamedTuple):
    """A party that several vendors' money could reach, and the payments by which it came there."""

    party: int
    last: Numbers


def places(way: Way, vendors: Numbers, excluded: Mask, least: int) -> Iterator[Meeting]:
    """Yield the parties that at least so many vendors' money could reach, in order.

    Parameters
    ----------
    way : Way
        Payments and bounds.
    vendors : array of int64
        Numbers of parties; none of them is a place.
    excluded : array of bool
        Parties that are no place, though several vendors meet there.
    least : int
        How many vendors.
    """
    whose, rows = way.followed(vendors)
    counts = way.counts(vendors, whose, rows)
    counts[vendors] = 0
    reached = np.unique(rows)
    by_payee = lists_of(way.flows.payee[reached], len(way.flows.parties))
    for party in np.flatnonzero((counts >= least) & ~excluded).tolist():
        yield Meeting(party, reached[by_payee.of(party)])


def _followed(
    flows: Flows, lists: Lists, whose: Numbers, rows: Numbers, starts: Numbers, ends: Mask,
    bounds: Bounds,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    """Return every payment to which money of each start could have come, the first ones with them.

    A payment that was reached by fewer payments needs no second look: what follows it is the same.
    """
    count = len(flows)
    seen = np.unique(whose * count + rows)
    new = seen
    for _ in range(bounds.hops - 1):
        whose, rows = new // count, new % count
        at = flows.payee[rows]
        on = ~ends[at] & (at != starts[whose])
        whose, rows, at = whose[on], rows[on], at[on]
        begin, end = lists.between(at, flows.later(rows), flows.within(rows, bounds.days * DAY))
        runs, found = spread_out(begin, end)
        new = np.setdiff1d(np.unique(whose[runs] * count + lists.rows[found]), seen)
        seen = np.union1d(seen, new)
    return seen // count, seen % count


__all__ = ["PAYS", "REACHED", "Bounds", "Meeting", "Way", "places", "ways_of"]
