"""Why some mixes of small inputs are *unknown*: by arithmetic, two parties can have made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import transactions

LETTERS = "ABCDEFGHIJKLMNOP"


def verdict(small_ledger, brought: Sequence[int], paid: Sequence[int]) -> bool | None:
    spent = " ".join(f"{LETTERS[n]}={amount}" for n, amount in enumerate(brought))
    to = " ".join(f"{LETTERS[::-1][n]}={amount}" for n, amount in enumerate(paid))
    rows = apply(transactions(small_ledger(f"t: {spent} -> {to}")), equal_outputs())
    found: bool | None = rows[VERDICT][0]
    return found


def settlements(brought: Sequence[int], paid: Sequence[int], equal: int) -> Iterator[list[int]]:
    """Yield what each of two parties is left with, for every way in which nobody pays for another.

    One party brings some of the inputs and the other the rest; each takes some of the outputs, one
    of the equal ones at least, and no more than it brought.
    """
    total, outputs = sum(brought), len(paid)
    for mine in range(1, 1 << (len(brought) - 1)):
        here = sum(amount for n, amount in enumerate(brought) if mine >> n & 1)
        for taken in range(1 << outputs):
            got = [amount for n, amount in enumerate(paid) if taken >> n & 1]
            rest = [amount for n, amount in enumerate(paid) if not taken >> n & 1]
            left = [here - sum(got), total - here - sum(rest)]
            if equal in got and equal in rest and min(left) >= 0:
                yield left


@pytest.mark.parametrize(
    ("brought", "paid"),
    [
        ([71_000, 10_000, 10_000], [20_000, 20_000, 20_000, 30_500]),
        ([47_000, 6_100, 6_100], [12_000, 12_000, 12_000, 22_700]),
    ],
)
def test_one_payer_with_two_small_coins_cannot_be_told_from_two_parties(
    small_ledger, brought, paid
):
    """The small coins hold one equal output: who owns both took it, and the other took two."""
    ways = list(settlements(brought, paid, paid[0]))
    assert ways, "nobody pays for another, so no sum speaks against two parties"
    assert all(sum(left) == sum(brought) - sum(paid) for left in ways)
    assert verdict(small_ledger, brought, paid) is None


def test_where_the_small_coins_hold_no_equal_output_it_is_no_mix(small_ledger):
    brought, paid = [71_000, 8_900, 8_900], [20_000, 20_000, 20_000, 28_500]
    assert not list(settlements(brought, paid, 20_000))
    assert verdict(small_ledger, brought, paid) is False


@given(brought=st.lists(st.integers(3, 60), min_size=2, max_size=5), change=st.integers(3, 30))
def test_no_is_never_said_where_two_can_have_settled(small_ledger, brought, change):
    amounts = [item * 1_000 for item in brought]
    paid = [12_000] * 3 + [change * 1_000]
    if sum(amounts) >= sum(paid) and verdict(small_ledger, amounts, paid) is False:
        assert not list(settlements(amounts, paid, 12_000))
