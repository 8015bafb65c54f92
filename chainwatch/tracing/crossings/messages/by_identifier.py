"""Crossings by an explicit identifier: which payout bears that of a deposit, or what is open.

Where an identifier says where a deposit went, amounts and times are asked no longer: an identifier
that leads to what was not read is an open end, and no licence to guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.errors import AddressError
from chainwatch.tracing.crossings.messages.identifiers import (
    GIVEN_BACK,
    RECEIVED,
    SENT,
    SHARED,
    THORCHAIN,
    TOO_WIDE,
    Destinations,
    id_of_paid_in,
)
from chainwatch.tracing.crossings.messages.said import (
    BY_ID,
    BY_MEMO,
    CONTRADICTS,
    ONCE,
    OPEN,
    OTHER_NAME,
    UNREAD,
    Known,
    Message,
    Place,
    Resolved,
    Row,
    agree,
    before,
    contested,
    less_or_more,
    place_of,
    told_alone,
    unanswered,
)
from chainwatch.tracing.crossings.moves import Moves


@dataclass(frozen=True)
class Identified:
    """Deposits of which an identifier says where they went.

    Attributes
    ----------
    found : mapping of int to Resolved
        By the row of the deposit.
    explained : set of (asset, txid, n)
        Payouts that bear an identifier: they are of the deposit that it names and of no other.
    """

    found: dict[int, Resolved] = field(default_factory=dict)
    explained: set[tuple[int, bytes, int]] = field(default_factory=set)


def by_identifier(
    moved: Moves, messages: pl.DataFrame, asked: Destinations, known: Known
) -> Identified:
    """Return what identifiers say of deposits.

    Parameters
    ----------
    moved : Moves
        Deposits and payouts.
    messages : polars.DataFrame
        In :data:`identifiers.MESSAGES`.
    asked : mapping
        Whom deposits ask to pay.
    known : Known
        What they are held to.
    """
    deposits = _with_tokens(moved.deposits, known.tokens)
    paid = (
        _by_place(_with_tokens(moved.payouts, known.tokens)),
        _by_place(_with_tokens(moved.beside, known.tokens)),
    )
    sent, got = _sides(messages, deposits)
    claimed = _claimed(sent, deposits)
    result = Identified()
    alone: dict[int, Resolved] = {}
    stated: dict[tuple[int, bytes, int], set[tuple[str, str]]] = {}
    for key in {**got, **sent}:
        asking, heard = sent.get(key, ()), got.get(key, ())
        received = [one for one in heard if _answers(one, asking)]
        for one in received:
            for row in _explained(one, *paid):
                result.explained.add(place_of(row))
                if one.amount is not None:
                    stated.setdefault(place_of(row), set()).add(key)
        for message, places in asking:
            mine = [one for one in received if agree(message, one)]
            number = _the_one(message, places, deposits)
            of = [number] if number is not None else places
            if not mine:
                for place in of:
                    why = _unanswered(message, number, deposits[place], bool(heard), known)
                    alone.setdefault(place, why)
                continue
            told = _resolve(message, mine, number, places, deposits, paid, asked, known)
            alike = sum(agree(other, mine[0]) for other, _ in asking) if len(mine) == 1 else 2
            if claimed[number] > 1 or (message.scheme in SHARED and alike > 1):
                told = told._replace(payouts=(), reason=OPEN)
            for place in of:
                result.found[place] = _together(result.found.get(place), told)
    for place in contested(result.found, stated):
        result.found[place] = result.found[place]._replace(payouts=(), reason=OPEN)
    result.found.update({place: why for place, why in alone.items() if place not in result.found})
    return result


def _unanswered(
    message: Message, number: int | None, deposit: Row, heard: bool, known: Known
) -> Resolved:
    """Return what a message says of a deposit where its other side is not found."""
    reason = unanswered(message, deposit, heard, known)
    if number is None and reason != UNREAD:
        reason = CONTRADICTS if message.amount == TOO_WIDE else OPEN
    return Resolved(BY_ID, message.called, reason=reason)


def _with_tokens(rows: pl.DataFrame, tokens: Sequence[bytes | None]) -> list[Row]:
    return [{**row, "contract": tokens[row["asset"]]} for row in rows.iter_rows(named=True)]


def _claimed(sent: Sent, deposits: Sequence[Row]) -> Counter[int | None]:
    """Return of how many messages each deposit is the whole amount: of one alone, if it is told.

    Who pays in may send a message of his own beside, of the same amount and of another token.
    """
    every = [one for each in sent.values() for one in each]
    fit = (_the_one(message, places, deposits) for message, places in every
           if message.amount is not None)  # fmt: skip
    return Counter(number for number in fit if number is not None)


def _answers(one: Message, asking: Sequence[tuple[Message, list[int]]]) -> bool:
    """Tell whether a message agrees with one that was sent, or with none that was read."""
    return not asking or any(agree(message, one) for message, _ in asking)


Paid = tuple[Mapping[Place, list[Row]], Mapping[Place, list[Row]]]
Sent = dict[tuple[str, str], list[tuple[Message, list[int]]]]
Got = dict[tuple[str, str], list[Message]]


def _sides(messages: pl.DataFrame, deposits: Sequence[Row]) -> tuple[Sent, Got]:
    """Return both sides of messages by scheme and identifier; on the first with rows of deposits.

    In the scheme of THORChain a deposit bears the hash of its own transaction.
    """
    at: dict[Place, list[int]] = {}
    for number, row in enumerate(deposits):
        at.setdefault((row["chain"], row["txid"]), []).append(number)
    sent: Sent = {}
    got: Got = {}
    for row in messages.iter_rows(named=True):
        one = Message.of(row)
        if one.side == SENT:
            places = [n for n in at.get(one.place, ()) if _may_be_of(deposits[n], one)]
            sent.setdefault((one.scheme, one.id), []).append((one, places))
        else:
            got.setdefault((one.scheme, one.id), []).append(one)
    if any(scheme == THORCHAIN for scheme, _ in got):
        for (chain, txid), numbers in at.items():
            key = (THORCHAIN, id_of_paid_in(txid, chain))
            for bridge in sorted({one.bridge for one in got.get(key, ()) if one.bridge} | {""}):
                mine = [n for n in numbers if not bridge or deposits[n]["bridge"] == bridge]
                meant = [one for one in got.get(key, ()) if (one.bridge or "") == bridge]
                if meant and mine and key not in sent:
                    message = Message(*key, SENT, (chain, txid), None, None, bridge or None)
                    sent.setdefault(key, []).append((message, mine))
    return sent, got


def _may_be_of(deposit: Row, message: Message) -> bool:
    """Tell whether a deposit is at the bridge of a message, and of its token."""
    here = message.bridge is None or deposit["bridge"] == message.bridge
    return here and _of_token(deposit, message)


def _by_place(rows: Sequence[Row]) -> dict[Place, list[Row]]:
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault((row["chain"], row["txid"]), []).append(row)
    return found


def _the_one(message: Message, places: Sequence[int], deposits: Sequence[Row]) -> int | None:
    """Return the deposit that a message is of, where its transaction has one that fits alone."""
    fit = [number for number in places if _of_amount(deposits[number], message)]
    return fit[0] if len(fit) == 1 else None


def _resolve(
    message: Message, received: Sequence[Message], number: int | None, places: Sequence[int],
    deposits: Sequence[Row], paid: Paid, asked: Destinations, known: Known,
) -> Resolved:  # fmt: skip
    evidence = BY_MEMO if message.scheme == THORCHAIN else BY_ID
    told = Resolved(evidence, message.called)
    if not places:
        return told
    if number is None:
        return told._replace(reason=CONTRADICTS if message.amount == TOO_WIDE else OPEN)
    deposit = deposits[number]
    found: list[tuple[Row, bool]] = []
    for one in received:
        if one.bridge is not None and one.bridge != deposit["bridge"]:
            continue
        if one.side == GIVEN_BACK and one.place[0] != deposit["chain"]:
            return told._replace(reason=CONTRADICTS)
        wanted = _wanted(one, deposit, asked)
        rows = [row for row in _meant(one, wanted, *paid) if _of(row, deposit)]
        reason = _why_not(message, one, rows, deposit, known)
        if not rows and any(one.place in side for side in paid) and one.place[0] in known.chains:
            reason = CONTRADICTS
        if not reason and wanted and rows[0]["party"] not in wanted:
            reason = CONTRADICTS
        if reason:
            return told._replace(reason=reason)
        found.append((rows[0], one.side == GIVEN_BACK))
    if not found:
        return told._replace(reason=OTHER_NAME)
    if message.scheme in ONCE and len({place_of(row) for row, _ in found}) > 1:
        return told._replace(reason=OPEN)
    return told._replace(payouts=tuple(found))


def _why_not(
    message: Message, one: Message, rows: Sequence[Row], deposit: Row, known: Known
) -> str:
    """Return why the payments that a message means answer no deposit; nothing where one does."""
    if not rows:
        return CONTRADICTS if one.place in known.failed else UNREAD
    if len(rows) > 1:
        return OPEN
    if before(rows[0], deposit) or less_or_more(rows[0], deposit, message.due, known.decimals):
        return CONTRADICTS
    if message.scheme in SHARED and not told_alone(rows[0], deposit, known):
        return OPEN
    return ""


def _of(row: Row, deposit: Row) -> bool:
    return row["bridge"] is None or row["bridge"] == deposit["bridge"]


def _wanted(message: Message, deposit: Row, asked: Destinations) -> set[bytes]:
    """Return whom a payout must reach, where the message or the memo of the deposit says it."""
    if message.receiver is not None:
        return {message.receiver}
    if message.scheme != THORCHAIN or message.side != RECEIVED:
        return set()
    return asked_for(asked, deposit, message.place[0])


def asked_for(asked: Destinations, deposit: Row, chain: str) -> set[bytes]:
    """Return whom the memo beside a deposit asks to pay, where that is an address of a chain."""
    named = asked.get((deposit["chain"], deposit["tx"]), [])
    return {one for text in named for one in _parsed(text, chain)}


def _parsed(text: str, chain: str) -> Iterator[bytes]:
    try:
        yield parse(text, chain)
    except AddressError:  # a name, or an address of another chain: it says nothing here
        return


def _meant(
    message: Message, wanted: set[bytes], payouts: Mapping[Place, list[Row]],
    beside: Mapping[Place, list[Row]],
) -> list[Row]:  # fmt: skip
    """Return the payments of its transaction that a message may mean.

    They are those of bridges; or else tokens newly made; or else, where the message says whom it
    pays, whatever reaches him there, for relayers pay from wallets of their own.
    """
    others = beside.get(message.place, [])
    made = [row for row in others if row["made"]]
    to = [row for row in others if message.receiver is not None and row["party"] in wanted]
    for rows in (payouts.get(message.place, []), made, to):
        fit = [row for row in rows if _fits(row, message, wanted)]
        if fit:
            return fit
    return []


def _fits(row: Row, message: Message, wanted: set[bytes]) -> bool:
    return (
        _of_amount(row, message)
        and _of_token(row, message)
        and (not wanted or row["party"] in wanted)
    )


def _of_amount(row: Row, message: Message) -> bool:
    """Tell whether a payment is of the amount of a message: one too wide for both is unknown."""
    if message.amount == TOO_WIDE:
        return row["amount"] is None
    return message.amount is None or row["amount"] == message.amount


def _of_token(row: Row, message: Message) -> bool:
    """Tell whether a payment is of the token of a message; a chain's coin may stand for any.

    Bridges name the wrapped coin where the coin itself is paid.
    """
    return None in (row["contract"], message.token) or row["contract"] == message.token


def _explained(
    message: Message, payouts: Mapping[Place, list[Row]], beside: Mapping[Place, list[Row]]
) -> Iterator[Row]:
    """Yield the payouts that a message speaks of: those it names, or all of its transaction."""
    wanted = {message.receiver} if message.receiver is not None else set()
    yield from _meant(message, wanted, payouts, beside) or payouts.get(message.place, [])


def _together(one: Resolved | None, other: Resolved) -> Resolved:
    """Return what two identifiers of one deposit say: all that they name, or what is open."""
    if one is None or one == other:
        return other
    if one.reason or other.reason:
        return one if one.reason else other
    paid = ({place_of(row) for row, _ in each.payouts} for each in (one, other))
    once = all(each.identifier.startswith(tuple(f"{name} " for name in ONCE))
               for each in (one, other))  # fmt: skip
    if once and len(set().union(*paid)) > 1:
        return one._replace(payouts=(), reason=OPEN)
    names = ", ".join(sorted({one.identifier, other.identifier}))
    return Resolved(one.evidence, names, one.payouts + other.payouts)


__all__ = [
    "BY_ID",
    "BY_MEMO",
    "CONTRADICTS",
    "OPEN",
    "OTHER_NAME",
    "UNREAD",
    "Identified",
    "Message",
    "Resolved",
    "Row",
    "asked_for",
    "by_identifier",
    "place_of",
]
