"""Follows the best chain of a node block by block, through reorganisations, up to its tip.

The node is asked for the hash of each height and for the block of that hash; the block must be
the one asked for and link to the one before. Where it does not, the chain has changed since: the
fork is found, what is stale is given up, and the walk goes on from there. It ends when the tip is
read. Memory does not grow with its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chainwatch.bitcoin.block import Block
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Batch, Reader, Span
from chainwatch.ingest.reorg import Headers, Known, Tip, check_network, stale_part
from chainwatch.ingest.rows.evidence import block_unit

REMEMBERED = 4_032
"""Blocks just read that are known without asking the ledger: a month, deeper than any fork."""

MOST_FORKS = 20
"""Reorganisations that one pull follows; a node that changes its mind more often is broken."""


_WINDOW = 500


@dataclass(frozen=True)
class SentBlock:
    """The bytes of a block as a node sent them: who, when, and in answer to what."""

    data: bytes
    host: str
    time: datetime
    request: str


class Node(Headers, Protocol):
    """What following a chain asks of a node."""

    def tip(self) -> Tip:
        """Return where it stands."""
        ...

    def raw_blocks(self, hashes: Sequence[bytes]) -> Iterator[SentBlock]:
        """Yield the bytes of each block, in order."""
        ...

    def batch(self, raw: SentBlock, height: int, *, whole: bool) -> tuple[Block, Batch]:
        """Check and turn one block into rows; without ``whole``, ask what its inputs spend."""
        ...


class BlockMissing(SourceError):
    """The node knows a block of its best chain and does not hold it; ``pruned`` if not any more.

    Parameters
    ----------
    said : str
        The node's words.
    host : str
        Who was asked.
    """

    def __init__(self, said: str, host: str) -> None:
        self.pruned = "pruned" in said
        # Before version 26 one sentence stood for what is not there yet and what cannot be read.
        self.damaged = "read" in said
        super().__init__(
            f"the node lacks a block of its own chain ({said})", where=host, remedy="ask another",
            passing=not (self.pruned or self.damaged),
        )  # fmt: skip


def names_missing(said: str) -> bool:
    """Tell whether a node's words, by JSON-RPC or REST, say that it lacks the data of a block."""
    lower = said.lower()
    return any(words in lower for words in ("not available (", "not found on disk", "t read block"))


class _Forked(Exception):
    """A block does not link to the one before: the chain has changed, or the node is wrong."""


@dataclass
class _Walk:
    """One run over a chain: the height to read next, and how often it had to go back."""

    node: Node
    known: Known
    first: int
    next: int
    until: int | None = None
    breaks: int = 0


def walk(node: Node, reader: Reader, span: Span | None) -> Iterator[Batch]:
    """Yield the blocks of a node's best chain that the ledger lacks, one batch each, by height.

    Parameters
    ----------
    node : Node
        Whom to ask.
    reader : Reader
        The ledger read into.
    span : (int, int or None) or None
        Heights, half-open; None is the whole chain.

    Raises
    ------
    ChainError
        If the node is of another network.
    SourceError
        If the node lacks blocks of the span, has less work than the ledger, or contradicts itself.
    BlockError
        If a block breaks the rules of its chain.
    """
    first, until = span or (0, None)
    check_network(node, node.tip().height)
    state = _Walk(node, Known(node, reader), first, first, until)
    while True:
        tip = node.tip()
        _check_reach(state, tip, until)
        stale = stale_part(state.known, tip)
        if stale is not None:
            _check_patience(state, "the node's chain was reorganised")
            yield stale
            state.next = max(first, min(state.next, stale.stale or 0))
        end = tip.height + 1 if until is None else until
        if state.next >= end:
            break
        try:
            yield from _stretch(state, end)
        except _Forked as apart:
            _check_patience(state, str(apart))
    notes = _standing(state, tip, until)
    if notes:
        yield Batch({}, (), "nothing", notes=notes)


def _check_reach(state: _Walk, tip: Tip, until: int | None) -> None:
    node, first = state.node, state.first
    pruned = range(first, tip.first if until is None else min(tip.first, until))
    # What the ledger holds need not be there any more: a node may prune while it is followed.
    if pruned and len(state.known.held(pruned)) < len(pruned):
        raise SourceError(
            f"the node is pruned and has no blocks below height {tip.first:,}",
            where=node.name,
            remedy=f"{_read_from(tip.first, until)}, or ask a node that is not pruned",
        )
    if first > tip.height + 1 or (until is not None and until > tip.height + 1):
        raise SourceError(
            f"the node's best chain ends at height {tip.height:,}, before the span does",
            where=node.name,
            remedy="wait until the node has caught up, or ask for lower heights",
            passing=True,
        )


