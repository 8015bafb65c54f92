"""Ties each undo record of a file to its block.

The checksum of a record names the block before its own. Where blocks of one file share that (they
competed for one place in the chain), the number of inputs of their transactions decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainwatch.bitcoin.block import Block, parse_block
from chainwatch.bitcoin.consensus import FieldError
from chainwatch.bitcoin.undo import CHECKSUM, check_spent, checksum, parse_undo
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.sources.node_folder.files import STOPPED, Masked


@dataclass(frozen=True)
class Task:
    """What it takes to tie the undo records of one file to its blocks.

    Attributes
    ----------
    undo, blocks : Masked
        The two files.
    chain : Chain
        Their chain.
    records : tuple of (int, int)
        Places and lengths of the undo records.
    spots : tuple of (int, int)
        Places and lengths of the blocks, by height: a node connects them in about that order.
    parents : tuple of bytes
        Hash of the block before each.
    lossy : bool
        The file of blocks has parts that were not read, which may have been blocks.
    """

    undo: Masked
    blocks: Masked
    chain: Chain
    records: tuple[tuple[int, int], ...]
    spots: tuple[tuple[int, int], ...]
    parents: tuple[bytes, ...]
    lossy: bool = False


Matched = tuple[list[int], list[tuple[int, int]]]
"""For each block the number of its undo record, or -1; place and length of the others."""


def matched(task: Task) -> Matched:
    """Return for each block the number of its undo record, or -1, and the records of no block.

    Raises
    ------
    BlockError
        If a record belongs to none of the blocks though all were read, or blocks cannot be told
        apart.
    """
    found = [-1] * len(task.parents)
    by_parent: dict[bytes, list[int]] = {}
    for k, parent in enumerate(task.parents):
        by_parent.setdefault(parent, []).append(k)
    several: dict[bytes, list[int]] = {}
    loose: list[tuple[int, int]] = []
    at = 0
    for number, (offset, size) in enumerate(task.records):
        whole = _read(task, offset, size)
        hit = _hit(task, whole, size, at)
        if hit is None and task.lossy:
            loose.append((offset, size))
            continue
        if hit is None:
            raise BlockError(
                f"the undo data is damaged, or its block is missing from {task.blocks.path.name}",
                where=f"{task.undo.path.name} byte {offset:,}",
                remedy=STOPPED,
            )
        at = hit + 1
        parent = task.parents[hit]
        if len(by_parent[parent]) == 1:
            found[hit] = number
        else:
            several.setdefault(parent, []).append(number)
    for parent, numbers in several.items():
        for k in by_parent[parent]:
            found[k] = _told_apart(task, k, numbers)
    return found, loose


def _read(task: Task, offset: int, size: int) -> bytes:
    with task.undo.opened() as handle:
        return task.undo.read(handle, offset, size + CHECKSUM)


def _hit(task: Task, whole: bytes, size: int, at: int) -> int | None:
    """Return a block whose parent the checksum names, trying the next one first."""
    count = len(task.parents)
    data, check = whole[:size], whole[size:]
    tries = (k % count for k in range(at, at + count))
    return next((k for k in tries if checksum(task.parents[k], data) == check), None)


def _told_apart(task: Task, k: int, numbers: list[int]) -> int:
    """Return the one record that fits a block; copies of one record are as good as each other."""
    block, supply = _block(task, k), consensus_of(task.chain).supply
    fitting: dict[bytes, int] = {}
    for number in numbers:
        offset, size = task.records[number]
        data = _read(task, offset, size)[:size]
        if block and _fits(block, data, supply):
            fitting.setdefault(data, number)
    if len(fitting) > 1:
        raise BlockError(
            "undo data of blocks that competed for one place cannot be told apart",
            where=f"{task.undo.path.name} byte {task.records[numbers[0]][0]:,}",
            remedy="ask the node for its blocks instead",
        )
    return next(iter(fitting.values()), -1)


def _block(task: Task, k: int) -> Block | None:
    """Return a block, or None where it is damaged: then the node cannot have connected it."""
    offset, size = task.spots[k]
    with task.blocks.opened() as handle:
        data = task.blocks.read(handle, offset, size)
    try:
        return parse_block(data, task.chain, name=task.blocks.path.name, offset=offset)
    except BlockError:
        return None


def _fits(block: Block, data: bytes, supply: int) -> bool:
    try:
        check_spent(block.txs[1:], parse_undo(data, supply), supply)
    except FieldError:
        return False
    return True
