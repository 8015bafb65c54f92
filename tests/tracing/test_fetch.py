"""Fetching as a trace goes: what is asked, in which turn, within which budget; and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from coin_chains import coin_chains, coins_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from told_histories import CHAIN, Told, begun, place

from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.fetch import FAILED, LARGEST, SPENT, TOO_LARGE, Fetched, explosions
from chainwatch.tracing.policies import Policy, clean_first, fifo, haircut, lifo, seniority
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import NOT_READ, UNREAD_BUDGET
from chainwatch.tracing.trace import trace
from chainwatch.units import total

TXS: list[dict[str, Any]] = [
    {"id": "t0", "ins": [], "outs": [("v", 10)], "height": 0},
    {"id": "t1", "ins": [("t0", 0)], "outs": [("a", 6), ("b", 4)], "height": 1},
    {"id": "t2", "ins": [("t1", 0)], "outs": [("c", 6)], "height": 2},
    {"id": "t3", "ins": [("t1", 1)], "outs": [("s", 1), ("d", 3)], "height": 3},
    {"id": "t4", "ins": [("t2", 0)], "outs": [("e", 6)], "height": 4},
]


@pytest.fixture
def whole(desk: Any) -> Ledger:
    made: Ledger = desk.coins(TXS)
    return made


def follow(ledger: Ledger, desk: Any, server: Ledger, budget: int = 100, **more: Any) -> Trace:
    silent = more.pop("silent", b"")
    return trace(
        ledger, desk.coin("v"), policy=fifo, chain=CHAIN, budget=budget,
        fetch=lambda addresses: Told(server, addresses, silent=silent), **more,
    )  # fmt: skip


def test_a_trace_fetches_what_it_needs(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    assert set(trace(ledger, desk.coin("v"), policy=fifo).ends["reason"]) == {"not read"}
    found = follow(ledger, desk, whole)
    assert desk.ends(found) == {("unspent", "e"): 6, ("unspent", "s"): 1, ("unspent", "d"): 3}
    assert isinstance(found.fetched, Fetched)
    assert {one[1:].lstrip(b".") for one in found.fetched.asked} == {b"a", b"b", b"c", b"d",
                                                                     b"e", b"s"}  # fmt: skip
    assert found.fetched.requests == 6
    assert found.fetched.left.is_empty()


def test_the_ledger_that_is_left_gives_the_same(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    found = follow(ledger, desk, whole, budget=3)
    assert isinstance(found.fetched, Fetched)
    again = trace(found.fetched.ledger, desk.coin("v"), policy=fifo)
    assert again.digest == found.digest
    assert open_ledger(tmp_path / "ledger").commit == found.fetched.ledger.commit


def test_where_the_budget_ends_is_named(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    found = follow(ledger, desk, whole, budget=2)
    assert isinstance(found.fetched, Fetched)
    assert (found.fetched.requests, len(found.fetched.asked)) == (2, 2)
    left = found.fetched.left
    assert set(left["why"]) == {SPENT}
    assert set(found.ends["reason"]) == {UNREAD_BUDGET}
    assert left["amount"].sum() == found.ends["amount"].sum() == 10
    assert "2 histories read with 2 of 2 requests; " in repr(found)
    assert "left: budget spent" in repr(found)


def test_it_goes_on_where_it_ended(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    follow(ledger, desk, whole, budget=2)
    rest = follow(open_ledger(tmp_path / "ledger"), desk, whole, budget=4)
    assert isinstance(rest.fetched, Fetched)
    assert rest.fetched.left.is_empty()
    assert (
        rest.digest == trace(open_ledger(tmp_path / "ledger"), desk.coin("v"), policy=fifo).digest
    )


def test_a_subject_nobody_read_is_read_first(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("e"))
    found = follow(ledger, desk, whole)
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.asked[0] == desk.coin("v")
    assert found.amount == 10


def test_a_subject_known_from_others_alone_is_read_first(
    tmp_path: Path, desk: Any, whole: Ledger
) -> None:
    """The history of c shows what a paid: that a received more is told by its own history alone."""
    more = [*TXS, {"id": "t5", "ins": [], "outs": [("a", 900)], "height": 5}]
    server = desk.coins(more)
    ledger = begun(tmp_path / "ledger", server, desk.coin("c"))
    before = trace(ledger, desk.coin("a"), policy=fifo, chain=CHAIN)
    assert (before.amount, before.unread) == (6, {desk.coin("a")})
    found = trace(
        ledger, desk.coin("a"), policy=fifo, chain=CHAIN,
        fetch=lambda addresses: Told(server, addresses),
    )  # fmt: skip
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.asked[0] == desk.coin("a")
    assert (found.amount, found.unread) == (906, frozenset())


def test_the_least_explosive_branch_is_read_first(tmp_path: Path, desk: Any) -> None:
    txs = [
        {"id": "t0", "ins": [], "outs": [("v", 10)], "height": 0},
        {"id": "t1", "ins": [("t0", 0)], "outs": [("a", 6), ("b", 4)], "height": 1},
        {"id": "x", "ins": [], "outs": [("a", 1)] + [("v", 1)] * 9, "height": 2},
    ]
    server = desk.coins(txs)
    ledger = begun(tmp_path / "ledger", server, desk.coin("v"))
    size = explosions(ledger, trace(ledger, desk.coin("v"), policy=fifo).asset,
                      [desk.coin("a"), desk.coin("b")])  # fmt: skip
    assert size == {desk.coin("a"): 3 + 10, desk.coin("b"): 3}
    found = follow(ledger, desk, server, budget=1)
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.asked == (desk.coin("b"),)


def test_what_is_too_large_is_not_asked_for(tmp_path: Path, desk: Any) -> None:
    txs = [
        {"id": "t0", "ins": [], "outs": [("v", 10)] + [("z", 1)] * (LARGEST + 1), "height": 0},
        {"id": "t1", "ins": [("t0", 0)], "outs": [("z", 10)], "height": 1},
    ]
    server = desk.coins(txs)
    found = follow(begun(tmp_path / "ledger", server, desk.coin("v")), desk, server)
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.asked == ()
    assert found.fetched.left.select("why", "amount").rows() == [(TOO_LARGE, 10)]


def test_a_server_that_stops_answering_is_reported(
    tmp_path: Path, desk: Any, whole: Ledger
) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    found = follow(ledger, desk, whole, silent=desk.coin("c"))
    assert isinstance(found.fetched, Fetched)
    assert "the server stays silent" in found.fetched.failure
    assert set(found.fetched.left["why"]) == {FAILED}
    assert found.amount == sum(map(int, found.ends["amount"])) == 10
    assert desk.coin("c") not in found.fetched.asked


def test_a_ledger_in_memory_keeps_nothing(desk: Any, whole: Ledger) -> None:
    with pytest.raises(TraceError, match="a ledger in memory cannot keep what is fetched"):
        follow(whole, desk, whole)


def test_a_budget_of_nothing(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    """It is refused, and the ledger says nothing of a budget then."""
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    with pytest.raises(TraceError, match="allow one at least"):
        follow(ledger, desk, whole, budget=0)
    assert open_ledger(tmp_path / "ledger").commit == ledger.commit
    plain = trace(open_ledger(tmp_path / "ledger"), desk.coin("v"), policy=fifo)
    assert set(plain.ends["reason"]) == {NOT_READ}


def test_backward_asks_who_made_a_coin(tmp_path: Path, desk: Any, whole: Ledger) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("e"))
    found = trace(
        ledger, desk.coin("e"), policy=fifo, direction="backward", chain=CHAIN,
        fetch=lambda addresses: Told(whole, addresses),
    )  # fmt: skip
    assert found.ends.select("reason", "txid", "amount").rows() == [
        ("newly made", desk.txid("t0"), 6)
    ]


@pytest.mark.parametrize(
    ("policy", "least"),
    [(one, 0) for one in (fifo, lifo, haircut, seniority, clean_first)]
    + [(one, 4) for one in (fifo, lifo, seniority, clean_first)],
)
@given(txs=coin_chains(unread=False), data=st.data())
@settings(max_examples=30, deadline=None)
def test_bounds_of_what_is_open_hold_the_full_answer(
    desk: Any, policy: Policy, least: int, txs: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Whichever histories were read so far: the trace of the whole chain lies in the bounds."""
    whole, seed = desk.coins(txs), data.draw(st.sampled_from(coins_of(txs)))
    read = data.draw(st.sets(st.sampled_from("abcdes")))
    server = Told(whole, [])
    base = whole.transactions.collect()
    parts = [
        server.rows(base, desk.coin(name), base.sort("tx").row(-1, named=True)) for name in read
    ]
    assume(parts)
    tables = {
        name: pl.concat([part[name] for part in parts]).unique(maintain_order=True)
        for name in ("transactions", "inputs", "outputs", "coverage")
    }
    partial = Ledger.from_tables(tables)
    assume(partial.transactions.filter(pl.col("txid") == desk.txid(seed[0])).collect().height)
    stop = desk.tags(("s", "shop"))
    asked: dict[str, Any] = {"policy": policy, "chain": CHAIN, "stop": stop, "min_amount": least}
    open_ = trace(partial, place(desk, *seed), **asked)
    full = {
        (reason, service): int(amount)
        for reason, service, amount in trace(whole, place(desk, *seed), **asked)
        .ends.group_by("reason", "service").agg(pl.col("amount").sum()).iter_rows()
    }  # fmt: skip
    lacking = open_.ends.filter(pl.col("reason").is_in(["not read", "threshold"]))["amount"].sum()
    bounds = open_.open_bounds()
    known = {(reason, service): (low, high) for reason, service, low, high in bounds.iter_rows()}
    for kind in known.keys() | full.keys():
        low, high = known.get(kind, (0, lacking + open_.steps.height))
        assert low <= full.get(kind, 0) <= high, kind


