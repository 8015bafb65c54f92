"""Watching ends: what is still unspent, what moved to whom, and what nobody knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import TraceError
from chainwatch.ledger import schema
from chainwatch.ledger.account_schema import FREEZES
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.actions.later import MOVED, STILL, UNKNOWN

COINS: list[dict[str, Any]] = [
    {"id": "earn", "ins": [], "outs": [("a", 1_000)]},
    {"id": "pay", "ins": [("earn", 0)], "outs": [("b", 600), ("c", 400)]},
]
SINCE: list[dict[str, Any]] = [
    *COINS,
    {"id": "new", "ins": [], "outs": [("m", 50)]},
    {"id": "on", "ins": [("pay", 0)], "outs": [("d", 500), ("e", 90)]},
]
CHAIN = "btc-regtest"


def of_coins(desk: Any, before: Ledger, after: Ledger) -> cw.tracing.actions.watch.Watched:
    trace = cw.trace(before, [desk.coin("a")], policy="fifo", chain=CHAIN)
    return cw.watch(trace, after)


def statuses(found: Any) -> dict[str, tuple[str, str]]:
    rows = found.frame.select("address", "status", "told").iter_rows()
    return {address[1:].decode().lstrip("."): (status, told) for address, status, told in rows}


def moves(found: Any) -> list[tuple[Any, ...]]:
    names = ("address", "by_n", "to", "amount")
    return [
        tuple(one[1:].decode().lstrip(".") if isinstance(one, bytes) else one for one in row)
        for row in found.moves.select(names).iter_rows()
    ]


def test_a_coin_that_was_spent_is_told_with_its_spender_and_whom_it_paid(desk: Any) -> None:
    found = of_coins(desk, desk.coins(COINS), desk.coins(SINCE))
    assert statuses(found) == {
        "b": (MOVED, "spent at height 3"),
        "c": (STILL, "unspent as of block 3 (2023-06-01), by blocks"),
    }
    assert moves(found) == [("b", 0, "d", 500), ("b", 1, "e", 90)]
    assert set(found.moves["by_txid"]) == {desk.txid("on")}
    assert found.moved()["amount"].to_list() == [600]
    assert found.frame.filter(pl.col("status") == STILL)["as_of"].to_list() == [3]


def test_nothing_moved_on_the_same_commit(desk: Any) -> None:
    ledger = desk.coins(COINS)
    found = of_coins(desk, ledger, ledger)
    assert {status for status, _ in statuses(found).values()} == {STILL}
    assert found.moves.is_empty()


def test_a_span_hides_no_spender(desk: Any) -> None:
    after = desk.coins(SINCE).between(None, "2023-06-01T00:15:00")
    assert statuses(of_coins(desk, desk.coins(COINS), after))["b"][0] == MOVED


def test_a_coin_in_a_transaction_of_which_not_all_was_read_is_not_known(desk: Any) -> None:
    after = desk.coins(SINCE[:1])
    found = of_coins(desk, desk.coins(COINS), after)
    assert statuses(found)["b"] == (
        UNKNOWN, "this ledger does not hold the transaction that made it",
    )  # fmt: skip
    found = of_coins(desk, desk.coins(SINCE[:3]), desk.coins(COINS))
    assert statuses(found)["c"][0] == UNKNOWN
    assert "the trace knew more" in statuses(found)["c"][1]


def test_a_transaction_that_a_reorganisation_moved_is_found_by_its_id(desk: Any) -> None:
    later = [dict(tx, height=place + 2) for place, tx in enumerate(SINCE)]
    found = of_coins(desk, desk.coins(COINS), desk.coins(later))
    assert statuses(found)["b"] == (MOVED, "spent at height 5")


def test_without_whole_blocks_nobody_knows(desk: Any) -> None:
    after = desk.coins(SINCE)
    tables = {name: after.table(name).collect() for name in ("transactions", "inputs", "outputs")}
    found = of_coins(desk, desk.coins(COINS), Ledger.from_tables(tables))
    assert statuses(found)["b"][0] == MOVED
    assert statuses(found)["c"][0] == UNKNOWN
    assert "block 1 was not read whole" in statuses(found)["c"][1]


PAID: list[tuple[Any, ...]] = [("s", "a", 1_000), ("a", "w", 600), ("a", "v", 300)]


def read_to(desk: Any, paid: list[Any], minute: int | None, who: str = "awv") -> Ledger:
    """Return a ledger of transfers in which histories were read up to a minute."""
    made = desk.paid(paid, read=who, complete=True)
    start = datetime.fromisoformat("2023-06-01T00:00:00+00:00")
    until = None if minute is None else start + timedelta(minutes=minute)
    coverage = made.coverage.collect().with_columns(pl.lit(until, schema.TIME).alias("to_time"))
    return Ledger.from_tables({"transfers": made.transfers.collect(), "coverage": coverage})


def of_accounts(desk: Any, before: Ledger, after: Ledger) -> Any:
    trace = cw.trace(before, [desk.account("a")], policy="fifo", asset=desk.asset)
    return cw.watch(trace, after)


def test_what_an_address_paid_since_is_told_and_what_it_paid_before_is_not(desk: Any) -> None:
    early = [*PAID, ("w", "x", 5)]
    later = [*early, ("w", "y", 70, 20), ("w", "w", 9, 21), ("w", "z", 8, 22, {"success": False})]
    found = of_accounts(desk, read_to(desk, early, 10), read_to(desk, later, 30))
    told = statuses(found)
    assert told["w"] == (MOVED, "1 payment of this address")
    assert told["v"] == (STILL, "no payment of this address up to 2023-06-01 00:30:00 UTC")
    assert moves(found) == [("w", None, "y", 70)]


def test_an_address_that_was_read_no_further_is_not_known(desk: Any) -> None:
    ledger = read_to(desk, PAID, 10)
    assert statuses(of_accounts(desk, ledger, ledger))["w"] == (
        UNKNOWN,
        "its history was read no further: no payment of this address up to 2023-06-01 00:10:00 UTC",
    )
    unread = read_to(desk, PAID, 30, who="a")
    told = statuses(of_accounts(desk, ledger, unread))["w"]
    assert told == (UNKNOWN, "the history of this address was not read since")


def test_the_end_of_a_span_is_not_in_it_and_the_end_of_a_history_is(desk: Any) -> None:
    at_ten = [*PAID, ("w", "y", 70, 10)]
    spanned = read_to(desk, at_ten, 30).between(None, "2023-06-01T00:10:00")
    after = read_to(desk, at_ten, 30)
    assert statuses(of_accounts(desk, spanned, after))["w"][0] == MOVED
    known = read_to(desk, at_ten, 10)
    assert statuses(of_accounts(desk, known, after))["w"][0] == STILL


def test_where_the_trace_does_not_say_up_to_when_it_knew_payments_are_in_doubt(desk: Any) -> None:
    before = read_to(desk, PAID, None)
    same = of_accounts(desk, before, before)
    assert statuses(same)["w"][0] == STILL
    found = of_accounts(desk, before, read_to(desk, [*PAID, ("w", "y", 70, 20)], None))
    assert statuses(found)["w"][0] == UNKNOWN
    assert moves(found) == [("w", None, "y", 70)]


def frozen(ledger: Ledger, desk: Any, *events: tuple[str, str, int]) -> Ledger:
    start = datetime.fromisoformat("2023-06-01T00:00:00+00:00")
    rows = [
        {
            "chain": desk.asset.chain, "txid": bytes([place]) * 32, "log_index": 0, "tx": None,
            "time": start + timedelta(minutes=minute), "contract": desk.asset.contract,
            "address": desk.account(name), "action": action, "amount": None, "amount_hex": None,
        }
        for place, (name, action, minute) in enumerate(events, 1)
    ]  # fmt: skip
    tables = {name: ledger.table(name).collect() for name in ("transfers", "coverage")}
    made = pl.DataFrame(rows, schema=FREEZES.schema, orient="row")
    return Ledger.from_tables({**tables, "freezes": made})


def test_a_frozen_end_is_watched_whatever_its_reason(desk: Any) -> None:
    """Nothing was read of v but the payment to it, so that it is no unspent end."""
    before, after = read_to(desk, PAID, 10, who="aw"), read_to(desk, PAID, 30, who="awv")
    assert "v" not in statuses(of_accounts(desk, before, after))
    found = of_accounts(desk, before, frozen(after, desk, ("v", "freeze", 5)))
    assert statuses(found)["v"][0] == STILL
    row = found.frame.filter(pl.col("address") == desk.account("v")).to_dicts()[0]
    assert row["reason"] == "not read"
    assert row["freeze"].startswith("frozen on 2023-06-01 00:05:00 UTC by ")


def test_what_the_issuer_destroyed_is_no_longer_there(desk: Any) -> None:
    before, after = read_to(desk, PAID, 10), read_to(desk, PAID, 30)
    done = frozen(after, desk, ("w", "freeze", 12), ("w", "destroy", 15), ("v", "destroy", 9))
    told = statuses(of_accounts(desk, before, done))
    assert told["w"] == (MOVED, "destroyed by the issuer on 2023-06-01 00:15:00 UTC")
    assert told["v"][0] == STILL


def test_what_was_paid_before_the_rest_was_destroyed_is_told_as_well(desk: Any) -> None:
    before = read_to(desk, PAID, 10)
    after = read_to(desk, [*PAID, ("w", "y", 70, 12)], 30)
    found = of_accounts(desk, before, frozen(after, desk, ("w", "destroy", 15)))
    destroyed = "destroyed by the issuer on 2023-06-01 00:15:00 UTC"
    assert statuses(found)["w"] == (MOVED, f"{destroyed}; 1 payment of this address")
    assert moves(found) == [("w", None, "y", 70)]


def test_a_trace_backward_has_nothing_to_watch(desk: Any) -> None:
    ledger = desk.coins(SINCE)
    back = cw.trace(ledger, [desk.coin("b")], policy="fifo", chain=CHAIN, direction="backward")
    with pytest.raises(TraceError, match="no unspent ends"):
        cw.watch(back, ledger)


def test_its_finding_counts_each_status_and_its_graph_shows_where_ends_went(
    desk: Any, working: None
) -> None:
    found = of_coins(desk, desk.coins(COINS), desk.coins(SINCE))
    finding = found.findings(pl.DataFrame())[0]
    assert finding.headline == (
        "Of the ends that were unspent or frozen, 1 is still unspent, 1 moved."
    )
    assert found.to_networkx().number_of_edges() == 2
    assert repr(found).splitlines() == [
        "Watched(2 ends that were unspent or frozen)",
        "             0.000004 rBTC  still unspent, 1 end",
        "             0.000006 rBTC  moved, 1 end",
    ]
