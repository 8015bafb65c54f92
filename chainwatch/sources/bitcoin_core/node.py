"""What a node is as a source, whichever way it is asked: JSON-RPC and REST differ in the wire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chainwatch.bitcoin.block import Block
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.ingest.protocol import Batch, Span, checked_span
from chainwatch.ingest.reorg import Tip
from chainwatch.net.response import Answer
from chainwatch.sources.bitcoin_core.answers import Spent, checked_block, rows_of
from chainwatch.sources.bitcoin_core.walk import SentBlock

NODE_URL = "http://127.0.0.1:8332"
"""Where a node of Bitcoin's main network answers on the same machine."""


class NodeSource(ABC):
    """What both ways to a node of the Bitcoin Core family share.

    Parameters
    ----------
    chain : str or Chain
        Alias or CAIP-2 id; the node's genesis block must be that of it.
    span : (int, int or None), optional
        Heights, half-open; the whole chain, if not given.
    keep_raw : bool
        Keep the bytes of the blocks in ``answers``, and what the node says beside them.
    """

    name: str
    unknown: tuple[str, ...] = ()
    unread: str
    """What is said of a batch where the node does not tell what its inputs spend."""

    def __init__(self, *, chain: str | Chain, span: Span | None, keep_raw: bool) -> None:
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.span, self.keep_raw = checked_span(span), keep_raw

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batch(self, raw: SentBlock, height: int, *, whole: bool) -> tuple[Block, Batch]:
        """Check and turn one block into rows; without ``whole``, ask what its inputs spend."""
        block = checked_block(raw, height, self.network)
        spent, extra = None, []
        notes: tuple[str, ...] = ()
        if not whole and len(block.txs) > 1:
            spent, answer = self._spent(block)
            # The one part of a block that nothing proves: what was said stays to be looked at.
            extra = [answer.row(self.name, keep=self.keep_raw)] if answer else []
            notes = (self.unread,) if None in spent.values() else ()
        made = rows_of(
            block, height, self.network, raw, source=self.name, keep_raw=self.keep_raw,
            spent=spent, extra=extra,
        )  # fmt: skip
        return block, replace(made, notes=notes)

    @abstractmethod
    def tip(self) -> Tip:
        """Return where the node stands."""

    @abstractmethod
    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height, in wire order."""

    @abstractmethod
    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return the header of each block; one that does not hash to it is refused."""

    @abstractmethod
    def raw_blocks(self, hashes: Sequence[bytes]) -> Iterator[SentBlock]:
        """Yield the bytes of each block."""

    @abstractmethod
    def _spent(self, block: Block) -> tuple[Spent, Answer | None]:
        """Return what a block's inputs spend by the word of the node, and that answer.

        There is none where each transaction was looked up: it hashes to the id asked for.
        """
