"""What two sides of a message say, whether they agree, and what is left open where one is missing.

Where a bridge logged that a message was sent, its deposit went there and nowhere else: that the
other side is not found is an open end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.tracing.crossings.messages.identifiers import CCTP, GIVEN_BACK, SHARED
from chainwatch.tracing.crossings.messages.layouts import may_be
from chainwatch.tracing.crossings.moves import CLOCK

BY_MEMO, BY_ID = "memo", "identifier"

UNREAD = "its identifier names what was not read"
OPEN = "its identifier leaves open which payment is meant"
CONTRADICTS = "its identifier contradicts what was read"
OTHER_NAME = "its identifier names a payout of a bridge of another name"
"""Why a deposit of which an identifier speaks is not matched."""

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
    other: str | None = None
    due: int | None = None
    whom: bytes | None = None

    @property
    def called(self) -> str:
        """Its scheme and identifier."""
        return f"{self.scheme} {self.id}"

    @classmethod
    def of(cls, row: Row) -> Message:
        """Return a row of :data:`identifiers.MESSAGES`."""
        place = (row["chain"], row["txid"])
        return cls(row["scheme"], row["id"], row["side"], place, row["receiver"],
                   _whole(row["amount"]), row["bridge"], row["token"], row["terms"], row["other"],
                   _whole(row["due"]), row["whom"])  # fmt: skip


def _whole(amount: Any) -> int | None:
    return None if amount is None else int(amount)


ONCE = frozenset({CCTP, *SHARED, "wormhole", "layerzero", "across"})
"""Schemes of which a message is received once, and pays once."""


class Known(NamedTuple):
    """What messages are held to.

    ``chains`` are those that were read, ``tokens`` and ``decimals`` those of each asset by its
    number, ``reach`` the chains on which each bridge has an address, ``failed`` transactions that
    did nothing. ``logs_read`` tells whether all logs of a chain were read from one time to another,
    ``within`` how long after a deposit its payout is looked for.
    """

    chains: Collection[str]
    tokens: Sequence[bytes | None]
    decimals: Sequence[int]
    reach: Mapping[str, Collection[str]]
    failed: Collection[Place]
    logs_read: Callable[[str, datetime | None, datetime | None], bool]
    within: timedelta


def place_of(row: Row) -> tuple[int, bytes, int]:
    """Return what calls a payment: the number of its asset, its transaction and place there."""
    return row["asset"], row["txid"], row["n"]


def agree(sent: Message, received: Message) -> bool:
    """Tell whether two sides say the same terms, as far as both say any.

    An identifier alone can be copied: the contract of a bridge logs it for whoever fills a relay.
    """
    there = received.side == GIVEN_BACK or may_be(sent.other, received.place[0])
    if not (there and may_be(received.other, sent.place[0])):
        return False
    if not sent.terms or not received.terms:
        return None in (sent.whom, received.receiver) or sent.whom == received.receiver
    one, other = sent.terms.split("/"), received.terms.split("/")
    both = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or not a or not b for a, b in both)


def before(row: Row, deposit: Row) -> bool:
    """Tell whether a payout was made before what it answers.

    Of coin chains, whose clocks are a miner's word, by more than they may be wrong.
    """
    if row["time"] is None or deposit["time"] is None:
        return False
    coins = any(find_chain(one["chain"]).family == "utxo" for one in (row, deposit))
    return bool(deposit["time"] - row["time"] > (CLOCK if coins else timedelta(0)))


def less_or_more(row: Row, deposit: Row, due: int | None, decimals: Sequence[int]) -> bool:
    """Tell whether a payout is of another amount than was said to be due, in the deposit's unit."""
    if due is None or row["amount"] is None:
        return due is not None
    units = (decimals[one["asset"]] for one in (deposit, row))
    here, there = (10**one for one in units)
    return bool(due * there != int(row["amount"]) * here)


def unanswered(message: Message, deposit: Row, heard: bool, known: Known) -> str:
    """Return why the other side of a message that was sent is not found.

    ``heard`` where its identifier was received with other terms.
    """
    there = {*known.reach.get(deposit["bridge"], ())} - {deposit["chain"]}
    if message.other is not None:
        there = {message.other}
    time = deposit["time"]
    until = None if time is None else time + known.within
    if not there or not all(one in known.chains and known.logs_read(one, time, until)
                            for one in there):  # fmt: skip
        return UNREAD
    return CONTRADICTS if heard else OPEN


def told_alone(row: Row, deposit: Row, known: Known) -> bool:
    """Tell whether the logs were read in which another message of the same words could stand.

    A payout is that of another burn only if there was one before it: the logs of the source must
    be read up to it, and those of both sides from burn to mint.
    """
    time, paid = deposit["time"], row["time"]
    if time is None or paid is None:
        return False
    since = paid - known.within
    return known.logs_read(deposit["chain"], min(since, time), paid) and known.logs_read(
        row["chain"], time, paid
    )


def contested(
    found: Mapping[int, Resolved], stated: Mapping[tuple[int, bytes, int], Collection[Any]]
) -> set[int]:
    """Return the deposits that share a payout, but for the one that an identifier of its own names.

    Parameters
    ----------
    found : mapping of int to Resolved
        By deposit.
    stated : mapping
        By payout the identifiers of which a message says that it is the whole of it.
    """
    claims: dict[tuple[int, bytes, int], list[int]] = {}
    for number, told in found.items():
        for row, _ in told.payouts:
            claims.setdefault(place_of(row), []).append(number)
    lost: set[int] = set()
    for payout, numbers in claims.items():
        if len({*numbers}) < 2:
            continue
        exact = [n for n in numbers if not _shared(found[n])]
        names = {found[n].identifier for n in exact}
        alone = len({*exact}) == 1
        split = len(names) == len(exact) and len(stated.get(payout, ())) < 2
        lost |= {*numbers} - {*(exact if alone or split else ())}
    return lost


def _shared(told: Resolved) -> bool:
    return any(told.identifier.startswith(f"{one} ") for one in SHARED)
