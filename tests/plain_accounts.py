"""Balances walked row by row: every transfer of the asset, in order, and a queue for every address.

What :class:`chainwatch.tracing.walks.account.AccountWalk` finds by visiting what it follows, this
finds by visiting everything; slow, plain and written for these tests alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainwatch.tracing.balances import Balance, Lot, Lots, Mark, joined
from chainwatch.tracing.stops import LURE, PAID_AWAY, UNSPENT, End
from chainwatch.tracing.walks.account import (
    _UNREAD,
    ZERO,
    AccountWalk,
    _beyond,
    _clean,
    _left_unread,
    _moved_since,
    _place,
)
from chainwatch.tracing.walks.account_back import BackwardAccountWalk
from chainwatch.tracing.walks.base import (
    CHOSEN,
    HELD,
    OPENING,
    RECEIVED,
    Row,
    moved,
    sums,
    traced,
)
from chainwatch.tracing.walks.transfer_order import covered, read_until


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
class PlainAccountWalk(AccountWalk):
    """One walk over balances: what an end is called, it asks as the other does.

    ``balance`` holds that of every address that was read, traced or not; before the span nothing
    is traced, and payments take lots without regard to marks. ``last`` is the row that last added
    to one; ``seen`` the last row of each address, in or out.
    """

    last: dict[bytes, Row] = field(default_factory=dict)
    seen: dict[bytes, Row] = field(default_factory=dict)

    def run(self) -> None:
        """Move every transfer in order, then end what is still held."""
        rows = [self.transfers.row(place) for place in range(len(self.transfers))]
        kept = frozenset(self.read) | frozenset(self.subject_of)
        shorts = shortages(rows, kept)
        # A payment to oneself moves nothing; taking it would turn the queue round.
        moves = [row for row in rows if row["sender"] != row["receiver"]]
        for short in shorts:
            self._put(short.address, (Lot(short.amount, _UNREAD),), short.row, self.policy.unmarked)
        start = self.transfers.start
        for row in moves:
            if start is not None and row["time"] < start:
                self._pass(row, kept)
        self._begin(shorts)
        for row in moves:
            after = start is None or row["time"] >= start
            if after and (self.transfers.finish is None or row["time"] < self.transfers.finish):
                self._move(row, kept)
        self._stay()

    def _pass(self, row: Row, kept: frozenset[bytes]) -> None:
        """Move a payment from before the span: it shapes balances and is not traced."""
        self.seen[row["sender"]] = self.seen[row["receiver"]] = row
        lots = self._take(row["sender"], int(row["amount"]))
        if row["receiver"] in kept and row["receiver"] not in ZERO:
            self._put(row["receiver"], _clean(lots), row, self.policy.unmarked)

    def _begin(self, shorts: Sequence[Short]) -> None:
        """Make what subjects hold at the start their origins; what others hold is clean."""
        for address in sorted(self.balance):
            lots, mark = self.balance[address].lots(), None
            unread = sum(lot.amount for lot in lots if lot.mark)
            held = sum(lot.amount for lot in lots) - unread
            self._count(address, "before", unread + held)
            if address in self.subject_of:
                mark = Mark(self.subject_of[address], 0, 0)
            own = mark
            if held and (mark is None or self.stopped(address, self.last[address]["time"])):
                own = None
            elif held:
                self.origin(
                    _place(self.last[address]), self.subject_of[address], address, held, HELD
                )
            shown = self._opened(address, unread, shorts) if mark else False
            begun = self.policy.begin()
            begun.put(
                Lot(lot.amount, (mark if shown else None) if lot.mark else own) for lot in lots
            )
            self.balance[address] = begun

    def _opened(self, address: bytes, unread: int, shorts: Sequence[Short]) -> bool:
        """Note what is left of what must have been there before all that was read.

        It stands at the last payments that show it. What a service held is its own.
        """
        mine = [short for short in shorts if short.address == address]
        if not unread or self.stopped(address, mine[0].row["time"]):
            return False
        for short in reversed(mine):
            part = min(unread, short.amount)
            if part:
                self.origin(_place(short.row), self.subject_of[address], address, part, OPENING)
            unread -= part
        return True

    def _stay(self) -> None:
        """End what is still held."""
        for address in sorted(self.balance):
            lots, why = self.balance[address].lots(), self._left(address)
            if why.reason == UNSPENT and traced(lots):
                gone, lots = self._gone(address, lots)
                if traced(gone):
                    told = self._set_apart(address)
                    self.end(_place(self.last[address]), address, gone, _left_unread(told))
            if traced(lots):
                self.end(_place(self.last[address]), address, lots, why)

    def _left(self, address: bytes) -> End:
        """Return the end of what stays in a balance: unspent only as far as its history was read.

        A transfer beyond that, which the history of another address shows, proves that there was
        more to read: what this address paid in between is not known.
        """
        readings, row = self.read.get(address, ()), self.seen.get(address, self.last[address])
        if not readings:
            return _left_unread("received, and the history of this address was not read")
        if not covered(readings, self.last[address]["time"]):
            return _left_unread(f"held, and {_beyond(self.last[address])}")
        if not covered(readings, row["time"]):
            since = read_until(readings, self.last[address]["time"])
            return _left_unread(_moved_since(row, since))
        ends = read_until(readings, row["time"])
        if ends is None or (self.transfers.finish is not None and self.transfers.finish <= ends):
            return End(
                UNSPENT, f"held at the end of {self.until}", as_of_time=self.transfers.finish
            )
        told = f"held on {ends:%Y-%m-%d}, the end of what was read of the history of this address"
        return End(UNSPENT, told, as_of_time=ends)

    def _move(self, row: Row, kept: frozenset[bytes]) -> None:
        sender, receiver, place = row["sender"], row["receiver"], _place(row)
        self.seen[sender] = self.seen[receiver] = row
        lots = self._take(sender, int(row["amount"]))
        self._count(sender, "bait" if row["poison"] else "paid", int(row["amount"]))
        self._count(receiver, "trifles" if row["poison"] else "received", int(row["amount"]))
        if traced(lots) and not self.policy.follows:
            paid = End(PAID_AWAY, "paid away, and what is paid in later does not make it good")
            self.end(place, sender, lots, paid)
            lots = _clean(lots)
        if row["poison"]:
            bait = End(LURE, "spent as bait: whom it went to was paid nothing")
            self.end(place, sender, lots, bait)
            lots = _clean(lots)
        else:
            for mark, amount in sums(lots):
                self.step(place, mark, amount, sender, receiver)
            named = self.chosen.get((row["txid"], row["n"]))
            me = self.subject_of.get(receiver, named)
            if me is not None:
                kind = RECEIVED if receiver in self.subject_of else CHOSEN
                lots = self.receive(place, me, receiver, lots, kind, sender)
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
        return joined(moved(self.balance[sender].take(amount)))

    def _put(
        self, address: bytes, lots: Lots, row: Row, begin: Callable[[], Balance] | None = None
    ) -> None:
        """Add lots to a balance."""
        if address not in self.balance:
            self.balance[address] = (begin or self.policy.begin)()
        self.balance[address].put(lots)
        self.last[address] = row


@dataclass(kw_only=True)
class PlainBackwardWalk(BackwardAccountWalk):
    """The walk from the end over every transfer, with a balance for every address read."""

    def run(self) -> None:
        """Pay every transfer back, the last of them first."""
        kept = frozenset(self.read) | frozenset(self.subject_of)
        for address in kept:
            self._begin(address)
        for place in reversed(range(self.transfers.first, self.transfers.end)):
            row = self.transfers.row(place)
            if row["sender"] != row["receiver"]:
                self._move(place, row)
        self._stay()

    def _take(self, sender: bytes, amount: int) -> Lots:
        return self.balance[sender].take(amount) if sender in self.balance else (Lot(amount, None),)

    def _put(self, address: bytes, lots: Lots, at: int) -> None:
        if address in self.balance:
            self.balance[address].put(lots)