def test_every_policy_on_coins_is_monotone() -> None:
    """The bounds rest on it: tested above for one of each discipline."""
    tested = {fifo, lifo, haircut, seniority, clean_first}
    rest = {one.name for one in policies_for(CHAIN) if one.conserves} - {one.name for one in tested}
    assert rest == {"taint_in_highest_out"}  # the discipline of seniority, on sorted outputs


def test_all_policies_follow_what_was_fetched_once(
    tmp_path: Path, desk: Any, whole: Ledger
) -> None:
    """The requests are those of one trace; each policy then follows the commit that is left."""
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    found = trace_all(
        ledger, desk.coin("v"), chain=CHAIN, budget=9,
        fetch=lambda addresses: Told(whole, addresses),
    )  # fmt: skip
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.requests == 6
    again = trace_all(found.fetched.ledger, desk.coin("v"), chain=CHAIN)
    assert again.fetched is None
    assert again.digest == found.digest
    for one in found.traces.values():
        assert "not read" not in set(one.ends["reason"])
    assert "6 histories read with 6 of 9 requests" in repr(found)


def test_where_the_budget_of_all_policies_ends_every_one_says_so(
    tmp_path: Path, desk: Any, whole: Ledger
) -> None:
    ledger = begun(tmp_path / "ledger", whole, desk.coin("v"))
    found = trace_all(
        ledger, desk.coin("v"), chain=CHAIN, budget=1,
        fetch=lambda addresses: Told(whole, addresses),
    )  # fmt: skip
    assert isinstance(found.fetched, Fetched)
    assert set(found.fetched.left["why"]) == {SPENT}
    for one in found.traces.values():
        assert UNREAD_BUDGET in set(one.ends["reason"])
        assert one.amount == total(one.ends["amount"]) or not one.conserves
    again = trace_all(found.fetched.ledger, desk.coin("v"), chain=CHAIN)
    assert again.digest == found.digest
