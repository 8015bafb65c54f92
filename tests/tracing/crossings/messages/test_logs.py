"""What contracts of bridges log, as their own sources lay it out; others say nothing."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError, TraceError
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID
from chainwatch.tracing.crossings.messages.logs import EVENTS
from chainwatch.tracing.crossings.tables import CROSSED

BOB = "0x" + "b0" * 20
BOB_WORD = bytes(12) + bytes.fromhex("b0" * 20)
POOL_WORD = bytes(12) + b"pool".rjust(20, b".")
USD_WORD = bytes(12) + b"usd on eth".rjust(20, b".")
TOPICS = {
    "MessageSent": "8c5261668696ce22758910d05bab8f186d6eb247ceac2af2e82c7dc17669b036",
    "MessageReceived": "58200b4c34ae05ee816d710053fff3fb75af4395915d3d2a771b24aa10e3cc5d",
    "MessageReceived v2": "ff48c13eda96b1cceacc6b9edeedc9e9db9d6226afbc30146b720c19d3addb1c",
    "FundsDeposited": "32ed1a409ef04c7b0227189c3a103dc5ac10e775a15b785dcc510201f7c25ad3",
    "V3FundsDeposited": "a123dc29aebf7d0c3322c8eeb5b999e859f39937950ed31056532713d0de396f",
    "FilledRelay": "44b559f101f8fbcc8a0ea43fa91a05a729a5ea6e14a7c75aa750374690137208",
    "FilledV3Relay": "571749edf1d5c9599318cdbc4e28a6475d65e87fd3b2ddbe1e9a8d5e7a0f0ff7",
    "OFTSent": "85496b760a4b7f8d66384b9df21b381f5d1b1e79f229a47aaf4c232edc2fe59a",
    "OFTReceived": "efed6d3500546b29533b128a29e3a94d70788727f0507505ac12eaf2e578fd9c",
    "TransferOut": "a9cd03aa3c1b4515114539cd53d22085129d495cb9e9f9af77864526240f1bf7",
}
"""First topics as they stand on the chains."""


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def cctp(version: int = 0, domain: int = 0, nonce: int = 77, amount: int = 990) -> bytes:
    """Return a message with the body of a burn, field by field."""
    body = number(0)[:4] + USD_WORD + BOB_WORD + number(amount) + number(2)
    head = version.to_bytes(4, "big") + domain.to_bytes(4, "big") + (6).to_bytes(4, "big")
    return head + nonce.to_bytes(8, "big") + POOL_WORD + number(4) + number(0) + body


def log(event: str, topics: list[bytes], data: bytes, **more: Any) -> dict[str, Any]:
    """Return a row as ethereum-etl exports it."""
    listed = [bytes.fromhex(TOPICS[event]), *topics]
    return {
        "address": text(b"\x10" + b"pool".rjust(20, b"."), "eth"),
        "transaction_hash": "0x" + "ab" * 32, "data": "0x" + data.hex(),
        "topics": ",".join("0x" + one.hex() for one in listed), **more,
    }  # fmt: skip


@pytest.fixture
def read(sea: Any) -> Any:
    def ask(*rows: dict[str, Any], chain: str = "eth", **more: Any) -> list[tuple[Any, ...]]:
        found = cw.messages_of_logs(pl.DataFrame(list(rows)), chain, sea.bridge, **more)
        return [
            (one["scheme"], one["side"], one["id"],
             one["receiver"] and text(one["receiver"], chain), one["amount"] and int(one["amount"]))
            for one in found.iter_rows(named=True)
        ]  # fmt: skip

    return ask


def checksummed() -> str:
    return text(b"\x10" + bytes.fromhex("b0" * 20), "eth")


def test_the_first_topics_are_those_on_the_chains() -> None:
    made: dict[str, str] = {}
    for event in EVENTS:
        name = event.signature.partition("(")[0]
        again = f"{name} v2" if name in made else name
        made[again] = keccak(event.signature.encode()).hex()
    assert made == TOPICS
    assert len(made) == len(EVENTS)


def test_cctp(read: Any) -> None:
    sent = log("MessageSent", [], encode(["bytes"], [cctp(domain=0)]))
    body = cctp()[116:]
    data = encode(["uint32", "bytes32", "bytes"], [0, POOL_WORD, body])
    got = log("MessageReceived", [number(9), number(77)], data)
    assert read(sent) == [("cctp", "sent", "0:77", None, 990)]
    assert read(got, chain="base") == [("cctp", "received", "0:77", checksummed(), 990)]
    other = encode(["uint32", "bytes32", "bytes"], [3, POOL_WORD, b"not a burn"])
    assert read(log("MessageReceived", [number(9), number(78)], other)) == []
    assert read(log("MessageSent", [], encode(["bytes"], [cctp(version=1)]))) == []


def test_across_in_both_forms(read: Any) -> None:
    word, many = "bytes32", ["uint32"] * 3
    sent = encode(
        [word, word, "uint256", "uint256", *many, word, word, "bytes"],
        [number(1), number(2), 1_000, 990, 5, 6, 7, BOB_WORD, number(0), b"hello"],
    )
    filled = encode(
        [word, word, "uint256", "uint256", "uint256", "uint32", "uint32", word, word, word, word,
         "(bytes32,bytes32,uint256,uint8)"],
        [number(1), number(2), 1_000, 990, 1, 5, 6, number(0), number(3), number(4), number(5),
         (BOB_WORD, number(0), 985, 0)],
    )  # fmt: skip
    topics = [number(8453), number(4_000_000), BOB_WORD]
    assert read(log("FundsDeposited", topics, sent)) == [
        ("across", "sent", "1:4000000", None, 1_000)
    ]
    origin = [number(1), number(4_000_000), number(9)]
    assert read(log("FilledRelay", origin, filled), chain="base") == [
        ("across", "received", "1:4000000", checksummed(), 985)
    ]
    account = "address"
    before = encode(
        [account, account, "uint256", "uint256", "uint256", "uint32", "uint32", account, account,
         account, "bytes", "(address,bytes,uint256,uint8)"],
        ["0x" + "01" * 20, "0x" + "02" * 20, 1_000, 990, 1, 5, 6, "0x" + "00" * 20,
         "0x" + "03" * 20, "0x" + "04" * 20, b"a message of some length" * 3,
         (BOB, b"another", 984, 0)],
    )  # fmt: skip
    assert read(log("FilledV3Relay", origin, before), chain="base") == [
        ("across", "received", "1:4000000", checksummed(), 984)
    ]


def test_layerzero(read: Any) -> None:
    guid = bytes(range(32))
    sent = log("OFTSent", [guid, number(9)], encode(["uint32"] + ["uint256"] * 2, [30184, 7, 6]))
    got = log("OFTReceived", [guid, BOB_WORD], encode(["uint32", "uint256"], [30101, 6]))
    assert read(sent, got) == [
        ("layerzero", "sent", guid.hex(), None, 7),
        ("layerzero", "received", guid.hex(), checksummed(), 6),
    ]


def test_thorchain(read: Any) -> None:
    def out(memo: str, vault: bytes = POOL_WORD) -> dict[str, Any]:
        data = encode(["address", "uint256", "string"], ["0x" + "00" * 20, 55, memo])
        return log("TransferOut", [vault, BOB_WORD], data)

    paid = "AB" * 32
    assert read(out(f"OUT:{paid}"), out(f"REFUND:{paid}"), out("migrate:100")) == [
        ("thorchain", "received", paid.lower(), checksummed(), 55),
        ("thorchain", "given back", paid.lower(), checksummed(), 55),
    ]
    for vault in (number(1), BOB_WORD, b"\x01" * 12 + POOL_WORD[12:]):
        assert read(out(f"OUT:{paid}", vault), out(f"REFUND:{paid}", vault)) == []


def test_anybody_may_log_anything(read: Any) -> None:
    """The same log from a contract that nobody named as the bridge's says nothing."""
    sent = log("MessageSent", [], encode(["bytes"], [cctp()]))
    assert read({**sent, "address": "0x" + "66" * 20}) == []
    assert read({**sent, "topics": "0x" + "11" * 32}) == []
    assert read({**sent, "topics": ""}) == []


