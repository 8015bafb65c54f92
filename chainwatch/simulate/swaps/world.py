"""An account chain of many assets in the making: balances, transactions, and what each means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import Kind, parse
from chainwatch.chains.base import ENTRY_POINTS
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ConservationError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import APPROVALS, BLOCKS, COVERAGE, TRANSFERS, pack_tx

NETWORK = chain("eth")
NOBODY = bytes([Kind.EVM]) + bytes(20)
WRAPPED = parse(NETWORK.wrapped[0], NETWORK)
ENTRY = parse(ENTRY_POINTS[1], NETWORK)
COIN = None
"""The coin as an asset; tokens are called by their contracts."""

UNIT, FEE, BLOCK_SECONDS = 10**6, 10**9, 12

Asset = bytes | None

SWAP, WRAP, UNWRAP, ROUTED, BATCH = "swap", "wrap", "unwrap", "passed through", "batch"
ADDED, DEPOSITED, OPERATION = "liquidity added", "deposited for a receipt", "user operation"
MET = "paid among others"
MEANINGS = (SWAP, WRAP, UNWRAP, ROUTED, MET, BATCH, ADDED, DEPOSITED, OPERATION)
"""What a transaction can truly mean here, in the words of the field. Where payments of several meet
in one contract, nothing on the chain says who paid whom: whoever says it has guessed."""


class Pay(NamedTuple):
    """A movement: who pays whom how much of which asset."""

    sender: bytes
    receiver: bytes
    asset: Asset
    amount: int


class Truth(NamedTuple):
    """What somebody truly did: ``got`` is what he, or whoever he named, got for it."""

    txid: bytes
    meaning: str
    actor: str
    payer: bytes
    payee: bytes
    asset: Asset
    amount: int
    receiver: bytes | None = None
    got_asset: Asset = None
    got: int | None = None


@dataclass
class Chain:
    """Everything that moves; ``label`` names part and seed and is the origin of all addresses."""

    label: str
    rng: Random
    start: int
    height: int = 0
    made: int = 0
    balances: dict[tuple[bytes, Asset], int] = field(default_factory=dict)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)

    def between(self, least: int, most: int) -> int:
        """Return a whole number from least to most."""
        return least + self.rng.randrange(most - least + 1)

    def chance(self, of_100: int) -> bool:
        """Say yes so many times of a hundred."""
        return self.rng.randrange(100) < of_100

    def address(self) -> bytes:
        """Return a new address."""
        self.made += 1
        return bytes([Kind.EVM]) + sha256(f"{self.label} {self.made}".encode()).digest()[:20]

    def contract(self) -> bytes:
        """Return a new contract, made in a transaction that whole blocks tell."""
        found, maker = self.address(), self.address()
        self.height += 1
        txid = self._txid()
        self._row(txid, "native", None, "", Pay(maker, found, COIN, 0))
        self.approvals.append(self._authority("creation", found, maker, maker, txid, 0))
        return found

    def held(self, address: bytes, asset: Asset) -> int:
        """Return how much of an asset an address holds."""
        return self.balances.get((address, asset), 0)

    def mint(self, to: bytes, asset: Asset, amount: int) -> None:
        """Let something come in from outside of all that is simulated."""
        if asset is COIN:
            outside = self.address()
            self.balances[outside, COIN] = amount
            self.send(outside, [Pay(outside, to, COIN, amount)])
        else:
            self.send(self.address(), [Pay(NOBODY, to, asset, amount)])

    def send(
        self, by: bytes, pays: Sequence[Pay], *, account: bytes | None = None,
        paymaster: bytes | None = None, allowed: Sequence[bytes] = (),
    ) -> bytes:  # fmt: skip
        """Let somebody send a transaction in which all this moves; return its id.

        ``account`` is the smart account whose user operation it is, ``paymaster`` who pays for it;
        ``allowed`` are who let others take what they pay. A contract that pays calls the token.

        Raises
        ------
        ConservationError
            If somebody pays what is not there: a defect of the simulation.
        """
        self.height += 1
        txid, top = self._txid(), False
        for place, pay in enumerate(pays):
            first = pay.asset is COIN and pay.sender == by and not top
            top = top or first
            self._move(txid, place, pay, kind=_kind(pay, first=first))
            if pay.asset is not COIN and pay.sender not in (by, NOBODY):
                told = ("approval", pay.receiver) if pay.sender in allowed else ("call", pay.sender)
                self.approvals.append(
                    self._authority(told[0], pay.asset, pay.sender, told[1], txid, place)
                )
        if not top:
            self._row(txid, "native", None, "", Pay(by, pays[0].receiver, COIN, 0))
        self._row(txid, "fee_burnt", None, None, Pay(by, NOBODY, COIN, FEE))
        if account is not None:
            self.approvals.append(self._authority("user_operation", ENTRY, account, by, txid, 900))
        if account is not None and paymaster is not None:
            sponsored = self._authority("paymaster", ENTRY, paymaster, account, txid, 900)
            self.approvals.append(sponsored)
        return txid

    def say(self, *truth: Truth) -> None:
        """Write down what a transaction truly means."""
        self.truth += truth

    def _txid(self) -> bytes:
        return sha256(f"{self.label} block {self.height}".encode()).digest()

    def _move(self, txid: bytes, place: int, pay: Pay, kind: str) -> None:
        made = pay.sender == NOBODY and pay.asset is not COIN
        if pay.amount <= 0 or not (made or pay.amount <= self.held(pay.sender, pay.asset)):
            raise ConservationError("a simulated address pays what it does not hold")
        if not made:
            self.balances[pay.sender, pay.asset] -= pay.amount
        self.balances[pay.receiver, pay.asset] = self.held(pay.receiver, pay.asset) + pay.amount
        log = None if pay.asset is COIN else place
        path = None if log is not None else "" if kind == "native" else str(place)
        self._row(txid, kind, log, path, pay)

    def _row(self, txid: bytes, kind: str, log: int | None, path: str | None, pay: Pay) -> None:
        self.transfers.append({
            "chain": NETWORK.id, "kind": kind, "txid": txid, "log_index": log, "trace_path": path,
            "occurrence": 0, "tx": pack_tx(self.height, 0), "height": self.height,
            "time": self.now, "contract": pay.asset, "token_id": None, "sender": pay.sender,
            "receiver": pay.receiver, "amount": pay.amount, "amount_hex": None, "symbol": None,
            "decimals": None, "success": True, "status": None, "order_uncertain": False,
            "sections": 1, "signed": None,
        })  # fmt: skip

    def _authority(
        self, kind: str, contract: bytes, owner: bytes, spender: bytes, txid: bytes, log: int
    ) -> dict[str, Any]:
        return {
            "chain": NETWORK.id, "txid": txid, "kind": kind, "log_index": log,
            "tx": pack_tx(self.height, 0), "time": self.now, "contract": contract, "owner": owner,
            "spender": spender, "granted": True,
        }  # fmt: skip

    @property
    def now(self) -> datetime:
        """The time of the block that is made."""
        return self._time(self.height)

    def _time(self, height: int) -> datetime:
        return datetime.fromtimestamp(self.start + BLOCK_SECONDS * height, UTC)

    def ledger(self) -> Ledger:
        """Return it as a ledger of which every block was read with its calls."""
        hashes = [sha256(f"{self.label} hash {n}".encode()).digest()
                  for n in range(self.height + 1)]  # fmt: skip
        blocks = [
            {"chain": NETWORK.id, "height": n, "hash": one, "tx_count": int(n > 0),
             "time": self._time(n), "parent": hashes[n - 1] if n else bytes(32)}
            for n, one in enumerate(hashes)
        ]  # fmt: skip
        coverage = [
            {"chain": NETWORK.id, "unit": f"{kind}/{one.hex()}", "kind": kind, "height": n,
             "block": one, "complete": True, "source": "simulated", "answer": bytes(32)}
            for n, one in enumerate(hashes) for kind in ("block", "internal")
        ]  # fmt: skip
        parts = ((TRANSFERS, self.transfers), (APPROVALS, self.approvals), (BLOCKS, blocks),
                 (COVERAGE, coverage))  # fmt: skip
        return Ledger.from_tables({
            table.name: pl.DataFrame(rows, schema=table.schema, orient="row")
            for table, rows in parts
        })  # fmt: skip


def _kind(pay: Pay, *, first: bool) -> str:
    if pay.asset is COIN:
        return "native" if first else "internal"
    if pay.asset == WRAPPED and NOBODY in (pay.sender, pay.receiver):
        return "wrap" if pay.sender == NOBODY else "unwrap"
    ending = "_mint" if pay.sender == NOBODY else "_burn" if pay.receiver == NOBODY else ""
    return f"erc20{ending}"
