"""Runs of blocks of a node's folder to rows, in this process or in several.

What stands here takes and gives plain values, so that it can run in another process; results come
back in the order of what was asked for, whichever is ready first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from chainwatch.bitcoin.block import Block, parse_block
from chainwatch.bitcoin.block_batch import RawBlock
from chainwatch.bitcoin.frames import Gap
from chainwatch.bitcoin.undo import CHECKSUM
from chainwatch.bitcoin.undo_batch import RawUndo, check_undo
from chainwatch.chains.base import Chain
from chainwatch.errors import BlockError, ChainwatchError, InputError
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.sound_blocks import sound_blocks
from chainwatch.ingest.source_file import FileRead
from chainwatch.kernels.run import available
from chainwatch.sources.node_folder.files import NodeFiles
from chainwatch.sources.node_folder.order import Spot

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Applies a function to many values, in their order."""

_AGAIN = "run the same command again; what is committed stays"


@dataclass(frozen=True)
class Piece:
    """Blocks to read, lowest first: (hash, height, place); and their files, by number."""

    files: NodeFiles
    chain: Chain
    blocks: tuple[tuple[bytes, int, Spot], ...]
    read: Mapping[int, FileRead]
    source: str


class PieceRead(NamedTuple):
    """The rows of the sound blocks of a piece, by table; which they are; and the damaged ones."""

    rows: dict[str, pl.DataFrame]
    blocks: tuple[tuple[bytes, int, Spot], ...]
    damaged: tuple[tuple[str, Gap], ...]


def piece_rows(piece: Piece) -> PieceRead:
    """Return the rows of a run of blocks by table name; ``answers`` are of the block files alone.

    Raises
    ------
    BlockError
        If the undo data of a block is damaged, a block is of another chain, or is no longer where
        it was.
    """
    chain, files = piece.chain, piece.files
    raw = [_raw_block(files, spot) for _, _, spot in piece.blocks]
    sound = sound_blocks(raw, chain)
    for _, error in sound.foreign:
        raise error
    blocks = tuple(piece.blocks[k] for k in sound.kept)
    if sound.checked is None:
        return PieceRead({}, (), sound.damaged)
    for k, summary, (name, _, _) in zip(sound.kept, sound.summaries, blocks, strict=True):
        _check_unchanged(raw[k], summary.hash, name)
    undo = [read_undo(files, spot) for _, _, spot in blocks]
    heights = [height for _, height, _ in blocks]
    read = [piece.read[spot.file] for _, _, spot in blocks]
    checked = check_undo(sound.checked, undo)
    rows = frames_of_blocks(checked, heights, read, source=piece.source)
    return PieceRead(rows, blocks, sound.damaged)


def read_block(files: NodeFiles, chain: Chain, name: bytes, spot: Spot) -> Block:
    """Read and check the block of a hash.

    Raises
    ------
    BlockError
        If it is damaged, or no longer where it was.
    """
    raw = _raw_block(files, spot)
    block = parse_block(raw.data, chain, name=raw.name, offset=raw.offset)
    _check_unchanged(raw, block.hash, name)
    return block


def _raw_block(files: NodeFiles, spot: Spot) -> RawBlock:
    file = files.blocks(spot.file)
    with file.opened() as handle:
        return RawBlock(file.read(handle, spot.offset, spot.size), file.path.name, spot.offset)


def read_undo(files: NodeFiles, spot: Spot) -> RawUndo | None:
    """Return undo data; None for the genesis block: nothing was spent, and nothing is written."""
    if not spot.undo_size:
        return None
    file = files.undo(spot.file)
    with file.opened() as handle:
        whole = file.read(handle, spot.undo, spot.undo_size + CHECKSUM)
    data, check = whole[: spot.undo_size], whole[spot.undo_size :]
    return RawUndo(data, check, f"{file.path.name} byte {spot.undo:,}")


def _check_unchanged(block: RawBlock, found: bytes, name: bytes) -> None:
    if found != name:
        raise BlockError(
            "the file changed while it was read",
            where=f"{block.name} byte {block.offset:,}",
            remedy=_AGAIN,
        )


@contextmanager
def running(workers: int) -> Iterator[Run]:
    """Give what applies a function to many values, one after the other or several at once.

    The compiled loops leave the interpreter's lock to others, so threads read beside each other
    and the rows need not cross from one process to another. Without them processes are started
    afresh (``spawn``). Both end with the context.
    """
    if workers == 1:
        yield map
        return
    if available():
        with ThreadPoolExecutor(workers) as threads:
            yield lambda function, items: _ordered(threads, function, items, 2 * workers)
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        yield lambda function, items: _ordered(pool, function, items, 2 * workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ordered(
    pool: Executor, function: Callable[[Any], Any], items: Iterable[Any], ahead: int
) -> Iterator[Any]:
    """Yield results in the order of the items, with a few of them under way."""
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(_safely, function, item))
        if len(waiting) >= ahead:
            yield _result(waiting.popleft())
    while waiting:
        yield _result(waiting.popleft())


def _safely(function: Callable[[Any], Any], item: Any) -> tuple[Any, Any]:
    """Return a result, or the parts of an error: an error itself does not come back whole."""
    try:
        return None, function(item)
    except ChainwatchError as error:
        return type(error), (error.what, error.where, error.remedy)


def _result(future: Future[Any]) -> Any:
    try:
        kind, found = future.result()
    except BrokenProcessPool:
        raise InputError(
            "a process that was reading ended without an answer",
            remedy="read with one worker, or see that there is memory enough and that the script"
            ' guards its main part with if __name__ == "__main__"',
        ) from None
    if kind is not None:
        what, where, remedy = found
        raise kind(what, where=where, remedy=remedy)
    return found
