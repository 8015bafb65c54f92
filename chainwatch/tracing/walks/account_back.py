"""Following balances backward: from who was paid to who paid, under one policy.

It is the same walk on the transfers read from the end. Who received pays back to who paid, and what
an address holds at the end is put into its balance first. So a queue gives back from the end what
it took at the front, and each unit meets the one that it met on the way there.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from chainwatch.tracing.balances import Lot, Lots, Mark, joined
from chainwatch.tracing.stops import BY_OPENING, EARLIER, LURE, MINTED, NOT_READ, End
from chainwatch.tracing.walks.account import ZERO, AccountWalk, _clean, _place
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


@dataclass(kw_only=True)
class BackwardAccountWalk(AccountWalk):
    """One walk over balances to where value came from; what a subject received is its origin."""

    def _begin(self, address: bytes) -> None:
        """Put first what a subject holds at the end: it becomes its own where it was received."""
        history = self.transfers.history(address)
        if address in ZERO or not history.places:
            return
        begun = self.policy.begin()
        begun.put([Lot(history.before(self.transfers.end), None)])
        self.balance[address] = begun

    def _move(self, at: int, row: Row) -> None:
        payer, paid, place = row["sender"], row["receiver"], _place(row)
        self._count(payer, "bait" if row["poison"] else "paid", row["amount"])
        self._count(paid, "trifles" if row["poison"] else "received", row["amount"])
        lots = joined(self._take(paid, row["amount"]))
        if row["poison"]:
            told = "came in as a trifle of address poisoning: whoever sent it paid nothing"
            self.end(place, paid, lots, End(LURE, told))
            lots = _clean(lots)
        else:
            lots = moved(self._claimed(row, lots))
            for mark, amount in sums(lots):
                self.step(place, mark, amount, payer, paid)
            lots = self._arrived(place, row, lots)
            end = self._ended(payer, lots, row) if traced(lots) else None
            if end:
                self.end(place, payer, lots, end)
                lots = _clean(lots)
            lots = self.aged(place, payer, lots)
        self._put(payer, lots, at)

    def _claimed(self, row: Row, lots: Lots) -> Lots:
        """Return what is paid back, the subject's own where it received it or it was chosen."""
        paid = row["receiver"]
        me = self.subject_of.get(paid, self.chosen.get((row["txid"], row["n"])))
        if me is None:
            return lots
        kind = RECEIVED if paid in self.subject_of else CHOSEN
        return self.receive(_place(row), me, paid, lots, kind, row["sender"])

    def _held_before(self, address: bytes, at: int) -> int:
        """Return what an address held after the transfer at a place had left it."""
        return self.transfers.history(address).before(at + 1)

    def _why_here(self, address: bytes, lots: Lots, row: Row) -> End | None:
        if address in ZERO:
            return End(MINTED, "made anew: it came from the zero address")
        return super()._why_here(address, lots, row)

    def _stay(self) -> None:
        """End what was held at the start: it came in before the span, or was not read to come in.

        What a subject held then, and paid in the span or still holds, is its origin as well.
        """
        for address in sorted(self.balance):
            lots = self.balance[address].lots()
            self._count(address, "before", sum(lot.amount for lot in lots))
            if lots and address in self.subject_of:
                lots = self._own(address, lots)
            if traced(lots):
                self._came_before(address, lots)

    def _own(self, address: bytes, lots: Lots) -> Lots:
        """Mark what of a subject's balance nobody is traced for; what a service held is its own."""
        if self.stopped(address, self._last(address, self.transfers.first)["time"]):
            return lots
        own = Mark(self.subject_of[address], 0, 0)
        return tuple(Lot(lot.amount, lot.mark or own) for lot in lots)

    def _came_before(self, address: bytes, lots: Lots) -> None:
        """Read a balance back before the span: the rest was there before all that was read."""
        history, balance = self.transfers.history(address), self.policy.begin()
        balance.put(lots)
        for at in reversed(range(bisect_left(history.places, self.transfers.first))):
            amount = history.moved[at]
            if amount < 0:
                balance.put([Lot(-amount, None)])
            elif traced(part := balance.take(amount)):
                row = self.transfers.row(history.places[at])
                told = "came in before the span"
                self._end_there(row, address, part, End(EARLIER, told), HELD)
        if traced(rest := balance.lots()):
            row = self.transfers.row(history.shorts()[-1].place)
            told = "held before all that was read of the history of this address"
            why = End(NOT_READ, told, basis=BY_OPENING)
            self._end_there(row, address, rest, why, OPENING)

    def _end_there(self, row: Row, address: bytes, lots: Lots, why: End, kind: str) -> None:
        """End lots; those that were not traced until here begin here too."""
        new = sum(amount for mark, amount in sums(lots) if not mark.hop)
        if new:
            self.origin(_place(row), self.subject_of[address], address, new, kind)
        self.end(_place(row), address, lots, why)

    def _held(self, address: bytes) -> int:
        return self.transfers.history(address).before(self.transfers.end)
