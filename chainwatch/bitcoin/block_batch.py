"""Many blocks at once to checked headers and columns: compiled where it is worth it, else plain.

Both ways accept the same blocks, refuse the others in the same words, and give the same rows; the
plain one (:mod:`chainwatch.bitcoin.block`, :mod:`chainwatch.ingest.rows.transactions`) is the
reference that tests hold the compiled one to. It is no spare part: blocks with merged mining and
inputs of less than ``COMPILED_FROM`` take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chainwatch.bitcoin.block import LARGEST_BLOCK, Block, BlockSummary, parse_block, refused
from chainwatch.bitcoin.consensus import FieldError, check_work
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.bitcoin.spent import SpentOutput
from chainwatch.chains.base import Chain, Consensus
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.kernels.parse import Parsed, parse_blocks
from chainwatch.kernels.run import available
from chainwatch.kernels.undo import Coins

COMPILED_FROM = 1_000_000
"""Bytes of blocks from which the compiled loops are worth their start; the rows are the same."""


class RawBlock(NamedTuple):
    """One block as it was read: its bytes, and where they stood, for error messages."""

    data: bytes
    name: str
    offset: int = 0


@dataclass(frozen=True, repr=False)
class CheckedBlocks:
    """Blocks that passed every check that needs no other block, with what their rows need.

    What their inputs spend, where undo data says so, stands in ``coins`` beside columns, and in
    ``spent`` beside plain blocks.
    """

    chain: Chain
    summaries: tuple[BlockSummary, ...]
    parsed: Parsed | tuple[Block, ...]
    coins: Coins | None = None
    spent: tuple[Sequence[Sequence[SpentOutput]], ...] | None = None


def check_blocks(
    blocks: Sequence[RawBlock], chain: Chain, *, compiled: bool | None = None
) -> CheckedBlocks:
    """Read and check blocks; a few megabytes at a time are best.

    Parameters
    ----------
    blocks : sequence of RawBlock
        Exactly one block each, without magic and length.
    chain : Chain
        A Bitcoin-like chain.
    compiled : bool, optional
        Use the compiled loops; if not given, where numba is installed and the blocks are worth
        it. Blocks of a chain with merged mining, which carry another chain's proof, are read
        plainly in any case.

    Raises
    ------
    BlockError
        For the first block that is cut off, has bytes left over, is out of range, lacks its proof
        of work, or does not hash to what it claims.
    """
    rules = consensus_of(chain)
    if compiled is None:
        compiled = available() and worth_compiling(len(block.data) for block in blocks)
    if rules.auxpow_chain is not None or not compiled:
        plain = tuple(
            parse_block(block.data, chain, name=block.name, offset=block.offset) for block in blocks
        )
        return CheckedBlocks(chain, tuple(block.summary for block in plain), plain)
    headers, wrong = _proven(blocks, rules)
    good = [block.data for block in blocks[: len(headers)]]
    parsed = parse_blocks(good, supply=rules.supply, forms=chain.forms)
    if parsed.failure is not None:
        number, what, byte = parsed.failure
        raise _refused(blocks[number], chain, what, byte)
    if wrong is not None:
        raise _refused(blocks[len(headers)], chain, wrong.what, wrong.position)
    return CheckedBlocks(chain, _summaries(headers, good, parsed), parsed)


def worth_compiling(sizes: Iterable[int]) -> bool:
    """Say whether blocks of these sizes, in bytes, are worth the start of the compiled loops."""
    return sum(sizes) >= COMPILED_FROM


def _proven(blocks: Sequence[RawBlock], rules: Consensus) -> tuple[list[Header], FieldError | None]:
    """Return the headers of the blocks that have their proof of work, and what the next lacks."""
    headers: list[Header] = []
    for block in blocks:
        try:
            if not HEADER_SIZE < len(block.data) <= LARGEST_BLOCK:
                raise FieldError(f"{len(block.data):,} bytes are no block", 0)
            header = Header.parse(block.data)
            check_work(header, rules)
        except FieldError as bad:
            return headers, bad
        headers.append(header)
    return headers, None


def _refused(block: RawBlock, chain: Chain, what: str, byte: int) -> BlockError:
    place = f"{block.name} byte {block.offset + byte:,}"
    return refused(block.data, chain, what, where=place)


def _summaries(
    headers: Sequence[Header], blocks: Sequence[bytes], parsed: Parsed
) -> tuple[BlockSummary, ...]:
    columns = parsed.columns
    names = ("block_txs", "block_script", "block_script_end", "block_unchecked")
    rows = zip(headers, blocks, *(columns[name].tolist() for name in names), strict=True)
    return tuple(
        BlockSummary(header, len(data), txs, parsed.data[script:script_end].tobytes(), unchecked)
        for header, data, txs, script, script_end, unchecked in rows
    )
