"""Payments to and from tagged addresses are found once each, with what is unread beside them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.attribution.sanctions import TagHits, hits
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TAGS, Table, pack_tx
from chainwatch.results.result import digest_result
from chainwatch.units import to_text

BTC, ETH = chain("btc").id, chain("eth").id
LISTED, OTHER = b"\x01" + b"\x0a" * 20, b"\x01" + b"\x0b" * 20
EVM_LISTED, EVM_OTHER = b"\x10" + b"\x0c" * 20, b"\x10" + b"\x0d" * 20
TOKEN = b"\x10" + b"\x0e" * 20
AT = datetime(2019, 5, 2, 12, tzinfo=UTC)
TX = pack_tx(574_200, 7)


def filled(table: Table, **given: Any) -> dict[str, Any]:
    """Return a row of a table: what is given, null where it may be, something elsewhere."""
    blanks: dict[Any, Any] = {
        pl.String: "", pl.Int64: 0, pl.Binary: b"", pl.Boolean: False, schema.TIME: AT,
    }  # fmt: skip
    row = {
        column.name: None if column.nullable else blanks.get(column.dtype)
        for column in table.columns
    }
    assert set(given) <= set(row)
    return {"chain": BTC, **row, **given}


def frame(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=table.schema)


def coins() -> Ledger:
    made = {"chain": BTC, "tx": TX}
    return Ledger.from_tables({
        "transactions": frame(
            schema.TRANSACTIONS,
            filled(schema.TRANSACTIONS, **made, txid=b"\x41" * 32, height=574_200, time=AT),
        ),
        "inputs": frame(
            schema.INPUTS,
            filled(schema.INPUTS, **made, n=0, value=900, address=LISTED, prev_txid=b"\x01" * 32),
            filled(schema.INPUTS, **made, n=1, prev_txid=b"\x02" * 32),
        ),
        "outputs": frame(
            schema.OUTPUTS,
            filled(schema.OUTPUTS, **made, n=0, value=500, address=LISTED),
            filled(schema.OUTPUTS, **made, n=1, value=300, address=OTHER),
            filled(schema.OUTPUTS, **made, n=2, value=0, address=LISTED),
            filled(schema.OUTPUTS, **made, n=3, value=50),
        ),
    })  # fmt: skip


def transfer(index: int, **given: Any) -> dict[str, Any]:
    common: dict[str, Any] = {
        "chain": ETH, "txid": bytes([index]) * 32, "kind": "erc20", "log_index": index,
        "time": AT, "contract": TOKEN, "sender": EVM_OTHER, "receiver": EVM_LISTED,
        "amount": Decimal(10**30), "symbol": "USDT", "decimals": 6, "tx": TX,
    }  # fmt: skip
    return filled(schema.TRANSFERS, **{**common, **given})


def tag(address: bytes, network: str = BTC, **given: Any) -> dict[str, Any]:
    common = {
        "chain": network, "address": address, "label": "Listed", "concept": "sanction",
        "source": "OFAC", "confidence": "authority_data", "level": 60, "pack": "p",
        "as_of": date(2024, 9, 27), "definer": False,
    }  # fmt: skip
    return {**common, **given}


def tags(*rows: dict[str, Any]) -> Tags:
    return make_tags(pl.DataFrame(list(rows), schema=TAGS.schema))


def found(ledger: Ledger, *rows: dict[str, Any]) -> TagHits:
    return hits(ledger, tags(*rows))


def test_outputs_to_and_inputs_from_a_tagged_address() -> None:
    result = found(coins(), tag(LISTED))
    rows = result.frame.select("direction", "kind", "n", "value", "note").rows()
    assert rows == [
        ("from", "input", 0, Decimal(900), None),
        ("to", "output", 0, Decimal(500), None),
        ("to", "output", 2, Decimal(0), "moves nothing: shows no payment"),
    ]
    row = result.frame.row(1, named=True)
    assert row["height"] == 574_200
    assert row["txid"] == b"\x41" * 32
    assert row["time"] == AT
    assert result.said["timing"].to_list() == [
        "listed as of 2024-09-27; designation date unknown; payment 2019-05-02"
    ]
    assert result.frame.schema["value"] == pl.Decimal(38, 0)


def test_unread_inputs_are_counted() -> None:
    result = found(coins(), tag(LISTED))
    assert result.unread.rows() == [(BTC, 1)]
    text = "TagHits(2 payments to and 1 from tagged addresses, 1 input unread)"
    assert repr(result) == text
    assert found(coins(), tag(EVM_LISTED, ETH)).unread.is_empty()


def test_a_payment_has_one_row_with_all_tags_of_its_address() -> None:
    dated = tag(LISTED, concept="market", label="A shop", first_day=date(2020, 1, 1), pack="q")
    one, both = found(coins(), tag(LISTED)), found(coins(), tag(LISTED), dated, tag(OTHER))
    paid = pl.col("address") == LISTED
    for result in (one, both):
        mine = result.frame.filter(paid)
        sums = {way: mine.filter(direction=way)["value"].sum() for way in ("to", "from")}
        assert sums == {"to": 500, "from": 900}, "a second tag counts a payment twice"
        assert result.plain().height == len(result)
    row = both.frame.filter(paid).row(0, named=True)
    assert row["labels"] == "A shop | Listed"
    assert row["concepts"] == "market | sanction"
    assert row["tags"] == (
        "A shop (market, authority_data, says OFAC): holds from 2020-01-01; payment 2019-05-02"
        " (before its first valid day: it did not hold) | Listed (sanction, authority_data, says"
        " OFAC): listed as of 2024-09-27; designation date unknown; payment 2019-05-02"
    )
    said = both.said.filter(paid).select("day", "label", "pack").rows()
    assert said == [(AT.date(), "A shop", "q"), (AT.date(), "Listed", "p")]


def test_a_transfer_between_two_tagged_addresses_says_that_it_stands_twice() -> None:
    ledger = Ledger.from_tables({"transfers": frame(schema.TRANSFERS, transfer(1), transfer(2))})
    result = found(ledger, tag(EVM_LISTED, ETH), tag(EVM_OTHER, ETH))
    told = result.frame.select("direction", "address", "note").unique().rows()
    note = "both sides are tagged: stands in the other direction too"
    assert sorted(told) == [("from", EVM_OTHER, note), ("to", EVM_LISTED, note)]
    assert set(found(ledger, tag(EVM_LISTED, ETH)).frame["note"]) == {None}


def test_the_same_bytes_on_another_chain_are_no_hit() -> None:
    assert len(found(coins(), tag(LISTED, chain("ltc").id))) == 0


def test_an_address_that_was_not_read_is_no_hit_of_anything() -> None:
    assert len(found(coins(), tag(OTHER))) == 1


def test_the_span_of_the_ledger_limits_the_search() -> None:
    later = coins().between("2019-05-03", None)
    assert len(hits(later, tags(tag(LISTED)))) == 0
    assert len(hits(coins().between("2019-05-02", "2019-05-03"), tags(tag(LISTED)))) == 3


def test_transfers_to_and_from_a_tagged_address() -> None:
    rows = [
        transfer(1),
        transfer(2, sender=EVM_LISTED, receiver=EVM_OTHER, success=True),
        transfer(3, success=False),
        transfer(4, amount=Decimal(0), tx=None),
        transfer(5, amount=None, amount_hex="0x1" + "0" * 64),
        transfer(6, contract=None, kind="native", symbol=None, decimals=None, log_index=None),
        transfer(7, sender=EVM_LISTED),
    ]
    ledger = Ledger.from_tables({"transfers": frame(schema.TRANSFERS, *rows)})
    result = found(ledger, tag(EVM_LISTED, ETH))
    told = [
        (row["txid"][0], row["direction"], row["height"], row["value"], row["note"])
        for row in result.frame.iter_rows(named=True)
    ]
    much = Decimal(10**30)
    assert told == [
        (1, "to", 574_200, much, None),
        (2, "from", 574_200, much, None),
        (4, "to", None, Decimal(0), "moves nothing: shows no payment"),
        (5, "to", 574_200, None, None),
        (6, "to", 574_200, much, None),
        (7, "from", 574_200, much, "both sides are tagged: stands in the other direction too"),
        (7, "to", 574_200, much, "both sides are tagged: stands in the other direction too"),
    ]
    contract = canonical.text(TOKEN, "eth")
    amounts = result.plain()["amount"].to_list()
    assert amounts[0] == f"1{'0' * 24} USDT (contract {contract})"
    assert amounts[3] == f"{to_text(2**256, 6)} USDT (contract {contract})"
    assert result.frame["value_hex"].drop_nulls().to_list() == ["0x1" + "0" * 64]
    assert amounts[4] == f"1{'0' * 12} ETH"


@pytest.mark.parametrize("decimals", [None, -1, 10**12])
def test_a_token_without_usable_decimals_is_shown_in_base_units(decimals: int | None) -> None:
    rows = [transfer(1, decimals=decimals, symbol="<b>\x1b", amount=Decimal(5))]
    ledger = Ledger.from_tables({"transfers": frame(schema.TRANSFERS, *rows)})
    amount = found(ledger, tag(EVM_LISTED, ETH)).plain()["amount"][0]
    assert amount == f"5 base units (contract {canonical.text(TOKEN, 'eth')})"


def test_what_is_shown_is_safe_and_names_nobody() -> None:
    # A ledger may hold concepts that this taxonomy does not know: they are no sanction.
    result = found(
        coins(), tag(LISTED, label="<script>\x1b[2J\u202e", concept="<b>x", source="=1+1\r\n")
    )
    for text in result.plain().select("labels", "concepts", "tags").row(0):
        assert text.isprintable()
    assert result.said["timing"][0].startswith("tagged as of 2024-09-27")
    html = result._repr_html_()
    assert canonical.text(LISTED, "btc") not in html + repr(result)
    assert "<td>from</td><td>&lt;b&gt;x</td><td>1</td>" in html


def test_nothing_found_is_a_result() -> None:
    empty = hits(Ledger.from_tables({}), tags())
    assert len(empty) == empty.plain().height == empty.said.height == 0
    assert "0 payments to" in repr(empty)
    assert empty._repr_html_()


def test_the_result_is_recorded_and_does_not_depend_on_the_order_of_tags() -> None:
    rows = [tag(LISTED), tag(OTHER), tag(LISTED, concept="market")]
    forth, back = found(coins(), *rows), found(coins(), *reversed(rows))
    assert digest_result(forth) == digest_result(back)
    assert forth.frame.equals(back.frame)
    assert forth.record is not None
    assert forth.record.step == "hits"
