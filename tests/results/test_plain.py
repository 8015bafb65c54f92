"""Every result has a table for people: text, whole coins, and base units beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import parse
from chainwatch.errors import InputError
from chainwatch.results.plain import plain_frame
from chainwatch.results.table import CHAIN, CONTRACT, TXID, WHEN, Column, Table

WORD = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
BTC = native("btc")
PAID = Table(
    "paid", ("txid",), "Payments.",
    (CHAIN, TXID, WHEN, Column.party("to", "who"), Column.amount("value", "how much"),
     Column.text("note", "n")),
)  # fmt: skip
FRAME = pl.DataFrame(
    [
        (BTC.chain, bytes(31) + b"\x01", datetime(2023, 6, 1, 12, 0, 0, 7, tzinfo=UTC),
         parse(WORD, "btc"), Decimal(38_800_000), "a\u202eb"),
        (BTC.chain, None, None, None, None, None),
    ],
    schema=PAID.schema,
    orient="row",
)  # fmt: skip


def test_a_row_reads_as_people_write_it() -> None:
    first, nothing = plain_frame({"paid": PAID.rows(FRAME)}, "", BTC).to_dicts()
    assert first == {
        "chain": "btc",
        "txid": "01" + "00" * 31,
        "time": "2023-06-01 12:00:00",
        "to": WORD,
        "value": Decimal(38_800_000),
        "value_coins": "0.388",
        "note": "a‹U+202E›b",
    }
    assert set(nothing.values()) == {"btc", None}


def test_without_an_asset_the_coin_of_the_chain_is_told() -> None:
    plain = plain_frame({"paid": PAID.rows(FRAME)}, "paid", None)
    assert plain["value_coins"].to_list() == ["0.388", None]


def test_a_token_is_told_by_the_decimals_said_of_it_and_else_in_base_units_alone() -> None:
    moved = Table(
        "moved", (), "Transfers.",
        (CHAIN, CONTRACT, Column.amount("value", "how much"), Column.number("decimals", "said")),
    )  # fmt: skip
    eth, token = native("eth").chain, b"\x10" + bytes(20)
    rows = [(eth, None, 10**18, None), (eth, token, 15, 1), (eth, token, 15, None),
            (eth, token, 15, 39), (BTC.chain, None, 1, 3)]  # fmt: skip
    tables = {"moved": moved.rows(moved.frame(rows))}
    assert plain_frame(tables, "", None)["value_coins"].to_list() == [
        "1", "1.5", None, None, "0.00000001",
    ]  # fmt: skip
    bare = moved.pick("chain", "value")
    nameless = {"moved": bare.rows(bare.frame([(eth, 5)]))}
    assert plain_frame(nameless, "", None).columns == ["chain", "value"], "of which token?"


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no table 'lost'; name one of paid"):
        plain_frame({"paid": PAID.rows(FRAME)}, "lost", BTC)
    with pytest.raises(InputError, match="no table to show"):
        plain_frame({}, "", None)
