"""Following balances: from account to account in order of time, under one policy.

A walk visits the transfers of subjects, and those of whoever holds traced value as long as he does.
What an address held before traced value first reached it is clean, all of it: one number.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chainwatch.addresses.assets import FEE_KINDS
from chainwatch.addresses.assets import ZERO as ZERO
from chainwatch.ledger.index.transfers import Short
from chainwatch.ledger.unread.rows_apart import MayHaveMoved
from chainwatch.progress import count
from chainwatch.tracing.balances import Balance, Lot, Lots, Mark, joined
from chainwatch.tracing.stops import (
    BURNT,
    BY_LAG,
    BY_REMAINDER,
    FEE,
    LURE,
    NOT_READ,
    PAID_AWAY,
    UNSPENT,
    End,
)
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.tracing.walks.base import (
    CHOSEN,
    HELD,
    OPENING,
    RECEIVED,
    SWAPPED,
    Row,
    Walk,
    moved,
    sums,
    traced,
)
from chainwatch.tracing.walks.passage import Place
from chainwatch.tracing.walks.transfer_order import Reading, covered, read_until
from chainwatch.units import counted

_UNREAD = Mark(-1, 0, 0)
_TIMELESS = "the time of this payment is not known, nor whether what was read reaches it"
_LATER = "what was read of the history of this address does not reach this payment"


@dataclass(kw_only=True)
class AccountWalk(Walk):
    """One walk over balances.

    ``transfers`` are all of the asset, in an order, and the span in which value is followed.
    ``read`` are the addresses whose history was read, and when: only of those a balance is kept,
    and of subjects, so that each payment takes the lots that the policy says. ``balance`` holds
    those that are visited, ``left`` how much of one is traced (under a policy that tells reach,
    how much there is at all). ``until`` says where reading ends; ``apart`` is what each address may
    have paid in rows that were set apart. ``carried`` are the lots that transfers bring from other
    assets; ``given`` are those that came to transfers at which following ends by what they mean.
    """

    transfers: Transfers
    read: Mapping[bytes, Sequence[Reading]]
    until: str
    apart: Mapping[bytes, MayHaveMoved] = field(default_factory=dict)
    balance: dict[bytes, Balance] = field(default_factory=dict)
    left: dict[bytes, int] = field(default_factory=dict)
    counted: dict[bytes, dict[str, int]] = field(default_factory=dict)
    due: list[int] = field(default_factory=list)
    carried: Mapping[Place, Lots] = field(default_factory=dict)
    given: dict[Place, Lots] = field(default_factory=dict)

    def run(self) -> None:
        """Visit in order what subjects and traced value touch, then end what is still held."""
        for address in sorted(self.subject_of):
            self._begin(address)
            self._await(address, self.transfers.end if self.back else self.transfers.first - 1)
        for place in self.transfers.places_of({*self.chosen, *self.carried}):
            self._visit(place)
        last, visits = None, 0
        while self.due:
            visits += 1
            count("transfers followed", visits)
            place = abs(heapq.heappop(self.due))
            if place == last:
                continue  # both of its parties awaited it
            last, row = place, self.transfers.row(place)
            if row["sender"] == row["receiver"]:
                continue  # it moves nothing; taking it would turn the queue round
            self._move(place, row)
            for address in (row["sender"], row["receiver"]):
                if address in self.balance or address in self.subject_of:
                    self._await(address, place)
        self._stay()

    def _await(self, address: bytes, place: int) -> None:
        """Visit the transfer of an address that follows a place, if the span has one."""
        following = self.transfers.history(address).next(place, back=self.back)
        if following is not None and self.transfers.first <= following < self.transfers.end:
            self._visit(following)

    def _visit(self, place: int) -> None:
        heapq.heappush(self.due, -place if self.back else place)

    def _begin(self, address: bytes) -> None:
        """Make what a subject holds at the start its origin."""
        before = self._earlier(address)
        if before is None:
            return
        lots, mark = before.lots(), self._own_from(address)
        unread = sum(lot.amount for lot in lots if lot.mark)
        held = sum(lot.amount for lot in lots) - unread
        self._count(address, "before", unread + held)
        own: Mark | None = mark
        if held:
            last = self._last(address, self.transfers.first)
            if self.stopped(address, last["time"]):
                own = None
            else:
                self.origin(_place(last), mark.subject, address, held, HELD)
        shown = self._opened(address, unread)
        begun = self.policy.begin()
        begun.put(Lot(lot.amount, (mark if shown else None) if lot.mark else own) for lot in lots)
        self.balance[address] = begun

    def _own_from(self, address: bytes) -> Mark:
        """Return the mark of what a subject holds at the start: its age is counted from there."""
        return Mark(self.subject_of[address], 0, 0, self._since(self.transfers.start))

    def _earlier(self, address: bytes) -> Balance | None:
        """Return what a subject holds at the start, marked where it was not read to come in.

        Payments from before the span shape it and are not traced.
        """
        history = self.transfers.history(address)
        if address in ZERO or not history.places:
            return None
        before = self.policy.unmarked()
        before.put([Lot(history.opening, _UNREAD)])
        for place, amount in zip(history.places, history.moved, strict=True):
            if place >= self.transfers.first:
                break
            if amount > 0:
                before.put([Lot(amount, None)])
            else:
                before.take(-amount)
        return before

    def _opened(self, address: bytes, unread: int) -> bool:
        """Note what is left of what must have been there before all that was read.

        It stands at the last payments that show it. What a service held is its own.
        """
        mine: list[Short] = self.transfers.history(address).shorts() if unread else []
        if not mine or self.stopped(address, self.transfers.row(mine[0].place)["time"]):
            return False
        for short in reversed(mine):
            part, place = min(unread, short.amount), self.transfers.row(short.place)
            if part:
                self.origin(_place(place), self.subject_of[address], address, part, OPENING)
            unread -= part
        return True

    def _last(self, address: bytes, end: int) -> Row:
        """Return the transfer before a place that last added to a balance.

        Where none did, what is there was there before all that was read: a payment shows it.
        """
        history = self.transfers.history(address)
        place = history.last_in(end)
        return self.transfers.row(history.shorts()[-1].place if place is None else place)

    def _stay(self) -> None:
        """End what is still held."""
        for address in sorted(self.balance):
            lots = self.balance[address].lots()
            if not traced(lots):
                continue
            last = self._last(address, self.transfers.end)
            why = self._left(address, last)
            if why.reason == UNSPENT:
                gone, lots = self._gone(address, lots)
                if traced(gone):
                    told = self._set_apart(address)
                    self.end(_place(last), address, gone, _left_unread(told))
            if traced(lots):
                self.end(_place(last), address, lots, why)

    def _gone(self, address: bytes, lots: Lots) -> tuple[Lots, Lots]:
        """Divide lots into those that rows set apart may have paid, and the rest.

        Oldest first, a payment more leaves so much less of the oldest lots, whenever it was made.
        Under another policy as much of the traced lots may be gone, and no more.
        """
        moved = self.apart.get(address)
        if moved is None or (
            self.transfers.finish and moved.first and self.transfers.finish <= moved.first
        ):
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

    def _left(self, address: bytes, last: Row) -> End:
        """Return the end of what stays in a balance: unspent only as far as its history was read.

        A transfer beyond that, which the history of another address shows, proves that there was
        more to read: what this address paid in between is not known.
        """
        readings = self.read.get(address, ())
        seen = self.transfers.history(address).next(self.transfers.end, back=True)
        row = last if seen is None else self.transfers.row(seen)
        if not readings:
            return _left_unread("received, and the history of this address was not read")
        if not covered(readings, last["time"]):
            return _left_unread(f"held, and {_beyond(last)}")
        if not covered(readings, row["time"]):
            since = read_until(readings, last["time"])
            return _left_unread(_moved_since(row, since))
        ends = read_until(readings, row["time"])
        if ends is None or (self.transfers.finish is not None and self.transfers.finish <= ends):
            return End(
                UNSPENT, f"held at the end of {self.until}", as_of_time=self.transfers.finish
            )
        told = f"held on {ends:%Y-%m-%d}, the end of what was read of the history of this address"
        return End(UNSPENT, told, as_of_time=ends)

    def _move(self, at: int, row: Row) -> None:
        sender, receiver, place = row["sender"], row["receiver"], _place(row)
        lots = joined(moved(self._take(sender, row["amount"])))
        self._count(sender, "bait" if row["poison"] else "paid", row["amount"])
        self._count(receiver, "trifles" if row["poison"] else "received", row["amount"])
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
            lots = self._arrived(place, row, lots)
            named = self.chosen.get((row["txid"], row["n"]))
            me = self.subject_of.get(receiver, named)
            if me is not None:
                kind = RECEIVED if receiver in self.subject_of else CHOSEN
                lots = self.receive(place, me, receiver, lots, kind, sender)
            end = self._ended(receiver, lots, row) if traced(lots) else None
            if end:
                self.end(place, receiver, lots, end)
                lots = _clean(lots)
            lots = self.aged(place, receiver, lots)
        self._put(receiver, lots, at)

    def _take(self, sender: bytes, amount: int) -> Lots:
        """Pay from the sender's balance; who has none that is visited pays clean.

        A balance without traced value is visited no longer: all of it is one number again.
        """
        if sender not in self.balance:
            return (Lot(amount, None),)
        lots = self.balance[sender].take(amount)
        if sender not in self.subject_of:
            self.left[sender] -= self._weight(lots)
            if not self.left[sender]:
                del self.balance[sender], self.left[sender]
        return lots

    def _weight(self, lots: Lots) -> int:
        """Return how much of lots keeps a balance visited: what is traced; of reach, anything."""
        return sum(lot.amount for lot in lots if lot.mark or not self.policy.conserves)

    def _put(self, address: bytes, lots: Lots, at: int) -> None:
        """Add lots to a balance; one that holds nothing traced and gets nothing is left alone."""
        if address in ZERO or (address not in self.read and address not in self.subject_of):
            return
        if address not in self.balance:
            if address not in self.subject_of and not traced(lots):
                return
            begun = self.policy.begin()
            held = (Lot(self._held_before(address, at), None),)
            begun.put(held)
            self.balance[address], self.left[address] = begun, self._weight(held)
        self.balance[address].put(lots)
        if address not in self.subject_of:
            self.left[address] += self._weight(lots)

    def _held_before(self, address: bytes, at: int) -> int:
        """Return what an address held when the transfer at a place came to it."""
        return self.transfers.history(address).before(at)

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

    def _arrived(self, place: Row, row: Row, lots: Lots) -> Lots:
        """Return the lots of a transfer with what it brings from another asset: an origin here."""
        brought = self.carried.get((row["txid"], row["n"]), ())
        if not traced(brought) or traced(lots):
            return lots  # what a pool pays is clean, unless it is a subject's: then it stays that
        here, other = ("sender", "receiver") if self.back else ("receiver", "sender")
        for mark, amount in sums(brought):
            self.origin(place, mark.subject, row[here], amount, SWAPPED, row[other])
        return brought

    def _ended(self, address: bytes, lots: Lots, row: Row) -> End | None:
        """Return the end at a transfer: by what it means, or by whom it reaches."""
        end = self.transfers.whole.placed.end(row, address, back=self.back)
        if end is None:
            return self._why_here(address, lots, row)
        self.given[row["txid"], row["n"]] = lots
        return end

    def _why_here(self, address: bytes, lots: Lots, row: Row) -> End | None:
        if address in ZERO:
            return End(BURNT, "sent to the zero address")
        if row["kind"] in FEE_KINDS:
            return End(FEE, "paid as a fee to whoever made the block")
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
