"""Runs of blocks of a node's folder to rows, in this process or in several.

What stands here takes and gives plain values, so that it can run in another process; results come
back in the order of what was asked for, whichever is ready first.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.chains import Chain
from chainwatch.chains import chain as chain_of
from chainwatch.errors import BlockError, ChainwatchError, InputError
from chainwatch.scripts import classify
from chainwatch.sources.block_checks import FieldError
from chainwatch.sources.block_parse import Block, parse_block
from chainwatch.sources.block_rows import BlockRows
from chainwatch.sources.node_files import NodeFiles
from chainwatch.sources.node_order import Spot
from chainwatch.sources.node_undo import CHECKSUM, Spent, check_spent, checksum, parse_undo

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Applies a function to many values, in their order."""

_CHUNK = 1 << 20
_AGAIN = "run the same command again; what is committed stays"


@dataclass(frozen=True)
class Piece:
    """Blocks to read, lowest first: (hash, height, place); and the digests of their files."""

    files: NodeFiles
    chain: str
    blocks: tuple[tuple[bytes, int, Spot], ...]
    digests: Mapping[int, bytes]
    source: str


def read_block(files: NodeFiles, chain: Chain, name: bytes, spot: Spot) -> Block:
    """Read and check the block of a hash.

    Raises
    ------
    BlockError
        If it is damaged, or no longer where it was.
    """
    file = files.blocks(spot.file)
    with file.path.open("rb") as handle:
        data = file.read(handle, spot.offset, spot.size)
    block = parse_block(data, chain, name=file.path.name, offset=spot.offset)
    if block.hash != name:
        raise BlockError(
            "the file changed while it was read",
            where=f"{file.path.name} byte {spot.offset:,}",
            remedy=_AGAIN,
        )
    return block


def read_spent(files: NodeFiles, block: Block, spot: Spot) -> list[list[Spent]]:
    """Read what a block spent, and check that it fits the block.

    Raises
    ------
    BlockError
        If it is damaged, of another block, or lets a transaction pay more than it spends.
    """
    if not spot.undo_size:
        return []  # the genesis block: nothing was spent, and nothing is written
    file = files.undo(spot.file)
    where = f"{file.path.name} byte {spot.undo:,}"
    with file.path.open("rb") as handle:
        whole = file.read(handle, spot.undo, spot.undo_size + CHECKSUM)
    data = whole[: spot.undo_size]
    try:
        if checksum(block.parent, data) != whole[spot.undo_size :]:
            raise FieldError("the undo data does not match its checksum", 0)
        spent = parse_undo(data)
        check_spent(block.txs[1:], spent)
    except FieldError as bad:
        raise BlockError(bad.what, where=where, remedy=_AGAIN) from None
    return spent


def piece_rows(piece: Piece) -> dict[str, pl.DataFrame]:
    """Return the rows of a run of blocks by table name, without ``answers``."""
    chain = chain_of(piece.chain)
    rows = BlockRows(chain, source=piece.source)
    for name, height, spot in piece.blocks:
        block = read_block(piece.files, chain, name, spot)
        spent = read_spent(piece.files, block, spot)
        known = [[_known(coin, chain) for coin in coins] for coins in spent]
        rows.add(block, height, piece.digests[spot.file], known)
    return rows.frames()


def _known(coin: Spent, chain: Chain) -> tuple[int, str, bytes | None]:
    value, script = coin
    found = classify(script, witness=chain.hrp is not None)
    return value, found.kind, found.address


def file_digest(path: Path) -> tuple[str, bytes, int]:
    """Return name, SHA-256 and size of a file as it stands now."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return path.name, digest.digest(), size


@contextmanager
def running(workers: int) -> Iterator[Run]:
    """Give what applies a function to many values, in this process or in several.

    Processes are started afresh (``spawn``) and end with the context.
    """
    if workers == 1:
        yield map
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    try:
        yield lambda function, items: _ordered(pool, function, items, 2 * workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ordered(
    pool: ProcessPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any], ahead: int
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
