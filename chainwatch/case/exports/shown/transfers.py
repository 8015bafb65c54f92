"""Transfers: each payment once, however many tables of the case tell of it.

A trace tells of a payment by the traced value in it, a list of payments by what was moved, and two
results tell of it twice. A program that adds up what it is given must be given each once, so rows
of one transaction, payer, payee and asset are put together. The amount of a transfer is what was
moved, where a table says that; a traced value is a part of it and never its amount.

One transaction can hold several transfers between the same two parties. Rows are of one where they
name its place; where one of them names none, by amounts: a traced value is of a transfer that moved
as much, else of one that moved more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainwatch.case.exports.shown.parts import Payment
from chainwatch.chains.catalogue import chain as chain_of


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
        What was moved, in base units; None where no row says all of it exactly, where several are
        told to have paid the same output, so that nobody knows who paid how much of it, or where
        its transaction is not shown: then nobody could tell whether another row is of the same.
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
    found = [one for some in groups.values() for one in _transfers(some)]
    return tuple(_shared_unknown(found))


def _shared_unknown(found: Sequence[Transfer]) -> Iterator[Transfer]:
    """Yield transfers, those of an output that several paid without an amount."""
    payers: dict[Any, set[Any]] = {}
    for one in found:
        if (output := _output(one)) is not None:
            payers.setdefault(output, set()).add(one.payment.source)
    for one in found:
        yield replace(one, amount=None) if len(payers.get(_output(one), ())) > 1 else one


def _output(one: Transfer) -> tuple[str, str, int] | None:
    """Return the output that a transfer is of; None where it is of none, or none is told."""
    paid = one.payment
    if one.place is None or not paid.txid or chain_of(paid.chain).family != "utxo":
        return None
    return paid.chain, paid.txid, one.place


def _transfers(some: Sequence[Payment]) -> Iterator[Transfer]:
    """Yield the transfers of one transaction, payer, payee and asset."""
    told = list(_moved([one for one in some if _is_whole(one)]))
    placed: dict[int, list[Payment]] = {}
    for one in some:
        if not _is_whole(one) and one.place is not None:
            placed.setdefault(one.place, []).append(one)
    at = {one.place: number for number, one in enumerate(told) if one.place is not None}
    open_ = [number for number, one in enumerate(told) if one.place is None]
    for place, rows in sorted(placed.items(), key=lambda item: -_least(item[1])):
        number = at.get(place)
        if number is None:
            number = _fitting(told, open_, _least(rows))
            open_ = [one for one in open_ if one != number]
        _tell(told, number, place, rows)
    yield from _beside(told, [one for one in some if not _is_whole(one) and one.place is None])


def _beside(told: list[Transfer], rows: Sequence[Payment]) -> list[Transfer]:
    """Return transfers with the rows that name no place, and are not all of what was moved.

    They are of the transfers that are told; those that fit none of them are together one more.
    """
    over: list[Payment] = []
    heard: dict[str, list[int]] = {}
    known = len(told)
    for one in sorted(rows, key=lambda row: -_least([row])):
        before = heard.setdefault(one.table, [])
        free = [number for number in range(known) if number not in before]
        number = _fitting(told, free or range(known), _least([one]))
        if number is None:
            over.append(one)
        else:
            before.append(number)
            _tell(told, number, None, [one])
    if over:
        _tell(told, None, None, over)
    return told


def _tell(
    told: list[Transfer], number: int | None, place: int | None, rows: Sequence[Payment]
) -> None:
    """Let rows tell of one of the transfers, or of one more."""
    if number is None:
        told.append(Transfer(rows[0], place, None, tuple(rows)))
    else:
        told[number] = replace(told[number], told=(*told[number].told, *rows))


def _fitting(told: Sequence[Transfer], among: Iterable[int], least: int) -> int | None:
    """Return which of some transfers moved so much, else the smallest of those that moved more."""
    fit = [(told[number].amount, number) for number in among]
    enough = [(amount, number) for amount, number in fit if amount is None or amount >= least]
    return min(enough, key=lambda one: (one[0] is None, one[0] or 0, one[1]), default=(0, None))[1]


def _least(rows: Sequence[Payment]) -> int:
    """Return what a transfer moved at least of which rows tell: the most that one of them does."""
    exact = [one.amount for one in rows if one.amount is not None and not one.coarse]
    return max(exact, default=0)


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
