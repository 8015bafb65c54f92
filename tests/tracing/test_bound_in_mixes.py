"""What provably leaves a joint transaction is followed: arithmetic that no division can change."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.policies import Policy, fifo, least
from chainwatch.tracing.trace import Trace, trace

COIN, SMALL = 100_000_000, 10_000


def followed(
    desk: Any, ins: list[tuple[str, int | None]], outs: list[tuple[str, int]], *whose: str
) -> Trace:
    """Return the trace of subjects through one transaction that is judged by its equal outputs."""
    made = [(address, value) for address, value in ins if value is not None]
    txs = [{"id": "in", "ins": [], "outs": made}]
    known = iter(range(len(made)))
    spent = [("?",) if value is None else ("in", next(known)) for _, value in ins]
    txs.append({"id": "t", "ins": spent, "outs": outs})
    subjects = [desk.coin(name) for name in whose]
    rule = equal_outputs(min_equal=3)
    found = trace(desk.coins(txs), subjects, policy=fifo, stop=rule, chain="btc-regtest")
    found.check()
    return found


THREE = [("p", SMALL), ("q", SMALL), ("r", SMALL)]
BESIDE = [("x", SMALL), ("y", SMALL)]


def test_three_small_equal_outputs_hide_what_cannot_have_been_others(desk: Any) -> None:
    """Others bring 20,000: of 29 coins in one output all but 20,000 are the subject's."""
    found = followed(desk, [("a", 30 * COIN), *BESIDE], [*THREE, ("z", 29 * COIN)], "a")
    kept, fee = 29 * COIN - 2 * SMALL, COIN - SMALL - 2 * SMALL
    assert desk.ends(found) == {
        ("unspent", "z"): kept,
        ("fee", None): fee,
        ("mixer", "a"): 30 * COIN - kept - fee,
    }
    told = found.ends.filter(found.ends["reason"].str.contains("mixer"))["detail"].item()
    assert "at least 28.9998 rBTC provably stayed in output 3" in told


def test_in_a_true_mix_nothing_is_bound(desk: Any) -> None:
    mixed = [("p", 10 * COIN), ("q", 10 * COIN), ("r", 10 * COIN), ("s", COIN)]
    found = followed(desk, [("a", 11 * COIN), ("x", 10 * COIN), ("y", 10 * COIN)], mixed, "a")
    assert desk.ends(found) == {("mixer", "a"): 11 * COIN}
    assert "provably" not in found.ends["detail"].item()


def test_change_that_comes_back_is_the_subjects_own(desk: Any) -> None:
    found = followed(desk, [("a", 30 * COIN), *BESIDE], [*THREE, ("a", 30 * COIN - SMALL)], "a")
    again = found.origins.filter(found.origins["kind"] == "received, perhaps again")
    assert again["amount"].to_list() == [2 * SMALL]
    assert desk.ends(found)["unspent", "a"] == 30 * COIN - SMALL


def test_of_two_subjects_each_is_bound_by_its_own_minimum(desk: Any) -> None:
    """Beside 15 of the other and 20,000 of strangers each must have sent the rest of 30."""
    ins = [("a", 15 * COIN), ("b", 15 * COIN), *BESIDE]
    found = followed(desk, ins, [*THREE, ("z", 30 * COIN - SMALL)], "a", "b")
    own = 15 * COIN - 3 * SMALL
    assert of_each(desk, found) == {
        ("unspent", "a"): own, ("unspent", "b"): own,
        ("mixer", "a"): 3 * SMALL, ("mixer", "b"): 3 * SMALL,
    }  # fmt: skip
    told = found.ends.filter(reason="mixer")["detail"].unique().item()
    assert "at least 14.9997 rBTC provably stayed in output 3: followed there" in told
    assert "at least 29.9997 rBTC of all subjects together stayed in output 3" in told


def of_each(desk: Any, found: Trace) -> dict[tuple[str, str], int]:
    """Return the totals of ends by reason and subject."""
    names = {desk.coin(name): name for name in "ab"}
    sums: dict[tuple[str, str], int] = {}
    for why, subject, amount in found.ends.select("reason", "subject", "amount").iter_rows():
        sums[why, names[subject]] = sums.get((why, names[subject]), 0) + int(amount)
    return sums


