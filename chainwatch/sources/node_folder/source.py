"""A node's own folder as a source: every block of its best chain, with what each input spent.

The folder is read without the node and without its databases: ``blk`` files for the blocks,
``rev`` files for the outputs that they spent, ``xor.dat`` for the key that masks both. A first
pass reads headers only and decides the order; then blocks are read by height, a few megabytes at
a time, one after the other or several at once, and the rows do not depend on how many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import polars as pl

from chainwatch.bitcoin.block import Block
from chainwatch.bitcoin.frames import Gap
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header_tree import BlockLink, place, trusted_claim, unanchored
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError, InputError
from chainwatch.ingest.gaps import gap_batch, gap_notes, new_gaps
from chainwatch.ingest.protocol import Batch, Reader, heights_in_words, read_units
from chainwatch.ingest.reorg import ledger_headers
from chainwatch.ingest.rows.evidence import block_unit
from chainwatch.ingest.sound_blocks import linking, unplaced
from chainwatch.ingest.source_file import answer, read_time
from chainwatch.sources.node_folder.digests import FilesRead
from chainwatch.sources.node_folder.files import NodeFiles, node_files
from chainwatch.sources.node_folder.order import Folder, Spot, connected, match_undo, read_headers
from chainwatch.sources.node_folder.undo_match import matched
from chainwatch.sources.node_folder.workers import (
    Piece,
    Run,
    piece_rows,
    read_block,
    running,
)
from chainwatch.sources.parameters import Argument, AtLeast, Grows, OnlyInPython

PIECE_BYTES, PIECE_BLOCKS = 4_000_000, 500
"""Blocks that become one batch: whichever is reached first."""

BlockSpot = tuple[bytes, int, Spot]
"""Hash, height, and where it lies."""


class NodeFolder:
    """The data folder of a Bitcoin-like node as a source.

    Parameters
    ----------
    path : path
        The data folder, that of a test network in it, or its ``blocks``.
    chain : str or Chain
        Alias or CAIP-2 id.
    acquired : datetime, optional
        When the folder was obtained (a naive time means UTC); now, if not given.
    workers : int, optional
        Pieces that are read at once; 1 if not given. Without the compiled loops they are read
        by processes of their own, and a script that asks for more than one guards its main part
        with ``if __name__ == "__main__"``.

    Examples
    --------
    chainwatch pull node-folder ~/.bitcoin --workers 4 --ledger ledger

    Notes
    -----
    A node may run on the folder: what it is writing at the end of its last files is left out,
    and so is every block without undo data, which the node has not connected. A block that it
    was told to give up (``invalidateblock``) counts like any other. ``answers`` holds the digest
    of each file as it stood just before its first block was read; a file that the node wrote to
    after that is noted, and the digest of a copy of it will be another.

    Zeros and other bytes that a node left between its blocks or their undo data, when it broke off,
    are passed over as the node does: what follows them is believed with proof of work, undo data
    by its checksum. A block that is damaged, or that a file but the last ends within, is not read,
    nor is one that hangs on nothing else read. Each such part is noted, and is a unit in
    ``coverage``.

    Fails when
    ----------
    A pruned folder begins in the middle: its lowest block is placed by the height that its own
    coinbase states.

    References
    ----------
    BIP34; ``blockstorage.cpp`` and ``undo.h`` of the reference implementation.
    """

    name = "node_folder"
    unknown: tuple[str, ...] = ()
    """Columns that it cannot know: none. The number of what an input spends, which undo data does
    not state, is found when the rows are committed."""

    def __init__(
        self, path: Annotated[str | Path, Argument(), Grows()], *, chain: str | Chain = "btc",
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
        workers: Annotated[int | None, AtLeast(1)] = None,
    ) -> None:  # fmt: skip
        self.path = Path(path)
        self.network = chain_of(chain)
        consensus_of(self.network)
        self.acquired = read_time(acquired)
        self.workers = 1 if workers is None else workers
        if self.workers < 1:
            raise InputError(
                f"{workers} workers cannot read anything", remedy="ask for 1, or leave it out"
            )

    def __repr__(self) -> str:
        return f"NodeFolder({self.path.name!r}, chain={self.network.alias!r})"

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the blocks that the ledger lacks, lowest first.

        Headers, framing and undo data are checked before anything is yielded, the content of a
        block when it is read; a damaged block is told and left out. A branch with more work than
        the ledger's is followed: what the ledger holds from the fork on is left out first.

        Raises
        ------
        BlockError
            If undo data is damaged, or no block can be read.
        InputError
            If the folder is none of a node.
        """
        files = node_files(self.path, self.network)
        with running(self.workers) as run:
            folder = read_headers(files, self.network)
            units = read_units(reader, self.chain)
            held = {name for name in folder.spots if block_unit(name) in units}
            match_undo(files, folder, self.network, held, lambda tasks: run(matched, tasks))
            usable, apart = connected(folder, self.network, held)
            claimed = self._claimed(files, folder, linking(folder.all_gaps(), usable) | usable)
            headers = claimed | ledger_headers(reader, self.chain)
            self._set_loose_apart(headers, files, folder)
            spots = {name: folder.spots[name] for name in usable if name in headers}
            placed = place(headers, self.network)
            if placed.left is None:
                notes = (*gap_notes(folder.all_gaps()), *_notes(placed.stale, apart))
                yield Batch(
                    {}, tuple(sorted(map(block_unit, held))), "blocks read before", notes=notes
                )
                order = _order(placed.heights, headers, spots, held)
                read = FilesRead(files, self.acquired)
                yield from self._gaps(folder.all_gaps(), read, units)
                yield from self._read(files, order, run, read, units)
                return
        what = f"blocks from {placed.left:,} on, replaced by a branch with more work"
        yield Batch({}, (), what, stale=placed.left)
        yield from self.batches(reader)

    def _claimed(
        self, files: NodeFiles, folder: Folder, usable: Mapping[bytes, BlockLink]
    ) -> dict[bytes, BlockLink]:
        """Return headers; those on top of nothing read state the height of their coinbase.

        Where that block is damaged, which is told when it is read, one on top of it states it.
        """
        headers = dict(usable)
        above = {header.parent: name for name, header in usable.items()}
        for root in usable:
            name: bytes | None = root if usable[root].parent not in usable else None
            while name is not None and name != self.network.genesis:
                if block := _readable(files, self.network, name, folder):
                    claim = trusted_claim(
                        self.network, block.header.version, block.header.time, block.claimed_height
                    )
                    headers[name] = replace(usable[name], claimed=claim)
                    break
                name = above.get(name)
        return headers

    def _set_loose_apart(
        self, headers: dict[bytes, BlockLink], files: NodeFiles, folder: Folder
    ) -> None:
        """Take out blocks that an unread part cut off from all that says their height."""
        loose = unanchored(headers, self.network) if any(folder.all_gaps()) else set()
        if loose >= headers.keys():
            return  # then nothing says the height of anything, which is an error
        for name in sorted(loose):
            del headers[name]
            if spot := folder.spots.get(name):
                gap = unplaced(spot.offset, spot.size, name)
                folder.gaps[files.blocks(spot.file).path.name].append(gap)

    def _gaps(
        self, gaps: Iterable[tuple[str, Gap]], read: FilesRead, units: set[str]
    ) -> Iterator[Batch]:
        """Yield the gaps in files that the ledger does not know of, if there are any."""
        new = new_gaps(gaps, units)
        if new:
            files = [file for number in _gap_numbers(new) for file in read.of(number)]
            yield gap_batch(new, files, self.network, source=self.name)

    def _read(
        self, files: NodeFiles, order: list[BlockSpot], run: Run, read: FilesRead, units: set[str],
    ) -> Iterator[Batch]:  # fmt: skip
        runs = list(_runs(order))
        pieces = (
            Piece(
                files, self.network, blocks,
                {number: read.of(number)[0] for number in _numbers(blocks)}, self.name,
            )
            for blocks in runs
        )  # fmt: skip
        for asked, (rows, blocks, damaged) in zip(runs, run(piece_rows, pieces), strict=True):
            yield from self._gaps(damaged, read, units)
            numbers = _numbers(asked)
            notes = gap_notes(damaged) + tuple(read.notes(numbers))
            if not blocks:
                yield Batch({}, (), "no block", notes=notes)
                continue
            answers = [answer(file, self.name) for number in numbers for file in read.of(number)]
            yield Batch(
                {**rows, "answers": pl.concat(answers)},
                tuple(block_unit(name) for name, _, _ in blocks),
                heights_in_words(blocks[0][1], blocks[-1][1]),
                tip=blocks[-1][0],
                notes=notes,
            )


