"""Files of blocks to the bytes of each block: bare, or framed by a node with magic and length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from chainwatch.bitcoin.block import LARGEST_BLOCK, fitting
from chainwatch.bitcoin.block_batch import RawBlock
from chainwatch.bitcoin.frames import Frame, FramedFile, Gap, NoFrame, block_frames
from chainwatch.bitcoin.header import HEADER_SIZE
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import in_words, of_magic
from chainwatch.errors import BlockError

_FRAME = 8  # magic and length

GROUP_BYTES = 8_000_000
"""Bytes of blocks that are checked, and become rows, together."""

_REMEDY = (
    "copy the file again from a node that has stopped; if it never reads, see whether the node"
    " obfuscates its files (xor.dat)"
)
_PACKED = {
    b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 256


def groups_of_blocks(
    handle: BinaryIO, path: Path, chain: Chain, *, gaps: list[Gap] | None = None
) -> Iterator[list[RawBlock]]:
    """Yield the blocks of a file in groups that are worth checking together.

    Parameters
    ----------
    handle, path : file, path
        The file, opened, and its name.
    chain : Chain
        Whose blocks it holds.
    gaps : list of Gap, optional
        To this is added what was passed over between and behind blocks.

    Raises
    ------
    BlockError
        If the file is of another chain, or ends in the middle of a block. The blocks before it
        are yielded first, so that what is wrong with one of them is told first.
    """
    return _groups(_blocks(handle, path, chain, [] if gaps is None else gaps), path.name)


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


def _blocks(
    handle: BinaryIO, path: Path, chain: Chain, gaps: list[Gap]
) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of each block with its place in the file, one at a time."""
    handle.seek(0)
    start = handle.read(_LOOKED_AT)
    owners = of_magic(start[:4])
    framed = block_frames(path.name, handle, chain, remedy=_REMEDY)
    if other_chain := of_another(framed.read, path.name, chain):
        raise other_chain
    bare = Frame(0, handle.seek(0, 2), start[:HEADER_SIZE])
    if owners or not (len(start) > HEADER_SIZE and framed.believed(bare)):
        if other := _other_thing(start, path.name):
            raise other
        blocks = _contents(framed, gaps)
        if first := next(blocks, None):
            yield first
            yield from blocks
            return
    if not owners:
        _check_bare(handle, path, start)
    # Of a file without frames, what is wrong with it as a block is told by who reads it as one.
    yield 0, framed.read(0, LARGEST_BLOCK + 1)


def of_another(read: Callable[[int, int], bytes], name: str, chain: Chain) -> BlockError | None:
    """Return what is wrong with a file that is framed by other chains; None of any other.

    Regression networks share their magic: then the first block says of which of them it is.

    Parameters
    ----------
    read : callable
        Returns bytes of the file from an offset on, at most so many.
    name : str
        Name of the file.
    chain : Chain
        What it is read as.
    """
    head = read(0, _FRAME)
    owners = of_magic(head[:4])
    if not owners or chain in owners:
        return None
    length = min(int.from_bytes(head[4:], "little"), LARGEST_BLOCK)
    fit = fitting(read(_FRAME, length), chain) if len(owners) > 1 else ()
    named = tuple(item for item in owners if item in fit) or owners
    return BlockError(
        f"the file holds blocks of {in_words(named)}, not of {chain.name}",
        where=f"{name} byte 0",
        remedy=f"read it as {' or '.join(item.alias for item in named)}",
    )


def _check_bare(handle: BinaryIO, path: Path, start: bytes) -> None:
    """Refuse a file that is framed, by a chain that nobody knows here."""
    length, size = int.from_bytes(start[4:_FRAME], "little"), path.stat().st_size
    if not HEADER_SIZE < length <= min(size - _FRAME, LARGEST_BLOCK):
        return
    handle.seek(_FRAME + length)
    if handle.read(4) in (b"", start[:4]):
        raise BlockError(
            f"the file is framed with the magic {start[:4].hex()}, which is of no chain known here",
            where=f"{path.name} byte 0",
            remedy="check which network its node is of; a chain of your own joins with"
            " chainwatch.chains.catalogue.register",
        )


def _contents(framed: FramedFile, gaps: list[Gap]) -> Iterator[tuple[int, bytes]]:
    try:
        for frame in framed.frames(gaps):
            yield frame.offset, framed.read(frame.offset, frame.size)
    except NoFrame:
        return


def _other_thing(start: bytes, name: str) -> BlockError | None:
    """Return what a file is instead of one of blocks, as its first bytes show."""
    packed = next((word for mark, word in _PACKED.items() if start.startswith(mark)), None)
    if packed:
        what, remedy = f"the file is compressed ({packed})", "unpack it and read what is in it"
        return BlockError(what, where=f"{name} byte 0", remedy=remedy)
    text = start.replace(b"\0", b"")  # of UTF-16, every other byte
    for mark in _MARKS:
        text = text.removeprefix(mark)
    if not text.strip() or not all(32 <= byte < 127 or byte in b"\t\r\n" for byte in text):
        return None
    what, remedy = _kind_of_text(text.strip().lower())
    return BlockError(what, where=f"{name} byte 0", remedy=remedy)


def _kind_of_text(text: bytes) -> tuple[str, str]:
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return (
            "the file is a web page, not a block",
            "look at it in a browser: it may be the error of the server it came from",
        )
    if text.startswith((b"{", b"[")):
        return (
            "the file is JSON, not the bytes of a block",
            "ask for the block as bytes (getblock with verbosity 0, or an explorer's raw form);"
            " of an export by bitcoin-etl, chainwatch pull etl",
        )
    digits = text.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"").strip(b"\"'")
    if digits and not digits.strip(b"0123456789abcdef"):
        return (
            "the file holds a block's hexadecimal digits as text, not its bytes",
            "turn them into bytes: xxd -r -p FILE block.raw",
        )
    return "the file is text, not blocks", "name a file of blocks, such as blk00000.dat"
