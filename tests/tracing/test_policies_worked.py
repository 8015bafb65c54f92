"""The worked examples of the policies: coins and balances small enough to count on fingers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chainwatch.tracing.policies import Lot, Lots, Mark, fifo

T = Mark(0, 0, 0)


def tainted(parts: list[Lots]) -> list[int]:
    return [sum(lot.amount for lot in part if lot.mark) for part in parts]


def test_fifo_on_a_coin_transaction() -> None:
    inputs = [Lot(3, T), Lot(2, None), Lot(5, None)]
    parts, left = fifo(inputs, [2, 6, 2])
    assert tainted(parts) == [2, 1, 0]
    assert left == ()


def test_fifo_leaves_the_fee_to_the_miner() -> None:
    parts, fee = fifo([Lot(5, None), Lot(5, T)], [4, 3])
    assert tainted(parts) == [0, 2]
    assert fee == (Lot(3, T),)


def test_fifo_on_a_balance() -> None:
    """+5 clean, +3 tainted, +2 clean, then -4 and -4: tainted are 0, 3, and 0 of what is left."""
    parts, left = fifo([Lot(5, None), Lot(3, T), Lot(2, None)], [4])
    second, left = fifo(left, [4])
    assert tainted([*parts, *second, left]) == [0, 3, 0]
    assert left == (Lot(2, None),)


lots = st.lists(st.builds(Lot, st.integers(1, 5), st.sampled_from([None, T])), max_size=6)


@given(held=lots, cuts=st.lists(st.integers(0, 30), max_size=5))
def test_fifo_read_backwards_leads_to_the_origin(held: list[Lot], cuts: list[int]) -> None:
    """What is paid whole and read from the end gives the same lots: nothing is lost."""
    whole = sum(lot.amount for lot in held)
    edges = [0, *sorted(min(cut, whole) for cut in cuts), whole]
    payments = [b - a for a, b in itertools.pairwise(edges)]
    forward, _ = fifo(held, payments)
    backward, _ = fifo(held[::-1], payments[::-1])
    assert [part[::-1] for part in backward[::-1]] == forward


@given(held=lots, first=st.integers(0, 10), second=st.integers(0, 10))
def test_fifo_at_once_or_one_after_the_other(held: list[Lot], first: int, second: int) -> None:
    whole = sum(lot.amount for lot in held)
    first = min(first, whole)
    second = min(second, whole - first)
    together, left = fifo(held, [first, second])
    one, rest = fifo(held, [first])
    two, after = fifo(rest, [second])
    assert (together, left) == ([*one, *two], after)
