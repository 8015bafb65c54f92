"""Policies say which part of a mixed balance a payment is made of; each is one small function.

A policy takes the lots of a balance in the order in which they came in, and the payments made
from it in order, and says which lots each payment takes and which stay. It splits lots but never
changes a sum. The fee is a payment like any other. A policy is a method of computing, not a
finding of law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chainwatch.errors import ConservationError


class Mark(NamedTuple):
    """What is known of a lot: the number of its subject, the payments since it left the subject,
    and on coin chains the input by which it came into its transaction."""

    subject: int
    hop: int
    source: int


class Lot(NamedTuple):
    """An amount in base units, all of one mark; None is clean."""

    amount: int
    mark: Mark | None


Lots = tuple[Lot, ...]
Policy = Callable[[Sequence[Lot], Sequence[int]], tuple[list[Lots], Lots]]


def joined(lots: Iterable[Lot]) -> Lots:
    """Return the lots with neighbours of one mark as one, and empty ones left out."""
    out: list[Lot] = []
    for lot in lots:
        if out and out[-1].mark == lot.mark:
            out[-1] = Lot(out[-1].amount + lot.amount, lot.mark)
        elif lot.amount:
            out.append(lot)
    return tuple(out)


def fifo(lots: Sequence[Lot], payments: Sequence[int]) -> tuple[list[Lots], Lots]:
    """First in, first out: each payment takes the oldest lots that are left.

    It is lossless: the same order read backwards leads from any payment to its origin.

    Parameters
    ----------
    lots : sequence of Lot
        The balance, oldest first (for a coin transaction its inputs in order).
    payments : sequence of int
        Amounts paid from it, in order (for a coin transaction its outputs, then the fee).

    Returns
    -------
    (list of Lots, Lots)
        The lots of each payment, neighbours of one mark joined, and those that stay.

    Raises
    ------
    ConservationError
        If more is paid than is there, or an amount is negative.

    Fails when
    ----------
    The order in which value came in is not known, or was chosen by whoever wants it lost: a small
    payment first moves all that comes after. Somebody who keeps apart what he holds, in his mind
    or in his books, does not spend first what came first.

    References
    ----------
    Clayton's Case (1816) in English law; Anderson, Shumailov and Ahmed, "Making Bitcoin Legal",
    2018, for coins.
    """
    parts: list[Lots] = []
    place, used = 0, 0  # the lot to take from next, and how much of it is gone
    for payment in payments:
        taken, due = [], payment
        while due:
            if place == len(lots):
                raise ConservationError(
                    f"a payment of {payment} exceeds the balance by {due}",
                    remedy="check that all that came in was read",
                )
            lot = lots[place]
            part = min(lot.amount - used, due)
            if part < 0:
                raise ConservationError("an amount is negative", remedy="check where it was read")
            taken.append(Lot(part, lot.mark))
            due -= part
            used += part
            if used == lot.amount:
                place, used = place + 1, 0
        parts.append(joined(taken))
    first = (Lot(lots[place].amount - used, lots[place].mark),) if used else ()
    return parts, (*first, *lots[place + len(first) :])


def least(marked: int, payments: Sequence[int]) -> list[int]:
    """Return how much of a marked part each payment holds at least, whoever divided the whole.

    A payment larger than all that is not marked is made of the marked part for the rest. This is
    arithmetic and no policy: it holds of every way to divide a balance that is paid out whole.

    Parameters
    ----------
    marked : int
        The marked part of the balance, in base units.
    payments : sequence of int
        All that is paid from the balance, the fee included: their sum is the balance.

    Returns
    -------
    list of int
        One minimum per payment. Together they are never more than ``marked``: where ``k`` payments
        exceed what is not marked, they lose it ``k`` times and the whole holds it once.
    """
    unmarked = sum(payments) - marked
    return [max(0, payment - unmarked) for payment in payments]


POLICIES: tuple[Policy, ...] = (fifo,)
"""All policies, written out."""

OLDEST_FIRST: frozenset[Policy] = frozenset({fifo})
"""Those that take the oldest lots and leave the rest as they lie: a payment from a balance of many
lots then needs no more of them than it takes."""


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return [policy.__name__ for policy in POLICIES]
