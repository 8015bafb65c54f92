"""Two account chains and a coin chain, with a bridge between them: a few lines each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger

START = datetime(2023, 6, 1, tzinfo=UTC)
ETH, BASE = chain_of("eth").id, chain_of("base").id


def account(name: str) -> bytes:
    """Return the address of a name, which is legible in it; ``0`` is the zero address."""
    return b"\x10" + (bytes(20) if name == "0" else name.encode().rjust(20, b"."))


HERE = Asset(ETH, account("usd on eth"), "USD", 6)
THERE = Asset(BASE, account("usd on base"), "USD", 6)
BRIDGE = {"hop": {"eth": [account("pool")], "base": [account("pool")]}}


class Paid(NamedTuple):
    """A transfer: who pays whom how much, at which minute; ``more`` overrides columns."""

    asset: Asset
    sender: str
    receiver: str
    amount: int
    minute: float
    tx: str
    more: dict[str, Any]


def paid(
    asset: Asset, sender: str, receiver: str, amount: int, minute: float, tx: str = "", **more: Any
) -> Paid:
    return Paid(asset, sender, receiver, amount, minute, tx, more)


def txid_of(name: str) -> bytes:
    return name.encode().rjust(32, b"-")


def ledger_of(
    rows: Sequence[Paid],
    read: Sequence[tuple[str, str]] = (("pool", ""),),
    until: float | None = None,
) -> Ledger:
    """Return a ledger; ``read`` are names whose history was read, each on a chain or on both.

    With ``until`` it was read up to that minute.
    """
    made = []
    for place, one in enumerate(rows):
        tx = one.tx or f"tx {place}"
        row = {
            "chain": one.asset.chain, "txid": txid_of(tx),
            "kind": "erc20" if one.asset.contract else "native", "log_index": None,
            "trace_path": None, "occurrence": place, "tx": None, "height": None,
            "time": START + timedelta(minutes=one.minute), "contract": one.asset.contract,
            "token_id": None, "sender": account(one.sender), "receiver": account(one.receiver),
            "amount": one.amount, "amount_hex": None, "symbol": None, "decimals": None,
            "success": True, "status": None, "order_uncertain": True, "sections": 1,
            "signed": None,
        }  # fmt: skip
        made.append(row | one.more)
    coverage = [
        {
            "chain": chain, "unit": f"address/{name}/{chain}", "kind": "address",
            "source": "test", "address": account(name), "answer": bytes(32), "complete": True,
            "to_time": None if until is None else START + timedelta(minutes=until),
        }
        for name, only in read for chain in (ETH, BASE) if only in ("", chain)
    ]  # fmt: skip
    return Ledger.from_tables(
        {
            "transfers": pl.DataFrame(made, schema=schema.TRANSFERS.schema, orient="row"),
            "coverage": pl.DataFrame(coverage, schema=schema.COVERAGE.schema, orient="row"),
        }
    )


class Sea(NamedTuple):
    """What tests of crossings are written with."""

    here: Asset
    there: Asset
    bridge: dict[str, Any]

    paid = staticmethod(paid)
    ledger = staticmethod(ledger_of)
    account = staticmethod(account)
    txid = staticmethod(txid_of)

    @staticmethod
    def day(text: str) -> date:
        return date.fromisoformat(text)

    @staticmethod
    def tags(*rows: tuple[str, str, dict[str, Any]]) -> Tags:
        """Return tags ``(name, actor, more)`` on both chains, of bridges by default."""
        full = [
            {
                "chain": chain, "address": account(name), "label": f"{actor} wallet",
                "actor": actor, "concept": "defi_bridge", "source": "list",
                "confidence": "unknown", "level": 5, "pack": "test", "definer": True, **more,
            }
            for name, actor, more in rows for chain in (ETH, BASE)
        ]  # fmt: skip
        return make_tags(pl.DataFrame(full, schema=schema.TAGS.schema, orient="row"))

    def crossings(self, ledger: Ledger | list[Ledger], **more: Any) -> cw.Crossings:
        """Ask for crossings of the token, which is the same on both chains."""
        given: dict[str, Any] = {"bridges": self.bridge, "assets": [(self.here, self.there)]}
        return cw.crossings(ledger, **(given | more))

    def told(self, found: cw.Crossings) -> list[tuple[str, str | None]]:
        """Return result and evidence, or reason, of each deposit in its order."""
        rows = found.frame.select("result", pl.coalesce("evidence", "reason"))
        return [(result, why) for result, why in rows.iter_rows()]


@pytest.fixture(scope="session")
def sea() -> Sea:
    return Sea(HERE, THERE, BRIDGE)
