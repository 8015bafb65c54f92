"""Messages out of logs: what contracts of bridges say of what they took in and paid out.

A ledger keeps the logs of the events that bridges are known to write, where its source told them. A
table of logs, as ethereum-etl and cryo export it or a node gives it, is read as well. Only what a
contract logged that is named as a bridge's counts, for anybody's contract may log what it likes.
That is not enough: anybody may call a bridge's contract, and make it log an identifier that is
another's. So the terms of a message are kept too, to be held to those of the other side, and what a
caller alone vouches for counts only if he is the bridge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.canonical import Kind, parse, parse_txid
from chainwatch.attribution.resolve import Framed
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.bridges import Named, addresses_of_bridges, tags_of_bridges
from chainwatch.tracing.crossings.messages.identifiers import MESSAGES, TOO_WIDE
from chainwatch.tracing.crossings.messages.layouts import BRIDGING, EVENTS, Log, readers
from chainwatch.units import LARGEST_AMOUNT

KINDS = {"evm": Kind.EVM, "tron": Kind.TRON}
"""Chains whose contracts log in this form, by family, and the kind of their addresses."""

_NEEDED = ("address", "transaction_hash", "data")


class Logged(NamedTuple):
    """Messages, in :data:`identifiers.MESSAGES`, and of how many logs nothing can be read."""

    messages: pl.DataFrame
    odd: int = 0


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
        The chain of the logs: of EVM, or Tron.
    bridges : tags, or mapping of names to mappings of chains to addresses
        Whose contracts count.

    Returns
    -------
    polars.DataFrame
        A row for each message and side; logs of other contracts and events are left out.

    Raises
    ------
    TraceError
        If contracts of the chain log in no such form.
    InputError
        If a column is missing, or what a bridge's contract logged cannot be read.

    Fails when
    ----------
    A contract that is named is not the bridge's. Of CCTP version 2 the source logs no nonce: its
    messages are told by what both sides say alike, which two burns may share. The token
    messengers of CCTP and the vaults of THORChain are not named as the bridge's too: whoever calls
    the contract then is nobody, and the log says nothing.
    """
    network = find_chain(chain)
    if network.family not in KINDS:
        raise TraceError(
            f"{network.name} has no logs of this form", remedy="give an EVM chain, or Tron"
        )
    lacking = [name for name in _NEEDED if name not in logs.columns]
    if not {"topics", "topic0"} & set(logs.columns):
        lacking.append("topics")
    if lacking:
        raise InputError(
            f"the table of logs has no column {lacking[0]!r}",
            remedy="it needs address, transaction_hash, data, and topics or topic0 to topic3",
        )
    bridging = _Bridges.of(addresses_of_bridges(tags_of_bridges(bridges)), network)
    rows: list[dict[str, Any]] = []
    for place, row in enumerate(logs.iter_rows(named=True), start=1):
        try:
            rows += bridging.said(row)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"what the bridge logged cannot be read: {error}",
                where=f"row {place} of the table of logs",
                remedy="export the logs again, each with all its topics and its data",
            ) from error
    return pl.DataFrame(rows, schema=MESSAGES, orient="row").unique(maintain_order=True)


def messages_in_ledgers(ledgers: Mapping[str, Ledger], addresses: pl.DataFrame) -> Logged:
    """Return the messages that contracts of bridges logged, as ledgers keep their logs.

    A log that cannot be read is counted: whoever names a contract as a bridge's may be wrong.

    Parameters
    ----------
    ledgers : mapping of str to Ledger
        By chain; their whole history is read.
    addresses : polars.DataFrame
        Of bridges, as :func:`chainwatch.tracing.crossings.bridges.addresses_of_bridges` has them.
    """
    topics = pl.Series([event.topic for event in BRIDGING], dtype=pl.Binary)
    rows: list[dict[str, Any]] = []
    odd = 0
    for chain, ledger in sorted(ledgers.items()):
        network, here = find_chain(chain), addresses.filter(chain=chain)
        if network.family not in KINDS or here.is_empty():
            continue
        bridging = _Bridges.of(addresses, network)
        mine = pl.col("contract").is_in(here["address"].implode())
        kept = ledger.history.chain_only(network).contract_logs
        logs = kept.filter(mine & pl.col("topic0").is_in(topics.implode())).sort(
            "height", "tx", "log_index", "txid"
        )
        told = logs.rename({"contract": "address", "txid": "transaction_hash"}).collect()
        for row in told.iter_rows(named=True):
            try:
                rows += bridging.said(row)
            except (ValueError, IndexError):
                odd += 1
    found = pl.DataFrame(rows, schema=MESSAGES, orient="row")
    return Logged(found.unique(maintain_order=True), odd)


