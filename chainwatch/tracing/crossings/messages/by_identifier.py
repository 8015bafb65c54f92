"""Crossings by an explicit identifier: which payout bears that of a deposit, or what is open.

Where an identifier says where a deposit went, amounts and times are asked no longer: an identifier
that leads to what was not read is an open end, and no licence to guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.errors import AddressError
from chainwatch.tracing.crossings.messages.identifiers import (
    GIVEN_BACK,
    RECEIVED,
    SENT,
    SHARED,
    THORCHAIN,
    Destinations,
    id_of_paid_in,
)
from chainwatch.tracing.crossings.moves import CLOCK, Moves

BY_MEMO, BY_ID = "memo", "identifier"

UNREAD = "its identifier names what was not read"
OPEN = "its identifier leaves open which payment is meant"
CONTRADICTS = "its identifier contradicts what was read"

Row = Mapping[str, Any]
Place = tuple[str, bytes]
"""A chain and a transaction on it."""


class Resolved(NamedTuple):
    """What an identifier says of a deposit.

    ``payouts`` are rows in :data:`moves.MOVE`, each with whether it gives the deposit back;
    ``reason`` is empty where they are named.
    """

    evidence: str
    identifier: str
    payouts: tuple[tuple[Row, bool], ...] = ()
    reason: str = ""


class Message(NamedTuple):
    """One side of a message, as it was seen."""

    scheme: str
    id: str
    side: str
    place: Place
    receiver: bytes | None
    amount: int | None
    bridge: str | None
    token: bytes | None = None
    terms: str | None = None

    @property
    def called(self) -> str:
        """Its scheme and identifier."""
        return f"{self.scheme} {self.id}"


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
    moved: Moves, messages: pl.DataFrame, asked: Destinations, chains: Sequence[str],
    tokens: Sequence[bytes | None],
) -> Identified:  # fmt: skip
    """Return what identifiers say of deposits.

    Parameters
    ----------
    moved : Moves
        Deposits and payouts.
    messages : polars.DataFrame
        In :data:`identifiers.MESSAGES`.
    asked : mapping
        Whom deposits ask to pay.
    chains : sequence of str
        Those that were read.
    tokens : sequence of bytes or None
        The contract of each asset that is looked at, by its number.
    """
    deposits = _with_tokens(moved.deposits, tokens)
    paid = (
        _by_place(_with_tokens(moved.payouts, tokens)),
        _by_place(_with_tokens(moved.beside, tokens)),
    )
    sent, got = _sides(messages, deposits)
    claimed = _claimed(sent, deposits)
    result = Identified()
    for key, all_received in got.items():
        asking = sent.get(key, ())
        received = [one for one in all_received if _answers(one, asking)]
        for one in received:
            for row in _explained(one, *paid):
                result.explained.add(place_of(row))
        for message, places in asking:
            mine = [one for one in received if _agree(message, one)]
            if not mine:
                continue
            number = _the_one(message, places, deposits)
            told = _resolve(message, mine, number, places, deposits, paid, asked, chains)
            alike = sum(_agree(other, mine[0]) for other, _ in asking) if len(mine) == 1 else 2
            if claimed[number] > 1 or (message.scheme in SHARED and alike > 1):
                told = told._replace(payouts=(), reason=OPEN)
            for place in [number] if number is not None else places:
                result.found[place] = _together(result.found.get(place), told)
    return result


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
    return not asking or any(_agree(message, one) for message, _ in asking)


def _agree(sent: Message, received: Message) -> bool:
    """Tell whether two sides say the same terms, as far as both say any.

    An identifier alone can be copied: the contract of a bridge logs it for whoever fills a relay.
    """
    if not sent.terms or not received.terms:
        return True
    one, other = sent.terms.split("/"), received.terms.split("/")
    both = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or not a or not b for a, b in both)


def place_of(row: Row) -> tuple[int, bytes, int]:
    """Return what calls a payment: the number of its asset, its transaction and place there."""
    return row["asset"], row["txid"], row["n"]


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
        one = _message(row)
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


def _message(row: Row) -> Message:
    amount = None if row["amount"] is None else int(row["amount"])
    place = (row["chain"], row["txid"])
    return Message(row["scheme"], row["id"], row["side"], place, row["receiver"], amount,
                   row["bridge"], row["token"], row["terms"])  # fmt: skip


def _by_place(rows: Sequence[Row]) -> dict[Place, list[Row]]:
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault((row["chain"], row["txid"]), []).append(row)
    return found


def _the_one(message: Message, places: Sequence[int], deposits: Sequence[Row]) -> int | None:
    """Return the deposit that a message is of, where its transaction has one that fits alone."""
    fit = [
        number
        for number in places
        if message.amount is None or deposits[number]["amount"] == message.amount
    ]
    return fit[0] if len(fit) == 1 else None


def _resolve(
    message: Message, received: Sequence[Message], number: int | None, places: Sequence[int],
    deposits: Sequence[Row], paid: Paid, asked: Destinations, chains: Sequence[str],
) -> Resolved:  # fmt: skip
    evidence = BY_MEMO if message.scheme == THORCHAIN else BY_ID
    told = Resolved(evidence, message.called)
    if not places:
        return told
    if number is None:
        return told._replace(reason=OPEN)
    deposit = deposits[number]
    found: list[tuple[Row, bool]] = []
    for one in received:
        if one.bridge is not None and one.bridge != deposit["bridge"]:
            continue
        if one.side == GIVEN_BACK and one.place[0] != deposit["chain"]:
            return told._replace(reason=CONTRADICTS)
        wanted = _wanted(one, deposit, asked)
        rows = [row for row in _meant(one, wanted, *paid) if _of(row, deposit)]
        if not rows:
            named = one.place[0] in chains and any(one.place in side for side in paid)
            return told._replace(reason=CONTRADICTS if named else UNREAD)
        if len(rows) > 1:
            return told._replace(reason=OPEN)
        if _before(rows[0], deposit) or (wanted and rows[0]["party"] not in wanted):
            return told._replace(reason=CONTRADICTS)
        found.append((rows[0], one.side == GIVEN_BACK))
    return told._replace(payouts=tuple(found))


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
    right = message.amount is None or row["amount"] == message.amount
    return right and _of_token(row, message) and (not wanted or row["party"] in wanted)


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


def _before(row: Row, deposit: Row) -> bool:
    """Tell whether a payout was made before what it answers, by more than clocks may be wrong."""
    if row["time"] is None or deposit["time"] is None:
        return False
    return bool(deposit["time"] - row["time"] > CLOCK)


def _together(one: Resolved | None, other: Resolved) -> Resolved:
    """Return what two identifiers of one deposit say: all that they name, or what is open."""
    if one is None or one == other:
        return other
    if one.reason or other.reason:
        return one if one.reason else other
    names = ", ".join(sorted({one.identifier, other.identifier}))
    return Resolved(one.evidence, names, one.payouts + other.payouts)
