"""Laws that every trace of balances keeps, on random histories; and the walk that visits little
against one that visits everything."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from account_histories import (
    NAMES,
    TRIFLE,
    chances,
    cut_short,
    history,
    minutes,
    read_of,
    with_rows_apart,
)
from hypothesis import given, settings
from plain_accounts import PlainAccountWalk, PlainBackwardWalk

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import TraceError
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.tracing import trace as module
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.policies import Policy, fifo, lifo, poison
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks import account_graph
from chainwatch.tracing.walks.account import AccountWalk

START = datetime(2023, 6, 1, tzinfo=UTC)
POLICIES = policies_for("eth")

WAYS = [(one, "forward") for one in POLICIES]
WAYS += [(one, "backward") for one in POLICIES if not one.backward]

every_way = pytest.mark.parametrize(
    ("policy", "direction"), WAYS, ids=[f"{one.name}-{way}" for one, way in WAYS]
)


def named(desk: Any, place: int, n: int = 0) -> str:
    """Return a transfer as people write it."""
    return f"{txid_text(desk.txid(f'transfer {place}'), desk.asset.chain)}:{n}"


def asked_at_random(desk: Any, chance: Random, rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return a look at a ledger of these transfers, subjects, and what else is asked."""
    whose, until = read_of(chance)
    ledger = cut_short(desk.paid(rows, read=whose), minutes(START, until))
    if chance.random() < 0.3:
        gone = desk.account(chance.choice(NAMES))
        ledger = with_rows_apart(ledger, gone, desk.asset.contract, 3)
    last = rows[-1][3]
    first, end = (chance.choice([None, None, chance.randint(0, last + 1)]) for _ in range(2))
    if first is not None and end is not None and first >= end:
        first = None
    inside = [
        place
        for place, (payer, paid, amount, minute) in enumerate(rows)
        if amount
        and payer != paid
        and (first is None or first <= minute)
        and (end is None or minute < end)
    ]
    who = [desk.account(name) for name in chance.choice(["a", "a", "ab", "0"])]
    if inside and chance.random() < 0.4:
        who.append(named(desk, chance.choice(inside)))
    shop = desk.tags(("s", "shop"), chain=desk.asset.chain)
    asked = {
        "asset": desk.asset,
        "stop": chance.choice([None, shop]),
        "poisoning": chance.choice([None, poisoning(TRIFLE)]),
        "max_hops": chance.choice([None, None, 1, 3]),
        "min_amount": chance.choice([0, 0, 2]),
    }
    return ledger.between(minutes(START, first), minutes(START, end)), who, asked


@every_way
@given(chance=chances())
@settings(max_examples=30, deadline=None)
def test_visiting_little_finds_what_visiting_all_does(
    desk: Any, policy: Policy, direction: str, chance: Random
) -> None:
    """Three hundred ledgers: spans, stops, limits, lures, ties, and gaps in what was read."""
    scale = chance.choice([1, 1, 10**25 + 7])
    rows = [(*who, amount * scale, minute) for *who, amount, minute in history(chance)]
    ledger, who, asked = asked_at_random(desk, chance, rows)
    asked |= {"policy": policy, "direction": direction}
    fast = trace(ledger, who, **asked)
    with pytest.MonkeyPatch.context() as patch:
        if direction == "forward":
            patch.setattr(module, "AccountWalk", PlainAccountWalk)
        else:
            patch.setattr(module, "BackwardAccountWalk", PlainBackwardWalk)
        slow = trace(ledger, who, **asked)
    for name, (table, _) in fast.tables().items():
        assert table.equals(slow.tables()[name][0]), name
    assert (fast.orders, fast.bounded, fast.ties) == (slow.orders, slow.bounded, slow.ties)


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(chance=chances())
@settings(max_examples=80, deadline=None)
def test_an_amount_between_two_transfers_is_the_same_from_either_end(
    desk: Any, policy: Policy, chance: Random
) -> None:
    """All histories are read; from one transfer every other is looked at."""
    rows = history(chance, ties=False)
    ledger = desk.paid(rows, read=NAMES)
    places = [place for place, (who, whom, amount, _) in enumerate(rows) if amount and who != whom]
    one = chance.choice(places)
    asked: dict[str, Any] = {"policy": policy, "asset": desk.asset}
    there = moves(desk, trace(ledger, named(desk, one), **asked))
    other = chance.choice([place for place in there if place > one] or places)
    back = moves(desk, trace(ledger, named(desk, other), direction="backward", **asked))
    if other != one:
        assert there.get(other, 0) == back.get(one, 0)
    assert all(place <= other for place in back)


def moves(desk: Any, found: Trace) -> dict[int, int]:
    """Return how much of what is traced each transfer moved, by its place."""
    place = {desk.txid(f"transfer {at}"): at for at in range(100)}
    moved: Counter[int] = Counter()
    for txid, amount in found.steps.select("txid", "amount").iter_rows():
        moved[place[txid]] += int(amount)
    return moved