Span = tuple[str, date | None, date | None]
"""A bridge, and from which day to which an address is its own."""


def _spans(addresses: pl.DataFrame) -> dict[bytes, list[Span]]:
    found: dict[bytes, list[Span]] = {}
    for address, *span in addresses.select(
        "address", "bridge", "first_day", "last_day"
    ).iter_rows():
        found.setdefault(address, []).append((span[0], span[1], span[2]))
    return found


def _at(spans: Mapping[bytes, Sequence[Span]], address: bytes, day: date | None) -> set[str]:
    """Return whose an address is on a day; at an unknown time whoever's it ever is."""
    return {
        name
        for name, first, last in spans.get(address, ())
        if day is None or ((first is None or first <= day) and (last is None or day <= last))
    }


def _day(row: Mapping[str, Any]) -> date | None:
    """Return the day of a log, where its time is known; one without a zone is of UTC."""
    time = row.get("time", row.get("block_timestamp"))
    if not isinstance(time, datetime):
        return None
    return (time if time.tzinfo is None else time.astimezone(UTC)).date()


class _Bridges(NamedTuple):
    """Whose contracts on one chain count and when, and all addresses of each bridge, wherever."""

    network: Chain
    whose: Mapping[bytes, Sequence[Span]]
    own: Mapping[bytes, Sequence[Span]]

    @classmethod
    def of(cls, addresses: pl.DataFrame, network: Chain) -> _Bridges:
        return cls(network, _spans(addresses.filter(chain=network.id)), _spans(addresses))

    def said(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the messages of a log that a bridge's contract wrote, and that it stands for."""
        day = _day(row)
        bridge = next(iter(_at(self.whose, self._parsed(row["address"]), day)), None)
        topics = tuple(map(_hex, _topics(row))) if bridge is not None else ()
        event = readers().get(topics[0]) if topics else None
        if bridge is None or event is None:
            return
        txid = row["transaction_hash"]
        log = Log(self.network.id, KINDS[self.network.family], topics, _hex(row["data"]))
        for one in event.read(log):
            if one.by is not None and bridge not in _at(self.own, one.by, day):
                continue
            yield {
                "scheme": one.scheme or event.scheme, "id": one.id, "side": one.side,
                "chain": self.network.id,
                "txid": txid if isinstance(txid, bytes) else parse_txid(str(txid), self.network),
                "receiver": one.receiver, "amount": _kept(one.amount),
                "bridge": bridge, "token": one.token, "terms": one.terms, "other": one.other,
                "due": _kept(one.due), "whom": one.whom,
            }  # fmt: skip

    def _parsed(self, made: object) -> bytes:
        """Return an address: canonical already, or its 20 bytes, or text."""
        kind = KINDS[self.network.family]
        if not isinstance(made, bytes):
            return parse(str(made), self.network)
        return made if len(made) == 21 and made[0] == kind else bytes([kind]) + made


def _kept(amount: int | None) -> int | None:
    """Return an amount; of one wider than ledgers keep, that it is."""
    return TOO_WIDE if amount is not None and amount > LARGEST_AMOUNT else amount


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


__all__ = ["EVENTS", "Logged", "messages_in_ledgers", "messages_of_logs"]
