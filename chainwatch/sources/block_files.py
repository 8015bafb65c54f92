"""Blocks of a Bitcoin-like chain from files: bare blocks, or many blocks framed by a node.

A file is read twice. The first pass checks every block of every file (framing, proof of work,
merkle root, witnesses, amounts) and keeps only headers, about 300 bytes a block: what is damaged or
cut off is set apart and named before anything is committed. The second yields rows by height, a few
megabytes of blocks at a time, so memory does not grow with the length of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Annotated

from chainwatch.bitcoin.block import BlockSummary
from chainwatch.bitcoin.block_batch import RawBlock, check_blocks, worth_compiling
from chainwatch.bitcoin.frames import Gap
from chainwatch.bitcoin.framing import GROUP_BYTES, groups_of_blocks
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.header_tree import BlockLink, Placement, place, trusted_claim, unanchored
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError, ForeignBlock, InputError
from chainwatch.ingest.gaps import gap_batch, gap_notes, new_gaps
from chainwatch.ingest.protocol import Batch, Reader, heights_in_words, read_units
from chainwatch.ingest.reorg import check_replaced, ledger_headers
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.rows.evidence import block_unit
from chainwatch.ingest.sound_blocks import check_foreign, linking, sound_blocks, unplaced
from chainwatch.ingest.source_file import FileRead, read_time
from chainwatch.sources.parameters import Argument, AtLeast, OnlyInPython

LARGEST_KEPT = 256_000_000
"""Bytes of a file that ``keep_raw`` will store; a node's files are half of it."""


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

    Examples
    --------
    chainwatch pull block-files out/otter/data/blocks.dat --chain btc-regtest --ledger ledger

    Fails when
    ----------
    A block that links to nothing read is placed by the height that its own coinbase states, and
    its miner alone vouches for it: read the blocks between for proof. Bytes between or behind
    blocks that are none are passed over, a damaged block and one that the file ends within are not
    read; each such part is noted, and is a unit in ``coverage``. A file of which no block can be
    read is refused.

    References
    ----------
    BIP34 (height in the coinbase), BIP144 (witness serialisation).
    """

    name = "block_files"

    def __init__(
        self,
        paths: Annotated[str | Path | Iterable[str | Path], Argument()],
        chain: str | Chain = "btc",
        *,
        height: Annotated[int | None, AtLeast(0)] = None,
        acquired: Annotated[datetime | None, OnlyInPython()] = None,
        keep_raw: bool = False,
    ) -> None:
        several = [paths] if isinstance(paths, (str, Path)) else list(paths)
        self.paths = tuple(Path(path) for path in several)
        self.network = chain_of(chain)
        consensus_of(self.network)
        if height is not None and height < 0:
            raise InputError(
                f"a height of {height} is below the genesis block",
                remedy="give the height of the lowest block, 0 or more",
            )
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

    def look(self) -> None:
        """Open each file as far as its first blocks, and refuse one that holds none of the chain.

        Raises
        ------
        BlockError, InputError
            If it is of another kind or chain, or its only block is not sound.
        """
        self._check_plain()
        for path in self.paths:
            with _opened(path) as handle:
                group = next(groups_of_blocks(handle, path, self.network), [])
            # Of several blocks one that is damaged is set apart when all are read.
            if len(group) == 1 and (wrong := sound_blocks(group, self.network).errors):
                raise wrong[0]

    def _check_plain(self) -> None:
        """Refuse files that a node has masked: without its key they are only noise."""
        for folder in dict.fromkeys(path.parent for path in self.paths):
            key = folder / "xor.dat"
            if key.is_file() and any(key.read_bytes()[:8]):
                raise InputError(
                    "the node has masked its block files with the key in xor.dat",
                    where=folder.name,
                    remedy="read the folder whole: NodeFolder, or chainwatch pull node-folder",
                )

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield the sound blocks that the ledger lacks, lowest first, after a pass over all.

        A branch with more work than the ledger's is followed: what the ledger holds from the fork
        on is left out first.

        Raises
        ------
        BlockError
            If no block of a file is sound, one cannot be placed, or a reorganisation would leave
            out blocks of the ledger that have no part in it; nothing is yielded then.
        """
        self._check_plain()
        files: list[FileRead] = []
        mine: dict[bytes, BlockLink] = {}
        places: dict[bytes, _Place] = {}
        unwitnessed: list[bytes] = []
        gaps: list[tuple[str, Gap]] = []
        foreign: list[tuple[Header, ForeignBlock]] = []
        for number, path in enumerate(self.paths):
            files.append(self._first_pass(number, path, mine, places, unwitnessed, gaps, foreign))
        check_foreign(foreign, mine)
        mine |= linking(gaps, mine)
        self._set_loose_apart(mine, places, gaps, reader)
        headers, placed = self._placed(mine, reader)
        self._check_witnessed(unwitnessed, placed.heights, headers)
        if placed.left is not None:
            check_replaced(headers, mine, placed.left)
            what = f"blocks from {placed.left:,} on, replaced by a branch with more work"
            yield Batch({}, (), what, stale=placed.left)
            headers, placed = self._placed(mine, reader)
        notes = gap_notes(gaps) + tuple(
            f"block {hash_text(block)} is stale: another branch has more work"
            for block in placed.stale
        )
        units = read_units(reader, self.chain)
        heights = placed.heights | {
            # The ledger may know of a block without having read all of it.
            block: at
            for block in places
            if (at := headers[block].height) is not None
        }
        held = tuple(block_unit(block) for block in places if block_unit(block) in units)
        yield Batch({}, held, "blocks read before", notes=notes)
        if unknown := new_gaps(gaps, units):
            yield gap_batch(unknown, files, self.network, source=self.name)
        new = [
            (at, block)
            for block, at in heights.items()
            if block in places and block_unit(block) not in units
        ]
        yield from self._second_pass(files, places, {block: at for at, block in sorted(new)})

    def _placed(
        self, mine: dict[bytes, BlockLink], reader: Reader
    ) -> tuple[dict[bytes, BlockLink], Placement]:
        """Return the headers of the files and of the ledger, and the heights of the former."""
        headers = mine | ledger_headers(reader, self.chain)
        return headers, place(headers, self.network, height=self.height)

    def _set_loose_apart(
        self, mine: dict[bytes, BlockLink], places: dict[bytes, _Place],
        gaps: list[tuple[str, Gap]], reader: Reader,
    ) -> None:  # fmt: skip
        """Take out blocks that an unread part cut off from all that says their height."""
        headers = mine | ledger_headers(reader, self.chain)
        loose = unanchored(headers, self.network, height=self.height) if gaps else set()
        if loose >= places.keys():
            return  # then nothing says the height of anything, which is an error
        for name in sorted(loose):
            del mine[name]
            if spot := places.pop(name, None):
                gaps.append((self.paths[spot.file].name, unplaced(spot.offset, spot.size, name)))

    def _first_pass(
        self, number: int, path: Path, headers: dict[bytes, BlockLink],
        places: dict[bytes, _Place], unwitnessed: list[bytes], gaps: list[tuple[str, Gap]],
        foreign: list[tuple[Header, ForeignBlock]],
    ) -> FileRead:  # fmt: skip
        """Check all blocks of a file; add headers and places of the sound ones, and the rest."""
        between: list[Gap] = []
        read = 0
        damaged: list[tuple[str, Gap]] = []
        errors: list[BlockError] = []
        with _opened(path) as handle:
            for group in groups_of_blocks(handle, path, self.network, gaps=between):
                sound = sound_blocks(group, self.network)
                damaged += sound.damaged
                errors += sound.errors[:1]
                foreign += sound.foreign
                read += len(sound.kept)
                for k, block in zip(sound.kept, sound.summaries, strict=True):
                    raw = group[k]
                    places.setdefault(block.hash, _Place(number, raw.offset, len(raw.data)))
                    headers.setdefault(block.hash, self._link(block, raw))
                    if block.unchecked_commitment:
                        unwitnessed.append(block.hash)
            if errors and not read:
                raise errors[0]
            gaps += [(path.name, gap) for gap in between] + damaged
            handle.seek(0)
            digest, size = hashlib.file_digest(handle, "sha256").digest(), handle.tell()
        return FileRead(path.name, digest, size, self.acquired, self._kept(path, size))

    def _link(self, block: BlockSummary, raw: RawBlock) -> BlockLink:
        header, where = block.header, f"{raw.name} byte {raw.offset:,}"
        claimed = trusted_claim(self.network, header.version, header.time, block.claimed_height)
        return BlockLink(header.hash, header.parent, header.bits, where, claimed=claimed)

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
        self, blocks: list[bytes], heights: dict[bytes, int], headers: dict[bytes, BlockLink]
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
        for names in _runs(heights, places):
            large = worth_compiling(places[name].size for name in names)
            for part in [names] if large else [[name] for name in names]:
                yield self._batch(part, files, places, heights)

    def _batch(
        self, names: list[bytes], files: list[FileRead], places: dict[bytes, _Place],
        heights: dict[bytes, int],
    ) -> Batch:  # fmt: skip
        group = [self._again(places[name]) for name in names]
        checked = check_blocks(group, self.network)
        for raw, name, block in zip(group, names, checked.summaries, strict=True):
            if block.hash != name:
                raise BlockError(
                    "the file changed while it was read",
                    where=f"{raw.name} byte {raw.offset:,}",
                    remedy="read a copy that nothing writes to",
                )
        at = [heights[name] for name in names]
        read = [files[places[name].file] for name in names]
        rows = frames_of_blocks(checked, at, read, source=self.name)
        what = heights_in_words(at[0], at[-1])
        return Batch(rows, tuple(map(block_unit, names)), what, tip=names[-1])

    def _again(self, spot: _Place) -> RawBlock:
        path = self.paths[spot.file]
        with _opened(path) as handle:
            handle.seek(spot.offset)
            return RawBlock(handle.read(spot.size), path.name, spot.offset)


def _runs(names: Iterable[bytes], places: dict[bytes, _Place]) -> Iterator[list[bytes]]:
    """Cut blocks, in their order, into runs of a few megabytes."""
    run: list[bytes] = []
    size = 0
    for name in names:
        run.append(name)
        size += places[name].size
        if size >= GROUP_BYTES:
            yield run
            run, size = [], 0
    if run:
        yield run


def _opened(path: Path) -> BufferedReader:
    if path.is_dir():
        raise InputError(
            "this is a folder", where=str(path), remedy="name the block files in it, such as *.dat"
        )
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="check the path")
    return path.open("rb")
