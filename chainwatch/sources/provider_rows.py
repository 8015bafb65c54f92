"""Transactions that a provider handed over, proven against their block, as rows of a ledger.

Whatever reads them on the way, the bytes are parsed again here: the id is the hash of the bytes,
amounts and scripts are those of the bytes, and the place in the block is proven by the merkle root.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.chains import Chain
from chainwatch.errors import BlockError
from chainwatch.ledger import schema
from chainwatch.scripts import classify
from chainwatch.sources.block_auxpow import FLAG
from chainwatch.sources.block_checks import (
    FieldError,
    Tx,
    check_work,
    consensus_of,
    double_sha256,
    merkle_root,
)
from chainwatch.sources.block_parse import _transaction, parse_block
from chainwatch.sources.block_rows import SUPERSEDED

Outputs = list[tuple[int, bytes]]
"""Value and script of each output of a transaction."""

_HEADER = struct.Struct("<i32s32sIII")
_NOT_PROVEN = "read the address again, or from another source"


@dataclass(frozen=True)
class BlockAt:
    """A block at a height: hash, time (seconds), txids in wire order, transactions if read.

    ``bits`` is its compact difficulty where whoever made it says so.
    """

    height: int
    hash: bytes
    time: int
    txids: tuple[bytes, ...]
    txs: Mapping[bytes, Tx]
    bits: int = 0


@dataclass(frozen=True)
class Found:
    """A transaction and its proven place."""

    tx: Tx
    block: BlockAt
    position: int

    @property
    def number(self) -> int:
        """Its transaction number."""
        return schema.pack_tx(self.block.height, self.position)


def whole_block(data: bytes, height: int, chain: Chain) -> BlockAt:
    """Return a block of its raw bytes, checked as :func:`parse_block` checks it."""
    block = parse_block(data, chain, name=f"block {height:,}")
    txs = {tx.txid: tx for tx in block.txs}
    txids = tuple(tx.txid for tx in block.txs)
    return BlockAt(height, block.hash, block.time, txids, txs, block.bits)


def listed_block(stated: Mapping[str, Any], height: int, chain: Chain) -> BlockAt:
    """Return a block of its header fields and list of txids; refuse it unless they hash to it.

    Raises
    ------
    BlockError
        If header, merkle root or proof of work do not fit. Where merged mining bears the work, it
        cannot be checked here.
    """
    where = f"block {height:,}"
    name = _hash(stated["block_hash"], where)
    txids = tuple(_hash(txid, where) for txid in stated["txs"])
    try:
        root = _hash(stated["merkle_root"], where)
        header = _HEADER.pack(
            stated["version"], _hash(stated["prev_block"], where), root, stated["time"],
            stated["bits"], stated["nonce"],
        )  # fmt: skip
        if double_sha256(header) != name or stated["height"] != height:
            raise BlockError("the header is not the one asked for", where=where, remedy=_NOT_PROVEN)
        if not txids or merkle_root(list(txids)) != root:
            raise BlockError(
                "the transactions do not hash to the merkle root", where=where, remedy=_NOT_PROVEN
            )
        rules = consensus_of(chain)
        if not (rules.auxpow_chain is not None and stated["version"] & FLAG):
            check_work(header, name, stated["bits"], rules)
    except struct.error:
        what = "a field of the header is out of range"
        raise BlockError(what, where=where, remedy=_NOT_PROVEN) from None
    except FieldError as bad:
        raise BlockError(bad.what, where=where, remedy=_NOT_PROVEN) from None
    return BlockAt(height, name, stated["time"], txids, {}, stated["bits"])


def raw_transaction(data: bytes, chain: Chain, *, where: str) -> Tx:
    """Return one transaction of its bytes, nothing before and nothing after.

    Raises
    ------
    BlockError
        If the bytes are no transaction of the chain.
    """
    try:
        tx, end = _transaction(data, 0, consensus_of(chain).supply)
        if end != len(data):
            raise FieldError(f"{len(data) - end:,} bytes follow it", end)
    except FieldError as bad:
        what = f"the transaction cannot be read: {bad.what}"
    except (IndexError, struct.error):
        what = "the transaction ends in the middle of a field"
    else:
        return tx
    raise BlockError(what, where=where, remedy=_NOT_PROVEN)


def _hash(text: object, where: str) -> bytes:
    try:
        data = bytes.fromhex(text)[::-1] if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != 32:
        raise BlockError("what should be a hash is none", where=where, remedy=_NOT_PROVEN)
    return data


def transaction_rows(
    found: Iterable[Found], chain: Chain, spent: Mapping[bytes, Outputs]
) -> dict[str, pl.DataFrame]:
    """Return transactions, inputs, outputs and their keys.

    ``spent`` are the outputs of transactions by txid; what is not there stays null.
    """
    rows: dict[str, list[dict[str, Any]]] = {
        "transactions": [], "inputs": [], "outputs": [], "output_keys": [],
    }  # fmt: skip
    for item in sorted(found, key=lambda item: item.number):
        key = {"chain": chain.id, "tx": item.number}
        rows["transactions"].append(key | _transaction_row(item))
        if item.position:
            rows["inputs"] += [key | row for row in _inputs(item.tx, chain, spent)]
        for row, keys in _outputs(item, chain):
            rows["outputs"].append(key | row)
            rows["output_keys"] += [key | one for one in keys]
    tables = {table.name: table.schema for table in schema.TABLES}
    return {
        name: pl.DataFrame(items, schema=tables[name], orient="row") for name, items in rows.items()
    }


def _transaction_row(item: Found) -> dict[str, Any]:
    tx, block = item.tx, item.block
    return {
        "txid": tx.txid, "wtxid": tx.wtxid, "block": block.hash, "height": block.height,
        "position": item.position, "time": block.time * 1_000_000, "version": tx.version,
        "locktime": tx.locktime, "size": tx.size, "weight": 3 * tx.stripped + tx.size,
        "input_count": len(tx.inputs) if item.position else 0, "output_count": len(tx.outputs),
        "output_value": sum(value for value, _ in tx.outputs), "coinbase": item.position == 0,
    }  # fmt: skip


def _inputs(tx: Tx, chain: Chain, spent: Mapping[bytes, Outputs]) -> Iterable[dict[str, Any]]:
    for n, (txid, prev_n, sequence) in enumerate(tx.inputs):
        row = {"n": n, "prev_txid": txid, "prev_n": prev_n, "prev_tx": None, "sequence": sequence,
               "value": None, "address": None, "script_kind": None}  # fmt: skip
        if txid in spent:
            if prev_n >= len(spent[txid]):
                raise BlockError(
                    f"input {n} spends output {prev_n} of a transaction that has fewer",
                    where=f"transaction {tx.txid[::-1].hex()}",
                    remedy=_NOT_PROVEN,
                )
            value, script = spent[txid][prev_n]
            kind = classify(script, witness=chain.hrp is not None)
            row |= {"value": value, "address": kind.address, "script_kind": kind.kind}
        yield row


def _outputs(item: Found, chain: Chain) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    block = item.block
    burnt = item.position == 0 and (
        block.hash == chain.genesis or block.height in SUPERSEDED.get(chain.alias, ())
    )
    for n, (value, script) in enumerate(item.tx.outputs):
        kind = classify(script, witness=chain.hrp is not None)
        row = {
            "n": n, "value": value, "script_kind": kind.kind, "address": kind.address,
            "script": None if kind.address else script, "spendable": kind.spendable and not burnt,
        }  # fmt: skip
        keys = [
            {"n": n, "k": k, "required": kind.required, "key": key}
            for k, key in enumerate(kind.keys)
        ]
        yield row, keys
