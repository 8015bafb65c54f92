"""Following balances: from account to account in order of time, under one policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainwatch.addresses import Kind
from chainwatch.tracing.ends import BURNT, LURE, NOT_READ, UNSPENT, End
from chainwatch.tracing.policies import Lot, Lots, joined
from chainwatch.tracing.walk import OPENING, RECEIVED, Row, Walk, moved, sums, traced

ZERO = frozenset({bytes([Kind.EVM]) + bytes(20), bytes([Kind.TRON]) + bytes(20)})
"""Addresses of twenty zero bytes: tokens are made from them and destroyed at them."""


class Short(NamedTuple):
    """A payment of more than was read to have come in, and by how much more than any before it."""

    address: bytes
    amount: int
    row: Row


def shortages(rows: Iterable[Row], read: frozenset[bytes]) -> list[Short]:
    """Return the payments that show what an address must have held before all that was read.

    The sum for an address is the least balance it can have had at the start.
    """
    held: dict[bytes, int] = {}
    lowest: dict[bytes, int] = {}
    found = []
    for row in rows:
        sender, receiver, amount = row["sender"], row["receiver"], int(row["amount"])
        if sender == receiver:
            continue
        if sender in read and sender not in ZERO:
            held[sender] = held.get(sender, 0) - amount
            short = lowest.get(sender, 0) - held[sender]
            if short > 0:
                lowest[sender] = held[sender]
                found.append(Short(sender, short, row))
        if receiver in read:
            held[receiver] = held.get(receiver, 0) + amount
    return found


@dataclass(kw_only=True)
class AccountWalk(Walk):
    """One walk over balances.

    ``read`` are the addresses whose history was read: only of those a balance is kept, traced or
    not, so that each payment takes the lots that the policy says. ``balance`` holds these, the
    oldest first; ``last`` the row that last added to one; ``until`` says where reading ends.
    """

    read: frozenset[bytes]
    until: str
    balance: dict[bytes, list[Lot]] = field(default_factory=dict)
    last: dict[bytes, Row] = field(default_factory=dict)

    def run(self, rows: Sequence[Row]) -> None:
        """Move every transfer in order, then end what is still held."""
        kept = self.read | frozenset(self.subject_of)
        for short in shortages(rows, kept):
            self._open(short)
        for row in rows:
            # A payment to oneself moves nothing; taking it would turn the queue round.
            if row["sender"] != row["receiver"]:
                self._move(row, kept)
        held = End(UNSPENT, f"held at the end of {self.until}")
        unread = End(NOT_READ, "received, and the history of this address was not read")
        for address in sorted(self.balance):
            lots = tuple(self.balance[address])
            if traced(lots):
                why = held if address in self.read else unread
                self.end(_place(self.last[address]), address, lots, why)

    def _open(self, short: Short) -> None:
        """Add to the start of a balance what must have been there: the oldest lots of all."""
        mark = None
        mine = short.address in self.subject_of
        if mine and not self.stopped(short.address, short.row["time"]):
            mark = self.origin(_place(short.row), short.address, short.amount, OPENING)
        self._put(short.address, (Lot(short.amount, mark),), short.row)

    def _move(self, row: Row, kept: frozenset[bytes]) -> None:
        sender, receiver, place = row["sender"], row["receiver"], _place(row)
        lots = self._take(sender, int(row["amount"]))
        if row["poison"]:
            bait = End(LURE, "spent as bait: whom it went to was paid nothing")
            self.end(place, sender, lots, bait)
            lots = _clean(lots)
        else:
            for mark, amount in sums(lots):
                self.step(place, mark, amount, sender, receiver)
            if receiver in self.subject_of:
                lots = self.receive(place, receiver, lots, RECEIVED, sender)
            end = self._why_here(receiver, lots, row) if traced(lots) else None
            if end:
                self.end(place, receiver, lots, end)
                lots = _clean(lots)
        if receiver in kept and receiver not in ZERO:
            self._put(receiver, lots, row)

    def _take(self, sender: bytes, amount: int) -> Lots:
        """Pay from the sender's balance; who has none that was read pays clean."""
        if sender not in self.balance:
            return (Lot(amount, None),)
        parts, left = self.policy(self.balance[sender], [amount])
        self.balance[sender] = list(left)
        return joined(moved(parts[0]))

    def _put(self, address: bytes, lots: Lots, row: Row) -> None:
        """Add lots at the end of a balance, in place: it may hold many."""
        held = self.balance.setdefault(address, [])
        newest = [held.pop()] if held else []
        held += joined([*newest, *lots])
        self.last[address] = row

    def _why_here(self, address: bytes, lots: Lots, row: Row) -> End | None:
        if address in ZERO:
            return End(BURNT, "sent to the zero address")
        if end := self.stopped(address, row["time"]):
            return end
        if address in self.read or address in self.subject_of:
            return self.cut_off(address, lots)
        return End(NOT_READ, "the history of this address was not read")


def _clean(lots: Lots) -> Lots:
    """Return what ended as a clean lot: it keeps its place in the queue."""
    return joined([Lot(sum(lot.amount for lot in lots), None)])


def _place(row: Row) -> Row:
    return {"tx": row["tx"], "txid": row["txid"], "n": row["n"], "time": row["time"]}
