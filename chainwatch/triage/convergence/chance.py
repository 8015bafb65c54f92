"""How often so many vendors would meet at one place by chance: an exact tail, no draws.

Each vendor is held against the wallets like it, itself among them. Under the null it is one of
these, drawn by chance and independently of the other vendors. How many then reach the place is a
sum of independent draws with known shares, whose distribution is computed in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def tail(shares: Sequence[Fraction], least: int) -> Fraction:
    """Return the probability that at least so many of independent draws succeed, exactly.

    Parameters
    ----------
    shares : sequence of Fraction
        The probability of each.
    least : int
        How many.

    Examples
    --------
    >>> tail([Fraction(1, 2), Fraction(1, 2)], 1)
    Fraction(3, 4)

    References
    ----------
    The Poisson binomial distribution; Hodges and Le Cam, Annals of Mathematical Statistics, 1960.
    """
    if least <= 0:
        return Fraction(1)
    # Counts of outcomes over a common denominator: whole numbers alone, so that nothing is rounded.
    counts, whole = [1] + [0] * least, 1
    for share in shares:
        hit, miss = share.numerator, share.denominator - share.numerator
        top = counts[least] * share.denominator + counts[least - 1] * hit
        for place in range(least - 1, 0, -1):
            counts[place] = counts[place] * miss + counts[place - 1] * hit
        counts[0] *= miss
        counts[least] = top
        whole *= share.denominator
    return Fraction(counts[least], whole)


def expected(shares: Sequence[Fraction]) -> Fraction:
    """Return how many would succeed on average."""
    return sum(shares, Fraction(0))


__all__ = ["expected", "tail"]
