"""The files of a node's folder: where they lie, the key that masks them, and their frames.

A node writes blocks into ``blk?????.dat`` and undo data into ``rev?????.dat`` of the same number,
each frame behind a magic and a length, all of it masked with the key in ``xor.dat``. It allots
space ahead of need, so zeros that are not masked may end a file, and it may be writing the last
one while we read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import numpy as np

from chainwatch.bitcoin.frames import Frame, FramedFile, Gap, NoFrame, block_frames
from chainwatch.bitcoin.framing import of_another
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.undo import CHECKSUM, checksum
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import of_magic
from chainwatch.errors import BlockError, InputError
from chainwatch.ingest.source_file import opened

KEY_SIZE = 8
"""Bytes of the key that masks the files; one of zeros leaves them as they are."""

LARGEST_UNDO = 64_000_000
"""Bytes; twice the largest block, for undo data may be longer than its block."""

_NAME = re.compile(r"blk(\d{5,9})\.dat")
MAGIC_SIZE = 4

STOPPED = "copy the folder again from a node that has stopped"


@dataclass(frozen=True)
class Masked:
    """One file and the key that masks it."""

    path: Path
    key: bytes

    def opened(self) -> BufferedReader:
        """Open the file; see :func:`chainwatch.ingest.source_file.opened`."""
        return opened(self.path)

    def read(self, handle: BinaryIO, offset: int, size: int) -> bytes:
        """Return bytes of the file, unmasked; fewer where it ends."""
        handle.seek(offset)
        return unmasked(handle.read(size), self.key, offset)


@dataclass(frozen=True)
class NodeFiles:
    """The block files of a folder, in the order of their numbers."""

    folder: Path
    key: bytes
    numbers: tuple[int, ...]

    def blocks(self, number: int) -> Masked:
        """Return the file of blocks of a number."""
        return Masked(self.folder / f"blk{number:05}.dat", self.key)

    def undo(self, number: int) -> Masked:
        """Return the file of undo data of a number."""
        return Masked(self.folder / f"rev{number:05}.dat", self.key)


def unmasked(data: bytes, key: bytes, offset: int) -> bytes:
    """Return bytes of a file without the mask that lies over them from its beginning."""
    if not any(key) or not data:
        return data
    turn = offset % KEY_SIZE
    words = -(-len(data) // KEY_SIZE)
    padded = np.zeros(words * KEY_SIZE, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    lanes = padded.view(np.uint64)
    lanes ^= np.frombuffer(key[turn:] + key[:turn], np.uint64)
    return padded[: len(data)].tobytes()


def node_files(path: Path, chain: Chain) -> NodeFiles:
    """Find the block files of a data folder, of its ``blocks`` or of the folder of a test network.

    Raises
    ------
    InputError
        If there is no such folder, it holds no block files, or the key is not one.
    """
    if not path.is_dir():
        raise InputError("there is no such folder", where=path.name, remedy="check the path")
    inner = [path / chain.node_folder] if chain.node_folder else []
    for root in (path, *inner):
        for folder in (root / "blocks", root):
            numbers = _numbers(folder)
            if numbers:
                return NodeFiles(folder, _key(folder), numbers)
    raise InputError(
        "the folder holds no block files of a node",
        where=path.name,
        remedy="name the data folder of the node, which has blocks/blk00000.dat in it",
    )


def _numbers(folder: Path) -> tuple[int, ...]:
    if not folder.is_dir():
        return ()
    found = (_NAME.fullmatch(item.name) for item in folder.iterdir())
    return tuple(sorted(int(match[1]) for match in found if match))


def _key(folder: Path) -> bytes:
    """Return the key of the folder: none before version 28 of the reference implementation."""
    path = folder / "xor.dat"
    if not path.exists():
        return bytes(KEY_SIZE)
    with path.open("rb") as handle:
        key = handle.read(KEY_SIZE + 1)
    if len(key) != KEY_SIZE:
        raise InputError(f"a key has {KEY_SIZE} bytes", where=path.name, remedy=STOPPED)
    return key


def frames(
    file: Masked, chain: Chain, *, gaps: list[Gap] | None = None, growing: bool = False
) -> Iterator[Frame]:
    """Yield the frames of a file of blocks, and tell what lies between and behind them.

    Parameters
    ----------
    file : Masked
        The file.
    chain : Chain
        Chain whose magic is before each frame.
    gaps : list of Gap, optional
        To this is added what was passed over, see :mod:`chainwatch.bitcoin.frames`.
    growing : bool
        The node may be writing at its end.

    Raises
    ------
    BlockError
        If it holds no whole frame.
    """
    with file.opened() as handle:
        framed = block_frames(
            file.path.name, handle, chain, read=partial(file.read, handle), growing=growing,
            remedy=STOPPED,
        )  # fmt: skip
        yield from _known(framed, file, [] if gaps is None else gaps)


def undo_frames(
    file: Masked, blocks: Masked, chain: Chain, *, gaps: list[Gap], growing: bool = False
) -> Iterator[Frame]:
    """Yield the frames of a file of undo data; behind a gap a checksum is believed.

    Parameters
    ----------
    blocks : Masked
        The file of blocks of the same number: a checksum is over one of their parents.
    file, chain, gaps, growing
        As of :func:`frames`.

    Raises
    ------
    BlockError
        If it holds no whole frame.
    """

    @cache
    def parents() -> set[bytes]:
        try:
            found = list(frames(blocks, chain, growing=growing))
        except BlockError:  # who reads the blocks tells of it; no undo data is theirs
            return set()
        return {Header.parse(frame.start).parent for frame in found}

    with file.opened() as handle:

        def sound(frame: Frame) -> bool:
            whole = file.read(handle, frame.offset, frame.size + CHECKSUM)
            data, check = whole[: frame.size], whole[frame.size :]
            return any(checksum(parent, data) == check for parent in parents())

        framed = FramedFile(
            file.path.name, handle, partial(file.read, handle), chain, sound, sound,
            tail=CHECKSUM, most=LARGEST_UNDO, growing=growing, remedy=STOPPED,
        )  # fmt: skip
        yield from _known(framed, file, gaps)


def _known(framed: FramedFile, file: Masked, gaps: list[Gap]) -> Iterator[Frame]:
    """Yield the frames; where there are none, say what the file is instead."""
    raw = _first(framed.handle)
    if other := of_another(framed.read, file.path.name, framed.chain):
        raise other
    try:
        yield from framed.frames(gaps)
    except NoFrame:
        what = "xor.dat is missing or not the key of this file"
        if of_magic(raw):
            what = "the file is not masked, but xor.dat says so"
        raise framed.broken(0, what) from None


def _first(handle: BinaryIO) -> bytes:
    handle.seek(0)
    return handle.read(MAGIC_SIZE)