@pytest.mark.parametrize("policy", policies_for("btc-regtest"), ids=lambda one: one.name)
def test_what_only_several_together_are_bound_to_is_nobodys(desk: Any, policy: Policy) -> None:
    """One and a stranger alone fill the large output: of neither subject anything must be in it.

    Of both together 9.9997 is. No policy follows any of it, and what it does follow of a subject
    is what it follows of that subject alone.
    """
    txs = [
        {"id": "in", "ins": [],
         "outs": [("a", 10 * COIN), ("b", 10 * COIN), ("x", 15 * COIN), ("y", 3 * SMALL)]},
        {"id": "t", "ins": [("in", n) for n in range(4)],
         "outs": [*THREE, ("z", 25 * COIN), ("w", 10 * COIN)]},
        {"id": "u", "ins": [("t", 3)], "outs": [("e", 25 * COIN)]},
    ]  # fmt: skip
    asked: dict[str, Any] = {
        "policy": policy, "stop": equal_outputs(min_equal=3), "chain": "btc-regtest",
    }  # fmt: skip
    found = trace(desk.coins(txs), [desk.coin("a"), desk.coin("b")], **asked)
    assert of_each(desk, found) == {("mixer", "a"): 10 * COIN, ("mixer", "b"): 10 * COIN}
    for name in "ab":
        alone = trace(desk.coins(txs), desk.coin(name), **asked)
        assert of_each(desk, alone) == {("mixer", name): 10 * COIN}
    if policy.conserves:
        told = found.ends["detail"].unique().item()
        assert "provably" not in told
        assert "at least 9.9997 rBTC of all subjects together stayed in output 3" in told


def test_a_minimum_of_its_own_is_that_of_all_divisions() -> None:
    """Every way to put units of two subjects and of others into the payments, counted."""
    for paid in itertools.product(range(4), repeat=2):
        for first, second in itertools.product(range(sum(paid) + 1), repeat=2):
            if first + second > sum(paid):
                continue
            splits = itertools.product(*(range(one + 1) for one in paid), repeat=2)
            ways = [
                (way[:2], way[2:])
                for way in splits
                if (sum(way[:2]), sum(way[2:])) == (first, second)
                and all(a + b <= one for a, b, one in zip(way[:2], way[2:], paid, strict=True))
            ]
            for which, marked in enumerate((first, second)):
                lowest = [min(way[which][n] for way in ways) for n in range(2)]
                assert least(marked, paid) == lowest


def test_where_an_input_was_not_read_nothing_is_bound(desk: Any) -> None:
    found = followed(desk, [("a", 30 * COIN), ("?", None)], [*THREE, ("z", 29 * COIN)], "a")
    assert {why for why, _ in desk.ends(found)} <= {"mixer", "undecided mixer", "not read"}
    assert sum(desk.ends(found).values()) == 30 * COIN


def test_the_minimum_is_that_of_all_divisions() -> None:
    """Every way to put marked and other units into the payments, counted on small balances."""
    for paid in itertools.product(range(5), repeat=3):
        for marked in range(sum(paid) + 1):
            ways = [
                way
                for way in itertools.product(*(range(one + 1) for one in paid))
                if sum(way) == marked
            ]
            assert least(marked, paid) == [min(column) for column in zip(*ways, strict=True)]


amounts = st.lists(st.integers(0, 10**16), min_size=1, max_size=8)


@given(amounts, st.integers(0, 10**17))
def test_minima_never_sum_to_more_than_there_is(paid: list[int], marked: int) -> None:
    marked = min(marked, sum(paid))
    assert 0 <= sum(least(marked, paid)) <= marked


@pytest.mark.parametrize("large", [3, 7, 29])
def test_what_is_bound_is_followed_on(desk: Any, large: int) -> None:
    """Conservation holds behind the mix as well: the bound part is spent like any other coin."""
    txs = [
        {"id": "in", "ins": [], "outs": [("a", 30 * COIN), *BESIDE]},
        {
            "id": "t",
            "ins": [("in", 0), ("in", 1), ("in", 2)],
            "outs": [*THREE, ("z", large * COIN), ("w", (30 - large) * COIN - SMALL)],
        },
        {"id": "u", "ins": [("t", 3)], "outs": [("end", large * COIN)]},
    ]
    rule = equal_outputs(min_equal=3)
    found = trace(desk.coins(txs), [desk.coin("a")], policy=fifo, stop=rule, chain="btc-regtest")
    found.check()
    assert desk.ends(found)["unspent", "end"] == large * COIN - 2 * SMALL
    assert desk.ends(found)["unspent", "w"] == (30 - large) * COIN - 3 * SMALL
