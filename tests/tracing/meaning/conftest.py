"""Small account chains, transaction by transaction: every block was read, with its calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.assets import ZERO, Asset, native
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.base import ENTRY_POINTS
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger

ETH = chain_of("eth")
START = datetime(2024, 1, 1, tzinfo=UTC)
NOBODY = b"\x10" + bytes(20)
LISTED = {
    "WETH": parse(ETH.wrapped[0], ETH),
    "entry": parse(ENTRY_POINTS[1], ETH),
    "0": NOBODY,
}


def at(name: str) -> bytes:
    """Return the address of a name: legible in it, but for those that the chain lists."""
    return LISTED.get(name) or b"\x10" + name.encode().rjust(20, b".")


def name_of(address: bytes | None) -> str | None:
    """Return the name of an address."""
    if address is None:
        return None
    known = {value: name for name, value in LISTED.items()}
    return known.get(address) or address[1:].decode("latin1").lstrip(".")


def asset(name: str) -> Asset:
    """Return an asset by its name; ``ETH`` is the coin, ``WETH`` the coin wrapped."""
    return native("eth") if name == "ETH" else Asset(ETH.id, at(name), name, 0)


def txid_of(number: int) -> bytes:
    return hashlib.sha256(f"transaction {number}".encode()).digest()


class Operation(NamedTuple):
    """A user operation, by whom it is paid and through which contract it runs."""

    account: str
    paymaster: str | None = None
    entry: str = "entry"


@dataclass
class Told:
    """A chain in the making: one block a transaction, ten minutes apart."""

    transfers: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    heights: int = 0

    def tx(
        self, sent_by: str | None, *moves: tuple[Any, ...], fee: int = 0,
        ops: Sequence[Operation] = (), to: str = "r",
    ) -> bytes:  # fmt: skip
        """Add a transaction of moves ``(sender, receiver, asset, amount[, more])``; return its id.

        A move of the coin is a call inside of it, unless it is the first one of who sent it.
        """
        self.heights += 1
        txid, paid = txid_of(self.heights), False
        for n, (sender, receiver, of, amount, *rest) in enumerate(moves):
            top = of == "ETH" and sender == sent_by and not paid
            paid = paid or top
            kind = ("native" if top else "internal") if of == "ETH" else _kind(sender, receiver, of)
            place = {"log_index": None if of == "ETH" else n,
                     "trace_path": ("" if top else str(n)) if of == "ETH" else None}  # fmt: skip
            more = {**place, **(rest[0] if rest else {})}
            self._row(txid, kind, sender, receiver, of, amount, **more)
        if sent_by is not None and not paid:
            self._row(txid, "native", sent_by, to, "ETH", 0, log_index=None, trace_path="")
        if fee:
            self._row(txid, "fee", sent_by or "?", "miner", "ETH", fee, log_index=None,
                      trace_path=None)  # fmt: skip
        for n, op in enumerate(ops):
            sides = [("user_operation", op.account, sent_by)]
            sides += [("paymaster", op.paymaster, op.account)] if op.paymaster else []
            for kind, owner, spender in sides:
                self.approvals.append({
                    "chain": ETH.id, "txid": txid, "kind": kind, "log_index": 900 + n,
                    "tx": schema.pack_tx(self.heights, 0), "time": self.now,
                    "contract": at(op.entry), "owner": at(owner or ""), "granted": True,
                    "spender": at(spender or ""),
                })  # fmt: skip
        return txid

    def made(self, *names: str) -> None:
        """Say that these are contracts: a transaction made each."""
        self.heights += 1
        for n, name in enumerate(names):
            self.approvals.append({
                "chain": ETH.id, "txid": txid_of(self.heights), "kind": "creation", "log_index": n,
                "tx": schema.pack_tx(self.heights, 0), "time": self.now, "contract": at(name),
                "owner": at("maker"), "spender": at("maker"), "granted": True,
            })  # fmt: skip

    def called(self, name: str, token: str, kind: str = "call") -> None:
        """Say that somebody called a token in the last transaction, or let code act for it."""
        self.approvals.append({
            "chain": ETH.id, "txid": txid_of(self.heights), "kind": kind, "log_index": 0,
            "tx": schema.pack_tx(self.heights, 0), "time": self.now, "contract": at(token),
            "owner": at(name), "spender": at(name), "granted": True,
        })  # fmt: skip

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=10 * self.heights)

    def _row(
        self, txid: bytes, kind: str, sender: str, receiver: str, of: str, moved: int, **more: Any
    ) -> None:
        self.transfers.append({
            "chain": ETH.id, "txid": txid, "kind": kind, "occurrence": 0,
            "tx": schema.pack_tx(self.heights, 0), "height": self.heights, "time": self.now,
            "contract": None if of == "ETH" else at(of), "token_id": None, "sender": at(sender),
            "receiver": at(receiver), "amount": moved, "amount_hex": None, "symbol": None,
            "decimals": None, "success": True, "status": None, "order_uncertain": False,
            "sections": 1, "signed": None, **more,
        })  # fmt: skip

    def ledger(self, *, calls: bool = True, whole: bool = True, of: Iterable[str] = ()) -> Ledger:
        """Return it as a ledger: whole blocks, with calls or without, or histories of addresses."""
        hashes = [hashlib.sha256(f"block {n}".encode()).digest() for n in range(self.heights + 1)]
        blocks = [
            {"chain": ETH.id, "height": n, "hash": hashes[n], "time": START + n * timedelta(
                minutes=10), "parent": hashes[n - 1] if n else bytes(32), "tx_count": 1}
            for n in range(self.heights + 1)
        ]  # fmt: skip
        units = [(kind, n) for n in range(self.heights + 1) for kind in ("block", "internal")
                 if kind == "block" or calls]  # fmt: skip
        coverage = [
            {"chain": ETH.id, "unit": f"{kind}/{n}", "kind": kind, "height": n, "block": hashes[n],
             "complete": True, "source": "test", "answer": bytes(32)}
            for kind, n in units if whole
        ]  # fmt: skip
        coverage += [
            {"chain": ETH.id, "unit": f"address/{name}", "kind": "address", "address": at(name),
             "complete": True, "source": "test", "answer": bytes(32)}
            for name in of
        ]  # fmt: skip
        parts = {"blocks": blocks if whole else [], "transfers": self.transfers,
                 "approvals": self.approvals, "coverage": coverage}  # fmt: skip
        return Ledger.from_tables({
            name: pl.DataFrame(rows, schema=getattr(schema, name.upper()).schema, orient="row")
            for name, rows in parts.items()
        })  # fmt: skip


def _kind(sender: str, receiver: str, of: str) -> str:
    if of == "WETH" and "0" in (sender, receiver):
        return "wrap" if sender == "0" else "unwrap"
    return "erc20" + ("_mint" if sender == "0" else "_burn" if receiver == "0" else "")


def tags(*rows: tuple[Any, ...]) -> Tags:
    """Return tags ``(name, actor, concept[, level])``: a service's own data, or of a level."""
    return make_tags(pl.DataFrame([
        {"chain": ETH.id, "address": at(name), "label": f"{actor} contract", "actor": actor,
         "concept": concept, "source": "list", "confidence": "service_data",
         "level": level[0] if level else 50,
         "pack": "test", "definer": False}
        for name, actor, concept, *level in rows
    ], schema=schema.TAGS.schema, orient="row"))  # fmt: skip


Parts = list[tuple[Any, ...]]


def told(found: Any, txid: bytes | None = None) -> Parts:
    """Return the rows of meanings, by names: meaning, certainty, side, from, to, asset, amount."""
    rows = found.frame if txid is None else found.frame.filter(txid=txid)
    return [
        (row["meaning"], row["certainty"], row["side"], name_of(row["sender"]),
         name_of(row["receiver"]), name_of(row["contract"]) or "ETH", int(row["amount"]))
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip


class Kit(NamedTuple):
    """What tests are written with."""

    chain: Callable[[], Told]
    at: Callable[[str], bytes]
    name: Callable[[bytes | None], str | None]
    asset: Callable[[str], Asset]
    tags: Callable[..., Tags]
    told: Callable[..., Parts]
    op: type[Operation]


@pytest.fixture(scope="session")
def kit() -> Kit:
    assert NOBODY in ZERO
    return Kit(Told, at, name_of, asset, tags, told, Operation)
