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


class _Forked(Exception):
    """A block does not link to the one before: the chain has changed, or the node is wrong."""


@dataclass
class _Walk:
    """One run over a chain: the height to read next, and how often it had to go back."""

    node: Node
    known: Known
    first: int
    next: int
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
    state = _Walk(node, Known(node, reader), first, first)
    while True:
        tip = node.tip()
        _check_reach(node, tip, first, until)
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


def _check_reach(node: Node, tip: Tip, first: int, until: int | None) -> None:
    if first < tip.first:
        raise SourceError(
            f"the node is pruned and has no blocks below height {tip.first:,}",
            where=node.name,
            remedy=f"read from height {tip.first:,} on, or ask a node that is not pruned",
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
                block, batch = node.batch(next(raws), height, whole=whole)
                _check_link(node, block, name, parent, height)
                _remember(known, height, block)
                yield batch
            parent, state.next = name, height + 1


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
