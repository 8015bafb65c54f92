"""Blocks as a node sent them, held against themselves before a row is made of them.

A block, its receipts and its traces are three answers: their hashes, ids, places and sums must
agree, or the block is refused. No hash covers what a node says of them here: what it says is its
word, kept with its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError
from chainwatch.sources.evm.bloom import SIZE, bloom_of
from chainwatch.sources.evm.bor.state_syncs import place_of, stands_beside
from chainwatch.sources.evm.bor.told import CoinTold
from chainwatch.sources.evm.fields import (
    DEPOSIT,
    Block,
    Header,
    Receipt,
    hash_of,
    hex_bytes,
    quantity,
    wrong,
)
from chainwatch.sources.evm.traces import Call

AHEAD = 900
"""Seconds that the time of a block may lie ahead of the clock here; nodes allow 15."""

LAST_TIME = 253_402_300_799
"""The last second that a table can hold: the end of the year 9999."""


@dataclass(frozen=True)
class Said:
    """A part of an answer: its bytes, what was asked, who answered and when."""

    raw: bytes
    request: str
    host: str
    time: datetime

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True)
class Sent:
    """A block with all that was asked of it.

    Attributes
    ----------
    block : Block
        Itself.
    receipts : list of Receipt
        One for each transaction, in order.
    uncles : list of Header or None
        Blocks beside the chain that it names; None where nobody asked for them.
    traces : list of Call or None
        The tree of calls of each transaction; None where the node keeps none.
    said, receipts_said, traces_said : Said
        The answers; of receipts and traces None where none was asked for.
    coin : CoinTold or None
        What it tells of the coin beside payments, where its chain runs Bor.
    """

    block: Block
    receipts: list[Receipt]
    said: Said
    receipts_said: Said | None = None
    traces: list[Call] | None = None
    traces_said: Said | None = None
    uncles: list[Header] | None = None
    coin: CoinTold | None = None

    def with_traces(self, traces: list[Call], said: Said) -> Sent:
        """Return the same with its traces."""
        return replace(self, traces=traces, traces_said=said)

    @property
    def where(self) -> str:
        """Who said what, for errors."""
        return f"{self.said.host}, {self.said.request}"

    @property
    def height(self) -> int:
        """Its height."""
        return quantity(self.block.number, "number", self.where)

    @property
    def hash(self) -> bytes:
        """Its hash."""
        return hash_of(self.block.hash, "hash", self.where)

    @property
    def parent(self) -> bytes:
        """Hash of the block below."""
        return hash_of(self.block.parent, "parentHash", self.where)

    @property
    def time(self) -> datetime:
        """Its time."""
        return datetime.fromtimestamp(quantity(self.block.time, "timestamp", self.where), UTC)


def check(sent: Sent, height: int, chain: Chain, now: datetime) -> None:
    """Refuse a block that is not the one asked for, or that contradicts itself.

    Parameters
    ----------
    sent : Sent
        What was sent.
    height : int
        What was asked for.
    chain : Chain
        The chain it must be of.
    now : datetime
        The time here.

    Raises
    ------
    ChainError
        If one of its transactions is of another chain.
    SourceError
        If anything else is wrong.
    """
    block, where = sent.block, sent.where
    if sent.height != height:
        raise wrong(f"block {sent.height:,} was sent for {height:,}", where, sent.said.raw)
    seconds = quantity(block.time, "timestamp", where)
    if seconds > min(now.timestamp() + AHEAD, LAST_TIME):
        raise wrong(f"the time of the block ({seconds}) is in the future", where, sent.said.raw)
    _check_transactions(sent, chain)
    _check_receipts(sent, chain)
    if sent.uncles is not None and [one.hash for one in sent.uncles] != block.uncles:
        raise wrong("other uncles were sent than the block names", where, sent.said.raw)


def _check_transactions(sent: Sent, chain: Chain) -> None:
    block, where = sent.block, sent.where
    number = int(chain.id.partition(":")[2])
    for place, tx in enumerate(block.transactions):
        if tx.block_hash != block.hash or quantity(tx.tx_index, "transactionIndex", where) != place:
            raise wrong(f"transaction {place} is not in its place in the block", where)
        said = None if tx.chain is None else quantity(tx.chain, "chainId", where)
        if said not in (None, number) and not (tx.type == DEPOSIT and said == 0):
            raise ChainError(
                f"transaction {place} is of chain {said}, not of {chain.name}",
                where=where,
                remedy="name the chain that the node is of, or ask another node",
            )
    if len({tx.hash for tx in block.transactions}) != len(block.transactions):
        raise wrong("a transaction stands twice in the block", where, sent.said.raw)


def _check_receipts(sent: Sent, chain: Chain) -> None:
    block, where = sent.block, sent.where
    raw = sent.receipts_said.raw if sent.receipts_said else None
    if len(sent.receipts) != len(block.transactions):
        told = f"{len(sent.receipts)} receipts were sent of {len(block.transactions)} transactions"
        raise wrong(told, where, raw)
    gas, logs = 0, 0
    states = place_of(block, chain, where)
    for place, (tx, receipt) in enumerate(zip(block.transactions, sent.receipts, strict=True)):
        same = receipt.tx_hash == tx.hash and receipt.block_hash == block.hash
        if not same or receipt.tx_index != tx.tx_index:
            raise wrong(f"a receipt is not of transaction {tx.hash} of this block", where, raw)
        used = quantity(receipt.gas_used, "gasUsed", where)
        stated = quantity(receipt.cumulative, "cumulativeGasUsed", where)
        gas += used if place != states else 0  # nobody paid for it, and nodes differ on it
        if chain.moves is not None and stated != gas and place != states:
            raise wrong(f"the gas of transaction {tx.hash} does not add up", where, raw)
        if receipt.status not in (None, "0x0", "0x1"):
            raise wrong(f"the status of transaction {tx.hash} is neither 0 nor 1", where, raw)
        logs = _check_logs(sent, receipt, logs, raw)
    if chain.moves is None:  # what gas, and which logs, its own transactions have is not known
        return
    if quantity(block.gas_used, "gasUsed", where) != gas:
        raise wrong("the gas of the transactions is not that of the block", where, raw)
    if block.bloom is not None:
        beside = states is not None and stands_beside(block, where)
        _check_bloom(sent, sent.receipts[:states] if beside else sent.receipts, raw)


def _check_bloom(sent: Sent, receipts: Sequence[Receipt], raw: bytes | None) -> None:
    """Check that the filter of the block is that of its logs: else some were left out or added."""
    logs = [log for receipt in receipts for log in receipt.logs]
    for log in logs:
        hex_bytes(log.address, 20, "address of a log", sent.where)
        for topic in log.topics:
            hex_bytes(topic, 32, "topic of a log", sent.where)
    stated = hex_bytes(sent.block.bloom, SIZE, "logsBloom", sent.where)
    if int.from_bytes(stated, "big") != bloom_of(logs):
        told = "the logs are not those that the filter of the block holds"
        raise wrong(told, sent.where, raw)


def _check_logs(sent: Sent, receipt: Receipt, first: int, raw: bytes | None) -> int:
    """Check that logs stand one after the other through the block; return the next place."""
    for log in receipt.logs:
        mine = log.tx_hash == receipt.tx_hash and log.block_hash == receipt.block_hash
        right = mine and log.block_number == sent.block.number and log.tx_index == receipt.tx_index
        if not right or log.removed or quantity(log.log_index, "logIndex", sent.where) != first:
            raise wrong(f"log {first} is not in its place in the block", sent.where, raw)
        first += 1
    return first


def check_links(blocks: Sequence[Sent]) -> bool:
    """Return whether blocks that follow one another are each the parent of the next.

    Raises
    ------
    SourceError
        If one is older than its parent: no chain goes back in time.
    """
    for below, above in pairwise(blocks):
        if above.parent != below.hash:
            return False
        if above.time < below.time:
            raise wrong("the block is older than its parent", above.where, above.said.raw)
    return True
