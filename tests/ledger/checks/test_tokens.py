"""Tokens whose transfers do not add up are told by the check, in words, and fail no ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger

ETH = "eip155:1"
NOBODY, A, B, C = (b"\x10" + bytes(19) + bytes([n]) for n in (0, 1, 2, 3))
TOKEN, OTHER = (b"\x10" + bytes([n]) * 20 for n in (0x7E, 0x7F))
START = datetime(2024, 5, 1, tzinfo=UTC)
Move = tuple[bytes, bytes, int]


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    table = next(one for one in schema.TABLES if one.name == name)
    return pl.DataFrame([{column: row.get(column) for column in table.schema} for row in rows],
                        schema=table.schema, orient="row")  # fmt: skip


def transfers(*moves: Move, contract: bytes = TOKEN, **more: Any) -> pl.DataFrame:
    return frame("transfers", [
        {
            "chain": ETH, "txid": contract[1:2] + bytes([n]) * 31, "kind": "erc20", "log_index": n,
            "contract": contract, "sender": sender, "receiver": receiver, "occurrence": 0,
            "amount": amount, "time": START + timedelta(minutes=n), "sections": 1,
            "order_uncertain": False, "success": True, **more,
        }
        for n, (sender, receiver, amount) in enumerate(moves)
    ])  # fmt: skip


def history(address: bytes, **more: Any) -> dict[str, Any]:
    return {
        "chain": ETH, "unit": f"address/{address.hex()}/{more.get('contract')}", "kind": "address",
        "address": address, "complete": True, "source": "s", "answer": bytes(32), **more,
    }  # fmt: skip


def told(moves: pl.DataFrame, *units: dict[str, Any]) -> tuple[int, int, int, str] | None:
    tables = {"transfers": moves, "coverage": frame("coverage", list(units))}
    report = check(Ledger.from_tables(tables))
    assert report.ok
    found = report.frame.filter(pl.col("name") == "token balances")
    return found.select("checked", "failed", "unread", "note").row(0) if found.height else None


def test_a_token_that_adds_up() -> None:
    found = told(transfers((NOBODY, A, 10), (A, B, 10)), history(A))
    assert found == (1, 0, 0, "no address paid more of a token than it received, where every"
                     " transfer of it was read")  # fmt: skip


def test_a_token_that_does_not_is_named_with_what_is_lacking() -> None:
    moves = [transfers((NOBODY, A, 10), (A, B, 13)), transfers((NOBODY, A, 1), contract=OTHER)]
    found = told(pl.concat(moves), history(A))
    assert found is not None
    assert found[:3] == (1, 0, 1)
    token, whose = text(TOKEN, ETH), text(A, ETH)
    assert "1 token does not add up" in found[3]
    assert f"{token} (1 address paid more than came, {whose} by 3 base units)" in found[3]
    assert text(OTHER, ETH) not in found[3]


@pytest.mark.parametrize(
    "unit",
    [
        history(B),
        history(A, complete=None),
        history(A, contract=OTHER),
        history(A, kind="native"),
        history(A, from_time=START + timedelta(seconds=30)),
        history(A, to_time=START + timedelta(seconds=30)),
    ],
)
def test_an_address_that_was_not_read_wholly_lacks_nothing(unit: dict[str, Any]) -> None:
    found = told(transfers((NOBODY, A, 10), (A, B, 13)), unit)
    assert found is None or found[2] == 0


def test_what_failed_and_what_is_known_to_move_by_itself_are_left_out() -> None:
    failed = transfers((A, B, 13), success=False)
    assert told(failed, history(A)) is None
    steth = bytes.fromhex("10ae7ab96520de3a18e5e111b5eaab095312d7fe84")
    assert told(transfers((A, B, 13), contract=steth), history(A)) is None
    assert told(transfers((A, B, 13), kind="erc1155"), history(A)) is None


def test_what_is_burnt_beyond_what_was_made_lacks_nothing_of_the_zero_address() -> None:
    found = told(transfers((NOBODY, A, 10), (A, NOBODY, 10)), history(A), history(NOBODY))
    assert found is not None
    assert found[:3] == (1, 0, 0)


def test_amounts_wider_than_a_column_are_added_up() -> None:
    wide = hex(10**40)
    moves = transfers((NOBODY, A, 0), (A, B, 0), amount=None, amount_hex=wide)
    more = transfers((A, C, 5)).with_columns(log_index=pl.lit(9, pl.Int64))
    assert told(moves, history(A)) is not None
    found = told(pl.concat([moves, more]), history(A))
    assert found is not None
    assert (found[2], "by 5 base units" in found[3]) == (1, True)


def test_five_are_named_and_the_others_counted() -> None:
    moves = [transfers((A, B, n), contract=b"\x10" + bytes([n]) * 20) for n in range(1, 8)]
    found = told(pl.concat(moves), history(A))
    assert found is not None
    assert found[2] == 7
    assert found[3].count("paid more than came") == 5
    assert found[3].endswith("; and 2 more")
