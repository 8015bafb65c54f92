"""Transactions whose place in a block is proven, as rows of a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.block import _NOT_PROVEN
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.inclusion import Found, Outputs
from chainwatch.chains.base import Chain
from chainwatch.errors import BlockError
from chainwatch.ledger import schema


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
            kind = classify(script, witness=chain.witnesses)
            row |= {"value": value, "address": kind.address, "script_kind": kind.kind}
        yield row


def _outputs(item: Found, chain: Chain) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    block = item.block
    burnt = item.position == 0 and chain.burns_coinbase(block.hash, block.height)
    for n, (value, script) in enumerate(item.tx.outputs):
        kind = classify(script, witness=chain.witnesses)
        row = {
            "n": n, "value": value, "script_kind": kind.kind, "address": kind.address,
            "script": None if kind.address else script, "spendable": kind.spendable and not burnt,
        }  # fmt: skip
        keys = [
            {"n": n, "k": k, "required": kind.required, "key": key}
            for k, key in enumerate(kind.keys)
        ]
        yield row, keys
