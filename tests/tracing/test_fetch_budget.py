"""Where a budget of requests ends: an end of its own, the same for whoever traces that commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from coin_chains import coin_chains, coins_of
from hypothesis import given, settings
from hypothesis import strategies as st
from told_histories import CHAIN, Told, begun, place

from chainwatch.case.report.limits import BUDGET, limits
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import show
from chainwatch.net.policy import network
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.fetch import FAILED, SPENT, Fetched
from chainwatch.tracing.policies import fifo, haircut
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import NOT_READ, UNREAD, UNREAD_BUDGET
from chainwatch.tracing.trace import trace
from chainwatch.units import total

TXS: list[dict[str, Any]] = [
    {"id": "t0", "ins": [], "outs": [("v", 10)], "height": 0},
    {"id": "t1", "ins": [("t0", 0)], "outs": [("a", 6), ("b", 4)], "height": 1},
    {"id": "t2", "ins": [("t1", 0)], "outs": [("c", 6)], "height": 2},
    {"id": "t3", "ins": [("t2", 0)], "outs": [("d", 6)], "height": 3},
]
ENOUGH = 4
"""Requests for a, b, c and d."""


@pytest.fixture
def whole(desk: Any) -> Ledger:
    made: Ledger = desk.coins(TXS)
    return made


@pytest.fixture
def ledger(tmp_path: Path, desk: Any, whole: Ledger) -> Ledger:
    return begun(tmp_path / "ledger", whole, desk.coin("v"))


def fetch(ledger: Ledger, desk: Any, whole: Ledger, budget: int, **more: Any) -> Trace:
    silent = more.pop("silent", b"")
    found = trace(
        ledger, desk.coin("v"), policy=fifo, chain=CHAIN, budget=budget,
        fetch=lambda addresses: Told(whole, addresses, silent=silent), **more,
    )  # fmt: skip
    again = plain(now(found), desk)
    assert again.digest == found.digest
    assert again.ends.equals(found.ends)
    assert found.amount == total(found.ends["amount"]) == 10
    return found


def plain(ledger: Ledger, desk: Any) -> Trace:
    return trace(ledger, desk.coin("v"), policy=fifo, chain=CHAIN)


def now(found: Trace) -> Ledger:
    """Return the ledger that a trace left, opened anew."""
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.ledger.store is not None
    opened = open_ledger(found.fetched.ledger.store.path)
    assert opened.commit == found.fetched.ledger.commit
    return opened


def records(ledger: Ledger) -> list[tuple[str, bool]]:
    """Return what the ledger says of budgets: of whom, and whether it was taken back."""
    rows = ledger.coverage.filter(kind="budget").sort("unit").collect()
    assert not set(rows["answer"].to_list()) - {b""}
    return [(one[1:].lstrip(b".").decode(), back) for one, back
            in rows.select("address", "complete").iter_rows()]  # fmt: skip


def test_a_budget_of_one_leaves_the_rest_to_an_end_of_its_own(
    desk: Any, whole: Ledger, ledger: Ledger
) -> None:
    assert desk.ends(plain(ledger, desk)) == {(NOT_READ, "a"): 6, (NOT_READ, "b"): 4}
    found = fetch(ledger, desk, whole, 1)
    assert desk.ends(found) == {(UNREAD_BUDGET, "c"): 6, (UNREAD_BUDGET, "b"): 4}
    assert records(now(found)) == [("b", False), ("c", False)]
    assert found.ends["detail"][0].startswith(
        "would have been asked for next when the budget of requests was spent: no spender was read"
    )


def test_a_budget_that_is_exactly_enough_leaves_nothing(
    desk: Any, whole: Ledger, ledger: Ledger
) -> None:
    found = fetch(ledger, desk, whole, ENOUGH)
    assert isinstance(found.fetched, Fetched)
    assert found.fetched.requests == ENOUGH
    assert desk.ends(found) == {("unspent", "d"): 6, ("unspent", "b"): 4}
    assert records(now(found)) == []


def test_one_request_too_few_leaves_one(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    found = fetch(ledger, desk, whole, ENOUGH - 1)
    assert desk.ends(found) == {("unspent", "d"): 6, (UNREAD_BUDGET, "b"): 4}


class InHalves(Told):
    """Tells of each address its rows by one request, and that they were all by another."""

    def batches(self, reader: Reader) -> Iterator[Batch]:
        txs = self.whole.transactions.collect()
        tip = txs.sort("tx").row(-1, named=True)
        for address in self.addresses:
            for half in (1, 2):
                what = f"history of {address.hex()}, part {half}"
                network().permit("127.0.0.1", 80, what, "told", own=True, look_up=False)
                rows, unit = self.rows(txs, address, tip), f"{self.unit(address)}/{half}"
                told = rows["coverage"].with_columns(complete=pl.lit(half == 2), unit=pl.lit(unit))
                yield Batch({**(rows if half == 1 else {}), "coverage": told}, (unit,), "a history")


@pytest.mark.parametrize(("budget", "left"), [(1, "bc"), (2, "bc"), (3, "bd"), (5, "bd")])
def test_what_a_half_read_history_leads_to_is_left_by_the_budget_too(
    budget: int, left: str, desk: Any, whole: Ledger, ledger: Ledger
) -> None:
    found = trace(
        ledger, desk.coin("v"), policy=fifo, chain=CHAIN, budget=budget,
        fetch=lambda addresses: InHalves(whole, addresses),
    )  # fmt: skip
    assert {where for reason, where in desk.ends(found) if reason == UNREAD_BUDGET} == set(left)
    assert not {where for reason, where in desk.ends(found) if reason == NOT_READ}
    assert plain(now(found), desk).digest == found.digest


def test_a_larger_budget_closes_it(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    first = fetch(ledger, desk, whole, 1)
    then = fetch(now(first), desk, whole, 1)
    assert desk.ends(then) == {(UNREAD_BUDGET, "d"): 6, (UNREAD_BUDGET, "b"): 4}
    # That c was read tells that it is not left any longer: no record is needed for it.
    assert records(now(then)) == [("b", False), ("c", False), ("d", False)]
    last = fetch(now(then), desk, whole, 9)
    assert desk.ends(last) == {("unspent", "d"): 6, ("unspent", "b"): 4}
    bounds = {row[0]: (int(row[2]), int(row[3])) for row in last.open_bounds().iter_rows()}
    assert bounds == {"unspent": (10, 10)}


def test_what_was_read_by_other_means_is_no_longer_left_by_the_budget(
    desk: Any, whole: Ledger, ledger: Ledger
) -> None:
    left = now(fetch(ledger, desk, whole, 1))
    assert left.store is not None
    pull(left.store.path, Told(whole, [desk.coin("c")]), progress=False)
    assert desk.ends(plain(open_ledger(left.store.path), desk)) == {
        (NOT_READ, "d"): 6, (UNREAD_BUDGET, "b"): 4,
    }  # fmt: skip


def test_a_server_that_stops_half_way_leaves_it_not_read(
    desk: Any, whole: Ledger, ledger: Ledger
) -> None:
    """Also what an earlier budget left: that is not why it is unread any longer."""
    first = fetch(ledger, desk, whole, 1)
    assert desk.ends(first) == {(UNREAD_BUDGET, "c"): 6, (UNREAD_BUDGET, "b"): 4}
    found = fetch(now(first), desk, whole, 9, silent=desk.coin("d"))
    assert desk.ends(found) == {(NOT_READ, "d"): 6, (NOT_READ, "b"): 4}
    assert isinstance(found.fetched, Fetched)
    assert set(found.fetched.left["why"]) == {FAILED}
    assert "the server stays silent" in found.fetched.failure
    assert "the server stays silent" in repr(found)
    assert records(now(found)) == [("b", False), ("b", True), ("c", False)]
    third = fetch(now(found), desk, whole, 1)
    assert desk.ends(third) == {("unspent", "d"): 6, (UNREAD_BUDGET, "b"): 4}
    assert records(now(third)) == [("b", False), ("b", True), ("b", False), ("c", False)]


def test_two_runs_that_leave_the_same_say_it_once(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    first = now(fetch(ledger, desk, whole, 1))
    opened = {"policy": haircut, "chain": CHAIN, "budget": 1}
    other = trace(first, desk.coin("v"), fetch=lambda them: Told(whole, them), **opened)
    assert desk.ends(other) == {(UNREAD_BUDGET, "d"): 6, (UNREAD_BUDGET, "b"): 4}
    assert records(now(other)) == [("b", False), ("c", False), ("d", False)]


def test_it_is_said_wherever_ends_are(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    found = fetch(ledger, desk, whole, ENOUGH - 1)
    assert found.summary().select("reason", "amount").rows() == [("unspent", 6), (UNREAD_BUDGET, 4)]
    assert "0.00000004 rBTC  not read (budget) (no spender read)" in repr(found)
    (finding,) = found.findings(pl.DataFrame())
    assert (
        "0.00000004 rBTC in 1 coin of which it was not read whether spent or still unspent, as the"
        " budget of requests was spent"
    ) in finding.headline
    shown = exposure(found, desk.tags(("z", "shop")))
    assert shown.categories.select("category", "reason", "amount").rows() == [
        ("untagged", "unspent", 6), (UNREAD_BUDGET, UNREAD_BUDGET, 4),
    ]  # fmt: skip
    assert BUDGET in limits([found])
    assert BUDGET not in limits([plain(ledger, desk)])
    told = {row["what"]: row["count"] for row in unread(now(found)).iter_rows(named=True)}
    assert told["addresses left by a budget"] == 1
    assert told["addresses read wholly"] == 4
    assert "addresses left by a budget" not in unread(ledger)["what"]


def test_it_is_no_reading_of_the_address(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    left = now(fetch(ledger, desk, whole, 1))
    assert "trace" not in str(show(left, desk.coin("c"), chain=CHAIN))
    again = plain(left, desk)
    assert again.unread == frozenset()
    assert trace(left, desk.coin("c"), policy=fifo, chain=CHAIN).unread == {desk.coin("c")}


def test_bounds_call_it_open(desk: Any, whole: Ledger, ledger: Ledger) -> None:
    found = fetch(ledger, desk, whole, ENOUGH - 1)
    bounds = {row[0]: (int(row[2]), int(row[3])) for row in found.open_bounds().iter_rows()}
    assert bounds == {UNREAD_BUDGET: (0, 4), "unspent": (6, 10)}


@given(
    txs=coin_chains(unread=False),
    budgets=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    data=st.data(),
)
@settings(max_examples=12, deadline=None)
def test_after_every_budget_each_trace_tells_the_same_ends(
    desk: Any, tmp_path_factory: Any, txs: list[dict[str, Any]], budgets: list[int],
    data: st.DataObject,
) -> None:  # fmt: skip
    """Its ends are all that was traced, and the budget's are at those that it left, no others."""
    whole, seed = desk.coins(txs), data.draw(st.sampled_from(coins_of(txs)))
    ledger = begun(tmp_path_factory.mktemp("many") / "ledger", whole, _owner(whole, desk, *seed))
    asked: dict[str, Any] = {"policy": fifo, "chain": CHAIN, "max_hops": None}
    for budget in budgets:
        found = trace(
            ledger, place(desk, *seed), budget=budget,
            fetch=lambda addresses: Told(whole, addresses), **asked,
        )  # fmt: skip
        ledger = now(found)
        assert isinstance(found.fetched, Fetched)
        again = trace(ledger, place(desk, *seed), **asked)
        assert again.digest == found.digest
        assert total(again.ends["amount"]) == again.amount
        left = found.fetched.left.filter(why=SPENT)
        ended = again.ends.filter(reason=UNREAD_BUDGET)
        assert set(ended["address"]) == set(left.filter(pl.col("amount") > 0)["address"])
        assert total(ended["amount"]) == total(left["amount"])
    full = trace(whole, place(desk, *seed), **asked)
    if not set(again.ends["reason"]) & set(UNREAD):
        assert desk.ends(again) == desk.ends(full)


def _owner(whole: Ledger, desk: Any, name: str, n: int) -> bytes:
    """Return who holds an output."""
    made = whole.transactions.filter(txid=desk.txid(name)).join(whole.outputs, on="tx")
    owner: bytes = made.filter(n=n).collect()["address"][0]
    return owner
