"""What every policy owes, whatever it decides: it splits lots, and never makes or loses any."""

from __future__ import annotations

import inspect
import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.errors import ConservationError
from chainwatch.tracing import policies
from chainwatch.tracing.balances import Lot, Lots, Mark, joined
from chainwatch.tracing.policies import POLICIES, Policy

every_policy = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
conserving = pytest.mark.parametrize(
    "policy", [one for one in POLICIES if one.conserves], ids=lambda policy: policy.name
)

marks = st.one_of(st.none(), st.builds(Mark, st.integers(0, 2), st.integers(0, 3), st.just(0)))
lots = st.lists(st.builds(Lot, st.integers(0, 9), marks), max_size=8)


@st.composite
def balances(draw: st.DrawFn) -> tuple[list[Lot], list[int]]:
    """Draw a balance and payments that it can meet."""
    held = draw(lots)
    left = sum(lot.amount for lot in held)
    payments = []
    for _ in range(draw(st.integers(0, 6))):
        payments.append(draw(st.integers(0, left)))
        left -= payments[-1]
    return held, payments


def by_mark(parts: Sequence[Lot]) -> Counter[Mark | None]:
    found: Counter[Mark | None] = Counter()
    for lot in parts:
        found[lot.mark] += lot.amount
    return +found


def test_the_list_is_complete() -> None:
    written = {made for _, made in inspect.getmembers(policies) if isinstance(made, Policy)}
    assert set(POLICIES) == written
    assert len(set(POLICIES)) == len(POLICIES)


@every_policy
@given(case=balances())
def test_each_payment_is_met_exactly(policy: Policy, case: tuple[list[Lot], list[int]]) -> None:
    held, payments = case
    parts, left = policy(held, payments)
    assert [sum(lot.amount for lot in part) for part in parts] == payments
    assert sum(lot.amount for lot in left) == sum(lot.amount for lot in held) - sum(payments)


@conserving
@given(case=balances())
def test_each_mark_is_conserved(policy: Policy, case: tuple[list[Lot], list[int]]) -> None:
    held, payments = case
    parts, left = policy(held, payments)
    assert by_mark([lot for part in (*parts, left) for lot in part]) == by_mark(held)


@every_policy
@given(case=balances())
def test_a_payment_has_no_empty_lots_and_no_neighbours_of_one_mark(
    policy: Policy, case: tuple[list[Lot], list[int]]
) -> None:
    parts, _ = policy(*case)
    for part in parts:
        assert all(lot.amount > 0 for lot in part)
        assert all(a.mark != b.mark for a, b in itertools.pairwise(part))


@every_policy
@given(case=balances())
def test_what_is_given_is_not_changed(policy: Policy, case: tuple[list[Lot], list[int]]) -> None:
    held, payments = case
    kept, due = list(held), list(payments)
    policy(held, payments)
    assert (held, payments) == (kept, due)


@every_policy
def test_nothing_paid_from_nothing(policy: Policy) -> None:
    assert policy([], []) == ([], ())
    assert policy([], [0, 0]) == ([(), ()], ())


@every_policy
def test_amounts_beyond_sixty_four_bits_are_exact(policy: Policy) -> None:
    wide = 10**37 + 1
    parts, left = policy([Lot(wide, Mark(0, 0, 0)), Lot(wide, None)], [wide, wide - 1])
    assert sum(lot.amount for part in parts for lot in part) == 2 * wide - 1
    assert sum(lot.amount for lot in left) == 1


@every_policy
@pytest.mark.parametrize(
    ("held", "payments"),
    [([Lot(3, None)], [4]), ([], [1]), ([Lot(3, None)], [-1]), ([Lot(-3, None)], [1])],
)
def test_what_cannot_be_paid_is_refused(
    policy: Policy, held: list[Lot], payments: list[int]
) -> None:
    with pytest.raises(ConservationError):
        policy(held, payments)


@every_policy
def test_the_docstring_says_what_and_whence(policy: Policy) -> None:
    text = inspect.getdoc(policy) or ""
    assert all(
        part in text for part in ("Parameters", "Returns", "Raises", "Fails when", "References")
    )


def test_joined_leaves_the_order_of_marks() -> None:
    one, two = Mark(0, 0, 0), Mark(1, 0, 0)
    held: Lots = joined([Lot(1, one), Lot(0, two), Lot(2, one), Lot(3, None), Lot(4, two)])
    assert held == (Lot(3, one), Lot(3, None), Lot(4, two))
