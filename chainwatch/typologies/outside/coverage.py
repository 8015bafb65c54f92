"""How many things told from outside the payments of one party cover, and how many chance covers.

A thing has a time and a price. A payment covers it that is of its price, within a tolerance, and
was made in the span before it. Any busy party covers much, so that a number alone says nothing: the
*control* asks the same with all times moved, by many shifts, each more than the span. What the best
of all parties then covers is what chance gives, and only what is more is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY, narrow, spread_out


class Box(NamedTuple):
    """What a payment that covers a thing is: made ``span`` before it at most, in microseconds, and
    of its price up to ``per_mille`` more or less."""

    span: int
    per_mille: int


class Covers(NamedTuple):
    """Pairs of a thing and a party that covers it, each once."""

    thing: NDArray[np.int64]
    party: NDArray[np.int64]

    def among(self, left: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return of each party how many of the things that are left it covers."""
        return np.bincount(self.party[left[self.thing]])


class Chance(NamedTuple):
    """What the control says: of so many ``tries`` the ``most`` that any party covers in one."""

    tries: int
    most: int


@dataclass(frozen=True, eq=False)
class Coverage:
    """Things told from outside, and the payments of their prices.

    Attributes
    ----------
    flows : Flows
        The payments.
    side : str
        Whose payments cover: ``payer`` or ``payee``.
    time : array of int64
        When each thing is told, microseconds.
    box : Box
        Which payments cover a thing.
    thing, row : array of int64
        A thing and a payment of its price, whenever that was made: a pair each.
    shifts : tuple of int
        By how much times are moved, microseconds.
    """

    flows: Flows
    side: str
    time: NDArray[np.int64]
    box: Box
    thing: NDArray[np.int64]
    row: Rows
    shifts: tuple[int, ...]

    @classmethod
    def of(
        cls, flows: Flows, side: str, things: pl.DataFrame, box: Box, tries: int,
        among: NDArray[np.bool_], jitter: Sequence[int] = (0,),
    ) -> Coverage:  # fmt: skip
        """Look for the payments of the prices of things: ``time, price, currency``.

        Parameters
        ----------
        flows, side, box
            As the attributes.
        things : polars.DataFrame
            Those outside the time that was read cover nothing, and are left out.
        tries : int
            So many shifts are wanted; none are made where the time that was read is too short.
        among : array of bool
            The payments that count.
        jitter : sequence of int
            What is added to whole days of shifts, one after the other: microseconds. It moves those
            apart who do the same at one hour of each day.
        """
        clock = flows.clock
        first, last = (int(clock[0]), int(clock[-1])) if len(clock) else (0, -1)
        micros = things["time"].dt.epoch("us")
        inside = things.filter((micros >= first) & (micros <= last + box.span))
        thing, row = _of_price(flows, inside, box.per_mille, among)
        return cls(
            flows, side, inside["time"].dt.epoch("us").to_numpy().copy(), box, thing, row,
            shifts_of(last - first, box.span, tries, jitter),
        )  # fmt: skip

    @property
    def who(self) -> NDArray[np.int32]:
        """Whose payments cover, of each payment."""
        return self.flows.payee if self.side == "payee" else self.flows.payer

    @cached_property
    def seen(self) -> Covers:
        """What is covered, at the times that were told."""
        return self._at(self.time)

    @cached_property
    def moved(self) -> tuple[Covers, ...]:
        """What is covered with all times moved by each shift, round and round in what was read."""
        first = int(self.flows.clock[0]) if len(self.flows) else 0
        period = max(int(self.flows.clock[-1]) - first, 1) if len(self.flows) else 1
        return tuple(self._at(first + (self.time - first + one) % period) for one in self.shifts)

    def chance(self, left: NDArray[np.bool_]) -> Chance:
        """Return what the control says of the things that are left."""
        most = (int(one.among(left).max(initial=0)) for one in self.moved)
        return Chance(len(self.shifts), max(most, default=0))

    def rows_of(self, party: int, left: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.int64]]:
        """Return the payments of a party that cover what is left, and the things they cover."""
        fits = self._fits(self.time) & (self.who[self.row] == party) & left[self.thing]
        return np.unique(self.row[fits]), np.unique(self.thing[fits])

    def _fits(self, time: NDArray[np.int64]) -> NDArray[np.bool_]:
        ago = time[self.thing] - self.flows.clock[self.row]
        return np.asarray((ago >= 0) & (ago <= self.box.span), np.bool_)

    def _at(self, time: NDArray[np.int64]) -> Covers:
        fits, parties = self._fits(time), max(len(self.flows.parties), 1)
        keys = np.unique(self.thing[fits] * parties + self.who[self.row[fits]])
        return Covers(keys // parties, keys % parties)


def shifts_of(read: int, span: int, tries: int, jitter: Sequence[int]) -> tuple[int, ...]:
    """Return so many different shifts, each further than a span either way; none if none fit.

    Parameters
    ----------
    read : int
        How long the time is that was read, microseconds.
    span, tries, jitter
        As of :class:`Coverage`.
    """
    gap = -(-span // DAY) + 2
    room = read // DAY - 2 * gap
    if tries < 1 or room < tries:
        return ()
    days = (gap + room * place // tries for place in range(tries))
    return tuple(day * DAY + jitter[place % len(jitter)] for place, day in enumerate(days))


def _of_price(
    flows: Flows, things: pl.DataFrame, per_mille: int, among: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Rows]:
    """Return each thing with each payment of its price."""
    found: list[tuple[NDArray[np.int64], Rows]] = []
    currencies = things["currency"].fill_null("").to_numpy()
    for currency in sorted(set(currencies.tolist())):
        rows, values = flows.by_worth(currency)
        here = np.flatnonzero(currencies == currency)
        prices = [int(one) for one in things["price"].gather(pl.Series(here)).to_list()]
        # What a payment was worth is rounded down: one minor unit less is the price too.
        low = [-(-one * (1_000 - per_mille) // 1_000) - bool(currency) for one in prices]
        high = [one * (1_000 + per_mille) // 1_000 for one in prices]
        bounds: list[Any] = [narrow(np.array([max(one, 0) for one in some], object))
                             for some in (low, high)]  # fmt: skip
        begin = np.searchsorted(values, bounds[0], side="left")
        end = np.searchsorted(values, bounds[1], side="right")
        runs, places = spread_out(begin, end)
        kept = among[rows[places]]
        found.append((here[runs[kept]], rows[places[kept]]))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    things_, rows_ = (np.concatenate(side) for side in zip(*found, strict=True))
    return things_, rows_


def coverers(
    coverage: Coverage, least: int, *, greedy: bool
) -> Iterator[tuple[int, NDArray[np.bool_], Chance]]:
    """Yield the parties that cover so many things, and more than chance; what was left; the chance.

    Parameters
    ----------
    coverage : Coverage
        What is covered by whom.
    least : int
        Things that a party covers, at least.
    greedy : bool
        The best is taken, what it covers is taken out, and the rest is asked again, as long as it
        is more than chance: maximum coverage. Else each party is asked of all things.
    """
    left = np.ones(len(coverage.time), np.bool_)
    while True:
        counts, chance = coverage.seen.among(left), coverage.chance(left)
        able = np.flatnonzero((counts >= max(least, 1)) & (counts > chance.most))
        if not len(able) or not chance.tries:
            return
        if not greedy:
            yield from ((party, left, chance) for party in able.tolist())
            return
        best = int(able[np.argmax(counts[able])])
        yield best, left.copy(), chance
        left[coverage.rows_of(best, left)[1]] = False


def of_known_payers(flows: Flows) -> NDArray[np.bool_]:
    """Return which payments have a payer who is known."""
    return np.asarray(flows.payer != NOBODY, np.bool_)


__all__ = ["Box", "Chance", "Coverage", "Covers", "coverers", "of_known_payers", "shifts_of"]
