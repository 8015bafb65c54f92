"""How many draws a correction for many tests needs, which tests it lets stand, and how strong.

The tests depend on each other: all ask of one network, with the same wallets beside. Benjamini and
Yekutieli's correction holds whatever the dependence is, and costs the factor ``c(m)`` for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from chainwatch.errors import ArgumentError, extra

STRENGTHS = (
    (10_000, "very strong"),
    (1_000, "strong"),
    (100, "moderately strong"),
    (10, "moderate"),
    (1, "weak or limited"),
)
"""What a likelihood ratio of at least so much is called."""


def statistics() -> Any:
    """Return scipy's statistics, which come with the extra ``statistics``.

    Raises
    ------
    MissingExtra
        If scipy is not installed.
    """
    with extra("statistics", "scipy"):
        from scipy import stats
    return stats


def draws_needed(tests: int, rate: Fraction) -> int:
    """Return how many draws a lone discovery needs: fewer cannot give a small enough p-value.

    Examples
    --------
    >>> draws_needed(200, Fraction(5, 100))
    23512
    """
    several = sum((Fraction(1, k) for k in range(1, tests + 1)), Fraction(0))
    least = tests * several / rate
    return -(-least.numerator // least.denominator) - 1


def adjusted(values: Sequence[float], tests: int) -> list[float]:
    """Return p-values corrected for all tests that were run, by Benjamini and Yekutieli.

    Parameters
    ----------
    values : sequence of float
        The p-values that are looked at.
    tests : int
        All tests that were run; those that are not looked at count as found by chance, p = 1.

    References
    ----------
    Benjamini and Yekutieli, "The control of the false discovery rate in multiple testing under
    dependency", Annals of Statistics, 2001.
    """
    if not values:
        return []
    every = [*values, *([1.0] * (tests - len(values)))]
    found = statistics().false_discovery_control(every, method="by")[: len(values)]
    return [float(one) for one in found]


def rate_of(rate: float | str | Fraction, name: str = "rate") -> Fraction:
    """Return a share that is asked for, such as the false discovery rate, exactly.

    Raises
    ------
    ArgumentError
        If it is none.
    """
    try:
        found = Fraction(str(rate))
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if isinstance(rate, bool) or not 0 < found < 1:
        raise ArgumentError(f"{name} is no share", remedy="pass a number between 0 and 1, as 0.05")
    return found


def discovered(values: Sequence[Fraction], tests: int, rate: Fraction) -> list[bool]:
    """Return which p-values the same correction lets stand at a rate, exactly.

    A p-value that is exactly as small as it must be stands; as a float it might not.

    Examples
    --------
    >>> discovered([Fraction(1, 20), Fraction(1)], 1, Fraction(1, 20))
    [True, False]
    """
    several = sum((Fraction(1, k) for k in range(1, tests + 1)), Fraction(0))
    ordered = sorted(values)
    most = max(
        (k for k, one in enumerate(ordered, 1) if one * tests * several <= k * rate), default=0
    )
    return [most > 0 and one <= ordered[most - 1] for one in values]


class Ratio(NamedTuple):
    """A likelihood ratio, bounded from below: no more than this is ever stated."""

    at_least: float

    @property
    def strength(self) -> str:
        """What it is called."""
        return next((word for least, word in STRENGTHS if self.at_least >= least), "none")


__all__ = ["Ratio", "adjusted", "discovered", "draws_needed", "rate_of", "statistics"]