@every_way
@given(chance=chances())
@settings(max_examples=8, deadline=None)
def test_poison_reaches_whatever_another_does(
    desk: Any, policy: Policy, direction: str, chance: Random
) -> None:
    rows = history(chance, ties=False)
    places = [place for place, (who, whom, amount, _) in enumerate(rows) if amount and who != whom]
    ledger, who = desk.paid(rows, read=NAMES), named(desk, chance.choice(places))
    asked: dict[str, Any] = {"direction": direction, "asset": desk.asset}
    one = trace(ledger, who, policy=policy, **asked)
    all_of_it = trace(ledger, who, policy=poison, **asked)
    for table in ("steps", "ends"):
        reached, others = (getattr(found, table).select("txid", "n") for found in (all_of_it, one))
        if policy.follows or table == "steps":
            assert others.join(reached, on=["txid", "n"], how="anti").is_empty()


@pytest.mark.parametrize("policy", [fifo, lifo])
@given(chance=chances())
@settings(max_examples=25, deadline=None)
def test_parts_of_a_seed_add_up_to_the_whole(desk: Any, policy: Policy, chance: Random) -> None:
    """Of transfers to parties that are not followed themselves, each apart and both together."""
    rows = history(chance, ties=False)
    places = [place for place, (who, whom, amount, _) in enumerate(rows) if amount and who != whom]
    ledger = desk.paid(rows, read=NAMES)
    asked: dict[str, Any] = {"policy": policy, "asset": desk.asset}
    first, second = sorted(chance.sample(places, 2)) if len(places) > 1 else places * 2
    apart = [moves(desk, trace(ledger, named(desk, place), **asked)) for place in (first, second)]
    if apart[0].get(second):
        return  # the first flows into the second: no two parts
    both = moves(desk, trace(ledger, [named(desk, first), named(desk, second)], **asked))
    if first != second:
        assert both == Counter(apart[0]) + Counter(apart[1])


class TestVisited:
    """Which transfers a walk looks at."""

    def visited(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, ledger: Any, **more: Any
    ) -> list[int]:
        found: list[int] = []
        plain = AccountWalk._move

        def counted(walk: AccountWalk, place: int, row: Any) -> None:
            found.append(place)
            plain(walk, place, row)

        with monkeypatch.context() as patch:
            patch.setattr(AccountWalk, "_move", counted)
            more = {"policy": fifo, "asset": desk.asset, **more}
            trace(ledger, [desk.account("a")], **more)
        return found

    def test_what_nobody_traced_touches_is_left_alone(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """b is read of once value reached it (3), until it has paid that on (4)."""
        rows = [("o", "b", 2), ("c", "d", 5), ("o", "a", 4), ("a", "b", 4), ("b", "p", 6)]
        rows += [("o", "b", 9), ("b", "p", 9), ("d", "c", 5), ("p", "q", 1)]
        ledger = desk.paid(rows, read="abcdpq")
        seen = self.visited(desk, monkeypatch, ledger, max_hops=2)
        assert seen == [2, 3, 4]

    def test_value_that_comes_again_is_met_again(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [("o", "a", 4), ("a", "b", 2), ("b", "p", 2), ("o", "b", 7), ("b", "p", 1)]
        rows += [("a", "b", 2), ("b", "p", 7), ("b", "p", 1)]
        seen = self.visited(desk, monkeypatch, desk.paid(rows, read="ab"))
        assert seen == [0, 1, 2, 5, 6, 7]

    def test_reach_ends_where_a_balance_is_empty(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [("o", "b", 1), ("o", "a", 4), ("a", "b", 4), ("b", "p", 4), ("b", "p", 1)]
        rows += [("o", "b", 9), ("b", "p", 9)]
        ledger = desk.paid(rows, read="ab")
        assert self.visited(desk, monkeypatch, ledger, policy=poison) == [1, 2, 3, 4]

    def test_a_second_trace_reads_no_table_of_transfers(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger = desk.paid([("o", "a", 4), ("a", "b", 4)], read="ab")
        first = self.visited(desk, monkeypatch, ledger)
        for name in ("movements", "near_in_time", "TransferIndex"):
            monkeypatch.setattr(account_graph, name, None)
        assert self.visited(desk, monkeypatch, ledger) == first == [0, 1]
        again = ledger.between(minutes(START, 1), None)
        assert self.visited(desk, monkeypatch, again) == [1]
        with pytest.raises(TypeError):
            self.visited(desk, monkeypatch, ledger, poisoning=poisoning(TRIFLE))


def test_times_that_do_not_rise_with_heights_make_no_span(desk: Any) -> None:
    rows = [("o", "a", 5, 9), ("a", "b", 5, 1)]
    ledger = desk.paid(rows, read="ab", placed=True)
    whole = trace(ledger, [desk.account("a")], policy=fifo, asset=desk.asset)
    assert desk.ends(whole) == {("unspent", "b"): 5}
    with pytest.raises(TraceError, match="do not rise with their heights"):
        trace(
            ledger.between(minutes(START, 2), None), [desk.account("a")],
            policy=fifo, asset=desk.asset,
        )  # fmt: skip
