"""Anybody can make a bridge's own contract log an identifier: a copy of it answers no deposit."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID, BY_MEMO, OPEN
from chainwatch.tracing.crossings.messages.logs import EVENTS
from chainwatch.tracing.crossings.search import ANSWERED_LITTLE, OWN_TABLE, UNLOGGED
from chainwatch.tracing.crossings.tables import BY_AMOUNT, CROSSED, NOT_MATCHED

TOPIC = {one.signature.partition("(")[0]: keccak(one.signature.encode())
         for one in reversed(EVENTS)}  # fmt: skip
"""By name; of an event that was changed the topic of the first version."""

WORD, NUMBER, SHORT = "bytes32", "uint256", "uint32"
PAID = 1_000_000


def word(name: str | int) -> bytes:
    """Return a number as a word, or the address of a name."""
    made = name.to_bytes(20, "big") if isinstance(name, int) else name.encode().rjust(20, b".")
    return bytes(12) + made


class Logs:
    """Logs of both chains, each of the bridge's own contract."""

    def __init__(self, sea: Any) -> None:
        self.sea = sea

    def read(self, *rows: tuple[str, str, str, list[bytes], bytes]) -> pl.DataFrame:
        """Return the messages of logs ``(chain, tx, event, topics, data)``."""
        pool = text(self.sea.account("pool"), "eth")
        tables = []
        for chain, tx, event, topics, data in rows:
            listed = [TOPIC[event], *topics]
            row = {"address": pool, "transaction_hash": self.sea.txid(tx), "data": data,
                   "topics": ",".join("0x" + one.hex() for one in listed)}  # fmt: skip
            tables.append(cw.messages_of_logs(pl.DataFrame([row]), chain, self.sea.bridge))
        return pl.concat(tables)

    @staticmethod
    def deposit(id_: int = 7, tx: str = "in", coin: str = "usd on eth", **more: Any) -> Any:
        has: dict[str, Any] = {"out": word("usd on base"), "wants": 990_000, "to": "mule",
                               "until": 6} | more  # fmt: skip
        data = encode(
            [WORD, WORD, NUMBER, NUMBER, SHORT, SHORT, SHORT, WORD, WORD, "bytes"],
            [word(coin), has["out"], PAID, has["wants"], 5, has["until"], 7, word(has["to"]),
             word(0), b"hello"],
        )  # fmt: skip
        return "eth", tx, "FundsDeposited", [word(8453), word(id_), word("thief")], data

    @staticmethod
    def fill(id_: int = 7, tx: str = "out", to: str = "mule", amount: int = 990_000,
             **more: Any) -> Any:  # fmt: skip
        has: dict[str, Any] = {
            "coin": "usd on eth",
            "out": "usd on base",
            "until": 6,
            "by": "thief",
            "said": keccak(b"hello"),
            "paid": PAID,
        } | more
        data = encode(
            [WORD, WORD, NUMBER, NUMBER, NUMBER, SHORT, SHORT, WORD, WORD, WORD, WORD,
             "(bytes32,bytes32,uint256,uint8)"],
            [word(has["coin"]), word(has["out"]), has["paid"], amount, 1, has["until"], 7,
             word(0), word(has["by"]), word(to), has["said"],
             (word(has.get("in the end", to)), word(0), has.get("paid out", amount), 0)],
        )  # fmt: skip
        return "base", tx, "FilledRelay", [word(1), word(id_), word("relayer")], data

    @staticmethod
    def out(vault: str, to: str, amount: int, memo: str, tx: str) -> Any:
        data = encode(["address", NUMBER, "string"], ["0x" + "00" * 20, amount, memo])
        return "base", tx, "TransferOut", [word(vault), word(to)], data

    @staticmethod
    def burn(to: str, amount: int, coin: str = "usd on eth") -> bytes:
        return bytes(4) + word(coin) + word(to) + amount.to_bytes(32, "big") + word("thief")

    @staticmethod
    def burnt(nonce: int, body: bytes, by: str = "pool") -> Any:
        head = bytes(8) + (6).to_bytes(4, "big") + nonce.to_bytes(8, "big")
        data = encode(["bytes"], [head + word(by) + word("pool") + word(0) + body])
        return "eth", "in", "MessageSent", [], data

    @staticmethod
    def minted(nonce: int, body: bytes, tx: str, by: str = "pool") -> Any:
        data = encode([SHORT, WORD, "bytes"], [0, word(by), body])
        return "base", tx, "MessageReceived", [word("anybody"), word(nonce)], data


