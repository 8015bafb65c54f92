"""Messages out of tables of logs: what contracts of bridges say of what they took in and paid out.

Ledgers keep transfers and no other logs. A table of them, as ethereum-etl and cryo export it or a
node gives it, is read here; only what a contract logged that is named as a bridge's counts, for
anybody's contract may log what it likes. That is not enough: anybody may call a bridge's contract,
and make it log an identifier that is another's. So the terms of a message are kept too, to be held
to those of the other side, and what a caller alone vouches for counts only if he is the bridge.
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
    """What a log says of a message: the side, the identifier, whom it pays and how much.

    ``token`` is that which moves here, ``terms`` as :data:`identifiers.MESSAGES` has them;
    ``by`` is who had the contract log it, where anybody can: it must be an address of the bridge.
    """

    side: str
    id: str
    receiver: bytes | None
    amount: int | None
    token: bytes | None = None
    terms: str = ""
    by: bytes | None = None


class Event(NamedTuple):
    """An event of a bridge: its scheme, its signature, and how it is read."""

    scheme: str
    signature: str
    read: Callable[[Log], Said | None]


def _account(word: bytes) -> bytes | None:
    """Return the address in a word; None where it is none of an EVM chain, or nobody."""
    return bytes([Kind.EVM]) + word[12:] if not any(word[:12]) and any(word) else None


def _burn(side: str, id_: str, sender: bytes, body: bytes) -> Said | None:
    """Return what a burn message says; nothing of another, which anybody may send.

    Whom it pays is cut to an address as the contract cuts it.
    """
    if len(body) != 132:
        return None
    got, amount = side == RECEIVED, int.from_bytes(body[68:100], "big")
    receiver = bytes([Kind.EVM]) + body[48:68] if got else None
    token, terms = None if got else _account(body[4:36]), f"{sender.hex()}/{_hashed(body)}"
    return Said(side, id_, receiver, amount, token, terms, _account(sender) or sender)


def _hashed(data: bytes) -> str:
    """Return the hash of a message as Across logs it: nothing but zeros where there is none."""
    from eth_hash.auto import keccak

    return keccak(data).hex() if data else bytes(WORD).hex()


def _cctp_sent(log: Log) -> Said | None:
    message = log.bytes_at(0)
    if int.from_bytes(message[:4], "big") != 0:  # of version 2 the source knows no nonce
        return None
    if len(message) < 116:
        raise ValueError("its message is cut short")
    domain, nonce = (int.from_bytes(message[a:b], "big") for a, b in ((4, 8), (12, 20)))
    return _burn(SENT, f"{domain}:{nonce}", message[20:52], message[116:])


def _cctp_received(log: Log) -> Said | None:
    id_ = f"{log.number(0)}:{log.topic(2)}"
    return _burn(RECEIVED, id_, log.word(1), log.bytes_at(2))


def _across_sent(log: Log) -> Said:
    to = f"{log.topic(1)}/{log.topics[3].hex()}/{log.word(7).hex()}/{log.word(8).hex()}"
    terms = f"{to}/{_relayed(log)}/{_hashed(log.bytes_at(9))}"
    id_ = f"{log.chain}:{log.topic(2)}"
    return Said(SENT, id_, None, log.number(2), _account(log.word(0)), terms)


def _across_filled(log: Log) -> Said:
    return _filled(log, 11, log.word(10).hex())


def _across_filled_before(log: Log) -> Said:
    return _filled(log, log.number(11) // WORD, _hashed(log.bytes_at(10)))


def _filled(log: Log, at: int, message: str) -> Said:
    """Return what a fill says; at a word begins what was done in the end, by the depositor's leave.

    A relay can be filled once, and is named by all its terms: with other terms, or a copy of the
    identifier alone, it is another relay, which anybody may fill.
    """
    to = f"{log.chain}/{log.word(8).hex()}/{log.word(9).hex()}/{log.word(7).hex()}"
    id_ = f"{log.topic(1)}:{log.topic(2)}"
    receiver, token = _account(log.word(at)), _account(log.word(1))
    return Said(
        RECEIVED, id_, receiver, log.number(at + 2), token, f"{to}/{_relayed(log)}/{message}"
    )


def _relayed(log: Log) -> str:
    """Return tokens, amounts and deadlines of a relay: of both logs, words 0 to 3, 5 and 6.

    Where a deposit names no token to be paid out, it leaves that open.
    """
    given, wanted = log.word(0), log.word(1)
    rest = [log.word(n).hex() for n in (2, 3, 5, 6)]
    return "/".join([given.hex(), wanted.hex() if any(wanted) else "", *rest])


def _oft_sent(log: Log) -> Said:
    return Said(SENT, log.topics[1].hex(), None, log.number(1))


def _oft_received(log: Log) -> Said:
    return Said(RECEIVED, log.topics[1].hex(), _account(log.topics[2]), log.number(1))


def _thorchain_out(log: Log) -> Said | None:
    memo = read_memo(log.bytes_at(2).decode("ascii", "replace"))
    side = {OUT: RECEIVED, REFUND: GIVEN_BACK}.get(memo.kind) if memo else None
    if memo is None or side is None:
        return None
    vault, paid = log.topics[1], _account(log.topics[2])
    token = _account(log.word(0))
    return Said(side, memo.paid_in, paid, log.number(1), token, by=_account(vault) or vault)


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
    messages have one side only. The token messengers of CCTP and the vaults of THORChain are not
    named as the bridge's too: whoever calls the contract then is nobody, and the log says nothing.
    """
    network = find_chain(chain)
    if network.family != "evm":
        raise TraceError(f"{network.name} has no logs of this form", remedy="give an EVM chain")
    everywhere = addresses_of_bridges(tags_of_bridges(bridges)).select("chain", "address", "bridge")
    whose = dict(everywhere.filter(chain=network.id).select("address", "bridge").iter_rows())
    own = set(everywhere.select("address", "bridge").iter_rows())
    rows = [
        row for row, by in _rows(logs, network, whose) if by is None or (by, row["bridge"]) in own
    ]
    return pl.DataFrame(rows, schema=MESSAGES, orient="row").unique(maintain_order=True)


def _rows(
    logs: pl.DataFrame, network: Chain, whose: Mapping[bytes, str]
) -> Iterator[tuple[dict[str, Any], bytes | None]]:
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
            yield from _row(row, network, bridge, where)


def _parsed(made: object, network: Chain) -> bytes:
    return bytes([Kind.EVM]) + made if isinstance(made, bytes) else parse(str(made), network)


def _row(
    row: Mapping[str, Any], network: Chain, bridge: str, where: str
) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    """Yield the message of a log, where it is one, and who had the contract log it."""
    try:
        topics = tuple(map(_hex, _topics(row)))
        event = _events().get(topics[0]) if topics else None
        if event is None:
            return
        log = Log(int(network.id.rpartition(":")[2]), topics, _hex(row["data"]))
        said = event.read(log)
    except (ValueError, IndexError) as error:
        raise InputError(
            f"what the bridge logged cannot be read: {error}",
            where=where,
            remedy="export the logs again, each with all its topics and its data",
        ) from error
    if said is None:
        return
    txid = row["transaction_hash"]
    fits = said.amount is not None and said.amount <= LARGEST_AMOUNT
    yield {
        "scheme": event.scheme, "id": said.id, "side": said.side, "chain": network.id,
        "txid": txid if isinstance(txid, bytes) else parse_txid(str(txid), network),
        "receiver": said.receiver, "amount": said.amount if fits else None, "bridge": bridge,
        "token": said.token, "terms": said.terms,
    }, said.by  # fmt: skip


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
