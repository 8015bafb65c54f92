"""A measured share: so many of so many, with an interval, and what it says where nothing was seen.

A share without its denominator accuses nobody and acquits nobody. So whatever is measured here is
two whole numbers first, and an interval that follows from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from chainwatch.errors import InputError

Z95 = 1.959963984540054
"""The normal deviate of a two-sided interval of 95 %."""

NOT_TESTABLE = "not testable"
"""What a share of nothing says."""


class Interval(NamedTuple):
    """The lower and the upper end of an interval of 95 %."""

    low: float
    high: float


@dataclass(frozen=True, order=True)
class Share:
    """``count`` of ``of``: whole numbers, and an interval of 95 % for the rate behind them.

    Attributes
    ----------
    count, of : int
        So many of so many.
    cases : int or None
        Independent cases behind them, where those are fewer: the links of one wallet are right or
        wrong for one reason. None: each of ``of`` is a case of its own.

    Raises
    ------
    InputError
        If a number is negative, or more are counted than there are.

    Examples
    --------
    >>> print(Share(3, 200), "|", Share(0, 300), "|", Share(0, 0))
    3 of 200 (1.50 %, 95 % interval 0.51 to 4.32 %) | 0 of 300 (0.00 %, at most 1.00 %) | not testable
    """  # noqa: E501 - what it prints is one line

    count: int
    of: int
    cases: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise InputError(
                f"{self.count} of {self.of} is no share", remedy="count no more than there are"
            )
        if self.cases is not None and not (self.of == 0 or 1 <= self.cases <= self.of):
            raise InputError(
                f"{self.cases} independent cases cannot stand behind {self.of}",
                remedy="count no more cases than there are",
            )

    @classmethod
    def of_owners(cls, count: int, of: int, squares: int) -> Share:
        """Return a share whose cases are owners, by the sum over them of the square of theirs."""
        return cls(count, of, effective_cases(of, squares))

    @property
    def rate(self) -> float | None:
        """The share as a number; None where there was nothing to count."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        """Return the interval of 95 %; None where there was nothing to count.

        It is Wilson's, whose ends stay between 0 and 1 and which holds for few cases too. Where
        no case or every case was one, the open end is three over the number of cases: the rate at
        which a run of so many without any would still happen one time in twenty.

        Fails when
        ----------
        The cases depend on each other. A wallet of ten thousand addresses is one owner, not ten
        thousand cases: say how many ``cases`` there are.

        References
        ----------
        Wilson 1927; Hanley and Lippman-Hand, JAMA 1983, for three over n.
        """
        if not self.of:
            return None
        n, p, z = self.cases or self.of, self.count / self.of, Z95
        if self.count == 0:
            return Interval(0.0, min(1.0, 3 / n))
        if self.count == self.of:
            return Interval(max(0.0, 1 - 3 / n), 1.0)
        middle = p + z * z / (2 * n)
        reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        whole = 1 + z * z / n
        return Interval((middle - reach) / whole, (middle + reach) / whole)

    def __str__(self) -> str:
        interval = self.interval
        if interval is None:
            return NOT_TESTABLE
        head = f"{self.count:,} of {self.of:,} ({100 * self.count / self.of:.2f} %"
        if self.count == 0:
            return f"{head}, at most {100 * interval.high:.2f} %)"
        if self.count == self.of:
            return f"{head}, at least {100 * interval.low:.2f} %)"
        return f"{head}, 95 % interval {100 * interval.low:.2f} to {100 * interval.high:.2f} %)"

    def __add__(self, other: Share) -> Share:
        cases = None
        if self.cases is not None or other.cases is not None:
            cases = sum(one.of if one.cases is None else one.cases for one in (self, other))
        return Share(self.count + other.count, self.of + other.of, cases)


def effective_cases(links: int, squares: int) -> int:
    """Return how many independent cases some links are worth, given how they fall to owners.

    It takes all links of one owner to be right or wrong together, which is the worst that can be:
    ``links`` of owners with equally many are worth as many cases as there are owners, and a few
    owners with most of the links are worth little more than those few.

    Parameters
    ----------
    links : int
        Links in all.
    squares : int
        Sum over owners of the square of each one's links.

    References
    ----------
    Kish 1965, effective sample size.
    """
    return max(1, links * links // squares) if squares else 0


def cases_of(owners: Iterable[Hashable]) -> int:
    """Return how many independent cases some things are worth, by the owner of each of them."""
    times = Counter(owners)
    return effective_cases(times.total(), sum(count * count for count in times.values()))


def total(shares: Iterable[Share]) -> Share:
    """Add the shares of independent worlds."""
    return sum(shares, Share(0, 0))
