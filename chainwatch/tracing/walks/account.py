"""Following balances: from account to account in order of time, under one policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from chainwatch.addresses.canonical import Kind
from chainwatch.ledger.rows_apart import MayHaveMoved
from chainwatch.tracing.balances import Balance, Lot, Lots, Mark, joined
from chainwatch.tracing.stops import (
    BURNT,
    BY_LAG,
    BY_REMAINDER,
    LURE,
    NOT_READ,
    PAID_AWAY,
    UNSPENT,
    End,
)
from chainwatch.tracing.walks.base import (
    CHOSEN,
    HELD,
    OPENING,
    RECEIVED,
    Row,
    Walk,
    moved,
    sums,
    traced,
)
from chainwatch.tracing.walks.transfer_order import Reading, covered, read_until
from chainwatch.units import counted

ZERO = frozenset({bytes([Kind.EVM]) + bytes(20), bytes([Kind.TRON]) + bytes(20)})
"""Addresses of twenty zero bytes: tokens are made from them and destroyed at them."""


_UNREAD = Mark(-1, 0, 0)
_TIMELESS = "the time of this payment is not known, nor whether what was read reaches it"
_LATER = "what was read of the history of this address does not reach this payment"


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

    ``read`` are the addresses whose history was read, and when: only of those a balance is kept,
    traced or not, so that each payment takes the lots that the policy says. ``balance`` holds
    these; before the span nothing is traced, and payments take them without regard to marks;
    ``last`` the row that last added to one; ``seen`` the last row of each
    address, in or out; ``until`` says where reading ends; ``start`` and ``finish`` are the span in
    which value is followed; ``apart`` is what each address may have paid in rows that were set
    apart.
    """

    read: Mapping[bytes, Sequence[Reading]]
    until: str
    start: datetime | None = None
    finish: datetime | None = None
    apart: Mapping[bytes, MayHaveMoved] = field(default_factory=dict)
    balance: dict[bytes, Balance] = field(default_factory=dict)
    last: dict[bytes, Row] = field(default_factory=dict)
    seen: dict[bytes, Row] = field(default_factory=dict)
    counted: dict[bytes, dict[str, int]] = field(default_factory=dict)

    def run(self, rows: Sequence[Row]) -> None:
        """Move every transfer in order, then end what is still held."""
        kept = frozenset(self.read) | frozenset(self.subject_of)
        shorts = shortages(rows, kept)
        # A payment to oneself moves nothing; taking it would turn the queue round.
        moves = [row for row in rows if row["sender"] != row["receiver"]]
        for short in shorts:
            self._put(short.address, (Lot(short.amount, _UNREAD),), short.row, self.policy.unmarked)
        for row in moves:
            if self.start is not None and row["time"] < self.start:
                self._pass(row, kept)
        self._begin(shorts)
        for row in moves:
            after = self.start is None or row["time"] >= self.start
            if after and (self.finish is None or row["time"] < self.finish):
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

    def _gone(self, address: bytes, lots: Lots) -> tuple[Lots, Lots]:
        """Divide lots into those that rows set apart may have paid, and the rest.

        Oldest first, a payment more leaves so much less of the oldest lots, whenever it was made.
        Under another policy as much of the traced lots may be gone, and no more.
        """
        moved = self.apart.get(address)
        if moved is None or (self.finish and moved.first and self.finish <= moved.first):
            return (), lots
        oldest, gone, rest = self.policy.oldest_first, [], []
        due = sum(lot.amount for lot in lots) if moved.amount is None else moved.amount
        for lot in lots:
            part = min(lot.amount, due) if oldest or lot.mark else 0
            due -= part
            gone.append(Lot(part, lot.mark))
            rest.append(Lot(lot.amount - part, lot.mark))
        return joined(gone), joined(rest)

    def _set_apart(self, address: bytes) -> str:
        """Return in words what an address may have paid in rows that were set apart."""
        rows, amount, _ = self.apart[address]
        much = "an amount that cannot be read" if amount is None else self.asset.shown(amount)
        here = counted(rows, "row of this address was", "rows of this address were")
        return f"{here} set apart: {much} may have been paid so"

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
        if ends is None or (self.finish is not None and self.finish <= ends):
            return End(UNSPENT, f"held at the end of {self.until}", as_of_time=self.finish)
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

    def _count(self, address: bytes, what: str, amount: int) -> None:
        """Add to the sums of a subject's address."""
        if address in self.subject_of and address not in ZERO:
            mine = self.counted.setdefault(address, {})
            mine[what] = mine.get(what, 0) + amount

    def balances(self) -> list[Row]:
        """Return what came into the balance of each address of a subject, left it, and stayed."""
        nothing = dict.fromkeys(("before", "received", "trifles", "paid", "bait"), 0)
        return [
            {"subject": self.subjects[self.subject_of[address]], "address": address}
            | nothing
            | self.counted.get(address, {})
            | {"held": self._held(address)}
            for address in sorted(self.subject_of)
            if address not in ZERO
        ]

    def _held(self, address: bytes) -> int:
        return (
            sum(lot.amount for lot in self.balance[address].lots())
            if address in self.balance
            else 0
        )

    def _why_here(self, address: bytes, lots: Lots, row: Row) -> End | None:
        if address in ZERO:
            return End(BURNT, "sent to the zero address")
        if end := self.stopped(address, row["time"]):
            return end
        if address in self.subject_of or covered(self.read.get(address, ()), row["time"]):
            return self.cut_off(address, lots)
        if address in self.read:
            return End(NOT_READ, _beyond(row), basis=BY_LAG)
        return End(NOT_READ, "the history of this address was not read")


def _left_unread(told: str) -> End:
    return End(NOT_READ, told, basis=BY_REMAINDER)


def _moved_since(row: Row, until: datetime | None) -> str:
    day = "" if row["time"] is None else f" on {row['time']:%Y-%m-%d}"
    known = "" if until is None else f", until {until:%Y-%m-%d}"
    return f"held as far as its history was read{known}; this address moved more{day}"


def _beyond(row: Row) -> str:
    return _TIMELESS if row["time"] is None else _LATER


def _clean(lots: Lots) -> Lots:
    """Return what ended as a clean lot: it keeps its place in the queue."""
    return joined([Lot(sum(lot.amount for lot in lots), None)])


def _place(row: Row) -> Row:
    return {"tx": row["tx"], "txid": row["txid"], "n": row["n"], "time": row["time"]}
