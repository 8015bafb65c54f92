"""A whole block from an Esplora server: its transactions must hash to the root of its header."""

from __future__ import annotations

import polars as pl

from chainwatch.errors import SourceError
from chainwatch.sources.block_checks import (
    HEADER_SIZE,
    FieldError,
    check_commitment,
    check_shape,
    consensus_of,
    merkle_root,
)
from chainwatch.sources.block_parse import LARGEST_BLOCK, Block
from chainwatch.sources.block_rows import BlockRows, Spent
from chainwatch.sources.esplora_json import Prevout, Read
from chainwatch.sources.esplora_rows import shown
from chainwatch.sources.esplora_server import Server
from chainwatch.sources.http import Answer, answers_frame
from chainwatch.sources.merkle import BlockHeader


def read_block(
    server: Server, name: bytes, height: int, parent: bytes | None
) -> dict[str, pl.DataFrame]:
    """Return the rows of one block.

    Parameters
    ----------
    server : Server
        Whom to ask.
    name, height : bytes, int
        Hash in wire order, and the height that the server gives it.
    parent : bytes or None
        Hash of the block below, where it was read.

    Raises
    ------
    SourceError
        If the block is not whole, does not link, or does not hash to its header and commitment.
    """
    where = f"{server.client.host}, block {shown(name)}"
    info, answer = server.block(name)
    header = server.header(name)
    if info.height != height or (parent is not None and header.parent != parent):
        raise SourceError("the blocks of the server do not link", where=where)
    reads, answer = _transactions(server, name, info.tx_count, where)
    block = _checked(header, reads, server, height, where)
    rows = BlockRows(server.chain, source=server.source)
    rows.add(block, height, answer.digest, [[_spent(item) for item in r.spent] for r in reads[1:]])
    return rows.frames() | {"answers": answers_frame(server.take())}


def _transactions(server: Server, name: bytes, count: int, where: str) -> tuple[list[Read], Answer]:
    reads: list[Read] = []
    while True:
        page, answer = server.transactions(f"/block/{shown(name)}/txs/{len(reads)}")
        reads += page
        size = HEADER_SIZE + sum(read.tx.size for read in reads)
        if not page or len(reads) > count or size > LARGEST_BLOCK:
            raise SourceError("the pages do not make up the block", where=where)
        if len(reads) == count:
            return reads, answer


def _checked(
    header: BlockHeader, reads: list[Read], server: Server, height: int, where: str
) -> Block:
    txs = [read.tx for read in reads]
    try:
        check_shape(txs)
        if merkle_root([tx.txid for tx in txs]) != header.merkle_root:
            raise FieldError("the transactions do not hash to the merkle root", HEADER_SIZE)
        unchecked = check_commitment(txs)
    except FieldError as bad:
        raise SourceError(bad.what, where=where, remedy="ask another server") from None
    start = consensus_of(server.chain).segwit_height
    if unchecked and start is not None and height >= start:
        raise SourceError("the block comes without its witnesses", where=where)
    size = HEADER_SIZE + _count_size(len(txs)) + sum(tx.size for tx in txs)
    return Block(
        header.hash, header.parent, header.version, header.merkle_root, header.time, header.bits,
        header.nonce, size, txs, unchecked,
    )  # fmt: skip


def _count_size(count: int) -> int:
    return 1 if count < 0xFD else 3 if count < 2**16 else 5


def _spent(item: Prevout | None) -> Spent:
    return (item.value, item.found.kind, item.found.address) if item else (None, None, None)
