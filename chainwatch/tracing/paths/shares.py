"""What part of an arrival a later payment takes under the haircut, of one balance, exactly.

A payment of *p* from a balance of *h* takes *p/h* of every lot in it, so of a lot that arrived
before there is left what all payments between left of it. That product is kept along the history:
a share is the quotient of two of its values. Where a balance was emptied nothing of what had been
there is left; where the order of transfers is open the product is not known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from chainwatch.ledger.index.transfers import History
from chainwatch.tracing.paths.graph import WHOLE

MOST_BITS, KEPT_BITS = 512, 320
"""A product of more bits is rounded to so many: a share is then off by less than 1 in 2^300."""


@dataclass(frozen=True)
class Shares:
    """The haircut of one balance.

    Attributes
    ----------
    stretch : dict of int to int
        In which stretch of the history a transfer stands: a payment before what it does to the
        balance, an arrival after. Between two stretches nothing is left, or it is not known.
    left : dict of int to Fraction
        What is left there of what was there when the stretch began.
    part : dict of int to Fraction
        What part of the balance a payment takes.
    unknown : list of int
        Stretches that begin where the order of transfers is open.
    """

    stretch: dict[int, int] = field(default_factory=dict)
    left: dict[int, Fraction] = field(default_factory=dict)
    part: dict[int, Fraction] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, history: History, tied: Callable[[int], bool]) -> Shares:
        """Follow a balance through its history.

        Parameters
        ----------
        history : History
            The transfers of one address, in order.
        tied : callable
            Whether the order of a transfer among those of its time is open.
        """
        made = cls()
        held, left, stretch, was_tied = history.opening, WHOLE, 0, False
        for place, moved in zip(history.places, history.moved, strict=True):
            is_tied = tied(place)
            if is_tied or was_tied:  # what was there before is not comparable with what is after
                left, stretch = WHOLE, stretch + 1
                made.unknown.append(stretch)
            was_tied = is_tied
            if moved < 0:
                part = Fraction(-moved, held)
                made.stretch[place], made.left[place], made.part[place] = stretch, left, part
                left = rounded(left * (1 - part))
                if not left:
                    left, stretch = WHOLE, stretch + 1
            else:
                made.stretch[place], made.left[place] = stretch, left
            held += moved
        return made

    def between(self, first: int, second: int) -> Fraction | None:
        """Return what is known of the share between two stretches: all, nothing, or unknown."""
        if first == second:
            return WHOLE
        at = bisect_left(self.unknown, first + 1)
        return None if at < len(self.unknown) and self.unknown[at] <= second else Fraction(0)

    def enters(self, place: int) -> Fraction:
        """Return by what an arrival is multiplied, to be told in what is left."""
        return 1 / self.left[place]

    def leaves(self, place: int) -> Fraction:
        """Return by what that is multiplied where a payment takes its part."""
        return self.left[place] * self.part[place]


def rounded(value: Fraction) -> Fraction:
    """Return a quotient as it is, or to ``KEPT_BITS`` bits where it has grown too long."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits <= MOST_BITS or not value:
        return value
    shift = KEPT_BITS + value.denominator.bit_length() - value.numerator.bit_length()
    return Fraction((value.numerator << shift) // value.denominator, 1 << shift)
