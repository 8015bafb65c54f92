"""An account in words: coins by their decimals, contracts as addresses, and what was not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.chains.catalogue import chain
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary

TRON = chain("tron").id
USDT_TEXT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
USDT = parse(USDT_TEXT, "tron")
OTHER, A, B, C = (b"\x11" + bytes([k]) * 20 for k in (9, 1, 2, 3))
START = datetime(2024, 1, 1, tzinfo=UTC)


def moved(k: int, sender: bytes, receiver: bytes, amount: int, **more: Any) -> dict[str, Any]:
    return dict.fromkeys(schema.TRANSFERS.schema) | {
        "chain": TRON, "txid": bytes([k]) * 32, "kind": "trc20", "occurrence": 0, "contract": USDT,
        "time": START + timedelta(days=k), "sender": sender, "receiver": receiver, "amount": amount,
        "order_uncertain": True, "sections": 1, "symbol": "USDT", "decimals": 6,
    } | more  # fmt: skip


def ledger(*rows: dict[str, Any], read: tuple[dict[str, Any], ...] = ()) -> Ledger:
    claims = [
        dict.fromkeys(schema.COVERAGE.schema)
        | {"chain": TRON, "unit": f"u{n}", "kind": "address", "address": A, "source": "s",
           "answer": bytes(32)}
        | more
        for n, more in enumerate(read)
    ]  # fmt: skip
    return Ledger.from_tables({
        "transfers": pl.DataFrame(list(rows), schema=schema.TRANSFERS.schema, orient="row"),
        "coverage": pl.DataFrame(claims, schema=schema.COVERAGE.schema, orient="row"),
    })  # fmt: skip


def test_amounts_stand_in_coins_by_contract() -> None:
    found = address_summary(ledger(moved(1, B, A, 12_500_000), moved(2, A, C, 500_000)), A)
    facts = found.facts()
    name = f"USDT {USDT_TEXT}"
    assert facts[name].startswith("received 12.5, spent 0.5, balance unknown")
    assert facts["seen"] == "2024-01-02 to 2024-01-03"
    assert facts["counterparties"] == "1 paid it, 1 were paid by it"
    assert f"in 12.5 {name}" in found.line(found.history.row(0, named=True))
    assert found.history.row(0, named=True)["contract"].hex() not in repr(found.facts())


def test_a_coin_that_was_never_read_is_not_zero() -> None:
    found = address_summary(ledger(moved(1, B, A, 5)), A)
    assert found.facts()["TRX"] == "not read"
    assert (found.received, found.spent, found.balance) == (None, None, None)
    assert "TRX not read" in repr(found)
    assert "0 TRX" not in found._repr_html_()


def test_a_coin_that_was_read_and_did_not_move_is_zero() -> None:
    found = address_summary(ledger(moved(1, B, A, 5), read=({"kind": "native"},)), A)
    assert found.facts()["TRX"].startswith("received 0, spent 0, balance unknown")
    assert (found.received, found.spent, found.balance) == (0, 0, None)
    assert any("its coin was read" in said for said in found.coverage)


def test_decimals_that_are_not_known_leave_base_units() -> None:
    rows = [moved(1, B, A, 7, contract=OTHER, decimals=6), moved(2, B, A, 8, contract=OTHER,
            decimals=18), moved(3, B, A, 9, decimals=None)]  # fmt: skip
    found = address_summary(ledger(*rows), A)
    told = [text for name, text in found.facts().items() if " T" in name]
    assert sorted(text.split(",")[0] for text in told) == [
        "received 15 base units", "received 9 base units"
    ]  # fmt: skip
    assert "in 9 base units of USDT" in found.line(found.history.row(2, named=True))


def test_nothing_read_is_not_never() -> None:
    found = address_summary(ledger(moved(1, B, C, 5)), A)
    assert found.facts()["seen"] == "in nothing that was read"
    assert found.facts()["counterparties"] == "0 paid it, 0 were paid by it"
    assert "never" not in found._repr_html_()


def test_a_strangers_symbol_is_harmless() -> None:
    spam = "\N{RIGHT-TO-LEFT OVERRIDE}TDSU" + "!" * 50
    found = address_summary(ledger(moved(1, B, A, 5, contract=OTHER, symbol=spam)), A)
    name = next(name for name in found.facts() if "TDSU" in name)
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in name
    assert len(name) < 70


def test_a_balance_that_moves_without_transfers_is_unknown() -> None:
    whole = ({"contract": USDT, "complete": True}, {"contract": OTHER, "complete": True})
    rows = [moved(1, B, A, 5), moved(2, B, A, 7, contract=OTHER, symbol="X", decimals=0)]
    found = address_summary(ledger(*rows, read=whole), A)
    balances = dict(found.totals.select("contract", "balance").iter_rows())
    assert balances[USDT] is None
    assert balances[OTHER] == 7
    assert "balance unknown (it moves without transfers)" in found.facts()[f"USDT {USDT_TEXT}"]
    assert "DestroyedBlackFunds" in found.facts()["read"]


def test_each_token_that_was_read_is_named() -> None:
    whole = ({"contract": USDT, "complete": True}, {"contract": OTHER, "complete": False})
    found = address_summary(ledger(moved(1, B, A, 5), read=whole), A)
    assert any(one.startswith(f"the token {USDT_TEXT} was read from ") for one in found.coverage)
    assert sum(one.startswith("the token ") for one in found.coverage) == 2
    assert not any("one token" in one for one in found.coverage)


class TestWithoutATime:
    ROWS = (moved(1, B, A, 5), moved(2, B, A, 7, time=None, height=99))

    def test_it_is_shown_and_said(self) -> None:
        found = address_summary(ledger(*self.ROWS), A)
        assert (
            found.facts()["seen"] == "2024-01-02 to 2024-01-02, and in 1 transfer of unknown time"
        )
        lines = [found.line(row) for row in found.history.iter_rows(named=True)]
        assert any(line.startswith("block 99, time not known  in 0.000007") for line in lines)
        alone = address_summary(ledger(self.ROWS[1]), A)
        assert alone.facts()["seen"] == "at times that are not known"

    def test_a_span_leaves_it_out_and_says_so(self) -> None:
        found = address_summary(ledger(*self.ROWS).between("2024-01-01", None), A)
        assert found.totals["received"].to_list() == [5]
        assert "1 transfer of unknown time is left out of the span" in found.coverage
        assert not found.complete

    def test_its_transaction_is_found(self) -> None:
        made = transaction_summary(ledger(*self.ROWS), bytes([2]) * 32)
        assert (made.height, made.time) == (99, None)
        assert made.facts()["time"] == "unknown"