@pytest.mark.parametrize("size", [0, 31, 63, 64, 150])
def test_a_log_that_is_cut_short_is_named(read: Any, size: int) -> None:
    whole = encode(["bytes"], [cctp()])
    with pytest.raises(InputError, match=r"cannot be read: .* at row 1 of the table of logs"):
        read(log("MessageSent", [], whole[:size]))
    with pytest.raises(InputError, match="row 1"):
        read(log("MessageReceived", [number(9)], encode(["uint32"], [3])))


def test_other_forms_of_the_table(sea: Any, read: Any) -> None:
    """Topics one by one, and bytes, as Parquet of cryo has them."""
    row = log("MessageSent", [], encode(["bytes"], [cctp()]))
    apart = {
        "address": sea.account("pool")[1:], "transaction_hash": bytes.fromhex("ab" * 32),
        "data": bytes.fromhex(row["data"][2:]), "topic0": bytes.fromhex(TOPICS["MessageSent"]),
        "topic1": None,
    }  # fmt: skip
    listed = {**row, "topics": ["0x" + TOPICS["MessageSent"]]}
    assert read(row) == read(apart) == read(listed)


def test_what_is_asked_wrongly(sea: Any) -> None:
    row = log("MessageSent", [], b"")
    for name in ("address", "data", "topics"):
        with pytest.raises(InputError, match=f"no column '{name}'"):
            cw.messages_of_logs(pl.DataFrame([row]).drop(name), "eth", sea.bridge)
    with pytest.raises(TraceError, match="has no logs of this form"):
        cw.messages_of_logs(pl.DataFrame([row]), "btc", sea.bridge)


def test_from_logs_to_a_crossing(sea: Any) -> None:
    """A burn and a mint, told by no amount: the tokens are made, and no bridge pays them."""
    sides = {"eth": sea.txid("in"), "base": sea.txid("out")}
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 990, 0, "in"),
        sea.paid(sea.there, "0", "bob", 990, 4_000, "out", kind="erc20_mint"),
        sea.paid(sea.there, "0", "fee", 10, 4_000, "out", kind="erc20_mint"),
    ])  # fmt: skip
    burn = cctp().replace(BOB_WORD, bytes(12) + sea.account("bob")[1:])
    got = encode(["uint32", "bytes32", "bytes"], [0, POOL_WORD, burn[116:]])
    said = pl.concat(
        cw.messages_of_logs(
            pl.DataFrame([log(event, topics, data, transaction_hash=sides[chain])]), chain,
            sea.bridge,
        )
        for chain, event, topics, data in [
            ("eth", "MessageSent", [], encode(["bytes"], [burn])),
            ("base", "MessageReceived", [number(9), number(77)], got),
        ]
    )  # fmt: skip
    found = sea.crossings(ledger, messages=said)
    assert sea.told(found) == [(CROSSED, BY_ID)]
    assert found.payouts["receiver"].to_list() == [sea.account("bob")]
    assert found.payouts["identifier"].to_list() == ["cctp 0:77"]
