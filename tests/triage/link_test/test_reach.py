"""What could have reached a network: the fast scan against one that is written out, and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from chainwatch.addresses.assets import native
from chainwatch.triage.link_test.matching import Sizes
from chainwatch.triage.link_test.reach import BILLION, FINE, Reach, reach
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.made_flows import make_flows

COIN = native("eth")
START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000

Paid = tuple[str | None, str, int, int]
"""Payer, payee, amount, hour."""


def flows_of(payments: list[Paid]) -> Flows:
    """Return payments; one by ``d`` is not known to have been wanted."""
    frame = pl.DataFrame(
        {
            "payer": [None if a is None else a.encode() for a, *_ in payments],
            "payee": [b.encode() for _, b, *_ in payments],
            "amount": pl.Series([one[2] for one in payments], dtype=pl.Int128),
            "time": [START + timedelta(hours=hour) for *_, hour in payments],
            "agreed": [payer != "d" for payer, *_ in payments],
        },
        schema_overrides={"payer": pl.Binary, "payee": pl.Binary},
    )
    return make_flows(frame, COIN)


def marked(flows: Flows, *names: str) -> Any:
    return np.array([one.decode() in names for one in flows.parties], np.bool_)


def found(payments: list[Paid], *stopping: str, hops: int = 3, days: int = 7) -> Reach:
    flows = flows_of(payments)
    return reach(flows, marked(flows, "B"), marked(flows, *stopping), hops=hops, days=days)


def share(one: Reach, name: str, column: str = "reached") -> int:
    number = one.flows.number_of(name.encode())
    assert number is not None
    return int(getattr(one, column)[number])


def slow(flows: Flows, network: Any, stopping: Any, hops: int, days: int) -> list[int]:
    """Return what of each payment could have reached the network, payment by payment."""
    rows = range(len(flows))
    payer, payee = flows.payer.tolist(), flows.payee.tolist()
    amount, order = [int(one) for one in flows.amount], flows.order.tolist()
    clock, span = flows.clock.tolist(), days * 24 * HOUR
    told = any(flows.agreed.tolist())  # where nothing tells whose wish it was, all count

    def came(who: int, before: int) -> int:
        return sum(amount[k] for k in rows if payee[k] == who and order[k] < before)

    def went(who: int, before: int) -> int:
        return sum(amount[k] for k in rows if payer[k] == who and order[k] < before)

    def held(k: int) -> int:
        return max(came(payer[k], order[k]) - went(payer[k], order[k]), amount[k])

    def value(k: int, left: int) -> int:
        if told and not flows.agreed[k]:
            return 0
        if network[payee[k]]:
            return 0 if payer[k] >= 0 and network[payer[k]] else amount[k]
        if left == 1 or stopping[payee[k]]:
            return 0
        later = [
            j for j in rows
            if payer[j] == payee[k] and order[j] > order[k] and clock[j] - clock[k] <= span
        ]  # fmt: skip
        passed = {j: value(j, left - 1) for j in later}
        if not any(passed.values()):
            return 0
        paid = sum(amount[j] for j in later)
        spread = amount[k] * sum(passed.values()) // max(paid, amount[k])
        parts = sum(FINE * one // held(j) for j, one in passed.items() if one)
        return min(spread, amount[k] * min(parts, FINE) // FINE)

    return [value(k, hops) for k in rows]


week = 168 * HOUR
NAMES = ("a", "b", "c", "d", "s", "B", "C")
payment = st.tuples(
    st.sampled_from((*NAMES, None)), st.sampled_from(NAMES), st.integers(1, 10**19),
    st.integers(0, 400),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(payment, min_size=1, max_size=18), st.integers(1, 4), st.integers(1, 9), st.booleans()
)
def test_the_scan_is_what_one_would_work_out_payment_by_payment(
    payments: list[Paid], hops: int, days: int, small: bool
) -> None:
    """At any width of amounts, with several of one time, and payers who are not known."""
    made = [(a, b, amount % 1_000 + 1 if small else amount, t) for a, b, amount, t in payments]
    flows = flows_of(made)
    network, stopping = marked(flows, "B", "C"), marked(flows, "s")
    one = reach(flows, network, stopping, hops=hops, days=days)
    assert [int(value) for value in one.value] == slow(flows, network, stopping, hops, days)
    assert all(0 <= int(r) <= int(a) for r, a in zip(one.value, flows.amount, strict=True))
    for party in range(len(flows.parties)):
        mine = [k for k in range(len(flows)) if flows.payer[k] == party]
        total = sum(int(one.value[k]) for k in mine)
        assert int(one.reached[party]) == total
        assert int(one.paid[party]) == sum(int(flows.amount[k]) for k in mine)
        weeks = [
            sum(int(one.value[j]) for j in mine if 0 <= flows.clock[j] - flows.clock[k] < week)
            for k in mine
        ]
        assert int(one.again[party]) == total - max(weeks, default=0)


def test_what_goes_on_is_taken_in_proportion_of_what_was_paid_and_of_what_was_held() -> None:
    # x held 300 of its own before 100 came: of the 80 that go on, a quarter is of the 100.
    paid: list[Paid] = [("w", "x", 300, 0), ("v", "x", 100, 1), ("x", "B", 80, 2)]
    assert share(found(paid), "v") == 20
    # Nothing held before: all of the 80 is, and no more than went on.
    assert share(found(paid[1:]), "v") == 80
    # Of what x then paid a half went to the network, so of the 100 no more than a half did.
    half: list[Paid] = [("v", "x", 100, 1), ("x", "B", 40, 2), ("x", "shop", 60, 3)]
    assert share(found(half), "v") == 40
    # What was paid in the same moment, or before, or too late, is of other money.
    for hour in (1, 0, 1 + 7 * 24 + 1):
        assert share(found([("v", "x", 100, 1), ("x", "B", 100, hour)]), "v") == 0
    assert share(found([("v", "x", 100, 1), ("x", "B", 100, 1 + 7 * 24)]), "v") == 100


def test_routes_end_at_services_and_at_the_hops_allowed() -> None:
    paid: list[Paid] = [("v", "x", 10, 1), ("x", "y", 10, 2), ("y", "B", 10, 3)]
    assert [share(found(paid, hops=hops), "v") for hops in (1, 2, 3)] == [0, 0, 10]
    assert share(found(paid, "x"), "v") == share(found(paid, "y"), "v") == 0
    # What one address of the network pays to another is no payment that reaches it.
    flows = flows_of([("B", "C", 5, 0), ("C", "v", 5, 1)])
    one = reach(flows, marked(flows, "B", "C"), marked(flows))
    assert not one.reached.any()


def test_one_week_alone_is_nothing_that_came_again() -> None:
    once: list[Paid] = [("v", "B", 60, 0), ("v", "B", 40, 20), ("v", "shop", 100, 30)]
    one = found(once)
    assert (share(one, "v"), share(one, "v", "again"), share(one, "v", "shares")) == (100, 0, 0)
    # The week begins where it must: seven days from any payment on, and no calendar's.
    for hour in range(0, 168, 24):
        turned = [("w", "x", 1, 0), *((a, b, c, d + hour) for a, b, c, d in once)]
        assert share(found(turned), "v", "again") == 0
    again = found([*once, ("v", "B", 50, 400)])
    assert share(again, "v", "again") == 50
    assert share(again, "v", "shares") == BILLION * 50 // 250


def test_size_age_and_activity_are_of_own_payments() -> None:
    flows = flows_of([
        ("v", "x", 5, 30), ("v", "y", 6, 31), ("v", "x", 7, 60), ("w", "v", 900, 1),
    ])  # fmt: skip
    one, v = Sizes(flows), flows.number_of(b"v")
    assert v is not None
    first = int(flows.clock[0]) // (24 * HOUR)
    told = (one.payments[v], one.value[v], one.days[v], one.begun[v] - first, flows.payees[v])
    assert [int(value) for value in told] == [3, 18, 2, 1, 2]
