"""The rule of amount and time: which payouts could be that of a deposit, and when one alone could.

A payout fits a deposit of the same bridge on another chain that was made before it, within the
caps of time and fee. It is the deposit's only where nothing else could be: one candidate, no other
deposit that fits that one, and everything read that could have been either. Else nobody is matched.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

SEVERAL = "several candidates"
RIVALS = "another deposit fits its candidate"
NOT_READ = "other side not read"
RIVALS_NOT_READ = "other deposits not read"
NONE_FITS = "none within the caps"
UNCLEAR = "a candidate of unknown amount or time"
MATCHED = "matched"


class Party(NamedTuple):
    """A deposit or payout as the rule sees it.

    ``number`` calls it; ``time`` is in microseconds, ``value`` in the smallest unit that the assets
    of its group share; either is None where it is not known.
    """

    number: int
    chain: str
    time: int | None
    value: int | None


class Verdict(NamedTuple):
    """What the rule says of a deposit: the word, its only payout, and how many candidates."""

    word: str
    payout: int | None
    candidates: int


@dataclass(frozen=True)
class Caps:
    """How long after a deposit a payout may come, and how much less it may be.

    Attributes
    ----------
    within : int
        Microseconds.
    fee : Fraction
        Of the deposit.
    slack : mapping of str to int
        Microseconds by which the clock of a chain may be wrong, either way.
    """

    within: int
    fee: Fraction
    slack: dict[str, int]

    def between(self, one: str, other: str) -> int:
        """Return by how much times of two chains may disagree."""
        return max(self.slack[one], self.slack[other])

    def fit(self, deposit: Party, payout: Party) -> bool:
        """Tell whether a payout could be that of a deposit; what is not known speaks for it."""
        if deposit.chain == payout.chain:
            return False
        if deposit.time is not None and payout.time is not None:
            lag, slack = payout.time - deposit.time, self.between(deposit.chain, payout.chain)
            if not -slack <= lag <= self.within + slack:
                return False
        if deposit.value is None or payout.value is None:
            return True
        least = deposit.value * (self.fee.denominator - self.fee.numerator)
        return payout.value <= deposit.value and least <= payout.value * self.fee.denominator


@dataclass(frozen=True)
class Ordered:
    """Parties by time and by value, to find the few that could fit."""

    parties: Sequence[Party]
    unclear: list[Party] = field(init=False)
    _by_time: list[tuple[int, Party]] = field(init=False, repr=False)
    _by_value: list[tuple[int, Party]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort those of which both is known."""
        known = [one for one in self.parties if one.time is not None and one.value is not None]
        unclear = [one for one in self.parties if one.time is None or one.value is None]
        object.__setattr__(self, "unclear", unclear)
        object.__setattr__(self, "_by_time", sorted((one.time or 0, one) for one in known))
        object.__setattr__(self, "_by_value", sorted((one.value or 0, one) for one in known))

    @cached_property
    def _times(self) -> list[int]:
        return [time for time, _ in self._by_time]

    @cached_property
    def _values(self) -> list[int]:
        return [value for value, _ in self._by_value]

    @property
    def times(self) -> tuple[int | None, int | None]:
        """First and last time that is known."""
        return (self._times[0], self._times[-1]) if self._times else (None, None)

    def near(self, times: tuple[int, int], values: tuple[int, int]) -> Iterator[Party]:
        """Yield those of either range that is the shorter, and all of which something is unknown.

        Whoever asks looks at both ranges again.
        """
        yield from self.unclear
        first, end = bisect_left(self._times, times[0]), bisect_right(self._times, times[1])
        least, most = bisect_left(self._values, values[0]), bisect_right(self._values, values[1])
        rows = (
            self._by_time[first:end] if end - first <= most - least else self._by_value[least:most]
        )
        yield from (party for _, party in rows)


Read = Callable[[str, int, int], bool]
"""Whether all payments on the chains beside one were read, from one moment to another."""


@dataclass(frozen=True)
class Traffic:
    """The deposits and payouts of one bridge in assets that stand for one another."""

    deposits: Ordered
    payouts: Ordered
    caps: Caps
    read: Read

    @cached_property
    def _slack(self) -> int:
        return max(self.caps.slack.values(), default=0)

    def candidates(self, deposit: Party) -> list[Party]:
        """Return the payouts that fit a deposit of known time and value."""
        time, value = _known(deposit)
        least = -(-value * (self.caps.fee.denominator - self.caps.fee.numerator)
                  // self.caps.fee.denominator)  # fmt: skip
        times = (time - self._slack, time + self.caps.within + self._slack)
        near = self.payouts.near(times, (least, value))
        return [one for one in near if self.caps.fit(deposit, one)]

    def rivals(self, payout: Party, but: int) -> bool:
        """Tell whether a payout fits another deposit as well."""
        time, value = _known(payout)
        kept = self.caps.fee.denominator - self.caps.fee.numerator
        most = value * self.caps.fee.denominator // kept
        times = (time - self.caps.within - self._slack, time + self._slack)
        near = self.deposits.near(times, (value, most))
        return any(one.number != but and self.caps.fit(one, payout) for one in near)

    def window_read(self, deposit: Party) -> bool:
        """Tell whether all payments were read that could be the payout of a deposit."""
        time, _ = _known(deposit)
        last = time + self.caps.within + self._slack
        return self.read(deposit.chain, time - self._slack, last)

    def in_use(self, deposit: Party) -> bool:
        """Tell whether the bridge paid out before and after a deposit's span: it was in use."""
        time, _ = _known(deposit)
        first, last = self.payouts.times
        return first is not None and first <= time and time + self.caps.within <= (last or 0)

    def judge(self, deposit: Party) -> Verdict:
        """Return what the rule says of a deposit of known time and value.

        One that is moved in time for a control keeps its number, so that it is no rival of itself.
        """
        found = self.candidates(deposit)
        count = len(found)
        if count > 1:
            return Verdict(SEVERAL, None, count)
        if not self.window_read(deposit):
            return Verdict(NOT_READ, None, count)
        if not found:
            return Verdict(NONE_FITS, None, 0)
        one = found[0]
        if one.time is None or one.value is None:
            return Verdict(UNCLEAR, None, 1)
        if self.rivals(one, deposit.number):
            return Verdict(RIVALS, None, 1)
        first, last = one.time - self.caps.within - self._slack, one.time + self._slack
        if not self.read(one.chain, first, last):
            return Verdict(RIVALS_NOT_READ, None, 1)
        return Verdict(MATCHED, one.number, 1)


def _known(party: Party) -> tuple[int, int]:
    if party.time is None or party.value is None:
        raise ValueError("a party of unknown time or value is asked about")  # a defect
    return party.time, party.value
