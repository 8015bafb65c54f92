"""Orders the blocks of a node's folder: headers first, undo data to its block, then one branch.

Nothing of a block but its header is read here, so a whole folder is ordered in memory of some
hundred bytes a block. A block counts if the node has undo data of it, which it writes when it
connects the block to its chain: blocks that it merely stored, ahead of its tip or beside it, do
not. Among those that count, the branch with the most work wins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from chainwatch.bitcoin.consensus import FieldError, check_work
from chainwatch.bitcoin.frames import BEFORE, BETWEEN, DAMAGED, WRITING, Gap
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.bitcoin.header_tree import BlockLink, trees
from chainwatch.bitcoin.undo import CHECKSUM
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.ingest.gaps import told
from chainwatch.sources.node_folder.files import STOPPED, Masked, NodeFiles, frames, undo_frames
from chainwatch.sources.node_folder.undo_match import Matched, Task

_LEAST = BEFORE + HEADER_SIZE
"""Bytes that a block is longer than: a shorter gap hides none."""

_LOOSE = "the undo data of a block that was not read"


@dataclass(slots=True)
class Spot:
    """Where a block lies, and its undo data in the file of the same number; size 0 is none."""

    file: int
    offset: int
    size: int
    undo: int = 0
    undo_size: int = 0


@dataclass
class Folder:
    """What the headers of a folder say.

    Attributes
    ----------
    headers : dict of bytes to BlockLink
        Every block stored, by hash.
    spots : dict of bytes to Spot
        Where it lies; of a block that is stored twice, where its undo data is.
    inside : dict of int to list
        Hashes and places of the blocks of each file, repeated ones included.
    undo : dict of int to list, or None
        Places and lengths of the undo records of each file; None where the file is missing.
    gaps : dict of str to list of Gap
        What lies between the blocks or the undo records of a file and was passed over, by name.
    """

    headers: dict[bytes, BlockLink] = field(default_factory=dict)
    spots: dict[bytes, Spot] = field(default_factory=dict)
    inside: dict[int, list[tuple[bytes, Spot]]] = field(default_factory=dict)
    undo: dict[int, list[tuple[int, int]] | None] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)

    def all_gaps(self) -> Iterator[tuple[str, Gap]]:
        """Yield every gap with the name of its file, in the order of the file."""
        return ((name, gap) for name, gaps in self.gaps.items() for gap in sorted(gaps, key=_place))


def read_headers(files: NodeFiles, chain: Chain) -> Folder:
    """Read the header of every block and the place of every undo record.

    Undo data is listed before the blocks of the same number: a node that goes on writing then
    adds blocks without undo data, never the reverse.

    Raises
    ------
    BlockError
        If a file of undo data is damaged or missing, or no file holds a block.
    """
    folder = Folder()
    last = files.numbers[-1]
    bad: list[BlockError] = []
    for number in files.numbers:
        growing = number == last
        folder.undo[number] = _records(files, number, chain, folder, growing=growing)
        file = files.blocks(number)
        try:
            folder.inside[number] = list(_blocks(file, number, chain, folder, growing=growing))
        except BlockError as error:
            folder.inside[number] = []
            folder.gaps[file.path.name] = [_whole_file(file, f"{error.what} (at {error.where})")]
            bad.append(error)
            continue
        if not (growing or folder.inside[number] or folder.gaps[file.path.name]):
            empty = "nothing but zeros is in it" if file.path.stat().st_size else "it is empty"
            folder.gaps[file.path.name] = [_whole_file(file, empty)]
    if not folder.headers:
        none = BlockError("the files hold no block", where=files.folder.name, remedy=STOPPED)
        raise next(iter(bad), none)
    _check_undo_files(files, folder, chain)
    return folder


def _whole_file(file: Masked, why: str) -> Gap:
    return Gap(0, file.path.stat().st_size, DAMAGED, f"the file holds no block: {why}")


def _records(
    files: NodeFiles, number: int, chain: Chain, folder: Folder, *, growing: bool
) -> list[tuple[int, int]] | None:
    file = files.undo(number)
    if not file.path.exists():
        return None
    gaps = folder.gaps[file.path.name] = []
    found = undo_frames(file, files.blocks(number), chain, gaps=gaps, growing=growing)
    return [(frame.offset, frame.size) for frame in found]


def _blocks(
    file: Masked, number: int, chain: Chain, folder: Folder, *, growing: bool
) -> Iterator[tuple[bytes, Spot]]:
    """Yield the blocks of a file; one whose header fails is a gap, being written if it is last."""
    failed: list[Gap] = []
    gaps = folder.gaps[file.path.name] = []
    end = 0
    for frame in frames(file, chain, gaps=gaps, growing=growing):
        end = frame.offset + frame.size
        try:
            header = _link(file.path.name, frame.offset, frame.start, chain)
        except BlockError as error:
            why = f"{error.what} (at {error.where})"
            failed.append(Gap(frame.offset - BEFORE, frame.size + BEFORE, DAMAGED, why))
            continue
        spot = Spot(number, frame.offset, frame.size)
        folder.headers.setdefault(header.hash, header)
        folder.spots.setdefault(header.hash, spot)
        yield header.hash, spot
    if growing and failed and failed[-1].offset + failed[-1].size == end:
        failed[-1] = failed[-1]._replace(kind=WRITING, why="")
    gaps += failed


def _link(name: str, offset: int, start: bytes, chain: Chain) -> BlockLink:
    header, rules = Header.parse(start), consensus_of(chain)
    if not rules.scrypt:  # a thousand times slower, and done again when the block is read
        try:
            check_work(header, rules)
        except FieldError as bad:
            where = f"{name} byte {offset + bad.position:,}"
            raise BlockError(bad.what, where=where, remedy=STOPPED) from None
    return BlockLink(header.hash, header.parent, header.bits, f"{name} byte {offset:,}")


def _check_undo_files(files: NodeFiles, folder: Folder, chain: Chain) -> None:
    """Refuse a folder that lacks undo files which the node must have written."""
    have = [number for number in files.numbers if folder.undo[number] is not None]
    for number in files.numbers:
        blocks = {name for name, _ in folder.inside[number]} - {chain.genesis}
        written = not have or number < have[-1]
        if folder.undo[number] is None and blocks and written:
            raise BlockError(
                "the file is missing, and without it nobody knows what the inputs spend",
                where=files.undo(number).path.name,
                remedy="copy it beside the file of blocks of the same number, or read the blocks"
                " alone as block files",
            )


def match_undo(
    files: NodeFiles, folder: Folder, chain: Chain, held: Collection[bytes],
    run: Callable[[Iterable[Task]], Iterable[Matched]],
) -> tuple[int, ...]:  # fmt: skip
    """Tie undo records to blocks in every file that has blocks not held; return those files.

    Parameters
    ----------
    held : collection of bytes
        Hashes of the blocks that need not be read.
    run : callable
        Applies :func:`chainwatch.sources.node_folder.undo_match.matched` to tasks, in their order:
        here or in other processes.
    """
    depth = {name: at for tree in trees(folder.headers) for name, at in tree.items()}
    tasks: dict[int, Task] = {}
    for number in files.numbers:
        inside = folder.inside[number]
        if inside and all(name in held for name, _ in inside):
            continue
        inside = sorted(inside, key=lambda item: depth[item[0]])
        tasks[number] = Task(
            files.undo(number), files.blocks(number), chain,
            tuple(folder.undo[number] or ()),
            tuple((spot.offset, spot.size) for _, spot in inside),
            tuple(folder.headers[name].parent for name, _ in inside),
            lossy=any(map(_hides, folder.gaps[files.blocks(number).path.name])),
        )  # fmt: skip
        folder.inside[number] = inside
    for (number, task), (hits, loose) in zip(tasks.items(), run(tasks.values()), strict=True):
        folder.gaps[files.undo(number).path.name] += [
            Gap(at - BEFORE, size + BEFORE + CHECKSUM, BETWEEN, _LOOSE) for at, size in loose
        ]
        for (name, spot), hit in zip(folder.inside[number], hits, strict=True):
            if hit >= 0 and not folder.spots[name].undo_size:
                spot.undo, spot.undo_size = task.records[hit]
                folder.spots[name] = spot
    return tuple(tasks)


def _place(gap: Gap) -> tuple[int, int]:
    return gap.offset, gap.size


def _hides(gap: Gap) -> bool:
    """Tell whether a block may have stood where none could be read."""
    return gap.kind == DAMAGED or gap.size > _LEAST


def connected(
    folder: Folder, chain: Chain, held: Collection[bytes]
) -> tuple[dict[bytes, BlockLink], int]:
    """Return the headers of the blocks that the node connected, and how many it did not.

    Raises
    ------
    BlockError
        If a block was connected on top of one that has no undo data: some is missing.
    """
    counted = {
        name: header
        for name, header in folder.headers.items()
        if folder.spots[name].undo_size or name == chain.genesis or name in held
    }
    for header in counted.values():
        if header.parent in folder.headers and header.parent not in counted:
            below = folder.headers[header.parent]
            lost = [told(name, gap) for name, gap in folder.all_gaps() if name.startswith("rev")]
            raise BlockError(
                f"block {hash_text(below.hash)} has no undo data, though blocks on top of it have"
                + "".join(f" ({item})" for item in lost[:1]),
                where=below.where,
                remedy=STOPPED,
            )
    return counted, len(folder.headers) - len(counted)
