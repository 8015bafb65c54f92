"""Parties by number and payments by column: what a population of ordinary people is written in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

HOUR = 3_600_000_000
DAY = 24 * HOUR
"""Microseconds."""

DAYS = 180
"""How long a simulated economy lasts."""

Numbers = NDArray[np.int64]


@dataclass
class Ground:
    """Who there is, and what was paid so far.

    Attributes
    ----------
    rng : numpy.random.Generator
        All chance comes from it.
    roles : list of str
        What each party is, by its number.
    """

    rng: np.random.Generator
    roles: list[str] = field(default_factory=list)
    _parts: list[tuple[Numbers, Numbers, Numbers, Numbers]] = field(default_factory=list)

    def add(self, count: int, role: str) -> Numbers:
        """Return the numbers of so many new parties."""
        first = len(self.roles)
        self.roles += [role] * count
        return np.arange(first, first + count, dtype=np.int64)

    def pay(self, payer: Numbers, payee: Numbers, amount: Numbers, time: Numbers) -> None:
        """Write payments down; those after the end, and to oneself, are not made."""
        fits = (time < DAYS * DAY) & (payer != payee) & (amount > 0)
        self._parts.append((payer[fits], payee[fits], amount[fits], time[fits]))

    def columns(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Return all payments in order of time: payer, payee, amount, time."""
        payer, payee, amount, time = (np.concatenate(one) for one in zip(*self._parts, strict=True))
        order = np.argsort(time, kind="stable")
        return payer[order], payee[order], amount[order], time[order]

    # Chance.

    def pick(self, among: Numbers, count: int) -> Numbers:
        """Return so many of some, each drawn anew."""
        found: Numbers = among[(self.rng.random(count) * len(among)).astype(np.int64)]
        return found

    def some(self, among: Numbers, count: int) -> Numbers:
        """Return so many different ones of some, sorted."""
        order = np.argsort(self.rng.random(len(among)), kind="stable")[:count]
        return np.sort(among[order])

    def popular(self, among: Numbers, count: int) -> Numbers:
        """Return so many of some, the first of them far more often than the last."""
        place = (self.rng.random(count) ** 3 * len(among)).astype(np.int64)
        found: Numbers = among[place]
        return found

    def whole(self, low: int, high: int, count: int) -> Numbers:
        """Return whole numbers from ``low`` to ``high``, each as likely."""
        return low + (self.rng.random(count) * (high - low + 1)).astype(np.int64)

    def spread(self, middle: float, width: float, count: int) -> NDArray[np.float64]:
        """Return numbers around ``exp(middle)``, some far above."""
        found: NDArray[np.float64] = np.exp(middle + width * self.rng.standard_normal(count))
        return found

    def between(self, begin: Numbers) -> Numbers:
        """Return a moment for each, from its own begin on until the end, microseconds."""
        found: Numbers = begin + (self.rng.random(len(begin)) * (DAYS * DAY - begin)).astype(
            np.int64
        )
        return found

    def after(self, time: Numbers, low: int, high: int) -> Numbers:
        """Return moments that are some hours later."""
        return time + self.whole(low * HOUR, high * HOUR, len(time))


def parts(amount: Numbers, percent: Numbers) -> Numbers:
    """Return so many percent of amounts, rounded down."""
    return amount * percent // 100
