"""A whole block from an Esplora server: its transactions must hash to the root of its header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import polars as pl

from chainwatch.bitcoin.block import LARGEST_BLOCK, Block
from chainwatch.bitcoin.consensus import FieldError, check_commitment, check_shape, merkle_root
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.bitcoin.merkle import LIAR
from chainwatch.bitcoin.serialize import block_size
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Batch, Span
from chainwatch.ingest.rows.blocks import BlockRows
from chainwatch.ingest.rows.evidence import answers_frame, block_unit
from chainwatch.net.client import Answer
from chainwatch.sources.esplora.fields import Read
from chainwatch.sources.esplora.reading import Run, check_tip
from chainwatch.sources.esplora.server import Server

_AGAIN = "pull again, for the chain may have changed; if it stays, ask another server"


def read_span(
    run: Run, span: Span, wanted: Callable[[Read], bool], tell: Callable[[str], None]
) -> Iterator[Batch]:
    """Yield the blocks of a span of heights, as far as the chain goes, one batch each.

    Parameters
    ----------
    run : Run
        The reading; the transactions of each block that are asked for beside it are noted.
    span : (int, int or None)
        Heights, half-open; None is the tip.
    wanted : callable
        Tells whether a transaction is asked for beside its block.
    tell : callable
        Called with one line after each block.

    Raises
    ------
    SourceError
        As :func:`read_block` does.
    Moved
        If the chain was reorganised.
    """
    server, above = run.server, run.tip.height + 1
    end = above if span[1] is None else min(span[1], above)
    parent: bytes | None = None
    for height in range(span[0], end):
        name = server.hash_at(height) or b""
        unit = block_unit(name)
        if unit in run.units:
            parent = name
            yield Batch({}, (unit,), "read before")
            continue
        rows, reads = read_block(server, name, height, parent)
        check_tip(server, run.tip)
        run.units.add(unit)
        run.seen[name] = {(read.tx.txid, height) for read in reads if wanted(read)}
        run.known.recent[height] = (name, server.header(name).bits)
        parent = name
        tell(f"block {height:,} of {end - 1:,}")
        yield Batch(rows, (unit,), f"block {height:,}", tip=name)
    if max(span[0], (span[1] or 0) - 1) > run.tip.height:
        yield Batch({}, (), "", notes=(f"the server's chain ends at height {run.tip.height:,}",))


def read_block(
    server: Server, name: bytes, height: int, parent: bytes | None
) -> tuple[dict[str, pl.DataFrame], list[Read]]:
    """Return the rows of one block, and its transactions.

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
    where = f"{server.client.host}, block {hash_text(name)}"
    info = server.block(name)
    header = server.header(name)
    if info.height != height or (parent is not None and header.parent != parent):
        raise SourceError("the blocks of the server do not link", where=where, remedy=_AGAIN)
    reads, answer = _transactions(server, name, info.tx_count, where)
    block = _checked(header, reads, server, height, where)
    if block.txs[-1].extended and info.size is not None and info.size > block.size:
        block = replace(block, size=info.size)  # an extension block is not listed
    rows = BlockRows(server.chain, source=server.source)
    rows.add(block, height, answer.digest, [read.spends for read in reads[1:]])
    return rows.frames() | {"answers": answers_frame(server.take())}, reads


def _transactions(server: Server, name: bytes, count: int, where: str) -> tuple[list[Read], Answer]:
    reads: list[Read] = []
    while True:
        page, answer = server.transactions(f"/block/{hash_text(name)}/txs/{len(reads)}")
        reads += page
        size = HEADER_SIZE + sum(read.tx.size for read in reads)
        if not page or len(reads) > count or size > LARGEST_BLOCK:
            raise SourceError("the pages do not make up the block", where=where, remedy=LIAR)
        if len(reads) == count:
            return reads, answer


def _checked(header: Header, reads: list[Read], server: Server, height: int, where: str) -> Block:
    txs = [read.tx for read in reads]
    try:
        check_shape(txs)
        if merkle_root([tx.txid for tx in txs]) != header.merkle_root:
            raise FieldError("the transactions do not hash to the merkle root", HEADER_SIZE)
        unchecked = check_commitment(txs)
    except FieldError as bad:
        raise SourceError(bad.what, where=where, remedy=LIAR) from None
    start = consensus_of(server.chain).segwit_height
    if unchecked and start is not None and height >= start:
        raise SourceError(
            "the block comes without its witnesses", where=where,
            remedy="ask a server that gives them",
        )  # fmt: skip
    return Block(header, block_size(txs), txs, unchecked)