def _standing(state: _Walk, tip: Tip, until: int | None) -> tuple[str, ...]:
    """Say what a reader should know of a node that is not at the end of its chain."""
    notes = []
    if tip.headers > tip.height and until is None:
        notes.append(
            f"the node is still catching up: it has {tip.height:,} of {tip.headers:,} blocks; "
            "the same command goes on from there"
        )
    top = max(state.known.highest(None, 1), default=-1)
    if top > tip.height:
        notes.append(f"the node is at height {tip.height:,}, the ledger at {top:,}")
    return tuple(notes)


def _check_patience(state: _Walk, what: str) -> None:
    state.breaks += 1
    if state.breaks > MOST_FORKS:
        raise SourceError(
            f"{what}, and so it is each time the node is asked again",
            where=state.node.name,
            remedy="try again later; if it stays, check the node's own chain (verifychain), or "
            "ask another one",
            passing=True,
        )


def _stretch(state: _Walk, end: int) -> Iterator[Batch]:
    """Yield the blocks from the next until before ``end``; raise where they do not link."""
    node, known = state.node, state.known
    whole = known.whole_below(state.first)
    parent = node.hashes([state.next - 1])[0] if state.next else bytes(32)
    for low in range(state.next, end, _WINDOW):
        heights = range(low, min(low + _WINDOW, end))
        names = dict(zip(heights, node.hashes(heights), strict=True))
        held = known.held(heights)
        if any(name != names[height] for height, name in held.items()):
            raise _Forked("the ledger holds other blocks than the node's chain")
        if held:
            yield Batch({}, tuple(map(block_unit, held.values())), "read before")
        raws = node.raw_blocks([names[height] for height in heights if height not in held])
        for height, name in names.items():
            if height not in held:
                block, batch = node.batch(_sent(state, raws, height, end), height, whole=whole)
                _check_link(node, block, name, parent, height)
                _remember(known, height, block)
                yield batch
            parent, state.next = name, height + 1


def _sent(state: _Walk, raws: Iterator[SentBlock], height: int, end: int) -> SentBlock:
    """Return the next block; where the node lacks it, say from which height on it has them."""
    try:
        return next(raws)
    except BlockMissing as lacking:
        raise _gap(state, lacking, height, end) from None


def _gap(state: _Walk, lacking: BlockMissing, height: int, end: int) -> SourceError:
    reason, other = "has not downloaded it yet", "wait until it has"
    if lacking.pruned:
        reason, other = "has pruned it", "ask a node that is not pruned"
    elif lacking.damaged:
        reason, other = "cannot read it", "see its log"
    first = _first_had(state.node, height, end)
    go_on = "" if first is None else f"{_read_from(first, state.until)}, or "
    return SourceError(
        f"the node does not have block {height:,}: it {reason}",
        where=state.node.name,
        remedy=f"{go_on}{other}; the blocks below are kept",
        passing=lacking.passing,
    )


def _read_from(first: int, until: int | None) -> str:
    """Return the advice to read from a height on, or nothing of a span that ends before it."""
    if until is not None and until <= first:
        return f"read blocks from height {first:,} on"
    return f"read from height {first:,} on (--span {first}:{'' if until is None else until})"


def _first_had(node: Node, missing: int, end: int) -> int | None:
    """Return the lowest height above a missing block from which on the node has blocks.

    It is found by halving: a node lacks one run of blocks, those it pruned or those between its
    snapshot and what it has downloaded since.
    """
    low, high = missing, end - 1
    if high <= missing or not _has(node, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _has(node, middle) else (middle, high)
    return high


def _has(node: Node, height: int) -> bool:
    try:
        next(node.raw_blocks(node.hashes([height])))
    except BlockMissing:
        return False
    return True


def _check_link(node: Node, block: Block, asked: bytes, parent: bytes, height: int) -> None:
    if block.hash != asked:
        raise SourceError(
            f"the node was asked for block {hash_text(asked)} and sent {hash_text(block.hash)}",
            where=f"{node.name}, height {height:,}",
            remedy="ask another node",
        )
    if block.header.parent != parent:
        raise _Forked(
            f"block {hash_text(block.hash)} at height {height:,} does not link to its parent"
        )


def _remember(known: Known, height: int, block: Block) -> None:
    known.recent[height] = block.hash, block.header.bits
    if len(known.recent) > REMEMBERED:
        del known.recent[next(iter(known.recent))]
