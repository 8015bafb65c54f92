"""Checked blocks to the rows of a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from chainwatch.addresses.scripts import Classified, classify
from chainwatch.bitcoin.block import Block, Spent
from chainwatch.bitcoin.consensus import Tx
from chainwatch.chains.base import Chain
from chainwatch.ingest.source_file import FileRead, answer
from chainwatch.ledger import schema

Columns = dict[str, list[Any]]


_TABLES = (
    schema.BLOCKS, schema.TRANSACTIONS, schema.INPUTS, schema.OUTPUTS, schema.OUTPUT_KEYS,
    schema.COVERAGE,
)  # fmt: skip


class BlockRows:
    """Rows of several blocks of one chain, collected until they are worth a frame."""

    def __init__(self, chain: Chain, *, source: str) -> None:
        self.chain, self.source = chain, source
        self.columns: dict[str, Columns] = {table.name: _empty(table) for table in _TABLES}

    def add(
        self, block: Block, height: int, answer: bytes,
        spent: Sequence[Sequence[Spent]] | None = None, *, unit: str | None = None,
    ) -> None:  # fmt: skip
        """Add a block.

        Parameters
        ----------
        block : Block
            One that passed its checks; without a parent, it gets no row in ``blocks``.
        height : int
            Its height.
        answer : bytes
            Digest of what it was read from, as in ``answers``.
        spent : sequence of sequences, optional
            What each input spends, for each transaction but the coinbase. Without it that is left
            null, to be resolved when the rows are committed.
        unit : str, optional
            Unit of coverage, if it is not the whole block.
        """
        burnt = self.chain.burns_coinbase(block.hash, height)
        outputs, keys = self.columns["outputs"], self.columns["output_keys"]
        for position, tx in enumerate(block.txs):
            number = schema.pack_tx(height, position)
            if position:
                _add_inputs(self.columns["inputs"], number, tx)
                _add_spent(self.columns["inputs"], spent[position - 1] if spent else None, tx)
            spendable = position > 0 or not burnt
            _add_outputs(outputs, keys, number, tx, spendable=spendable, chain=self.chain)
        if block.parent:
            _extend(self.columns["blocks"], _block(block, height))
        _extend(self.columns["transactions"], _transactions(block, height))
        _extend(self.columns["coverage"], _coverage(block, height, answer, self.source, unit))

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the rows by table name, in the columns of the schema."""
        columns, chain = self.columns, self.chain.id
        return {table.name: _frame(table, columns[table.name], chain) for table in _TABLES}


def block_rows(
    block: Block, height: int, chain: Chain, file: FileRead, *, source: str,
    spent: Sequence[Sequence[Spent]] | None = None,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return the rows of one block, of its unit of coverage and of the file it stands in.

    What the inputs spend, unless it is given, is left null: it is resolved when the rows are
    committed.
    """
    rows = BlockRows(chain, source=source)
    rows.add(block, height, file.digest, spent)
    return {**rows.frames(), "answers": answer(file, source)}


def _extend(columns: Columns, more: Columns) -> None:
    for name, values in more.items():
        columns[name] += values


def _frame(table: schema.Table, columns: Columns, chain: str) -> pl.DataFrame:
    """Return columns as a frame of the schema; the chain is added, times are in seconds."""
    types = table.schema
    series = []
    rows = len(next(iter(columns.values())))
    for name, dtype in types.items():
        if name == "chain":
            series.append(pl.repeat(chain, rows, dtype=pl.String, eager=True).alias(name))
        elif dtype == schema.TIME:
            seconds = pl.Series(name, columns[name], pl.Int64)
            series.append((seconds * 1_000_000).cast(schema.TIME))
        else:
            series.append(pl.Series(name, columns[name], dtype))
    return pl.DataFrame(series)


def _empty(table: schema.Table) -> Columns:
    return {name: [] for name in table.schema if name != "chain"}


def _block(block: Block, height: int) -> Columns:
    return {
        "height": [height], "hash": [block.hash], "parent": [block.parent], "time": [block.time],
        "version": [block.version], "merkle_root": [block.merkle_root], "bits": [block.bits],
        "nonce": [block.nonce], "tx_count": [len(block.txs)], "size": [block.size],
        "coinbase": [block.txs[0].script],
    }  # fmt: skip


def _transactions(block: Block, height: int) -> Columns:
    txs, count = block.txs, len(block.txs)
    return {
        "tx": [schema.pack_tx(height, k) for k in range(count)],
        "txid": [tx.txid for tx in txs],
        "wtxid": [tx.wtxid for tx in txs],
        "block": [block.hash] * count,
        "height": [height] * count,
        "position": list(range(count)),
        "time": [block.time] * count,
        "version": [tx.version for tx in txs],
        "locktime": [tx.locktime for tx in txs],
        "size": [tx.size for tx in txs],
        "weight": [3 * tx.stripped + tx.size for tx in txs],
        "input_count": [0, *(len(tx.inputs) for tx in txs[1:])],
        "output_count": [len(tx.outputs) for tx in txs],
        "output_value": [sum(value for value, _ in tx.outputs) for tx in txs],
        "coinbase": [k == 0 for k in range(count)],
    }


def _add_inputs(rows: Columns, number: int, tx: Tx) -> None:
    count = len(tx.inputs)
    rows["tx"] += [number] * count
    rows["n"] += range(count)
    rows["prev_txid"] += [txid for txid, _, _ in tx.inputs]
    rows["prev_n"] += [n for _, n, _ in tx.inputs]
    rows["sequence"] += [sequence for _, _, sequence in tx.inputs]
    rows["prev_tx"] += [None] * count


def _add_spent(rows: Columns, spent: Sequence[Spent] | None, tx: Tx) -> None:
    for value, kind, address in spent or [(None, None, None)] * len(tx.inputs):
        rows["value"].append(value)
        rows["script_kind"].append(kind)
        rows["address"].append(address)


def _add_outputs(
    rows: Columns, keys: Columns, number: int, tx: Tx, *, spendable: bool, chain: Chain
) -> None:
    for n, (value, script) in enumerate(tx.outputs):
        found = classify(script, witness=chain.witnesses)
        rows["tx"].append(number)
        rows["n"].append(n)
        rows["value"].append(value)
        rows["script_kind"].append(found.kind)
        rows["address"].append(found.address)
        rows["script"].append(script if found.address is None else None)
        rows["spendable"].append(spendable and found.spendable)
        if found.keys:
            _add_keys(keys, number, n, found)


def _add_keys(rows: Columns, number: int, n: int, found: Classified) -> None:
    count = len(found.keys)
    rows["tx"] += [number] * count
    rows["n"] += [n] * count
    rows["k"] += range(count)
    rows["required"] += [found.required] * count
    rows["key"] += found.keys


def _coverage(block: Block, height: int, answer: bytes, source: str, unit: str | None) -> Columns:
    return {
        "unit": [unit or f"block/{block.hash[::-1].hex()}"], "kind": ["dump" if unit else "block"],
        "height": [height], "block": [block.hash], "address": [None], "contract": [None],
        "from_time": [block.time], "to_time": [block.time], "complete": [True],
        "source": [source], "answer": [answer],
    }  # fmt: skip
