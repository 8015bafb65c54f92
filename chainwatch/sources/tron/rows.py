"""Rows of transactions of Tron: payments, fees and rewards, stakes, movements of tokens, freezes.

Payments are what changes hands: their sum is all that an account has, spendable or staked. What it
staked and took back stands in the table of stakes, whose ``moved`` says how much of it can be
spent: the two add up to the balance that a node states.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ledger import schema
from chainwatch.ledger.schema import pack_tx
from chainwatch.sources.tron.contracts import ZERO, Fact, Paid, Stake, facts_of
from chainwatch.sources.tron.fields import Told
from chainwatch.sources.tron.inside import Move, facts_inside, moves_of
from chainwatch.units import LARGEST_AMOUNT

Row = dict[str, Any]

_ALIKE = ("txid", "contract", "sender", "receiver", "amount", "amount_hex", "token_id")

TABLES = ("transfers", "stakes", "approvals", "freezes", "contract_logs")


def wide(amount: int) -> Row:
    """Return an amount, or its hexadecimal form where it is wider than 38 digits."""
    fits = amount <= LARGEST_AMOUNT
    return {"amount": amount if fits else None, "amount_hex": None if fits else hex(amount)}


@dataclass
class Rows:
    """Rows of one batch; the same row told twice stands in it once.

    Attributes
    ----------
    chain : Chain
        Of all of them.
    odd_notes : int
        What happened inside transactions with a note that is not known.
    """

    chain: Chain
    odd_notes: int = 0
    _rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    _count: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def add(self, told: Told, where: str) -> None:
        """Add a transaction and what came of it."""
        owner, facts = facts_of(told, self.chain, where)
        for fact in facts:
            if isinstance(fact, Paid):
                self._pay(told, fact)
            else:
                self._stake(told, owner, fact)
        if told.fee:
            self._pay(told, Paid("fee_burnt", owner, ZERO, told.fee), success=True)
        for resource, used in (("energy", told.energy), ("bandwidth", told.bandwidth)):
            if used:
                self._stake(told, owner, Stake("use", used, 0, resource=resource), success=True)
        for one in told.inside:
            for move in moves_of(one, self.chain, where):
                self.inside(self.at(told), move, success=told.success)

    def inside(self, at: Row, move: Move, *, success: bool = True) -> None:
        """Add what happened inside a transaction: a payment, or a fact for the table of stakes.

        Of what has no note that is known, what it moved is unknown of both its sides.
        """
        facts, took = facts_inside(move), success and move.success
        if facts is None:
            sides = (move.sender, move.receiver)
            self.odd_notes += 1
            for n, whose in enumerate(dict.fromkeys(one for one in sides if one is not None)):
                self._bind(
                    at, whose, Stake("other", None, None), move.number + n, move.note, took=took
                )
            return
        for fact in facts:
            if isinstance(fact, Stake):
                self._bind(at, move.sender, fact, move.number, move.note, took=took)
            else:
                self.transfer(
                    at, kind=fact.kind, sender=fact.sender, receiver=fact.receiver,
                    amount=fact.amount, token_id=fact.token, trace_path=move.name, success=took,
                )  # fmt: skip

    def _bind(self, at: Row, owner: bytes, fact: Stake, n: int, kind: str, *, took: bool) -> None:
        self._rows["stakes"].append({
            **at, "kind": fact.kind, "n": n, "address": owner, "other": fact.other,
            "resource": fact.resource, "amount": fact.amount, "moved": fact.moved if took else 0,
            "success": took, "contract_type": kind,
        })  # fmt: skip

    def _pay(self, told: Told, paid: Paid, *, success: bool | None = None) -> None:
        self.transfer(
            told, kind=paid.kind, sender=paid.sender, receiver=paid.receiver, amount=paid.amount,
            token_id=paid.token, success=told.success if success is None else success,
        )  # fmt: skip

    def transfer(
        self, at: Told | Row, *, kind: str, sender: bytes, receiver: bytes, amount: int,
        success: bool, **more: Any,
    ) -> None:  # fmt: skip
        """Add a transfer; ``at`` says of which transaction, ``more`` its place and contract."""
        place = self.at(at) if isinstance(at, Told) else at
        token = more.get("contract") is not None
        placed = more.get("log_index") is not None or not token
        row = {
            **place, "kind": kind, "sender": sender, "receiver": receiver, **wide(amount),
            "success": success, "sections": 1, "occurrence": 0, **more,
            "order_uncertain": place.get("tx") is None or not placed,
        }  # fmt: skip
        if token and row.get("log_index") is None:
            alike = tuple(row.get(name) for name in _ALIKE)
            row["occurrence"] = self._count[alike]
            self._count[alike] += 1
        self._rows["transfers"].append(row)

    def _stake(self, told: Told, owner: bytes, fact: Stake, *, success: bool | None = None) -> None:
        key = (told.txid, fact.kind)
        self._bind(self.at(told), owner, fact, self._count[key], told.kind, took=told.success)
        if success is not None:
            self._rows["stakes"][-1]["success"] = success
        self._count[key] += 1

    def event(self, table: str, row: Row) -> None:
        """Add a row of ``approvals``, ``freezes`` or ``contract_logs``, whole but for the chain."""
        self._rows[table].append({"chain": self.chain.id, **row})

    def at(self, told: Told) -> Row:
        """Return of which transaction a row is."""
        known = told.height is not None and told.position is not None
        number = pack_tx(told.height or 0, told.position or 0) if known else None
        return {
            "chain": self.chain.id, "txid": told.txid, "tx": number, "height": told.height,
            "time": told.time,
        }  # fmt: skip

    def latest(self) -> datetime | None:
        """Return the time of the last row; None without any."""
        times = [row["time"] for rows in self._rows.values() for row in rows]
        return max(times, default=None)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the tables that have rows, each row once, in the order of their keys."""
        found = {}
        for name, rows in self._rows.items():
            if rows:
                table = next(one for one in schema.TABLES if one.name == name)
                frame = pl.DataFrame(_whole(rows, table), schema=table.schema, orient="row")
                found[name] = frame.unique(table.key, keep="first", maintain_order=True)
        return found


def _whole(rows: list[Row], table: schema.Table) -> list[Row]:
    names = list(table.schema)
    return [{name: row.get(name) for name in names} for row in rows]


def token_row(chain: Chain, txid: bytes, time: datetime) -> Row:
    """Return of which transaction a movement of tokens is that a list tells without its place."""
    return {"chain": chain.id, "txid": txid, "tx": None, "height": None, "time": time}


__all__ = ["Fact", "Rows", "token_row", "wide"]
