"""The frames that a node writes into a file, found again behind bytes that are none.

Each stands behind four bytes of magic and four of length. A node that broke off leaves zeros, the
rest of an older frame, or a frame that it never finished, and writes on behind them or over them;
it reads its own file by looking for the next magic. So do we: what a magic announces is believed
only where it proves itself, and what was passed over is a *gap*, which whoever reads must tell.

References
----------
``LoadExternalBlockFile`` of the reference implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from chainwatch.bitcoin.auxpow import is_merged
from chainwatch.bitcoin.block import LARGEST_BLOCK, parse_block
from chainwatch.bitcoin.consensus import FieldError, check_work
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError

BEFORE = 8
"""Bytes before the content of a frame: four of magic, four of length."""

MOST_TRIES = 100_000
"""Frames looked at in search of one that proves itself; a file with more was made to be slow."""

_MAGIC = 4
_PIECE = 1 << 20


class Frame(NamedTuple):
    """Where the content of a frame begins, its length, and the first 80 bytes of it."""

    offset: int
    size: int
    start: bytes


BETWEEN, DAMAGED, CUT, UNPLACED, WRITING = "gap", "damaged", "cut", "unplaced", "writing"
"""Why a part of a file gives no block: it belongs to none; its block fails a check; the file ends
within it; nothing read says at which height it stands; a node was writing it."""

UNREAD = (BETWEEN, DAMAGED, CUT, UNPLACED)
"""Those that a ledger keeps: what a node was writing it will have written later."""


class Gap(NamedTuple):
    """A part of a file that gives no block, for nobody can read one there.

    Attributes
    ----------
    offset, size : int
        Where it begins, and its bytes.
    kind : str
        One of those above.
    why : str
        What is wrong with it, where more is known than its kind.
    header : bytes
        The header of the block that stood there, if it is there and has its proof of work.
    block : bytes or None
        The hash of that block.
    """

    offset: int
    size: int
    kind: str = BETWEEN
    why: str = ""
    header: bytes = b""
    block: bytes | None = None


@dataclass
class FramedFile:
    """A file of frames of one kind, and how what they hold is known.

    Attributes
    ----------
    name : str
        Of the file, for errors.
    handle : file
        Opened for reading bytes.
    read : callable
        Bytes at an offset, of a length, without the mask that may lie over them.
    chain : Chain
        Whose magic stands before each frame.
    believed : callable
        Tells of a frame behind a gap whether it proves itself.
    whole : callable
        Tells whether all that a frame holds is sound: then its length was right.
    tail : int
        Bytes after each content that belong to its frame.
    least, most : int
        Lengths that a content may have.
    growing : bool
        A node may be writing at its end.
    remedy : str
        What to do about a file that is damaged.
    """

    name: str
    handle: BinaryIO
    read: Callable[[int, int], bytes]
    chain: Chain
    believed: Callable[[Frame], bool]
    whole: Callable[[Frame], bool]
    tail: int = 0
    least: int = 1
    most: int = LARGEST_BLOCK
    growing: bool = False
    remedy: str = ""
    _tries: int = field(default=0, init=False)

    def frames(self, gaps: list[Gap]) -> Iterator[Frame]:
        """Yield the frames in their order; add to ``gaps`` what lies between and behind them.

        Zeros to the end are none: a node allots its files ahead of need. A frame that the file
        ends within is a gap of its own kind.

        Raises
        ------
        BlockError
            If the file holds no whole frame.
        """
        end = self.handle.seek(0, 2)
        at, last, found = 0, None, False
        while at < end:
            frame = self._frame(at, end)
            if frame is None:
                if self._zeros_from(at):
                    break
                if last and self._misled(last, end):
                    at, last = last.offset - BEFORE, None
                start, at = at, self._next(at + 1, end, end)
                if at == end and not (found or last):
                    raise self._none(start, end)
                _add(gaps, self._cut(start, end) if at == end else Gap(start, at - start))
            if last:
                yield last
                found = True
            last = frame
            if frame:
                at = frame.offset + frame.size + self.tail
        if last:
            yield last

    def _frame(self, at: int, end: int) -> Frame | None:
        """Return the frame that begins at a byte, if one does that the file can hold."""
        head = self.read(at, BEFORE + HEADER_SIZE)
        size = int.from_bytes(head[_MAGIC:BEFORE], "little")
        fits = self.least <= size <= self.most and at + BEFORE + size + self.tail <= end
        if head[:_MAGIC] != self.chain.magic or not fits:
            return None
        return Frame(at + BEFORE, size, head[BEFORE:])

    def _misled(self, last: Frame, end: int) -> bool:
        """Tell whether a frame's length leads to no frame because it is no frame itself.

        One that proves itself and holds no other is damaged, and its reader says how.
        """
        if self.whole(last):
            return False
        after = last.offset + last.size + self.tail
        inside = self._next(last.offset - BEFORE + 1, after, end)
        return inside < after or not self.believed(last)

    def _next(self, at: int, until: int, end: int) -> int:
        """Return where the next frame begins that proves itself; ``until`` if none does before."""
        while at < until:
            piece = self.read(at, min(_PIECE, until - at) + _MAGIC - 1)
            hit = piece.find(self.chain.magic)
            while hit >= 0 and at + hit < until:
                self._count_try(at + hit)
                frame = self._frame(at + hit, end)
                if frame and self.believed(frame):
                    return at + hit
                hit = piece.find(self.chain.magic, hit + 1)
            at += _PIECE
        return until

    def _count_try(self, at: int) -> None:
        self._tries += 1
        if self._tries > MOST_TRIES:
            raise self.broken(at, f"{MOST_TRIES:,} frames begin that are none")

    def _cut(self, at: int, end: int) -> Gap:
        """Return what stands from a byte to the end and holds no frame: the start of one, or none.

        A node writes a frame's magic and length first, and may have allotted zeros for the rest.
        """
        head = self.read(at, BEFORE + HEADER_SIZE)
        begun = self.chain.magic.startswith(head[:_MAGIC])
        size = int.from_bytes(head[_MAGIC:BEFORE], "little")
        if self.growing and at and (begun or self._zeros_from(at + BEFORE)):
            return Gap(at, end - at, WRITING)
        missing = self._missing(head, at, end)
        if not begun or (len(head) >= BEFORE and not missing):
            return Gap(at, end - at)
        first = Frame(at + BEFORE, size, head[BEFORE:])
        why = f"the file ends {missing:,} bytes too early" if missing else "the file ends in it"
        if len(first.start) < HEADER_SIZE or not self.believed(first):
            return Gap(at, end - at, CUT, why)
        return Gap(at, end - at, CUT, why, first.start, Header.parse(first.start).hash)

    def _missing(self, head: bytes, at: int, end: int) -> int:
        """Return how many bytes a frame announces that the file lacks; 0 if it announces none."""
        size = int.from_bytes(head[_MAGIC:BEFORE], "little")
        lacks = at + BEFORE + size + self.tail - end
        return max(lacks, 0) if self.least <= size <= self.most else 0

    def _none(self, at: int, end: int) -> BlockError:
        """Return the error for a file that holds no whole frame; ``at`` is where one may begin."""
        head = self.read(at, BEFORE)
        size = int.from_bytes(head[_MAGIC:], "little")
        if not self.chain.magic.startswith(head[:_MAGIC]):
            return NoFrame(
                f"no block of {self.chain.name} begins here",
                where=f"{self.name} byte 0", remedy=self.remedy,
            )  # fmt: skip
        if len(head) < BEFORE:
            return self.broken(at, "the file ends within a frame")
        if missing := self._missing(head, at, end):
            return self.broken(at, f"the file ends {missing:,} bytes too early")
        if self.least <= size <= self.most:
            return self.broken(at, "what begins here proves itself to be no frame")
        return self.broken(at, f"{size:,} bytes are no length of a frame")

    def _zeros_from(self, at: int) -> bool:
        """Tell whether nothing but zeros follows: as they are on the disk, for no mask is on it."""
        self.handle.seek(at)
        while piece := self.handle.read(_PIECE):
            if piece.strip(b"\0"):
                return False
        return True

    def broken(self, at: int, what: str) -> BlockError:
        """Return the error for what stands at a byte."""
        return BlockError(what, where=f"{self.name} byte {at:,}", remedy=self.remedy)


class NoFrame(BlockError):
    """A file holds no frame of its chain, from its first byte to its last."""


def _add(gaps: list[Gap], new: Gap) -> None:
    """Add a gap, to the one before it where they meet and are alike."""
    if gaps and gaps[-1].offset + gaps[-1].size == new.offset and gaps[-1].kind == new.kind:
        before = gaps.pop()
        new = before._replace(size=before.size + new.size)
    gaps.append(new)


def block_frames(
    name: str, handle: BinaryIO, chain: Chain, *, read: Callable[[int, int], bytes] | None = None,
    growing: bool = False, remedy: str,
) -> FramedFile:  # fmt: skip
    """Return a file of blocks; behind a gap a header with proof of work is believed.

    Of a block whose work another chain's block bears, all of it must be sound.

    Parameters
    ----------
    name, handle, chain, read, growing, remedy
        As of :class:`FramedFile`; ``read`` reads ``handle`` as it is, if not given.
    """

    def plain(offset: int, size: int) -> bytes:
        handle.seek(offset)
        return handle.read(size)

    take, rules = read or plain, consensus_of(chain)

    def whole(frame: Frame) -> bool:
        try:
            parse_block(take(frame.offset, frame.size), chain, name=name, offset=frame.offset)
        except BlockError:
            return False
        return True

    def believed(frame: Frame) -> bool:
        header = Header.parse(frame.start)
        if is_merged(header.version, rules):
            return whole(frame)
        try:
            check_work(header, rules)
        except FieldError:
            return False
        return True

    return FramedFile(
        name, handle, take, chain, believed, whole, least=HEADER_SIZE + 1, growing=growing,
        remedy=remedy,
    )  # fmt: skip
