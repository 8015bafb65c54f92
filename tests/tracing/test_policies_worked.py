"""The worked examples of the policies, small enough to count on fingers, and the page of them."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.tracing.balances import Blend, Lot, Lots, Mark
from chainwatch.tracing.policies import (
    POLICIES,
    Policy,
    clean_first,
    fifo,
    haircut,
    lifo,
    lowest_balance,
    poison,
    seniority,
    taint_in_highest_out,
)

T = Mark(0, 0, 0)


def tainted(parts: list[Lots]) -> list[int]:
    return [sum(lot.amount for lot in part if lot.mark) for part in parts]


ON_COINS = [
    (fifo, [2, 1, 0]),
    (lifo, [0, 1, 2]),
    (poison, [2, 6, 2]),
    (haircut, [0, 2, 1]),  # of 0.6, 1.8, 0.6: rounded down cumulatively, 0, 2 and 3 in all
    (seniority, [2, 1, 0]),
    (clean_first, [0, 3, 0]),
    (taint_in_highest_out, [0, 3, 0]),
]


@pytest.mark.parametrize(("policy", "expected"), ON_COINS, ids=lambda one: getattr(one, "name", ""))
def test_on_a_coin_transaction(policy: Policy, expected: list[int]) -> None:
    """Of inputs of 3 traced, 2 and 5, outputs of 2, 6 and 2 hold so much."""
    parts, left = policy([Lot(3, T), Lot(2, None), Lot(5, None)], [2, 6, 2])
    assert tainted(parts) == expected
    assert left == ()


ON_A_BALANCE = [
    (fifo, [0, 3, 0]),
    (lifo, [2, 1, 0]),
    (poison, [4, 4, 2]),
    (haircut, [1, 1, 1]),  # of 1.2, 1.2, 0.6
    (seniority, [3, 0, 0]),
    (clean_first, [0, 1, 2]),
    (lowest_balance, [0, 1, 2]),
]


@pytest.mark.parametrize(
    ("policy", "expected"), ON_A_BALANCE, ids=lambda one: getattr(one, "name", "")
)
def test_on_a_balance(policy: Policy, expected: list[int]) -> None:
    """+5 clean, +3 traced, +2 clean, then -4 and -4: so much is in each, and in what is left."""
    balance = policy.begin()
    for lot in (Lot(5, None), Lot(3, T), Lot(2, None)):
        balance.put([lot])
    parts = [balance.take(4), balance.take(4), balance.lots()]
    assert tainted(parts) == expected


def test_every_policy_has_its_examples() -> None:
    assert {one for one, _ in ON_COINS} == {one for one in POLICIES if not one.coins}
    assert {one for one, _ in ON_A_BALANCE} == {one for one in POLICIES if not one.accounts}


def test_what_is_paid_in_later_does_not_restore_the_lowest_balance() -> None:
    balance = lowest_balance.begin()
    balance.put([Lot(10, T)])
    paid = balance.take(7)
    balance.put([Lot(20, None)])
    assert tainted([paid, balance.take(15), balance.lots()]) == [7, 0, 3]


@pytest.mark.parametrize("policy", [one for one in POLICIES if not one.coins])
def test_the_fee_is_the_last_payment(policy: Policy) -> None:
    parts, fee = policy([Lot(5, None), Lot(5, T)], [4, 3])
    assert sum(lot.amount for lot in fee) == 3
    if policy.conserves:
        assert sum(tainted([*parts, fee])) == 5


lots = st.lists(st.builds(Lot, st.integers(1, 5), st.sampled_from([None, T])), max_size=6)
cuts = st.lists(st.integers(0, 30), max_size=5)


def payments_of(held: list[Lot], cuts: list[int]) -> list[int]:
    whole = sum(lot.amount for lot in held)
    edges = [0, *sorted(min(cut, whole) for cut in cuts), whole]
    return [b - a for a, b in itertools.pairwise(edges)]


@given(held=lots, cuts=cuts)
def test_fifo_read_backwards_leads_to_the_origin(held: list[Lot], cuts: list[int]) -> None:
    """What is paid whole and read from the end gives the same lots: nothing is lost."""
    payments = payments_of(held, cuts)
    forward, _ = fifo(held, payments)
    backward, _ = fifo(held[::-1], payments[::-1])
    assert [part[::-1] for part in backward[::-1]] == forward


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(held=lots, cuts=cuts)
def test_amounts_are_the_same_from_either_end(
    policy: Policy, held: list[Lot], cuts: list[int]
) -> None:
    """From lot i to payment j goes what the payments, as lots, give to the lots, as payments."""
    payments = payments_of(held, cuts)
    out, _ = policy([Lot(lot.amount, Mark(0, 0, i)) for i, lot in enumerate(held)], payments)
    back, _ = policy(
        [Lot(amount, Mark(0, 0, j)) for j, amount in enumerate(payments)],
        [lot.amount for lot in held],
    )
    there = {(lot.mark.source, j): lot.amount for j, p in enumerate(out) for lot in p if lot.mark}
    home = {(i, lot.mark.source): lot.amount for i, p in enumerate(back) for lot in p if lot.mark}
    assert there == home


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(held=lots, cuts=cuts, split=st.integers(0, 5))
def test_parts_of_a_seed_add_up_to_the_whole(
    policy: Policy, held: list[Lot], cuts: list[int], split: int
) -> None:
    """Traced lots cut in two and traced apart, each while the other is clean."""
    payments = payments_of(held, cuts)

    def part(first: bool) -> list[int]:
        divided = []
        for lot in held:
            size = min(split, lot.amount)
            marks = (lot.mark if first else None, None if first else lot.mark)
            divided += [Lot(size, marks[0]), Lot(lot.amount - size, marks[1])]
        return tainted(policy(divided, payments)[0])

    whole = tainted(policy(held, payments)[0])
    assert [a + b for a, b in zip(part(True), part(False), strict=True)] == whole


@pytest.mark.parametrize("policy", [one for one in POLICIES if one.conserves])
@given(held=lots, cuts=cuts)
def test_poison_reaches_whatever_another_does(
    policy: Policy, held: list[Lot], cuts: list[int]
) -> None:
    payments = payments_of(held, cuts)
    reached = tainted(poison(held, payments)[0])
    assert all(a <= b for a, b in zip(tainted(policy(held, payments)[0]), reached, strict=True))


@pytest.mark.parametrize("policy", POLICIES)
@given(held=lots, first=st.integers(0, 10), second=st.integers(0, 10))
def test_at_once_or_one_after_the_other(
    policy: Policy, held: list[Lot], first: int, second: int
) -> None:
    whole = sum(lot.amount for lot in held)
    first = min(first, whole)
    second = min(second, whole - first)
    balance = policy.begin()
    balance.put(held)
    both = sum(tainted([balance.take(first), balance.take(second)]))
    other = policy.begin()
    other.put(held)
    assert both == sum(tainted([other.take(first + second)]))


marks = st.one_of(st.none(), st.builds(Mark, st.integers(0, 2), st.integers(0, 3), st.just(0)))
wide = st.integers(0, 2**60)


@given(held=st.lists(st.builds(Lot, wide, marks), min_size=1, max_size=6), cuts=st.lists(wide))
def test_a_haircut_is_the_whole_number_below_the_exact_share(
    held: list[Lot], cuts: list[int]
) -> None:
    """After every payment what was paid traced is floor(paid x traced / whole), exactly."""
    whole = sum(lot.amount for lot in held)
    share = Fraction(sum(lot.amount for lot in held if lot.mark), whole or 1)
    paid = traced = 0
    parts, _ = haircut(held, payments := payments_of(held, cuts))
    for payment, amount in zip(payments, tainted(parts), strict=True):
        paid, traced = paid + payment, traced + amount
        assert traced == (paid * share).__floor__()


def test_a_haircut_divides_among_marks_by_their_shares() -> None:
    one, two = Mark(0, 0, 0), Mark(1, 0, 0)
    parts, left = haircut([Lot(300, one), Lot(600, two), Lot(100, None)], [500])
    assert parts == [(Lot(150, one), Lot(300, two), Lot(50, None))]
    assert left == (Lot(150, one), Lot(300, two), Lot(50, None))


@pytest.mark.parametrize("policy", POLICIES)
def test_many_payments_from_many_lots(policy: Policy) -> None:
    balance, many = policy.begin(), 20_000
    balance.put(Lot(1, T if place % 2 else None) for place in range(many))
    paid = tainted([balance.take(1) for _ in range(many)])
    assert balance.lots() == ()
    assert sum(paid) == (many // 2 if policy.conserves else many)


def test_a_blend_keeps_one_lot_per_mark() -> None:
    balance = Blend()
    for _ in range(1000):
        balance.put([Lot(1, T), Lot(1, None)])
    assert balance.lots() == (Lot(1000, T), Lot(1000, None))


PAGE = (Path(__file__).parents[2] / "docs/policies.md").read_text("utf-8")


def test_the_table_says_what_each_policy_can() -> None:
    rows = {
        name: cells.split("|")
        for name, cells in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.MULTILINE)
        if cells.count("|") == 3
    }
    assert list(rows) == [one.name for one in POLICIES]
    for one in POLICIES:
        coins, accounts, backward, adds_up = (cell.strip() for cell in rows[one.name])
        assert (coins == "has no meaning") == bool(one.coins)
        assert (accounts == "has no meaning") == bool(one.accounts)
        assert backward == ("no" if one.backward else "yes")
        assert adds_up.startswith("yes" if one.conserves else "no")


def test_the_worked_examples_are_those_of_the_tests() -> None:
    found = re.findall(r"^\| (`.*`) \|\n\|[-|]+\|\n\| (.*) \|$", PAGE, re.MULTILINE)
    assert len(found) == 3, "the third is held to what walks/test_account_back.py counts"
    for (names, amounts), examples in zip(found[:2], (ON_COINS, ON_A_BALANCE), strict=True):
        told = zip(names.split(" | "), amounts.split(" | "), strict=True)
        assert dict(told) == {
            f"`{one.name}`": ", ".join(map(str, expected)) for one, expected in examples
        }