@pytest.fixture
def logs(sea: Any) -> Logs:
    return Logs(sea)


def answers(found: cw.Crossings) -> list[tuple[bytes, int, str | None]]:
    rows = found.payouts.select("receiver", "amount", "evidence").iter_rows()
    return [(receiver, int(amount), evidence) for receiver, amount, evidence in rows]


class TestAcross:
    """A relay is filled by whoever likes, with whatever terms: it is another than the deposit's."""

    def ledger(self, sea: Any, *more: Any) -> Any:
        return sea.ledger([
            sea.paid(sea.here, "thief", "pool", PAID, 0, "in"),
            sea.paid(sea.there, "relayer", "mule", 990_000, 10, "out"),
            sea.paid(sea.there, "evil", "innocent", 1, 5, "fake"),
            *more,
        ])  # fmt: skip

    def test_the_fill_of_the_deposit_answers_it(self, sea: Any, logs: Logs) -> None:
        found = sea.crossings(self.ledger(sea), messages=logs.read(logs.deposit(), logs.fill()))
        assert answers(found) == [(sea.account("mule"), 990_000, BY_ID)]
        assert OWN_TABLE not in found.limits

    def test_what_the_depositor_left_open_may_be_anything(self, sea: Any, logs: Logs) -> None:
        """A deposit that names no token to be paid out, and a depositor who agreed to less."""
        ledger = self.ledger(sea, sea.paid(sea.there, "relayer", "friend", 980_000, 9, "less"))
        agreed: dict[str, Any] = {"in the end": "friend", "paid out": 980_000}
        fill = logs.fill(tx="less", **agreed)
        found = sea.crossings(ledger, messages=logs.read(logs.deposit(out=word(0)), fill))
        assert answers(found) == [(sea.account("friend"), 980_000, BY_ID)]

    @pytest.mark.parametrize("other", [
        {"to": "innocent", "amount": 1}, {"to": "innocent"}, {"amount": 1}, {"by": "evil"},
        {"coin": "junk"}, {"out": "junk"}, {"until": 8}, {"said": bytes(32)}, {"paid": 1},
    ])  # fmt: skip
    def test_a_copy_with_other_terms_answers_nothing(
        self, sea: Any, logs: Logs, other: dict[str, Any]
    ) -> None:
        to, amount = other.get("to", "mule"), other.get("amount", 990_000)
        ledger = self.ledger(sea, sea.paid(sea.there, "evil", to, amount, 6, "copy"))
        copy = logs.fill(tx="copy", **other)
        beside = sea.crossings(ledger, messages=logs.read(logs.deposit(), copy, logs.fill()))
        assert answers(beside) == [(sea.account("mule"), 990_000, BY_ID)]
        alone = sea.crossings(ledger, messages=logs.read(logs.deposit(), copy))
        assert answers(alone) == []

    def test_a_deposit_of_another_token_beside_takes_no_answer(self, sea: Any, logs: Logs) -> None:
        """Junk of the same amount is paid in beside, and its relay is filled as it asks."""
        fake: dict[str, Any] = {"to": "innocent", "wants": 1}
        said = logs.read(
            logs.deposit(), logs.deposit(8, coin="junk", **fake), logs.fill(),
            logs.fill(8, "fake", "innocent", 1, coin="junk"),
        )  # fmt: skip
        found = sea.crossings(self.ledger(sea), messages=said)
        assert answers(found) == [(sea.account("mule"), 990_000, BY_ID)]

    def test_two_messages_of_the_whole_of_one_deposit_leave_it_open(
        self, sea: Any, logs: Logs
    ) -> None:
        said = logs.read(
            logs.deposit(), logs.deposit(8, to="innocent", wants=1), logs.fill(),
            logs.fill(8, "fake", "innocent", 1),
        )  # fmt: skip
        found = sea.crossings(self.ledger(sea), messages=said)
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]

    def test_who_fills_his_own_relay_for_next_to_nothing(self, sea: Any, logs: Logs) -> None:
        """It is the answer to his deposit: what the bridge owes him as a relayer lies elsewhere."""
        said = logs.read(logs.deposit(to="innocent", wants=1), logs.fill(7, "fake", "innocent", 1))
        found = sea.crossings(self.ledger(sea), messages=said)
        assert answers(found) == [(sea.account("innocent"), 1, BY_ID)]
        unread = f"On eth, base {UNLOGGED}"
        assert found.limits == (unread, f"1 deposit is {ANSWERED_LITTLE}")
        honest = sea.crossings(self.ledger(sea), messages=logs.read(logs.deposit(), logs.fill()))
        assert honest.limits == (unread,)

    def test_a_message_of_one_bridge_is_of_no_deposit_at_another(
        self, sea: Any, logs: Logs
    ) -> None:
        said = logs.read(logs.deposit(), logs.fill()).with_columns(bridge=pl.lit("other"))
        found = sea.crossings(self.ledger(sea), messages=said)
        assert answers(found) == []


