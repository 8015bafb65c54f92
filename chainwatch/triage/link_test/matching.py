"""Wallets like a vendor: as large, as old, as active, and not under test themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.link_test.reach import DAY, Amounts, Mask, summed
from chainwatch.typologies.flows import Flows


class Caliper(NamedTuple):
    """How far apart wallets may be that count as alike.

    ``times`` is the factor between their payments and between the days on which they paid,
    ``value`` that between what they paid, ``days`` how long one may have begun after the other.
    """

    times: int
    value: int
    days: int


CALIPERS = (Caliper(2, 4, 30), Caliper(3, 16, 60), Caliper(4, 64, 120))
"""Tried one after the other, until as many wallets are alike as the correction needs."""


class Matched(NamedTuple):
    """The wallets matched with a vendor, and how near they are; each is there once."""

    wallets: NDArray[np.int64]
    caliper: Caliper


@dataclass(frozen=True, eq=False)
class Sizes:
    """Size, age and activity of every party, of its own payments alone.

    What a party receives is left out: it is made by others.
    """

    flows: Flows

    @cached_property
    def payments(self) -> NDArray[np.int64]:
        """Payments that each made."""
        return self.flows.out_of.sizes

    @cached_property
    def value(self) -> Amounts:
        """What each paid, base units."""
        return summed(self.flows.out_of, self.flows.amount)

    @cached_property
    def begun(self) -> NDArray[np.int64]:
        """The day of the first payment of each; 0 of who made none."""
        lists = self.flows.out_of
        found = np.zeros(len(lists.ptr) - 1, np.int64)
        some = lists.sizes > 0
        found[some] = self.flows.clock[lists.rows[lists.ptr[:-1][some]]] // DAY
        return found

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """On how many days each paid."""
        lists = self.flows.out_of
        day = self.flows.clock[lists.rows] // DAY
        # Payments of a party stand in order of time: a day is new where it differs from the last.
        new = np.ones(len(day), np.int64)
        new[1:] = day[1:] != day[:-1]
        new[lists.ptr[:-1][lists.sizes > 0]] = 1
        return summed(lists, _by_row(new, lists.rows))

    def matched(self, party: int, pool: NDArray[np.int64], wanted: int) -> Matched:
        """Return the wallets of a pool that are like a party, by the first caliper that is enough.

        Parameters
        ----------
        party : int
            Number of the party.
        pool : array of int64
            Who may be drawn.
        wanted : int
            How many there should be; where no caliper gives so many, those of the widest.
        """
        for caliper in CALIPERS:
            found = pool[self._alike(party, pool, caliper)]
            if len(found) >= wanted:
                break
        return Matched(found, caliper)

    def _alike(self, party: int, pool: NDArray[np.int64], caliper: Caliper) -> Mask:
        near: Mask = np.abs(self.begun[pool] - self.begun[party]) <= caliper.days
        factors = (
            (self.payments, caliper.times), (self.days, caliper.times),
            (self.flows.payees, caliper.times), (self.value, caliper.value),
        )  # fmt: skip
        for column, factor in factors:
            near &= _within(column[pool], column[party], factor)
        return near


def _within(many: NDArray[Any], one: Any, factor: int) -> Mask:
    """Tell which numbers lie within a factor of one; by division, so that nothing overflows."""
    found: Mask = (many // factor <= one) & (one // factor <= many)
    return found


def _by_row(values: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return values that stand beside ``rows`` by the number of the payment."""
    found = np.zeros(int(rows.max(initial=-1)) + 1, np.int64)
    found[rows] = values
    return found


def pool_of(flows: Flows, *left_out: Mask) -> NDArray[np.int64]:
    """Return who may be drawn: who paid, and is none of those left out."""
    fits = flows.out_of.sizes > 0
    for one in left_out:
        fits = fits & ~one
    return np.flatnonzero(fits)


__all__ = ["CALIPERS", "Caliper", "Matched", "Sizes", "pool_of"]
