"""A vendor's payments to other receivers: those whom others paid as much in the same week.

What is permuted is the receiver, among payments of one week and one tenth of value. A vendor keeps
how often it pays, when, and how much; whom it pays is drawn. It gives as many draws as are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.link_test.discovery import statistics
from chainwatch.triage.link_test.reach import Amounts, Reach, part_of, weeks
from chainwatch.typologies.lists import NOBODY

TENTHS = 10
"""Classes of value in a week; fewer where it has fewer payments than make so many classes."""

LEAST = 20
"""Payments of others that a stratum must have, so that a receiver can be drawn from it."""

FINE = 1 << 20
"""Parts in which the share of a payment is held, rounded down."""

WEIGHT = 1 << 30
"""Parts in which the weight of a payment among its payer's is held, rounded down. Sums of products
with :data:`FINE` stay below 2**53, so that they are whole numbers in floats too."""

ROOM = 4_000_000
"""Numbers that are drawn at a time."""


class Drawn(NamedTuple):
    """How many draws reach as far as the vendor, of how many; and the mean share they reach."""

    as_far: int
    draws: int
    mean: float


@dataclass(frozen=True, eq=False)
class Strata:
    """Payments by pair and week, in strata of a week and a tenth of value.

    Payments of one payer to one receiver in one week are one: they were not decided apart.

    Attributes
    ----------
    payer : array of int32
        Who pays.
    amount : array
        How much, base units.
    share : array of int64
        What of it could have reached the network, in parts of :data:`FINE`.
    stratum : array of int64
        The number of its stratum.
    first : array of int64
        Where the payments of each stratum begin in ``drawn``, and behind them the end.
    some : array of int64
        How many of each stratum could have reached the network at all.
    drawn : array of int64
        Shares of the payments that may be drawn, by stratum; those of nothing stand last.
    """

    payer: NDArray[np.int32]
    amount: Amounts
    share: NDArray[np.int64]
    stratum: NDArray[np.int64]
    first: NDArray[np.int64]
    some: NDArray[np.int64]
    drawn: NDArray[np.int64]

    def of(self, party: int) -> NDArray[np.int64]:
        """Return the places of a party's payments, by stratum, and so by week."""
        begin, end = np.searchsorted(self.payer, (party, party + 1))
        found = np.arange(begin, end)
        return found[np.argsort(self.stratum[begin:end], kind="stable")]

    def scarce(self, party: int) -> bool:
        """Tell whether a payment of a party lies in a stratum with too few of others."""
        strata = self.stratum[self.of(party)]
        return bool((self.first[strata + 1] - self.first[strata] < LEAST).any())

    def test(self, party: int, draws: int, seed: Any) -> Drawn:
        """Return how far a party's payments would reach with receivers drawn for them.

        Parameters
        ----------
        party : int
            Number of the party.
        draws : int
            How many times.
        seed : int or sequence of int
            What the draws follow from.
        """
        mine = self.of(party)
        amount = self.amount[mine]
        total = np.full(len(mine), int(sum(map(int, amount.tolist()))), amount.dtype)
        weight = part_of(np.full(len(mine), WEIGHT, np.int64), amount, total).astype(np.float64)
        receivers = _Receivers(self, self.stratum[mine], np.random.default_rng(seed))
        begins = np.flatnonzero(np.diff(self.stratum[mine] // TENTHS, prepend=-1))

        def again(shares: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
            by_week = np.add.reduceat(shares * weight, begins, axis=axis)
            left: NDArray[np.float64] = by_week.sum(axis=axis) - by_week.max(axis=axis)
            return left

        found = statistics().monte_carlo_test(
            self.share[mine].astype(np.float64), receivers, again, vectorized=True,
            n_resamples=draws, batch=max(1, ROOM // len(mine)), alternative="greater",
        )  # fmt: skip
        reached = found.null_distribution
        as_far = round(float(found.pvalue) * (draws + 1)) - 1
        return Drawn(as_far, draws, float(reached.sum() / draws / (FINE * WEIGHT)))


class _Receivers:
    """Draws for each payment the share of another of its stratum; most of them reach nothing."""

    def __init__(
        self, strata: Strata, stratum: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        self._shares = strata.drawn
        self._first = strata.first[stratum]
        self._size = (strata.first[stratum + 1] - self._first).astype(np.float64)
        self._some = strata.some[stratum] / self._size
        self._rng = rng

    def __call__(self, size: tuple[int, ...]) -> NDArray[np.float64]:
        at = self._rng.random(size)
        found = np.zeros(size)
        hit = np.nonzero(at < self._some)  # the first of a stratum are those that reach something
        place = (at[hit] * self._size[hit[-1]]).astype(np.int64)
        found[hit] = self._shares[self._first[hit[-1]] + place]
        return found


def strata_of(reach: Reach, pool: NDArray[np.int64]) -> Strata:
    """Return the payments of all by stratum; only those of the pool can be drawn.

    Parameters
    ----------
    reach : Reach
        What of each payment could have reached the network.
    pool : array of int64
        Parties whose payments may be drawn.
    """
    payer, week, amount, reached = _by_week(reach)
    tenth = _tenths(week, amount)
    stratum = week * TENTHS + tenth
    share = part_of(np.full(len(amount), FINE, np.int64), reached, amount)
    may = np.zeros(len(reach.flows.parties), np.bool_)
    may[pool] = True
    drawable = may[payer]
    nothing = share[drawable] == 0
    order = np.argsort(_short(2 * stratum[drawable] + nothing), kind="stable")
    drawn, where = share[drawable][order], stratum[drawable][order]
    count = int(stratum.max(initial=-1)) + 2
    some = np.bincount(where[drawn > 0], minlength=count)
    return Strata(
        payer, amount, share, stratum, np.searchsorted(where, np.arange(count + 1)), some, drawn
    )


def _by_week(
    reach: Reach,
) -> tuple[NDArray[np.int32], NDArray[np.int64], Amounts, Amounts]:
    """Return payments with a known payer by pair and week, in the order of the payer."""
    flows = reach.flows
    known = np.flatnonzero(flows.payer != NOBODY)
    week = weeks(flows)[known]
    payer, payee = flows.payer[known], flows.payee[known]
    count = len(flows.parties)
    pair = payer.astype(np.int64) * count + payee
    order = np.argsort(pair, kind="stable")  # payments stand in order of time, so weeks rise
    pair, week = pair[order], week[order]
    new = np.ones(len(pair), np.bool_)
    new[1:] = (pair[1:] != pair[:-1]) | (week[1:] != week[:-1])
    starts = np.flatnonzero(new)
    amount, reached = (_runs(one[known][order], starts) for one in (flows.amount, reach.value))
    return (pair[starts] // count).astype(np.int32), week[starts], amount, reached


def _runs(values: Amounts, starts: NDArray[np.int64]) -> Amounts:
    found: Amounts = np.add.reduceat(values, starts) if len(starts) else values
    return found


def _tenths(week: NDArray[np.int64], amount: Amounts) -> NDArray[np.int64]:
    """Return in which tenth of the amounts of its week each payment lies; of a thin week, part."""
    order = np.argsort(amount, kind="stable")
    order = order[np.argsort(_short(week[order]), kind="stable")]
    sizes = np.bincount(week)
    first = np.cumsum(sizes) - sizes
    rank = np.empty(len(week), np.int64)
    rank[order] = np.arange(len(week)) - first[week[order]]
    # Half of a class may be of those under test, who are not drawn.
    classes = np.clip(sizes // (2 * LEAST), 1, TENTHS)
    found: NDArray[np.int64] = rank * classes[week] // sizes[week]
    return found


def _short(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return small numbers in a type so short that sorting them takes one pass."""
    fits = int(values.max(initial=0)) < 1 << 16
    return values.astype(np.uint16) if fits else values


__all__ = ["LEAST", "Drawn", "Strata", "strata_of"]
