"""The decimals of a contract: what its rows agree on holds for all; a disagreement is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import token
from chainwatch.addresses.canonical import text
from chainwatch.attribution.sanctions import hits
from chainwatch.attribution.tags import make_tags
from chainwatch.chains.catalogue import chain
from chainwatch.errors import InputError
from chainwatch.ledger import schema
from chainwatch.ledger.decimals import check_decimals, stated, with_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.trace import trace

ETH = chain("eth").id
COIN, A, B, C = (b"\x10" + bytes([k]) * 20 for k in (9, 1, 2, 3))
START = datetime(2024, 1, 1, tzinfo=UTC)


def moved(k: int, sender: bytes, receiver: bytes, decimals: int | None, **more: Any) -> Any:
    return dict.fromkeys(schema.TRANSFERS.schema) | {
        "chain": ETH, "txid": bytes([k]) * 32, "kind": "erc20", "occurrence": 0,
        "time": START + timedelta(days=k), "contract": COIN, "sender": sender,
        "receiver": receiver, "amount": 1_500_000, "decimals": decimals, "symbol": "COIN",
        "order_uncertain": True, "sections": 1,
    } | more  # fmt: skip


def ledger(*rows: dict[str, Any]) -> Ledger:
    return Ledger.from_tables(
        {"transfers": pl.DataFrame(list(rows), schema=schema.TRANSFERS.schema, orient="row")}
    )


def asset(decimals: int = 6) -> Any:
    return token("eth", text(COIN, "eth"), "COIN", decimals)


def test_rows_that_agree_name_them_for_all() -> None:
    """Also for rows of other addresses, of another time, and that had no effect."""
    agreed = ledger(moved(1, B, C, 6, success=False), moved(2, A, B, None), moved(3, C, A, None))
    assert stated(agreed)[ETH, COIN].decimals == 6
    rows = agreed.transfers.collect()
    assert with_decimals(agreed, rows)["decimals"].to_list() == [6, 6, 6]
    later = agreed.between(START + timedelta(days=2), None)
    found = address_summary(later, A, "eth")
    (name,) = (one for one in found.facts() if "COIN" in one)
    assert found.facts()[name] == "received 1.5, spent 1.5, balance unknown"
    assert ["1.5 COIN" in found.line(row) for row in found.history.iter_rows(named=True)] == [
        True, True,
    ]  # fmt: skip
    assert found.plain("history")["amount_coins"].to_list() == ["1.5", "1.5"]


def test_a_transaction_and_the_hits_of_tags_ask_the_same() -> None:
    agreed = ledger(moved(1, B, C, 6), moved(2, A, B, None))
    found = transaction_summary(agreed, (bytes([2]) * 32).hex(), "eth")
    assert "  1.5 COIN " in found.lines()[0]
    assert found.plain("transfers")["amount_coins"].to_list() == ["1.5"]
    tag = dict.fromkeys(schema.TAGS.schema) | {
        "chain": ETH, "address": A, "label": "l", "source": "s", "pack": "p", "level": 5,
        "confidence": "unknown",
    }  # fmt: skip
    tags = make_tags(pl.DataFrame([tag], schema=schema.TAGS.schema, orient="row"))
    assert hits(agreed, tags).plain()["amount"][0].startswith("1.5 COIN (contract 0x")


def test_a_disagreement_is_said_and_base_units_are_shown() -> None:
    """Also where the rows of the address that is looked at agree among one another."""
    odd = ledger(moved(1, A, B, 6), moved(2, B, C, 18))
    assert stated(odd)[ETH, COIN].decimals is None
    found = address_summary(odd, A, "eth")
    facts = found.facts()
    (name,) = (one for one in facts if "COIN" in one)
    assert facts[name].startswith("received 0 base units, spent 1,500,000 base units")
    assert (
        "its rows state 6 and 18 decimals, so that its amounts are in base units" in (facts["read"])
    )
    assert found.plain("history")["amount"].to_list() == [1_500_000]
    assert "1,500,000 base units" in found.line(found.history.row(0, named=True))


@pytest.mark.parametrize("decimals", [39, 255, -1])
def test_a_number_that_cannot_be_shown_is_said(decimals: int) -> None:
    found = address_summary(ledger(moved(1, A, B, decimals)), A, "eth").facts()
    assert f"its rows state {decimals} decimals, too many" in found["read"]


def test_nothing_stated_is_no_doubt() -> None:
    silent = ledger(moved(1, A, B, None))
    assert (stated(silent), check_decimals(silent, asset())) == ({}, "")


def test_an_asset_with_other_decimals_than_all_rows_state_is_refused() -> None:
    agreed = ledger(moved(1, A, B, 6), moved(2, B, C, None))
    for ask in (
        lambda: trace(agreed, [A], policy="fifo", asset=asset(18)),
        lambda: counterparties(agreed, [A], asset=asset(18)),
    ):
        with pytest.raises(InputError, match=r"has 18 decimals, and the rows of .* state 6"):
            ask()
    assert trace(agreed, [A], policy="fifo", asset=asset(6)).decimals_doubt == ""


def test_where_rows_disagree_whoever_names_the_asset_decides_and_it_is_said() -> None:
    odd = ledger(moved(1, A, B, 6), moved(2, B, C, 18))
    said = "state 6 and 18 decimals; amounts are shown with 6, as whoever named the asset says"
    followed = trace(odd, [A], policy="fifo", asset=asset(6))
    assert said in repr(followed)
    assert any(said in one for one in followed.findings(pl.DataFrame())[0].text)
    direct = counterparties(odd, [A], asset=asset(6))
    assert said in direct.decimals_doubt
    assert cw.show(odd, text(A, "eth")).plain("totals")["decimals"].to_list() == [None]
