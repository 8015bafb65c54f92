"""Many blocks at once to checked headers and to rows: compiled where numba is, plain where not.

Both ways accept the same blocks, refuse the others in the same words, and give the same rows; the
plain one (:mod:`chainwatch.bitcoin.block`, :mod:`chainwatch.ingest.rows.transactions`) is the
reference that tests hold the compiled one to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chainwatch.bitcoin.block import LARGEST_BLOCK, Block, Spent, parse_block
from chainwatch.bitcoin.consensus import (
    HEADER_SIZE,
    FieldError,
    check_work,
    claimed_height_of,
    double_sha256,
)
from chainwatch.chains.base import Chain, Consensus
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.kernels.parse import Parsed, available, parse_blocks
from chainwatch.kernels.undo import Coins

COMPILED_FROM = 1_000_000
"""Bytes of blocks from which the compiled loops are worth their start; the rows are the same."""

_HEADER = struct.Struct("<i32s32sIII")
_NOT_CLAIMED = "read the file again from a node; it is damaged or no block of this chain"


class RawBlock(NamedTuple):
    """One block as it was read: its bytes, and where they stood, for error messages."""

    data: bytes
    name: str
    offset: int = 0


@dataclass(frozen=True)
class Head:
    """What is kept of a block once it is checked."""

    hash: bytes
    parent: bytes
    version: int
    merkle_root: bytes
    time: int
    bits: int
    nonce: int
    size: int
    tx_count: int
    coinbase: bytes
    unchecked_commitment: bool

    @property
    def claimed_height(self) -> int | None:
        """Height that the coinbase states under BIP34; None before version 2 or if unreadable."""
        return claimed_height_of(self.coinbase) if self.version >= 2 else None


@dataclass(frozen=True, repr=False)
class CheckedBlocks:
    """Blocks that passed every check that needs no other block, with what their rows need.

    What their inputs spend, where undo data says so, stands in ``coins`` beside columns, and in
    ``spent`` beside plain blocks.
    """

    chain: Chain
    heads: tuple[Head, ...]
    parsed: Parsed | tuple[Block, ...]
    coins: Coins | None = None
    spent: tuple[Sequence[Sequence[Spent]], ...] | None = None


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
        return CheckedBlocks(chain, tuple(map(_head_of, plain)), plain)
    proven = _proven(blocks, rules)
    good = [block.data for block in blocks[: proven.number]]
    parsed = parse_blocks(good, supply=rules.supply, witness=chain.witnesses)
    wrong = parsed.failure or proven
    if wrong.what:
        raise _refused(blocks[wrong[0]], wrong.what, wrong[2])
    return CheckedBlocks(chain, _heads(good, parsed), parsed)


def worth_compiling(sizes: Iterable[int]) -> bool:
    """Say whether blocks of these sizes, in bytes, are worth the start of the compiled loops."""
    return sum(sizes) >= COMPILED_FROM


class _Proven(NamedTuple):
    """How many blocks have their proof of work, and what the next one lacks."""

    number: int
    what: str
    byte: int


def _proven(blocks: Sequence[RawBlock], rules: Consensus) -> _Proven:
    for number, block in enumerate(blocks):
        header = block.data[:HEADER_SIZE]
        try:
            if not HEADER_SIZE < len(block.data) <= LARGEST_BLOCK:
                raise FieldError(f"{len(block.data):,} bytes are no block", 0)
            check_work(
                header, double_sha256(header), int.from_bytes(header[72:76], "little"), rules
            )
        except FieldError as bad:
            return _Proven(number, bad.what, bad.position)
    return _Proven(len(blocks), "", 0)


def _refused(block: RawBlock, what: str, byte: int) -> BlockError:
    place = f"{block.name} byte {block.offset + byte:,}"
    return BlockError(what, where=place, remedy=_NOT_CLAIMED)


def _head_of(block: Block) -> Head:
    return Head(
        block.hash, block.parent, block.version, block.merkle_root, block.time, block.bits,
        block.nonce, block.size, len(block.txs), block.txs[0].script, block.unchecked_commitment,
    )  # fmt: skip


def _heads(blocks: Sequence[bytes], parsed: Parsed) -> tuple[Head, ...]:
    columns = parsed.columns
    names = ("block_hash", "block_txs", "block_script", "block_script_end", "block_unchecked")
    rows = zip(blocks, *(columns[name] for name in names), strict=True)
    heads = []
    for data, name, txs, script, script_end, unchecked in rows:
        version, parent, root, time, bits, nonce = _HEADER.unpack_from(data)
        coinbase = parsed.data[script:script_end].tobytes()
        heads.append(Head(
            name.tobytes(), parent, version, root, time, bits, nonce, len(data), int(txs),
            coinbase, bool(unchecked),
        ))  # fmt: skip
    return tuple(heads)
