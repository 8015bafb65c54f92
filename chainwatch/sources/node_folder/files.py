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
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import BlockError, InputError
from chainwatch.ingest.source_file import opened

KEY_SIZE = 8
"""Bytes of the key that masks the files; one of zeros leaves them as they are."""

HEAD = 88
"""Bytes of a frame that are read first: magic, length, and the header of a block."""

LARGEST_FRAME = 64_000_000
"""Bytes; twice the largest block, for undo data may be longer than its block."""

_PIECE = 1 << 20
_NAME = re.compile(r"blk(\d{5,9})\.dat")
_STOPPED = "copy the folder again from a node that has stopped"


class Frame(NamedTuple):
    """Where the content of a frame begins, its length, and the first 80 bytes of it."""

    offset: int
    size: int
    start: bytes


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
        raise InputError(f"a key has {KEY_SIZE} bytes", where=path.name, remedy=_STOPPED)
    return key


def frames(file: Masked, chain: Chain, *, tail: int = 0, growing: bool = False) -> Iterator[Frame]:
    """Yield the frames of a file; only what a node is still writing may be incomplete.

    Parameters
    ----------
    file : Masked
        The file.
    chain : Chain
        Chain whose magic is before each frame.
    tail : int
        Bytes after each content that belong to its frame.
    growing : bool
        The node may be writing at its end.

    Raises
    ------
    BlockError
        If anything but a frame stands where one should begin.
    """
    with file.opened() as handle:
        end = handle.seek(0, 2)
        at = 0
        while at < end:
            handle.seek(at)
            raw = handle.read(HEAD)
            if not raw[:8].strip(b"\0"):
                _check_zeros(handle, file, at)
                return
            head = unmasked(raw, file.key, at)
            size = int.from_bytes(head[4:8], "little")
            if head[:4] != chain.magic:
                if growing and at and _all_zeros_after(handle, at + 8):
                    return
                raise _no_frame(file, chain, at, raw, head)
            left = end - at - 8
            if len(head) < 8 or size + tail > left:
                if growing:
                    return
                raise _broken(file, at, f"the file ends {size + tail - left:,} bytes too early")
            if not 0 < size <= LARGEST_FRAME:
                raise _broken(file, at, f"{size:,} bytes are no length of a frame")
            yield Frame(at + 8, size, head[8:])
            at += 8 + size + tail


def _check_zeros(handle: BinaryIO, file: Masked, at: int) -> None:
    if not _all_zeros_after(handle, at):
        raise _broken(file, at, "zeros stand between blocks")


def _all_zeros_after(handle: BinaryIO, at: int) -> bool:
    handle.seek(at)
    while piece := handle.read(_PIECE):
        if piece.strip(b"\0"):
            return False
    return True


def _no_frame(file: Masked, chain: Chain, at: int, raw: bytes, head: bytes) -> BlockError:
    others = {item.magic: item for item in reversed(all_chains()) if item.magic}
    if at == 0 and (other := others.get(head[:4])):
        return BlockError(
            f"the file holds blocks of {other.name}, not of {chain.name}",
            where=f"{file.path.name} byte 0",
            remedy=f"read it as {other.alias}",
        )
    if at == 0 and raw[:4] in others:
        what = "the file is not masked, but xor.dat says so"
    elif at == 0:
        what = "xor.dat is missing or not the key of this file"
    else:
        what = f"no frame of {chain.name} begins here"
    return _broken(file, at, what)


def _broken(file: Masked, at: int, what: str) -> BlockError:
    return BlockError(what, where=f"{file.path.name} byte {at:,}", remedy=_STOPPED)
