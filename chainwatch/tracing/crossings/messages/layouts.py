"""What contracts of bridges log, field by field: which message, whom it pays, how much.

Each reader takes one log of its event and yields what it says. The terms of a message are read too,
to be held to those of the other side: anybody may have a bridge's contract log an identifier.

References
----------
Circle, evm-cctp-contracts: Message.sol, BurnMessage.sol, MessageV2.sol, BurnMessageV2.sol; Across,
V3SpokePoolInterface.sol; LayerZero, IOFT.sol; THORChain, THORChain_Router.sol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from chainwatch.addresses.canonical import Kind
from chainwatch.ledger.accounts import contract_events as events
from chainwatch.ledger.accounts.contract_events import ContractEvent
from chainwatch.tracing.crossings.messages.identifiers import (
    CCTP_ALIKE,
    GIVEN_BACK,
    RECEIVED,
    SENT,
)
from chainwatch.tracing.crossings.messages.memos import OUT, REFUND, read_memo

WORD = 32


class Log(NamedTuple):
    """One log: the CAIP-2 id of its chain, its kind of addresses, its topics and its data."""

    chain: str
    kind: int
    topics: tuple[bytes, ...]
    data: bytes

    @property
    def number_of_chain(self) -> int:
        """The number by which bridges call its chain."""
        return int(self.chain.rpartition(":")[2], 0)

    def topic(self, n: int) -> int:
        """Return a topic as a number."""
        return int.from_bytes(self.topics[n], "big")

    def word(self, n: int) -> bytes:
        """Return a word of the data."""
        found = self.data[n * WORD : (n + 1) * WORD]
        if len(found) < WORD:
            raise ValueError("its data is cut short")
        return found

    def number(self, n: int) -> int:
        """Return a word of the data as a number."""
        return int.from_bytes(self.word(n), "big")

    def account(self, word: bytes) -> bytes | None:
        """Return the address of its chain in a word; None where it is none, or nobody."""
        return bytes([self.kind]) + word[12:] if not any(word[:12]) and any(word) else None

    def bytes_at(self, n: int) -> bytes:
        """Return the bytes of any length to which a word of the data points."""
        start = self.number(n)
        size = int.from_bytes(self.data[start : start + WORD], "big")
        found = self.data[start + WORD : start + WORD + size]
        if start + WORD > len(self.data) or len(found) < size:
            raise ValueError("its data is cut short")
        return found


class Said(NamedTuple):
    """What a log says of a message: the side, the identifier, whom it pays and how much.

    ``token`` is that which moves here, ``terms`` as :data:`identifiers.MESSAGES` has them;
    ``by`` is who had the contract log it, where anybody can: it must be an address of the bridge.
    ``scheme`` is empty where it is that of the event. ``other`` is the chain of the other side;
    ``due`` and ``whom`` are what was sent asks to be paid there, and to whom.
    """

    side: str
    id: str
    receiver: bytes | None
    amount: int | None
    token: bytes | None = None
    terms: str = ""
    by: bytes | None = None
    scheme: str = ""
    other: str | None = None
    due: int | None = None
    whom: bytes | None = None


class Event(NamedTuple):
    """An event of a bridge: its scheme, its signature, and how it is read."""

    scheme: str
    signature: str
    read: Callable[[Log], Iterator[Said]]


_DOMAINS = {
    "eip155:1": 0, "eip155:43114": 1, "eip155:10": 2, "eip155:42161": 3, "eip155:8453": 6,
    "eip155:137": 7, "eip155:130": 10, "eip155:59144": 11, "eip155:146": 13, "eip155:480": 14,
}  # fmt: skip
"""Numbers by which CCTP calls chains (Circle, Supported chains and domains); of others the side
that is paid out leaves open where it is."""

_ENDPOINTS = {
    "eip155:1": 30101, "eip155:56": 30102, "eip155:43114": 30106, "eip155:137": 30109,
    "eip155:42161": 30110, "eip155:10": 30111, "eip155:8453": 30184, "eip155:59144": 30183,
    "eip155:534352": 30214, "tron:0x2b6653dc": 30420,
}  # fmt: skip
"""Numbers by which LayerZero calls chains (LayerZero documentation, Chain contracts)."""

_NUMBERS = {"domain": _DOMAINS, "endpoint": _ENDPOINTS}


def _called(what: str, number: int) -> str:
    """Return the chain that a bridge calls by a number; the number itself where it is unknown."""
    by_number = {value: chain for chain, value in _NUMBERS[what].items()}
    return by_number.get(number, f"{what} {number}")


def may_be(other: str | None, chain: str) -> bool:
    """Tell whether a chain may be the one that a message names as that of its other side."""
    what = "" if other is None else other.partition(" ")[0]
    return other in (None, chain) or (what in _NUMBERS and chain not in _NUMBERS[what])


def _of_number(number: int) -> str:
    """Return the chain that Across calls by its own number."""
    return "tron:0x2b6653dc" if number == 0x2B6653DC else f"eip155:{number}"


def _asked(word: bytes, there: str) -> bytes | None:
    """Return whom a message asks to pay, where that is an address of an EVM chain."""
    return _evm(word) if there.startswith("eip155:") else None


_HEAD, _HEAD_V2 = 116, 148
_BURN, _BURN_V2 = 132, 228
"""Bytes before the body of a message, and of the body of a burn: of version 2 without its hook."""


def _evm(word: bytes) -> bytes | None:
    """Return the address of an EVM chain in a word; None where it is none, or nobody."""
    return bytes([Kind.EVM]) + word[12:] if not any(word[:12]) and any(word) else None


def _number(part: bytes) -> int:
    return int.from_bytes(part, "big")


def _hashed(data: bytes) -> str:
    """Return the hash of a message as Across logs it: nothing but zeros where there is none."""
    from eth_hash.auto import keccak

    return keccak(data).hex() if data else bytes(WORD).hex()


def _burn(side: str, id_: str, domain: int, sender: bytes, body: bytes) -> Iterator[Said]:
    """Yield what a burn message says; nothing of another, which anybody may send.

    Whom it pays is cut to an address as the contract cuts it.
    """
    if len(body) != _BURN:
        return
    got, amount, other = side == RECEIVED, _number(body[68:100]), _called("domain", domain)
    receiver = bytes([Kind.EVM]) + body[48:68] if got else None
    token, terms = None if got else _evm(body[4:36]), f"{sender.hex()}/{_hashed(body)}"
    whom = None if got else _asked(body[36:68], other)
    by = _evm(sender) or sender
    yield Said(side, id_, receiver, amount, token, terms, by, other=other, whom=whom)


def _burn_v2(
    side: str, nonce: str, domains: tuple[int, int | None], sender: bytes, body: bytes
) -> Iterator[Said]:
    """Yield what a burn message of version 2 says.

    Its source knows no nonce, and what was taken for the fee and until when it holds are written
    into it on the way. All else is alike on both sides: the hash of that is an identifier which two
    burns may share.
    """
    if len(body) < _BURN_V2 or _number(body[:4]) != 1:
        return
    source, destination = domains
    alike = _hashed(source.to_bytes(4, "big") + sender + body[:164] + body[_BURN_V2:])
    there = "" if destination is None else str(destination)
    terms, by = f"{sender.hex()}/{alike}/{there}", _evm(sender) or sender
    amount = _number(body[68:100])
    if side == SENT:
        other = None if destination is None else _called("domain", destination)
        whom = _asked(body[36:68], other or "")
        token = _evm(body[4:36])
        yield Said(SENT, alike, None, amount, token, terms, by, CCTP_ALIKE, other, whom=whom)
        return
    paid = amount - _number(body[164:196])
    if paid < 0:
        return
    receiver = bytes([Kind.EVM]) + body[48:68]
    other = _called("domain", source)
    yield Said(RECEIVED, nonce, receiver, paid, None, terms, by, other=other)
    yield Said(RECEIVED, alike, receiver, paid, None, terms, by, CCTP_ALIKE, other)


def _cctp_sent(log: Log) -> Iterator[Said]:
    message = log.bytes_at(0)
    version, domain, there = (_number(message[n : n + 4]) for n in (0, 4, 8))
    if version not in (0, 1):  # another contract than Circle's, under the same event
        return
    head = _HEAD_V2 if version else _HEAD
    if len(message) < head:
        raise ValueError("its message is cut short")
    if version:
        yield from _burn_v2(SENT, "", (domain, there), message[44:76], message[head:])
        return
    id_ = f"{domain}:{_number(message[12:20])}"
    yield from _burn(SENT, id_, there, message[20:52], message[head:])


def _cctp_received(log: Log) -> Iterator[Said]:
    id_ = f"{log.number(0)}:{log.topic(2)}"
    yield from _burn(RECEIVED, id_, log.number(0) % 2**32, log.word(1), log.bytes_at(2))


def _cctp_received_v2(log: Log) -> Iterator[Said]:
    domains = log.number(0) % 2**32, _DOMAINS.get(log.chain)
    yield from _burn_v2(RECEIVED, log.topics[2].hex(), domains, log.word(1), log.bytes_at(2))


def _across_sent(log: Log) -> Iterator[Said]:
    to = f"{log.topic(1)}/{log.topics[3].hex()}/{log.word(7).hex()}/{log.word(8).hex()}"
    terms = f"{to}/{_relayed(log)}/{_hashed(log.bytes_at(9))}"
    id_ = f"{log.number_of_chain}:{log.topic(2)}"
    token, there = log.account(log.word(0)), _of_number(log.topic(1))
    whom = _asked(log.word(8), there)
    yield Said(SENT, id_, None, log.number(2), token, terms, other=there, whom=whom)


def _across_filled(log: Log) -> Iterator[Said]:
    yield _filled(log, 11, log.word(10).hex())


def _across_filled_before(log: Log) -> Iterator[Said]:
    yield _filled(log, log.number(11) // WORD, _hashed(log.bytes_at(10)))


def _filled(log: Log, at: int, message: str) -> Said:
    """Return what a fill says; at a word begins what was done in the end, by the depositor's leave.

    A relay can be filled once, and is named by all its terms: with other terms, or a copy of the
    identifier alone, it is another relay, which anybody may fill.
    """
    to = f"{log.number_of_chain}/{log.word(8).hex()}/{log.word(9).hex()}/{log.word(7).hex()}"
    id_ = f"{log.topic(1)}:{log.topic(2)}"
    receiver, token = log.account(log.word(at)), log.account(log.word(1))
    terms, source = f"{to}/{_relayed(log)}/{message}", _of_number(log.topic(1))
    return Said(RECEIVED, id_, receiver, log.number(at + 2), token, terms, other=source)


def _relayed(log: Log) -> str:
    """Return tokens, amounts and deadlines of a relay: of both logs, words 0 to 3, 5 and 6.

    Where a deposit names no token to be paid out, it leaves that open.
    """
    given, wanted = log.word(0), log.word(1)
    rest = [log.word(n).hex() for n in (2, 3, 5, 6)]
    return "/".join([given.hex(), wanted.hex() if any(wanted) else "", *rest])


def _oft_sent(log: Log) -> Iterator[Said]:
    """Yield what was sent: how much of it is to arrive the log says beside how much was taken.

    By the standard's own rule that is what is received, in the decimals of the other side.
    """
    there, guid = _called("endpoint", log.number(0)), log.topics[1].hex()
    yield Said(SENT, guid, None, log.number(1), other=there, due=log.number(2))


def _oft_received(log: Log) -> Iterator[Said]:
    source, to = _called("endpoint", log.number(0)), log.account(log.topics[2])
    yield Said(RECEIVED, log.topics[1].hex(), to, log.number(1), other=source)


def _thorchain_out(log: Log) -> Iterator[Said]:
    memo = read_memo(log.bytes_at(2).decode("ascii", "replace"))
    side = {OUT: RECEIVED, REFUND: GIVEN_BACK}.get(memo.kind) if memo else None
    if memo is None or side is None:
        return
    vault, paid = log.topics[1], log.account(log.topics[2])
    token = log.account(log.word(0))
    by = log.account(vault) or vault
    yield Said(side, memo.paid_in, paid, log.number(1), token, by=by)


_READ: tuple[tuple[ContractEvent, Callable[[Log], Iterator[Said]]], ...] = (
    (events.CCTP_SENT, _cctp_sent),
    (events.CCTP_RECEIVED, _cctp_received),
    (events.CCTP_RECEIVED_V2, _cctp_received_v2),
    (events.ACROSS_SENT, _across_sent),
    (events.ACROSS_SENT_BEFORE, _across_sent),
    (events.ACROSS_FILLED, _across_filled),
    (events.ACROSS_FILLED_BEFORE, _across_filled_before),
    (events.OFT_SENT, _oft_sent),
    (events.OFT_RECEIVED, _oft_received),
    (events.THORCHAIN_OUT, _thorchain_out),
)

EVENTS = tuple(Event(event.of, event.text, read) for event, read in _READ)
"""Events that are read, by the contracts' own sources."""

BRIDGING = tuple(event for event, _ in _READ)
"""The same as the list of events has them whose logs ledgers keep."""


@cache
def readers() -> dict[bytes, Event]:
    """Return the events by their first topic."""
    return {event.topic: found for (event, _), found in zip(_READ, EVENTS, strict=True)}
