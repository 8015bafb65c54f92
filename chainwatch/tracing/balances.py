"""Balances of lots: what came in, in order, and what a payment takes of it under each discipline.

A balance is put lots and asked to pay. Which lots a payment takes is the whole difference between
the policies on balances; everything else about them is the same. All of them give out exactly what
is asked, and every base unit that was put in comes out once or stays; only :class:`Reach` says
more than that (see there).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from chainwatch.errors import ConservationError


class Mark(NamedTuple):
    """What is known of a lot: the number of its subject, the payments since it left the subject,
    and on coin chains the input by which it came into its transaction.

    ``since`` is when it began, in seconds since 1970, where it matters how old it is; else 0.
    """

    subject: int
    hop: int
    source: int
    since: int = 0


class Lot(NamedTuple):
    """An amount in base units, all of one mark; None is clean."""

    amount: int
    mark: Mark | None


Lots = tuple[Lot, ...]


def joined(lots: Iterable[Lot]) -> Lots:
    """Return the lots with neighbours of one mark as one, and empty ones left out."""
    out: list[Lot] = []
    for lot in lots:
        if out and out[-1].mark == lot.mark:
            out[-1] = Lot(out[-1].amount + lot.amount, lot.mark)
        elif lot.amount:
            out.append(lot)
    return tuple(out)


class Balance(Protocol):
    """Lots that came in, of which payments are made."""

    def put(self, lots: Iterable[Lot]) -> None:
        """Add lots, the oldest of them first."""

    def take(self, amount: int) -> Lots:
        """Pay an amount and return the lots that it is made of.

        Raises
        ------
        ConservationError
            If more is asked than is there, or less than nothing.
        """

    def lots(self) -> Lots:
        """Return what is there, the oldest first where the discipline keeps an order."""


class OldestFirst:
    """A queue: a payment takes what has lain longest. A payment costs the lots that it takes."""

    def __init__(self) -> None:
        self._held: deque[Lot] = deque()
        self._amount = 0

    def put(self, lots: Iterable[Lot]) -> None:
        """Add lots behind those that are there."""
        for lot in lots:
            self._amount += _counted(lot)
            _push(self._held, lot)

    def take(self, amount: int) -> Lots:
        """Pay from the front."""
        self._amount -= _payable(amount, self._amount)
        return joined(_pull(self._held, amount, newest=False))

    def lots(self) -> Lots:
        """Return what is there, the oldest first."""
        return tuple(self._held)


class NewestFirst(OldestFirst):
    """A stack: a payment takes what came last, and gives it in that order."""

    def take(self, amount: int) -> Lots:
        """Pay from the end."""
        self._amount -= _payable(amount, self._amount)
        return joined(_pull(self._held, amount, newest=True))


class OneKindFirst:
    """Two queues, of traced and of clean lots: one pays as long as it has anything.

    Parameters
    ----------
    traced : bool
        Whether the traced lots go first.
    """

    def __init__(self, *, traced: bool) -> None:
        self._traced, self._clean = OldestFirst(), OldestFirst()
        self._first = self._traced if traced else self._clean
        self._second = self._clean if traced else self._traced

    def put(self, lots: Iterable[Lot]) -> None:
        """Add each lot to its queue."""
        for lot in lots:
            (self._traced if lot.mark else self._clean).put((lot,))

    def take(self, amount: int) -> Lots:
        """Pay from the first queue, and from the second what that lacks."""
        _payable(amount, self._first._amount + self._second._amount)
        part = min(amount, self._first._amount)
        return joined((*self._first.take(part), *self._second.take(amount - part)))

    def lots(self) -> Lots:
        """Return what is there, those first that would be paid first."""
        return joined((*self._first.lots(), *self._second.lots()))


class Blend:
    """One mixture: each payment holds the same share of traced value as the whole does.

    Shares are rounded down **cumulatively** from one addition to the next: after any number of
    payments the traced value paid is the whole number below the exact share of all that was paid,
    so it is never off by a base unit, however many payments there are. How a payment's traced
    part divides among several marks is rounded payment by payment.
    """

    def __init__(self) -> None:
        self._marked: dict[Mark, int] = {}
        self._clean = 0
        self._open()

    def _open(self) -> None:
        """Begin a run of payments from what is there now."""
        self._traced = sum(self._marked.values())
        self._whole = self._traced + self._clean
        self._drawn = self._given = 0

    def put(self, lots: Iterable[Lot]) -> None:
        """Stir lots in."""
        for lot in lots:
            amount = _counted(lot)
            if lot.mark is None:
                self._clean += amount
            elif amount:
                self._marked[lot.mark] = self._marked.get(lot.mark, 0) + amount
        self._open()

    def take(self, amount: int) -> Lots:
        """Pay the same share of everything."""
        _payable(amount, self._whole - self._drawn)
        if not amount:
            return ()
        self._drawn += amount
        due = self._drawn * self._traced // self._whole - self._given
        self._given += due
        self._clean -= amount - due
        return joined((*self._divided(due), Lot(amount - due, None)))

    def _divided(self, due: int) -> list[Lot]:
        """Take an amount from the marks, each in proportion to what is left of it."""
        left, before, upto, parts = sum(self._marked.values()), 0, 0, []
        for mark, held in list(self._marked.items()):
            upto += held
            part = due * upto // left - before
            before += part
            parts.append(Lot(part, mark))
            if part == held:
                del self._marked[mark]
            else:
                self._marked[mark] = held - part
        return parts

    def lots(self) -> Lots:
        """Return what is there: the traced lots, then the clean rest."""
        traced = (Lot(amount, mark) for mark, amount in self._marked.items())
        return joined((*traced, Lot(self._clean, None)))


class Reach:
    """What traced value touched: where any of it is, all counts as reached.

    Amounts are what was reached and not what is traced: they do not add up to what came in. Of
    several marks that with the fewest payments since the subject stands for all.
    """

    def __init__(self) -> None:
        self._amount, self._mark = 0, None  # type: int, Mark | None

    def put(self, lots: Iterable[Lot]) -> None:
        """Add lots: one that is traced marks all."""
        for lot in lots:
            self._amount += _counted(lot)
            if lot.mark and lot.amount and (self._mark is None or lot.mark.hop < self._mark.hop):
                self._mark = lot.mark

    def take(self, amount: int) -> Lots:
        """Pay; what is paid is reached as all is. An emptied balance is clean again."""
        self._amount -= _payable(amount, self._amount)
        paid = joined((Lot(amount, self._mark),))
        if not self._amount:
            self._mark = None
        return paid

    def lots(self) -> Lots:
        """Return what is there, as one lot."""
        return joined((Lot(self._amount, self._mark),))


def _counted(lot: Lot) -> int:
    if lot.amount < 0:
        raise ConservationError("an amount is negative", remedy="check where it was read")
    return lot.amount


def _payable(amount: int, held: int) -> int:
    if amount < 0:
        raise ConservationError("an amount is negative", remedy="check where it was read")
    if amount > held:
        raise ConservationError(
            f"a payment of {amount} exceeds the balance by {amount - held}",
            remedy="check that all that came in was read",
        )
    return amount


def _push(held: deque[Lot], lot: Lot) -> None:
    """Add a lot at the end; one of the same mark as the last makes that larger."""
    if held and held[-1].mark == lot.mark:
        held[-1] = Lot(held[-1].amount + lot.amount, lot.mark)
    elif lot.amount:
        held.append(lot)


def _pull(held: deque[Lot], amount: int, *, newest: bool) -> list[Lot]:
    """Take an amount from one end; of a lot that is larger the rest stays there."""
    taken: list[Lot] = []
    while amount:
        lot = held.pop() if newest else held.popleft()
        part = min(lot.amount, amount)
        taken.append(Lot(part, lot.mark))
        amount -= part
        if part < lot.amount:
            (held.append if newest else held.appendleft)(Lot(lot.amount - part, lot.mark))
    return taken
