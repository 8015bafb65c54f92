"""The sound blocks of a group, and what is wrong with the others: one bad block spoils no other.

A damaged block gives no row. Its header may still have its proof of work: then it is known which
block stood there, and the blocks above it hang where they belong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chainwatch.bitcoin.auxpow import is_merged
from chainwatch.bitcoin.block import BlockSummary
from chainwatch.bitcoin.block_batch import CheckedBlocks, RawBlock, check_blocks
from chainwatch.bitcoin.consensus import FieldError, check_work
from chainwatch.bitcoin.frames import BEFORE, DAMAGED, UNPLACED, Gap
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.bitcoin.header_tree import BlockLink
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError, ForeignBlock

_UNPLACED = "it hangs on nothing read; read the blocks before it as well"


@dataclass(frozen=True)
class SoundBlocks:
    """The blocks of a group that passed every check, and the parts of the file that did not.

    Attributes
    ----------
    kept : tuple of int
        Their numbers in the group.
    checked : CheckedBlocks or None
        What was read of them; None where no block is sound.
    damaged : tuple of (str, Gap)
        The others, each with the name of its file.
    errors : tuple of BlockError
        What is wrong with each of these.
    foreign : tuple of (Header, ForeignBlock)
        Those of them that pass every check of another chain.
    """

    kept: tuple[int, ...]
    checked: CheckedBlocks | None
    damaged: tuple[tuple[str, Gap], ...] = ()
    errors: tuple[BlockError, ...] = ()

    foreign: tuple[tuple[Header, ForeignBlock], ...] = ()

    @property
    def summaries(self) -> tuple[BlockSummary, ...]:
        """What is kept of each sound block."""
        return self.checked.summaries if self.checked else ()


def sound_blocks(blocks: Sequence[RawBlock], chain: Chain) -> SoundBlocks:
    """Check the blocks of a group and set the damaged ones apart.

    Parameters
    ----------
    blocks : sequence of RawBlock
        Exactly one block each, out of frames of a file.
    chain : Chain
        A Bitcoin-like chain.

    Returns
    -------
    SoundBlocks
        What :func:`chainwatch.bitcoin.block_batch.check_blocks` gives of the sound ones.
    """
    every = tuple(range(len(blocks)))
    try:
        return SoundBlocks(every, check_blocks(blocks, chain) if blocks else None)
    except BlockError:
        wrong = _wrong(blocks, every, chain)
    kept = tuple(k for k in every if k not in wrong)
    checked = check_blocks([blocks[k] for k in kept], chain) if kept else None
    damaged = tuple((blocks[k].name, _gap(blocks[k], wrong[k], chain)) for k in sorted(wrong))
    errors = tuple(wrong[k] for k in sorted(wrong))
    foreign = tuple(
        (Header.parse(blocks[k].data), why)
        for k, why in sorted(wrong.items())
        if isinstance(why, ForeignBlock)
    )
    return SoundBlocks(kept, checked, damaged, errors, foreign)


def _wrong(
    blocks: Sequence[RawBlock], numbers: Sequence[int], chain: Chain
) -> dict[int, BlockError]:
    """Return what is wrong with each damaged block, found by halving the group."""
    try:
        check_blocks([blocks[k] for k in numbers], chain)
    except BlockError as error:
        if len(numbers) == 1:
            return {numbers[0]: error}
        middle = len(numbers) // 2
        halves = (numbers[:middle], numbers[middle:])
        return {k: why for half in halves for k, why in _wrong(blocks, half, chain).items()}
    return {}


def _gap(block: RawBlock, error: BlockError, chain: Chain) -> Gap:
    """Return the part of a file that a damaged block is, with its magic and length."""
    why = f"{error.what} (at {error.where}; {error.remedy})"
    header = proven_header(block.data, chain)
    name = Header.parse(header).hash if header else None
    return Gap(block.offset - BEFORE, len(block.data) + BEFORE, DAMAGED, why, header, name)


def unplaced(offset: int, size: int, name: bytes) -> Gap:
    """Return the part of a file that a sound block is which hangs on nothing read.

    Parameters
    ----------
    offset, size : int
        Of the block; before it stand magic and length, unless it stands alone in its file.
    name : bytes
        Its hash.
    """
    before = min(offset, BEFORE)
    return Gap(offset - before, size + before, UNPLACED, _UNPLACED, block=name)


def proven_header(data: bytes, chain: Chain) -> bytes:
    """Return the header of a block if it has its own proof of work, else nothing.

    Of a merge-mined block another chain's block bears the work: its header proves nothing.
    """
    rules = consensus_of(chain)
    if len(data) < HEADER_SIZE:
        return b""
    header = Header.parse(data)
    if is_merged(header.version, rules):
        return b""
    try:
        check_work(header, rules)
    except FieldError:
        return b""
    return bytes(data[:HEADER_SIZE])


def check_foreign(
    found: Iterable[tuple[Header, ForeignBlock]], headers: Mapping[bytes, BlockLink]
) -> None:
    """Refuse what was read as the wrong chain; a foreign block that links to nothing is a part.

    Parameters
    ----------
    found : iterable of (Header, ForeignBlock)
        The blocks that pass every check of another chain, and their errors.
    headers : mapping of bytes to BlockLink
        The blocks that were read, by hash.

    Raises
    ------
    ForeignBlock
        For the first that links to a block that was read.
    """
    parents = {item.parent for item in headers.values()}
    for header, error in found:
        if header.parent in headers or header.hash in parents:
            raise error


def linking(
    gaps: Iterable[tuple[str, Gap]], headers: Mapping[bytes, BlockLink]
) -> dict[bytes, BlockLink]:
    """Return the headers of unread blocks that link read ones to what lies below.

    A header alone is never the top of a branch: nothing is given up for a block that nobody read.

    Parameters
    ----------
    gaps : iterable of (str, Gap)
        Parts of files that gave no block.
    headers : mapping of bytes to BlockLink
        The blocks that were read, by hash.
    """
    known: dict[bytes, BlockLink] = {}
    for name, gap in gaps:
        if gap.header:
            header, where = Header.parse(gap.header), f"{name} byte {gap.offset:,}"
            known.setdefault(header.hash, BlockLink(header.hash, header.parent, header.bits, where))
    needed: dict[bytes, BlockLink] = {}
    for item in headers.values():
        below = item.parent
        while below in known and below not in needed and below not in headers:
            needed[below] = known[below]
            below = known[below].parent
    return needed
