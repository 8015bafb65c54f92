"""Transactions that were proven one by one to the rows of a ledger.

What an input spends is filled in as the server says; the number of the transaction that made it
is left to the ledger, which knows it where that one was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.scripts import Classified
from chainwatch.bitcoin.merkle import BlockHeader
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.evidence import Row, time_of, transaction_unit
from chainwatch.ledger import schema
from chainwatch.sources.esplora.fields import Prevout, Read

_TABLES = (schema.TRANSACTIONS, schema.INPUTS, schema.OUTPUTS, schema.OUTPUT_KEYS, schema.COVERAGE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A transaction at its proven place; ``answer`` is the digest of the proof."""

    read: Read
    header: BlockHeader
    height: int
    position: int
    answer: bytes

    @property
    def number(self) -> int:
        """Its transaction number."""
        return schema.pack_tx(self.height, self.position)


def transaction_rows(
    placed: Sequence[Placed], chain: Chain, *, source: str
) -> dict[str, pl.DataFrame]:
    """Return the rows of transactions and of their units of coverage."""
    rows: dict[str, list[Row]] = {table.name: [] for table in _TABLES}
    for item in placed:
        key = {"chain": chain.id, "tx": item.number}
        rows["transactions"].append(key | _transaction(item))
        if not item.read.coinbase:
            spends = zip(item.read.tx.inputs, item.read.spent, strict=True)
            rows["inputs"] += [key | _input(n, *spend) for n, spend in enumerate(spends)]
        for n, found in enumerate(item.read.outputs):
            rows["outputs"].append(key | _output(n, item, found, chain))
            rows["output_keys"] += [
                key | {"n": n, "k": k, "required": found.required, "key": public}
                for k, public in enumerate(found.keys)
            ]
        rows["coverage"].append({"chain": chain.id, "source": source} | _covered(item))
    return {
        table.name: pl.DataFrame(rows[table.name], schema=table.schema, orient="row")
        for table in _TABLES
    }


def _transaction(item: Placed) -> Row:
    tx = item.read.tx
    return {
        "txid": tx.txid, "wtxid": tx.wtxid, "block": item.header.hash, "height": item.height,
        "position": item.position, "time": time_of(item.header), "version": tx.version,
        "locktime": tx.locktime, "size": tx.size, "weight": 3 * tx.stripped + tx.size,
        "input_count": 0 if item.read.coinbase else len(tx.inputs),
        "output_count": len(tx.outputs), "output_value": sum(value for value, _ in tx.outputs),
        "coinbase": item.read.coinbase,
    }  # fmt: skip


def _input(n: int, spend: tuple[bytes, int, int], prevout: Prevout | None) -> Row:
    txid, place, sequence = spend
    return {
        "n": n, "prev_txid": txid, "prev_n": place, "prev_tx": None, "sequence": sequence,
        **_spent(prevout),
    }  # fmt: skip


def _spent(prevout: Prevout | None) -> Row:
    """Return what is known of the output that an input spends; null where it was not said."""
    if prevout is None:
        return {"value": None, "address": None, "script_kind": None}
    found = prevout.found
    return {"value": prevout.value, "address": found.address, "script_kind": found.kind}


def _output(n: int, item: Placed, found: Classified, chain: Chain) -> Row:
    value, script = item.read.tx.outputs[n]
    first = chain.burns_coinbase(item.header.hash, item.height)
    return {
        "n": n, "value": value, "script_kind": found.kind, "address": found.address,
        "script": script if found.address is None else None,
        "spendable": found.spendable and not (item.read.coinbase and first),
    }  # fmt: skip


def _covered(item: Placed) -> Row:
    return {
        "unit": transaction_unit(item.header.hash, item.read.tx.txid), "kind": "transaction",
        "height": item.height, "block": item.header.hash, "from_time": time_of(item.header),
        "to_time": time_of(item.header), "complete": True, "answer": item.answer,
    }  # fmt: skip