class TestThorchain:
    """Anybody may have the router pay out of his own pocket, with any memo."""

    def ask(self, sea: Any, logs: Logs, *said: Any) -> list[tuple[bytes, int, str | None]]:
        ledger = sea.ledger([
            sea.paid(sea.here, "thief", "pool", PAID, 0, "in"),
            sea.paid(sea.there, "pool", "mule", 990_000, 10, "out"),
            sea.paid(sea.there, "pool", "innocent", 1, 5, "fake"),
        ])  # fmt: skip
        return answers(sea.crossings(ledger, messages=logs.read(*said)))

    @pytest.mark.parametrize("word_of_it", ["OUT", "REFUND"])
    def test_only_a_vault_answers(self, sea: Any, logs: Logs, word_of_it: str) -> None:
        paid = sea.txid("in").hex()
        true = logs.out("pool", "mule", 990_000, f"OUT:{paid}", "out")
        fake = logs.out("evil", "innocent", 1, f"{word_of_it}:{paid}", "fake")
        right = (sea.account("mule"), 990_000)
        assert self.ask(sea, logs, true) == [(*right, BY_MEMO)]
        assert self.ask(sea, logs, true, fake) == [(*right, BY_MEMO)]
        assert self.ask(sea, logs, fake) == [(*right, BY_AMOUNT)]


class TestCctp:
    """Anybody may send a message; only those of the token messenger are burns."""

    @pytest.mark.parametrize("body", [
        Logs.burn("innocent", 1), Logs.burn("innocent", PAID), b"hi",
        Logs.burn("innocent", PAID, "junk"),
    ])  # fmt: skip
    def test_a_message_of_somebody_else_is_no_burn(self, sea: Any, logs: Logs, body: bytes) -> None:
        ledger = sea.ledger([
            sea.paid(sea.here, "thief", "pool", PAID, 0, "in"),
            sea.paid(sea.there, "0", "mule", PAID, 10, "out", kind="erc20_mint"),
            sea.paid(sea.there, "evil", "innocent", PAID, 9, "fake"),
        ])  # fmt: skip
        burn = logs.burn("mule", PAID)
        true = [logs.burnt(77, burn), logs.minted(77, burn, "out")]
        fake = [logs.burnt(78, body, "evil"), logs.minted(78, body, "fake", "evil")]
        found = sea.crossings(ledger, messages=logs.read(*true, *fake))
        assert answers(found) == [(sea.account("mule"), PAID, BY_ID)]
        copied = logs.minted(77, logs.burn("innocent", PAID), "fake")
        for rows in (fake, [logs.burnt(77, burn), copied]):
            assert answers(sea.crossings(ledger, messages=logs.read(*rows))) == []


def test_a_table_of_the_callers_own_is_said_to_be_trusted(sea: Any) -> None:
    ledger = sea.ledger([
        sea.paid(sea.here, "ann", "pool", 10, 0, "in"),
        sea.paid(sea.there, "pool", "bob", 9, 1, "out"),
    ])  # fmt: skip
    rows = [("eth", "in", "sent"), ("base", "out", "received")]
    said = pl.DataFrame([{"chain": chain, "txid": sea.txid(tx), "id": "1", "side": side}
                         for chain, tx, side in rows])  # fmt: skip
    found = sea.crossings(ledger, messages=said)
    assert sea.told(found) == [(CROSSED, BY_ID)]
    assert OWN_TABLE in found.lines()
