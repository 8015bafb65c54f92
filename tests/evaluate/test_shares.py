"""A share prints its numbers and an interval that covers what it says it covers."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from chainwatch.errors import InputError
from chainwatch.evaluate.shares import Interval, Share, effective_cases, total


def test_the_interval_is_wilsons():
    # 33 of 149: 16.2 to 29.5 %, as it is published of token sales in a block of October 2024.
    low, high = Share(33, 149).interval
    assert (round(low, 4), round(high, 4)) == (0.1623, 0.2947)


def test_without_an_error_three_over_the_cases():
    assert Share(0, 300).interval == Interval(0.0, 0.01)
    assert Share(300, 300).interval == Interval(0.99, 1.0)
    assert Share(0, 2).interval == Interval(0.0, 1.0)


def test_nothing_counted_is_not_testable():
    assert Share(0, 0).rate is None
    assert Share(0, 0).interval is None
    assert str(Share(0, 0)) == "not testable"


def test_what_it_prints():
    assert str(Share(3, 200)) == "3 of 200 (1.50 %, 95 % interval 0.51 to 4.32 %)"
    assert str(Share(0, 1_500)) == "0 of 1,500 (0.00 %, at most 0.20 %)"
    assert str(Share(4, 4)) == "4 of 4 (100.00 %, at least 25.00 %)"


@pytest.mark.parametrize(("count", "of"), [(-1, 3), (4, 3), (0, -1)])
def test_what_is_no_share_is_refused(count, of):
    with pytest.raises(InputError, match="is no share"):
        Share(count, of)


def test_shares_of_independent_worlds_add_up():
    assert total([Share(1, 10), Share(0, 0), Share(2, 5)]) == Share(3, 15)
    assert total([]) == Share(0, 0)


@pytest.mark.parametrize("rate", [Fraction(1, 50), Fraction(1, 5), Fraction(1, 2), Fraction(9, 10)])
def test_it_covers_the_rate_in_about_95_of_100_cases(rate):
    """Exact: the chance of each count, added up over those whose interval holds the rate."""
    n, covered = 120, Fraction(0)
    for count in range(n + 1):
        low, high = Share(count, n).interval
        if low <= rate <= high:
            covered += comb(n, count) * rate**count * (1 - rate) ** (n - count)
    assert 0.92 < covered < 0.98


def test_links_of_one_owner_are_one_case():
    assert effective_cases(1_000, 1_000**2) == 1
    assert effective_cases(1_000, 100 * 10**2) == 100
    assert effective_cases(0, 0) == 0
    few, many = Share(10, 1_000, 100).interval, Share(10, 1_000).interval
    assert few.low < many.low
    assert many.high < few.high
    assert Share(0, 1_000, 100).interval == Interval(0.0, 0.03)
    assert Share(1, 10, 2) + Share(0, 4) == Share(1, 14, 6)
    with pytest.raises(InputError, match="11 independent cases cannot stand behind 10"):
        Share(1, 10, 11)