def _readable(files: NodeFiles, chain: Chain, name: bytes, folder: Folder) -> Block | None:
    """Return a block; None where it is damaged, or known by its header alone."""
    spot = folder.spots.get(name)
    try:
        return read_block(files, chain, name, spot) if spot else None
    except BlockError:
        return None


def _numbers(blocks: Iterable[BlockSpot]) -> list[int]:
    return sorted({spot.file for _, _, spot in blocks})


def _gap_numbers(gaps: Iterable[tuple[str, Gap]]) -> list[int]:
    """Return the numbers of the files that gaps lie in: blk00012.dat and rev00012.dat are 12."""
    return sorted({int(name[3:-4]) for name, _ in gaps})


def _notes(stale: Iterable[bytes], apart: int) -> Iterator[str]:
    for block in stale:
        yield f"block {hash_text(block)} is stale: another branch has more work"
    if apart:
        blocks = f"{apart:,} block{'s' * (apart > 1)} without undo data"
        yield f"{blocks} left out: stale, or not yet connected by the node"


def _order(
    heights: Mapping[bytes, int], headers: Mapping[bytes, BlockLink],
    spots: Mapping[bytes, Spot], held: set[bytes],
) -> list[BlockSpot]:  # fmt: skip
    """Return the blocks to read with their heights, lowest first.

    The ledger may know of a block without having read all of it: only its units say so.
    """
    known = ((name, headers[name].height) for name in spots)
    places = dict(heights) | {name: at for name, at in known if at is not None}
    wanted = ((name, at, spots[name]) for name, at in places.items() if name in spots)
    return sorted((item for item in wanted if item[0] not in held), key=lambda item: item[1])


def _runs(blocks: Iterable[BlockSpot]) -> Iterator[tuple[BlockSpot, ...]]:
    """Cut blocks into runs of a few megabytes."""
    run: list[BlockSpot] = []
    size = 0
    for block in blocks:
        run.append(block)
        size += block[2].size
        if size >= PIECE_BYTES or len(run) >= PIECE_BLOCKS:
            yield tuple(run)
            run, size = [], 0
    if run:
        yield tuple(run)
