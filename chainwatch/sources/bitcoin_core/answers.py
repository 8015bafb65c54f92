"""A node's answers to rows: block bytes through the parser, and what inputs spend beside them.

A block is read from its bytes, never from a node's reading of them, so that every column comes
from what hashes to the block. Only what inputs spend stands outside of the block; where the ledger
cannot know it, the node's word is taken from ``getblock`` with prevouts: held against the inputs of
the bytes, with amounts in decimals and within the supply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from chainwatch.bitcoin.block import Block, parse_block
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header_tree import trusted_claim
from chainwatch.bitcoin.json_fields import ANOTHER_NODE, base_units, bytes_of, field_of, hash_of
from chainwatch.bitcoin.spent import Output, SpentOutput, spent_output
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.reorg import Tip
from chainwatch.ingest.rows.blocks import block_rows
from chainwatch.ingest.rows.evidence import block_unit
from chainwatch.ingest.source_file import FileRead
from chainwatch.ledger import schema
from chainwatch.sources.bitcoin_core.walk import SentBlock

Spent = dict[tuple[bytes, int], Output | None]
"""Outputs that were spent, by txid and place; None where the node does not say."""

_LARGEST_HEIGHT = 2**31


def checked_block(raw: SentBlock, height: int, chain: Chain) -> Block:
    """Return a block that passed every check, with its witnesses and the height it claims.

    Raises
    ------
    BlockError
        If it breaks a rule, or states another height than the node does.
    """
    where = f"block {height:,} of {raw.host}"
    block = parse_block(raw.data, chain, name=where)
    claimed = trusted_claim(chain, block.header.version, block.header.time, block.claimed_height)
    if claimed is not None and claimed != height:
        raise BlockError(
            f"the block states height {claimed:,}, the node says {height:,}",
            where=where,
            remedy=ANOTHER_NODE,
        )
    start = consensus_of(chain).segwit_height
    if block.unchecked_commitment and start is not None and height >= start:
        raise BlockError(
            "the block comes without the witnesses that its coinbase commits to",
            where=where,
            remedy="ask a node that serves blocks with witnesses",
        )
    return block


def rows_of(
    block: Block, height: int, chain: Chain, raw: SentBlock, *, source: str, keep_raw: bool,
    spent: Spent | None = None, extra: Sequence[Mapping[str, Any]] = (),
) -> Batch:  # fmt: skip
    """Return the rows of one block, with what its inputs spend where that was asked for.

    ``extra`` are more rows of ``answers``.
    """
    body = raw.data if keep_raw else None
    digest = hashlib.sha256(raw.data).digest()
    file = FileRead(raw.request, digest, len(raw.data), raw.time, body)
    known = _known(block, spent, chain) if spent else None
    tables = block_rows(block, height, chain, file, source=source, spent=known)
    answers = tables["answers"].with_columns(host=pl.lit(raw.host))
    if extra:
        more = pl.DataFrame(list(extra), schema=schema.ANSWERS.schema, orient="row")
        answers = pl.concat([answers, more])
    tables["answers"] = answers
    unit = block_unit(block.hash)
    return Batch(tables, (unit,), f"block {height:,}", tip=block.hash)


def _known(block: Block, spent: Spent, chain: Chain) -> list[list[SpentOutput]]:
    """Return what each input spends, for each transaction but the coinbase."""
    return [
        [spent_output(spent.get((txid, n)), chain) for txid, n, _ in tx.inputs]
        for tx in block.txs[1:]
    ]


def prevouts_of(answer: Any, block: Block, chain: Chain, where: str) -> Spent:
    """Return what a block's inputs spend, of a node's JSON of that block.

    Parameters
    ----------
    answer : object
        ``getblock`` with verbosity 3, or REST's ``block.json``.
    block : Block
        The same block, of its bytes.

    Raises
    ------
    SourceError
        If the JSON is of another block, or an amount is no amount.
    """
    listed = field_of(answer, "tx", list, where)
    if len(listed) != len(block.txs):
        what = "the node lists other transactions than the block has"
        raise SourceError(what, where=where, remedy=ANOTHER_NODE)
    spent: Spent = {}
    for given, tx in zip(listed[1:], block.txs[1:], strict=True):
        spent.update(_of_transaction(given, tx, chain, where))
    return spent


def _of_transaction(given: Any, tx: Tx, chain: Chain, where: str) -> Spent:
    inputs = field_of(given, "vin", list, where)
    named = [(field_of(item, "txid", str, where), field_of(item, "vout", int, where))
             for item in inputs]  # fmt: skip
    if named != [(hash_text(txid), n) for txid, n, _ in tx.inputs]:
        what = "the node lists other inputs than the block has"
        raise SourceError(what, where=where, remedy=ANOTHER_NODE)
    spent: Spent = {}
    for item, (txid, n, _) in zip(inputs, tx.inputs, strict=True):
        spent[txid, n] = _output(item["prevout"], chain, where) if "prevout" in item else None
    total = [found[0] for found in spent.values() if found]
    if len(total) == len(spent) and sum(total) < sum(value for value, _ in tx.outputs):
        raise SourceError(
            "the node says that a transaction spends less than it pays",
            where=f"{where}, transaction {hash_text(tx.txid)}",
            remedy=ANOTHER_NODE,
        )
    return spent


def _output(given: Any, chain: Chain, where: str) -> Output:
    value = base_units(field_of(given, "value", (int, Decimal), where), chain, where)
    script = field_of(field_of(given, "scriptPubKey", dict, where), "hex", str, where)
    return value, bytes_of(script, where)


def tip_of(given: Any, where: str) -> Tip:
    """Return where a node stands, of ``getblockchaininfo`` or REST's ``chaininfo.json``."""
    height = _height(given, "blocks", where)
    headers = max(height, _height(given, "headers", where))
    pruned = given.get("pruned") is True
    first = _height(given, "pruneheight", where) if pruned else 0
    return Tip(height, hash_of(given.get("bestblockhash"), where), headers, first)


def _height(given: Any, name: str, where: str) -> int:
    height: int = field_of(given, name, int, where)
    if not 0 <= height < _LARGEST_HEIGHT:
        raise SourceError(f"the node's {name!r} is no height", where=where, remedy=ANOTHER_NODE)
    return height
