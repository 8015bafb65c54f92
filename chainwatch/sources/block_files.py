"""Blocks of a Bitcoin-like chain from files: bare blocks, or many blocks framed by a node.

A file is read twice. The first pass checks every block of every file (framing, proof of work,
merkle root, witnesses, amounts) and keeps only headers, about 300 bytes a block: if anything is
wrong, nothing of the input is committed. The second yields rows block by block, by height, so
memory does not grow with the length of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import polars as pl

from chainwatch.chains import CHAINS, Chain
from chainwatch.chains import chain as chain_of
from chainwatch.errors import BlockError, InputError
from chainwatch.sources.base import Batch, Reader
from chainwatch.sources.block_checks import HEADER_SIZE, consensus_of
from chainwatch.sources.block_links import Header, place, shown, trusted_claim
from chainwatch.sources.block_parse import LARGEST_BLOCK, Block, parse_block
from chainwatch.sources.block_rows import block_rows
from chainwatch.sources.file_read import FileRead, read_time

LARGEST_KEPT = 256_000_000
"""Bytes of a file that ``keep_raw`` will store; a node's files are half of it."""

_FRAME = 8
"""Bytes before a framed block: four of magic, four of length."""

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block lies."""

    file: int
    offset: int
    size: int


class BlockFiles:
    """Files of blocks as a source.

    Parameters
    ----------
    paths : path or iterable of paths
        Bare blocks and framed files, in any order; which is which is seen by the magic.
    chain : str or Chain
        Alias or CAIP-2 id.
    height : int, optional
        Height of the lowest block, where neither links nor its coinbase say it.
    acquired : datetime, optional
        When the files were obtained (a naive time means UTC); now, if not given.
    keep_raw : bool
        Keep the bytes of the files in ``answers``.

    Fails when
    ----------
    A block that links to nothing read is placed by the height that its own coinbase states, and
    its miner alone vouches for it: read the blocks between for proof.

    References
    ----------
    BIP34 (height in the coinbase), BIP144 (witness serialisation).
    """

    name = "block_files"

    def __init__(
        self,
        paths: str | Path | Iterable[str | Path],
        chain: str | Chain = "btc",
        *,
        height: int | None = None,
        acquired: datetime | None = None,
        keep_raw: bool = False,
    ) -> None:
        several = [paths] if isinstance(paths, (str, Path)) else list(paths)
        self.paths = tuple(Path(path) for path in several)
        self.network = chain_of(chain)
        consensus_of(self.network)
        if height is not None and height < 0:
            raise InputError(f"a height of {height} is below the genesis block")
        self.height = height
        self.acquired = read_time(acquired)
        self.keep_raw = keep_raw

    def __repr__(self) -> str:
        names = ", ".join(repr(path.name) for path in self.paths)
        return f"BlockFiles({names}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per block, lowest first, after a pass that checks all of them.

        Raises
        ------
        BlockError
            If any block is damaged or cannot be placed; nothing is yielded then.
        """
        files: list[FileRead] = []
        headers = _ledger_headers(reader, self.chain)
        places: dict[bytes, _Place] = {}
        unwitnessed: list[bytes] = []
        for number, path in enumerate(self.paths):
            files.append(self._first_pass(number, path, headers, places, unwitnessed))
        placed = place(headers, self.network, height=self.height)
        self._check_witnessed(unwitnessed, placed.heights, headers)
        notes = tuple(
            f"block {shown(block)} is stale: another branch has more work" for block in placed.stale
        )
        held = tuple(_unit(block) for block in places if headers[block].height is not None)
        yield Batch({}, held, "blocks read before", notes=notes)
        yield from self._second_pass(files, places, placed.heights)

    def _first_pass(
        self, number: int, path: Path, headers: dict[bytes, Header],
        places: dict[bytes, _Place], unwitnessed: list[bytes],
    ) -> FileRead:  # fmt: skip
        """Check all blocks of a file; add their headers and places."""
        size, digest = 0, hashlib.sha256()
        with _opened(path) as handle:
            for offset, data in _blocks(handle, path, self.network):
                block = parse_block(data, self.network, name=path.name, offset=offset)
                places.setdefault(block.hash, _Place(number, offset, len(data)))
                headers.setdefault(block.hash, self._header(block, path.name, offset))
                if block.unchecked_commitment:
                    unwitnessed.append(block.hash)
            handle.seek(0)
            while piece := handle.read(_PIECE):
                size += len(piece)
                digest.update(piece)
        return FileRead(path.name, digest.digest(), size, self.acquired, self._kept(path, size))

    def _header(self, block: Block, name: str, offset: int) -> Header:
        claimed = trusted_claim(self.network, block.version, block.time, block.claimed_height)
        where = f"{name} byte {offset:,}"
        return Header(block.hash, block.parent, block.bits, where, claimed=claimed)

    def _kept(self, path: Path, size: int) -> bytes | None:
        if not self.keep_raw:
            return None
        if size > LARGEST_KEPT:
            raise InputError(
                f"{size:,} bytes are too many to keep in the ledger",
                where=path.name,
                remedy="keep the file beside the ledger and read it without keep_raw",
            )
        return path.read_bytes()

    def _check_witnessed(
        self, blocks: list[bytes], heights: dict[bytes, int], headers: dict[bytes, Header]
    ) -> None:
        """Refuse blocks whose witnesses were left out; before segwit there were none to check."""
        start = consensus_of(self.network).segwit_height
        for block in blocks:
            if start is not None and heights.get(block, -1) >= start:
                raise BlockError(
                    "the block comes without the witnesses that its coinbase commits to",
                    where=headers[block].where,
                    remedy="read it in the form with witnesses (BIP144)",
                )

    def _second_pass(
        self, files: list[FileRead], places: dict[bytes, _Place], heights: dict[bytes, int],
    ) -> Iterator[Batch]:  # fmt: skip
        for name, height in heights.items():
            spot = places[name]
            block = self._again(name, spot)
            rows = block_rows(block, height, self.network, files[spot.file], source=self.name)
            yield Batch(rows, (_unit(name),), f"block {height:,}", tip=name)

    def _again(self, name: bytes, spot: _Place) -> Block:
        path = self.paths[spot.file]
        with _opened(path) as handle:
            handle.seek(spot.offset)
            data = handle.read(spot.size)
        block = parse_block(data, self.network, name=path.name, offset=spot.offset)
        if block.hash != name:
            raise BlockError(
                "the file changed while it was read",
                where=f"{path.name} byte {spot.offset:,}",
                remedy="read a copy that nothing writes to",
            )
        return block


def _unit(block: bytes) -> str:
    return f"block/{shown(block)}"


def _opened(path: Path) -> BinaryIO:
    if path.is_dir():
        raise InputError(
            "this is a folder", where=str(path), remedy="name the block files in it, such as *.dat"
        )
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="check the path")
    return path.open("rb")


def _ledger_headers(reader: Reader, chain: str) -> dict[bytes, Header]:
    mine = reader.scan("blocks").filter(pl.col("chain") == chain)
    rows = mine.select("hash", "parent", "bits", "height").collect().iter_rows()
    return {name: Header(name, parent, bits, "the ledger", at) for name, parent, bits, at in rows}


def _blocks(handle: BinaryIO, path: Path, chain: Chain) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of each block with its place in the file, one at a time."""
    start = handle.read(4)
    owner = next((item for item in CHAINS if item.magic and item.magic == start), None)
    if owner is None:
        handle.seek(0)
        yield 0, handle.read(LARGEST_BLOCK + 1)
        return
    if owner != chain:
        raise BlockError(
            f"the file holds blocks of {owner.name}, not of {chain.name}",
            where=f"{path.name} byte 0",
            remedy=f"read it as {owner.alias}",
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
