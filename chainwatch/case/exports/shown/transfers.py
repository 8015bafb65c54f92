"""Transfers: each payment once, however many tables of the case tell of it.

A trace tells of a payment by the traced value in it, a list of payments by what was moved, and two
results tell of it twice. A program that adds up what it is given must be given each once, so rows
of one transaction, payer, payee and asset are put together. The amount of a transfer is what was
moved, where a table says that; a traced value is a part of it and never its amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainwatch.case.exports.shown.parts import Payment


@dataclass(frozen=True)
class Transfer:
    """One payment of one transaction.

    Attributes
    ----------
    payment : Payment
        A row that tells of it: for transaction, time, parties and asset.
    place : int or None
        Place of the output, or of the transfer in its block, where one is told.
    amount : int or None
        What was moved, in base units; None where no row says all of it exactly, or its transaction
        is not shown: then nobody could tell whether another row is of the same.
    told : tuple of Payment
        All rows that tell of it.
    """

    payment: Payment
    place: int | None
    amount: int | None
    told: tuple[Payment, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others, as plain data; tables and measures are no part of it."""
        one = self.payment
        if not one.txid:
            return (repr(one),)
        return one.chain, one.txid, one.source, one.target, one.asset.contract, self.place


def transfers_of(payments: Iterable[Payment]) -> tuple[Transfer, ...]:
    """Return each transfer once, in the order in which its first row stands.

    Rows whose transaction is withheld cannot be put together: each is one of its own, without an
    amount.
    """
    groups: dict[Any, list[Payment]] = {}
    for number, one in enumerate(payments):
        same = (one.chain, one.txid, one.source, one.target, one.asset.contract)
        groups.setdefault(same if one.txid else number, []).append(one)
    return tuple(found for some in groups.values() for found in _transfers(some))


def _transfers(some: Sequence[Payment]) -> Iterator[Transfer]:
    """Yield the transfers of one transaction, payer, payee and asset."""
    found = list(_moved([one for one in some if _is_whole(one)]))
    rest: dict[int | None, list[Payment]] = {}
    for one in some:
        if not _is_whole(one):
            rest.setdefault(one.place, []).append(one)
    places = {*rest, *(one.place for one in found)} - {None}
    only = len(found) == 1 and len(places) <= 1
    told = list(found)
    for place, rows in rest.items():
        # Rows tell of the transfer at their place, or of the only one that there is.
        at = [n for n, one in enumerate(found) if only or (one.place == place is not None)]
        if at:
            told[at[0]] = replace(told[at[0]], told=(*told[at[0]].told, *rows))
        else:
            told.append(Transfer(rows[0], place, None, tuple(rows)))
    yield from told


def _is_whole(one: Payment) -> bool:
    exact = one.amount is not None and not one.coarse and not one.rows
    return bool(one.txid) and one.moved and exact


def _moved(whole: Sequence[Payment]) -> Iterator[Transfer]:
    """Yield the transfers of which rows say what was moved.

    Of one amount there are as many as places are told, or as one table has rows of it if that is
    more: another table tells of the same.
    """
    for amount in dict.fromkeys(one.amount for one in whole):
        placed: dict[int | None, list[Payment]] = {}
        unplaced: dict[str, list[Payment]] = {}
        for one in whole:
            if one.amount == amount and one.place is not None:
                placed.setdefault(one.place, []).append(one)
            elif one.amount == amount:
                unplaced.setdefault(one.table, []).append(one)
        told = list(placed.items())
        most = max(map(len, unplaced.values()), default=0)
        told += [(None, []) for _ in range(most - len(told))]
        for rows in unplaced.values():
            for (_, beside), one in zip(told, rows, strict=False):
                beside.append(one)
        for place, beside in told:
            yield Transfer(beside[0], place, amount, tuple(beside))
