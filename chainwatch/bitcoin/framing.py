"""Files of blocks to the bytes of each block: bare, or framed by a node with magic and length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from chainwatch.bitcoin.block import LARGEST_BLOCK
from chainwatch.bitcoin.block_batch import RawBlock
from chainwatch.bitcoin.header import HEADER_SIZE
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import BlockError

GROUP_BYTES = 8_000_000
"""Bytes of blocks that are checked, and become rows, together."""

_FRAME = 8
"""Bytes before a framed block: four of magic, four of length."""

_PIECE = 1 << 20


def groups_of_blocks(handle: BinaryIO, path: Path, chain: Chain) -> Iterator[list[RawBlock]]:
    """Yield the blocks of a file in groups that are worth checking together.

    Raises
    ------
    BlockError
        If the file is of another chain, or something else stands between two blocks. The blocks
        before it are yielded first, so that what is wrong with one of them is told first.
    """
    return _groups(_blocks(handle, path, chain), path.name)


def _groups(blocks: Iterable[tuple[int, bytes]], name: str) -> Iterator[list[RawBlock]]:
    group: list[RawBlock] = []
    size = 0
    try:
        for offset, data in blocks:
            group.append(RawBlock(data, name, offset))
            size += len(data)
            if size >= GROUP_BYTES:
                yield group
                group, size = [], 0
    except BlockError:
        if group:
            yield group
        raise
    if group:
        yield group


def _blocks(handle: BinaryIO, path: Path, chain: Chain) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of each block with its place in the file, one at a time."""
    start = handle.read(4)
    owners = [item for item in all_chains() if item.magic and item.magic == start]
    if not owners:
        handle.seek(0)
        yield 0, handle.read(LARGEST_BLOCK + 1)
        return
    if chain not in owners:
        raise BlockError(
            f"the file holds blocks of {owners[0].name}, not of {chain.name}",
            where=f"{path.name} byte 0",
            remedy=f"read it as {owners[0].alias}",
        )
    handle.seek(0)
    yield from _frames(handle, path, chain)


def _frames(handle: BinaryIO, path: Path, chain: Chain) -> Iterator[tuple[int, bytes]]:
    end = path.stat().st_size
    position = 0
    while head := handle.read(_FRAME):
        if not head.strip(b"\0"):
            _check_padding(handle, path, position)
            return
        length = int.from_bytes(head[4:], "little")
        left = end - position - _FRAME
        if head[:4] != chain.magic or len(head) < _FRAME:
            raise _broken(path, position, f"no block of {chain.name} begins here")
        if not HEADER_SIZE < length <= min(left, LARGEST_BLOCK):
            raise _broken(path, position, f"a block of {length:,} bytes, with {left:,} left")
        yield position + _FRAME, handle.read(length)
        position += _FRAME + length


def _check_padding(handle: BinaryIO, path: Path, position: int) -> None:
    """Nodes allot their files ahead of need: zeros to the end are no damage."""
    while piece := handle.read(_PIECE):
        if piece.strip(b"\0"):
            raise _broken(path, position, "zeros stand between blocks")


def _broken(path: Path, position: int, what: str) -> BlockError:
    return BlockError(
        what,
        where=f"{path.name} byte {position:,}",
        remedy="copy the file again from a node that has stopped; if it never reads, see whether"
        " the node obfuscates its files (xor.dat)",
    )
