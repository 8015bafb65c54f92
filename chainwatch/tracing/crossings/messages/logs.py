"""Messages out of tables of logs: what contracts of bridges say of what they took in and paid out.

Ledgers keep transfers and no other logs. A table of them, as ethereum-etl and cryo export it or a
node gives it, is read here; only what a contract logged that is named as a bridge's counts, for
anybody's contract may log what it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import Kind, parse, parse_txid
from chainwatch.attribution.resolve import Framed
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, TraceError
from chainwatch.tracing.crossings.bridges import Named, addresses_of_bridges, tags_of_bridges
from chainwatch.tracing.crossings.messages.identifiers import (
    GIVEN_BACK,
    MESSAGES,
    RECEIVED,
    SENT,
    THORCHAIN,
)
from chainwatch.tracing.crossings.messages.memos import OUT, REFUND, read_memo
from chainwatch.units import LARGEST_AMOUNT

WORD = 32


class Log(NamedTuple):
    """One log: the number of its chain, its topics and its data."""

    chain: int
    topics: tuple[bytes, ...]
    data: bytes

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

    def bytes_at(self, n: int) -> bytes:
        """Return the bytes of any length to which a word of the data points."""
        start = self.number(n)
        size = int.from_bytes(self.data[start : start + WORD], "big")
        found = self.data[start + WORD : start + WORD + size]
        if start + WORD > len(self.data) or len(found) < size:
            raise ValueError("its data is cut short")
        return found


class Said(NamedTuple):
    """What a log says of a message: the side, the identifier, whom it pays and how much."""

    side: str
    id: str
    receiver: bytes | None
    amount: int | None


class Event(NamedTuple):
    """An event of a bridge: its scheme, its signature, and how it is read."""

    scheme: str
    signature: str
    read: Callable[[Log], Said | None]


def _account(word: bytes) -> bytes | None:
    """Return the address in a word; None where it is none of an EVM chain, or nobody."""
    return bytes([Kind.EVM]) + word[12:] if not any(word[:12]) and any(word) else None


def _burn(body: bytes) -> tuple[bytes | None, int | None]:
    """Return whom the body of a burn message pays, and how much; nothing where it is another."""
    if len(body) != 132:
        return None, None
    return _account(body[36:68]), int.from_bytes(body[68:100], "big")


def _cctp_sent(log: Log) -> Said | None:
    message = log.bytes_at(0)
    if int.from_bytes(message[:4], "big") != 0:  # of version 2 the source knows no nonce
        return None
    if len(message) < 116:
        raise ValueError("its message is cut short")
    domain, nonce = (int.from_bytes(message[a:b], "big") for a, b in ((4, 8), (12, 20)))
    return Said(SENT, f"{domain}:{nonce}", None, _burn(message[116:])[1])


def _cctp_received(log: Log) -> Said:
    return Said(RECEIVED, f"{log.number(0)}:{log.topic(2)}", *_burn(log.bytes_at(2)))


def _across_sent(log: Log) -> Said:
    return Said(SENT, f"{log.chain}:{log.topic(2)}", None, log.number(2))


def _across_filled(log: Log) -> Said:
    return Said(RECEIVED, f"{log.topic(1)}:{log.topic(2)}", _account(log.word(11)), log.number(13))


def _across_filled_before(log: Log) -> Said:
    at = log.number(11) // WORD
    return Said(
        RECEIVED, f"{log.topic(1)}:{log.topic(2)}", _account(log.word(at)), log.number(at + 2)
    )


def _oft_sent(log: Log) -> Said:
    return Said(SENT, log.topics[1].hex(), None, log.number(1))


def _oft_received(log: Log) -> Said:
    return Said(RECEIVED, log.topics[1].hex(), _account(log.topics[2]), log.number(1))


def _thorchain_out(log: Log) -> Said | None:
    memo = read_memo(log.bytes_at(2).decode("ascii", "replace"))
    side = {OUT: RECEIVED, REFUND: GIVEN_BACK}.get(memo.kind) if memo else None
    if memo is None or side is None:
        return None
    return Said(side, memo.paid_in, _account(log.topics[2]), log.number(1))


_TAIL = "uint32,uint32,uint32"

EVENTS = (
    Event("cctp", "MessageSent(bytes)", _cctp_sent),
    Event("cctp", "MessageReceived(address,uint32,uint64,bytes32,bytes)", _cctp_received),
    Event("across", "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,"
          f"{_TAIL},bytes32,bytes32,bytes32,bytes)", _across_sent),
    Event("across", "V3FundsDeposited(address,address,uint256,uint256,uint256,uint32,"
          f"{_TAIL},address,address,address,bytes)", _across_sent),
    Event("across", "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,"
          "uint32,bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))",
          _across_filled),
    Event("across", "FilledV3Relay(address,address,uint256,uint256,uint256,uint256,uint32,uint32,"
          "uint32,address,address,address,address,bytes,(address,bytes,uint256,uint8))",
          _across_filled_before),
    Event("layerzero", "OFTSent(bytes32,uint32,address,uint256,uint256)", _oft_sent),
    Event("layerzero", "OFTReceived(bytes32,uint32,address,uint256)", _oft_received),
    Event(THORCHAIN, "TransferOut(address,address,address,uint256,string)", _thorchain_out),
)  # fmt: skip
"""Events that are read, by the contracts' own sources: Circle, evm-cctp-contracts; Across,
V3SpokePoolInterface.sol; LayerZero, IOFT.sol; THORChain, THORChain_Router.sol."""


def messages_of_logs(
    logs: pl.DataFrame, chain: Chain | str, bridges: Framed | Named
) -> pl.DataFrame:
    """Return the messages that contracts of bridges logged, for ``crossings(messages=...)``.

    Parameters
    ----------
    logs : polars.DataFrame
        ``address`` (of the contract), ``transaction_hash``, ``data``, and ``topics`` (a list, or
        one text with commas) or ``topic0`` to ``topic3``: hexadecimal, or bytes.
    chain : Chain or str
        The EVM chain of the logs.
    bridges : tags, or mapping of names to mappings of chains to addresses
        Whose contracts count.

    Returns
    -------
    polars.DataFrame
        A row for each message and side; logs of other contracts and events are left out.

    Raises
    ------
    TraceError
        If the chain is no EVM chain.
    InputError
        If a column is missing, or what a bridge's contract logged cannot be read.

    Fails when
    ----------
    A contract that is named is not the bridge's. Of CCTP version 2 the source logs no nonce: its
    messages have one side only.
    """
    network = find_chain(chain)
    if network.family != "evm":
        raise TraceError(f"{network.name} has no logs of this form", remedy="give an EVM chain")
    named = addresses_of_bridges(tags_of_bridges(bridges)).filter(chain=network.id)
    whose = dict(named.select("address", "bridge").iter_rows())
    rows = [row for row in _rows(logs, network, whose) if row is not None]
    return pl.DataFrame(rows, schema=MESSAGES, orient="row").unique(maintain_order=True)


def _rows(
    logs: pl.DataFrame, network: Chain, whose: Mapping[bytes, str]
) -> Iterator[dict[str, Any] | None]:
    lacking = [name for name in ("address", "transaction_hash", "data") if name not in logs.columns]
    if not {"topics", "topic0"} & set(logs.columns):
        lacking.append("topics")
    if lacking:
        raise InputError(
            f"the table of logs has no column {lacking[0]!r}",
            remedy="it needs address, transaction_hash, data, and topics or topic0 to topic3",
        )
    for place, row in enumerate(logs.iter_rows(named=True), start=1):
        where = f"row {place} of the table of logs"
        made = row["address"]
        bridge = whose.get(made if isinstance(made, bytes) and made[0] == Kind.EVM
                           and len(made) == 21 else _parsed(made, network))  # fmt: skip
        if bridge is not None:
            yield _row(row, network, bridge, where)


def _parsed(made: object, network: Chain) -> bytes:
    return bytes([Kind.EVM]) + made if isinstance(made, bytes) else parse(str(made), network)


def _row(row: Mapping[str, Any], network: Chain, bridge: str, where: str) -> dict[str, Any] | None:
    try:
        topics = tuple(map(_hex, _topics(row)))
        event = _events().get(topics[0]) if topics else None
        if event is None:
            return None
        log = Log(int(network.id.rpartition(":")[2]), topics, _hex(row["data"]))
        said = event.read(log)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"what the bridge logged cannot be read: {error}",
            where=where,
            remedy="export the logs again, each with all its topics and its data",
        ) from error
    if said is None:
        return None
    txid = row["transaction_hash"]
    fits = said.amount is not None and said.amount <= LARGEST_AMOUNT
    return {
        "scheme": event.scheme, "id": said.id, "side": said.side, "chain": network.id,
        "txid": txid if isinstance(txid, bytes) else parse_txid(str(txid), network),
        "receiver": said.receiver, "amount": said.amount if fits else None, "bridge": bridge,
    }  # fmt: skip


def _topics(row: Mapping[str, Any]) -> list[Any]:
    if "topics" not in row:
        return [row[name] for n in range(4) if row.get(name := f"topic{n}") is not None]
    given = row["topics"]
    if isinstance(given, str):
        given = given.strip("[] ").replace("'", "").replace('"', "").split(",")
    return [one for one in given or [] if one is not None and one != ""]


def _hex(value: object) -> bytes:
    return value if isinstance(value, bytes) else bytes.fromhex(
        str(value).strip().removeprefix("0x"))  # fmt: skip


@cache
def _events() -> dict[bytes, Event]:
    """Return the events by their first topic."""
    from eth_hash.auto import keccak

    return {keccak(event.signature.encode()): event for event in EVENTS}
