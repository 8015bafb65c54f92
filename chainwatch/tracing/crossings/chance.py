"""How often amount and time match by chance: each deposit moved to where it does not belong.

A deposit whose own payout lies within the caps is matched rightly or, where another fits as well,
not at all. So a match is false only where the own payout is out of the caps, unread, or was never
made; and a deposit that is moved by a day or more is in that very position, among the other
deposits as they are. Of moved deposits ``none`` find nothing and ``matched`` find one payout alone.
Of those that stay, ``unmatched`` find nothing: they are of the same kind, and by the same odds
``unmatched * matched / none`` others of the kind were matched, which is falsely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainwatch.evaluate.shares import Z95, Share
from chainwatch.tracing.crossings.matching import (
    MATCHED,
    NONE_FITS,
    RIVALS_NOT_READ,
    Party,
    Traffic,
    Verdict,
)

HOUR = 3_600_000_000
SHIFTS = tuple(
    sign * hours * HOUR for hours in (24, 31, 38, 45, 52, 59, 66, 72) for sign in (1, -1)
)
"""By how much deposits are moved, in microseconds: one to three days either way, and at other
hours of the day as well."""

NEAREST = 20 * HOUR
"""Up to so long after a deposit, wrong clocks counted in, no move by :data:`SHIFTS` meets its own
payout; where payouts may take longer, moves are as many times as far."""


def shifts_for(reach: int) -> tuple[int, ...]:
    """Return by how much deposits are moved where payouts may come so many microseconds after."""
    times = max(1, -(-reach // NEAREST))
    return tuple(times * shift for shift in SHIFTS)


@dataclass(frozen=True)
class Control:
    """What moved deposits found, and what deposits found as they are.

    Attributes
    ----------
    tries, matched, none : int
        Moves to where everything was read and the bridge was in use; those of them that found one
        payout alone, and nothing.
    cases : int
        Deposits behind those of them that found one payout or nothing: the moves of one are no
        independent cases.
    matches, unmatched : int
        Deposits as they are that found one payout alone, and nothing.
    """

    tries: int = 0
    matched: int = 0
    none: int = 0
    cases: int = 0
    matches: int = 0
    unmatched: int = 0

    def __add__(self, other: Control) -> Control:
        return Control(*(mine + theirs for mine, theirs in zip(self._all, other._all, strict=True)))

    @property
    def _all(self) -> tuple[int, ...]:
        return self.tries, self.matched, self.none, self.cases, self.matches, self.unmatched

    @property
    def by_chance(self) -> Share:
        """How often a deposit finds one payout alone where it does not belong."""
        return Share(self.matched, self.tries, min(self.cases, self.tries) or None)

    @property
    def expected(self) -> float | None:
        """How many matches are expected to be false; None where nothing can be said."""
        if not self.matches:
            return None
        return self.unmatched * self.matched / self.none if self.none else None

    @property
    def interval(self) -> tuple[int, int] | None:
        """Least and most false matches that do not contradict the control at 95 %.

        They are those ``false`` for which the share of false ones among ``unmatched + false``
        differs from the share of ``matched`` among ``matched + none`` by no more than chance does,
        by the test of two proportions; the control counts as so many trials as it has cases.

        Fails when
        ----------
        There are a handful of cases only: the test is one for many. What is paid at other times,
        or of other amounts, than those days around it is no control of it.
        """
        decided = self.matched + self.none
        if not decided or not self.matches:
            return None
        fit = [one for one in range(self.matches + 1) if self._agrees(one, decided)]
        return (fit[0], fit[-1]) if fit else (self.matches, self.matches)

    def _agrees(self, false: int, decided: int) -> bool:
        trials, kind = min(decided, self.cases), self.unmatched + false
        share = self.matched / decided
        if not kind:
            return True
        pooled = (share * trials + false) / (trials + kind)
        if pooled in (0.0, 1.0):
            return True
        spread = pooled * (1 - pooled) * (1 / trials + 1 / kind)
        return (false / kind - share) ** 2 <= Z95**2 * spread

    def said(self) -> str:
        """Return in words how often matches are false by chance."""
        if not self.matches:
            return "nothing was matched by amount and time"
        if not self.tries:
            return (
                "how often such a match happens by chance is not testable: a day and more around"
                " the deposits was not read"
            )
        tried = f"moved by one to three days, a deposit finds one payout alone in {self.by_chance}"
        span, expected = self.interval, self.expected
        if span is None or expected is None:
            return f"{tried}; how many matches are false is not testable"
        low, high = span
        return (
            f"{tried}; by that {expected:.1f} of {self.matches:,} matches are expected to be false"
            f" ({low:,} to {high:,} at 95 %)"
        )


@dataclass(frozen=True)
class Moved:
    """How often one deposit found a payout where it does not belong, of so many moves."""

    tries: int
    matched: int


def control(
    traffic: Traffic, judged: Sequence[tuple[Party, Verdict]], shifts: Iterable[int] = SHIFTS
) -> tuple[Control, dict[int, Moved]]:
    """Move each deposit of a bridge and count what it finds.

    Parameters
    ----------
    traffic : Traffic
        As it is: the other deposits and all payouts stay where they are.
    judged : sequence of (Party, Verdict)
        Its deposits of known time and value, and what the rule says of them.
    shifts : iterable of int
        Microseconds.

    Returns
    -------
    Control, dict of int to Moved
        Of all, and of each deposit by its number.
    """
    found, each = Control(), {}
    offsets = tuple(shifts)
    for deposit, verdict in judged:
        moved = [deposit._replace(time=(deposit.time or 0) + by) for by in offsets]
        there = (one for one in moved if traffic.in_use(one) and traffic.window_read(one))
        words = [traffic.judge(one).word for one in there]
        tried = [word for word in words if word != RIVALS_NOT_READ]
        matched, none = tried.count(MATCHED), tried.count(NONE_FITS)
        each[deposit.number] = Moved(len(tried), matched)
        found += Control(
            len(tried), matched, none, int(matched + none > 0),
            int(verdict.word == MATCHED), int(verdict.word == NONE_FITS),
        )  # fmt: skip
    return found, each
