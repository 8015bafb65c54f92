"""How many parties can have funded equal outputs: against every way of putting them together."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.ledger.joint.funding import covered, equal_outputs

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVW"


def groups(amounts: tuple[int, ...], goal: int) -> int:
    """Return the most groups that each hold the goal, by trying every way."""

    @cache
    def most(left: tuple[int, ...]) -> int:
        if sum(left) < goal:
            return 0
        first, rest = left[0], left[1:]
        best = most(rest)  # the first is in no group
        for chosen in range(1 << len(rest)):
            mine = [item for n, item in enumerate(rest) if chosen >> n & 1]
            if first + sum(mine) >= goal:
                others = tuple(item for n, item in enumerate(rest) if not chosen >> n & 1)
                best = max(best, 1 + most(others))
        return best

    return most(amounts)


def shown(small_ledger, brought, equal, value, unread=0):
    """Return ``funded_each, fundable_each, fundable`` of a transaction."""
    spent = [f"{LETTERS[n]}={amount}" for n, amount in enumerate(brought)] + ["?"] * unread
    paid = [f"{LETTERS[::-1][n]}={value}" for n in range(equal)]
    frame = equal_outputs(small_ledger(f"t: {' '.join(spent)} -> {' '.join(paid)}"))
    assert frame.select("equal_outputs", "equal_value").row(0) == (equal, value)
    return frame.select("funded_each", "fundable_each", "fundable").row(0)


@given(
    brought=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    equal=st.integers(2, 6),
    unread=st.integers(0, 2),
)
def test_bounds_enclose_the_truth(small_ledger, brought, equal, unread):
    """Amounts in steps of 9,000; an output of 100,000, of which others may add 10,000."""
    amounts = [item * 9_000 for item in brought]
    true = groups(tuple(sorted(amounts)), 90_000)
    sure, each, any_two = shown(small_ledger, amounts, equal, 100_000, unread)
    # What is said for certain can be shown; what can be is never denied.
    if sure == equal:
        assert true >= equal
    if true + unread >= equal:
        assert each == equal
    if true + unread >= 2:
        assert any_two == equal
    assert {sure, each, any_two} <= {0, equal}


@given(amounts=st.lists(st.integers(1, 9), max_size=7))
def test_groups_that_are_shown_can_be_made(amounts):
    assert covered(sorted(amounts), 10) <= groups(tuple(sorted(amounts)), 10)


def test_small_ones_are_put_together():
    assert covered([4, 4, 6, 6], 10) == 2
    assert covered([1, 1, 1, 9, 9, 9], 10) == 3
    assert covered([3, 3, 3, 3, 3, 4, 5, 5, 6], 10) == 3
    assert covered([9], 10) == covered([], 10) == covered([4, 5], 10) == 0


def test_one_party_pays_many(small_ledger):
    """31 and two times 0.01 pay three times 10: one alone can have brought 10."""
    assert shown(small_ledger, [3_100_000_000, 1_000_000, 1_000_000], 3, 10**9) == (0, 0, 0)


@pytest.mark.parametrize(
    ("brought", "value", "found"),
    [
        ([71_000, 10_000, 10_000], 20_000, (0, 0, 3)),
        ([47_000, 6_100, 6_100], 12_000, (0, 0, 3)),
        ([71_000, 8_999, 8_999], 20_000, (0, 0, 0)),
        ([71_000, 18_000, 18_000], 20_000, (3, 3, 3)),
    ],
)
def test_who_brings_little_of_a_small_output_is_no_party(small_ledger, brought, value, found):
    """Others add a tenth at most: both together may be a second party, never two more."""
    assert shown(small_ledger, brought, 3, value) == found


def test_bounds_meet_where_each_brings_more_than_half(small_ledger):
    """Three of six tenths are one group of two, whatever they hold together."""
    assert shown(small_ledger, [60_000, 60_000, 60_000], 2, 100_000) == (0, 0, 0)
    assert shown(small_ledger, [60_000] * 4, 2, 100_000) == (2, 2, 2)


def test_the_work_grows_with_inputs_and_values_not_with_their_product(small_ledger):
    """A thousand values beside a thousand inputs: what a stranger may put in one transaction."""
    spent = " ".join(f"A{n}={3000 + n}" for n in range(1000))
    paid = " ".join(f"X{n}={5000 + n // 2}" for n in range(1000))
    row = equal_outputs(small_ledger(f"t: {spent} -> {paid}"))
    assert row.select("equal_outputs", "funded_each").row(0) == (2, 2)


def test_sums_do_not_wrap(small_ledger):
    """What one address brings in two inputs is more than 63 bits hold."""
    top, half = 2**62, 2**61
    frame = equal_outputs(small_ledger(f"t: A={top} A={top} B={top} -> X={half} Y={half} Z={half}"))
    assert frame.select("funded_each", "fundable_each", "fundable").row(0) == (0, 0, 3)
