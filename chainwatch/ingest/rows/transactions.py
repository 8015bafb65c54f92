"""Decoded transactions to rows of ``transactions``, inputs and outputs, and the keys of both.

Whatever hands over decoded transactions (block files, nodes, servers, providers, exports) makes
its rows here. Whole blocks in bulk take the compiled way beside it,
:mod:`chainwatch.ingest.rows.columns`, which tests hold to this one: a new column of these tables
is made in both, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from chainwatch.addresses.scripts import classify
from chainwatch.addresses.unlocking import binding, multisig_keys, quorum, revealed_address
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.spent import NOT_KNOWN, Outputs, SpentOutput, spent_by
from chainwatch.chains.base import Chain, Forms
from chainwatch.ingest.rows.frames import frame_of
from chainwatch.ledger import schema

TABLES = (
    schema.TRANSACTIONS,
    schema.INPUTS,
    schema.OUTPUTS,
    schema.OUTPUT_KEYS,
    schema.INPUT_KEYS,
)
"""The tables that are made of transactions."""

_Lists = dict[str, list[Any]]


class TransactionRows:
    """Rows of transactions of one chain, collected until they are worth a frame."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._columns: dict[str, _Lists] = {
            table.name: {name: [] for name in table.schema if name != "chain"} for table in TABLES
        }

    def add(self, item: PlacedTx, spent: Sequence[SpentOutput] | None = None) -> None:
        """Add a transaction; rows come in the order of the calls.

        Parameters
        ----------
        item : PlacedTx
            The transaction at its place; the first of a block is its coinbase.
        spent : sequence of SpentOutput, optional
            What each input spends. Without it that is left null, to be resolved when the rows
            are committed.
        """
        number, coinbase = item.number, item.position == 0
        burnt = coinbase and self.chain.burns_coinbase(item.header.hash, item.height)
        self._extend(schema.TRANSACTIONS, _transaction(item, number, coinbase=coinbase))
        if not coinbase:
            self._extend(schema.INPUTS, _inputs(item.tx, number, spent, self.chain.forms))
            self._extend(schema.INPUT_KEYS, _unlocked(item.tx, number, self.chain.forms))
        outputs, keys = _outputs(item.tx, number, self.chain, burnt=burnt)
        self._extend(schema.OUTPUTS, outputs)
        self._extend(schema.OUTPUT_KEYS, keys)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the rows by table name, in the columns of the schema."""
        return {
            table.name: frame_of(table, self._columns[table.name], self.chain.id)
            for table in TABLES
        }

    def _extend(self, table: schema.Table, more: _Lists) -> None:
        columns = self._columns[table.name]
        for name, values in more.items():
            columns[name] += values


def transaction_rows(
    placed: Iterable[PlacedTx], chain: Chain, made: Mapping[bytes, Outputs]
) -> dict[str, pl.DataFrame]:
    """Return the rows of transactions by table name, in the order of the chain.

    Parameters
    ----------
    placed : iterable of PlacedTx
        The transactions.
    chain : Chain
        Their chain.
    made : mapping of bytes to list
        Outputs of transactions by txid, from which is known what inputs spend; of what is not
        there that is left null.

    Raises
    ------
    BlockError
        If an input spends an output that its transaction does not have.
    """
    rows = TransactionRows(chain)
    for item in sorted(placed, key=lambda item: item.number):
        rows.add(item, spent_by(item.tx, made, chain) if item.position else None)
    return rows.frames()


def _transaction(item: PlacedTx, number: int, *, coinbase: bool) -> _Lists:
    tx = item.tx
    return {
        "tx": [number],
        "txid": [tx.txid],
        "wtxid": [tx.wtxid],
        "block": [item.header.hash],
        "height": [item.height],
        "position": [item.position],
        "time": [item.header.time],
        "version": [tx.version],
        "locktime": [tx.locktime],
        "size": [tx.size],
        "weight": [tx.weight],
        "input_count": [0 if coinbase else len(tx.inputs)],
        "output_count": [len(tx.outputs)],
        "output_value": [sum(value for value, _ in tx.outputs)],
        "coinbase": [coinbase],
    }


def _inputs(tx: Tx, number: int, spent: Sequence[SpentOutput] | None, forms: Forms) -> _Lists:
    count = len(tx.inputs)
    known = [NOT_KNOWN] * count if spent is None else spent
    shown = [revealed_address(unlock, forms=forms) for unlock in tx.unlocks]
    named = [_named(one, address) for one, address in zip(known, shown, strict=True)]
    return {
        "tx": [number] * count,
        "n": list(range(count)),
        "prev_txid": [txid for txid, _, _ in tx.inputs],
        "prev_n": [n for _, n, _ in tx.inputs],
        "prev_tx": [None] * count,
        "sequence": [sequence for _, _, sequence in tx.inputs],
        **{name: [getattr(one, name) for one in known] for name in SpentOutput._fields},
        "address": [address for address, _ in named],
        "sighash": [binding(unlock, forms=forms) for unlock in tx.unlocks],
        "address_basis": [basis for _, basis in named],
        "quorum": [quorum(unlock, forms=forms) for unlock in tx.unlocks],
    }


def _named(spent: SpentOutput, shown: bytes | None) -> tuple[bytes | None, str | None]:
    """Return the address of what is spent and how it is known.

    The output speaks before what unlocks it; an output that was read and names none has none.
    """
    if spent.value is not None or spent.address is not None:
        if shown is not None and shown != spent.address:
            return spent.address, schema.DISPUTED
        return spent.address, schema.READ if spent.address is not None else None
    return shown, schema.REVEALED if shown is not None else None


def _outputs(tx: Tx, number: int, chain: Chain, *, burnt: bool) -> tuple[_Lists, _Lists]:
    """Return the outputs, and the keys of those that name keys."""
    count = len(tx.outputs)
    found = [classify(script, chain.forms) for _, script in tx.outputs]
    outputs: _Lists = {
        "tx": [number] * count,
        "n": list(range(count)),
        "value": [value for value, _ in tx.outputs],
        "script_kind": [one.kind for one in found],
        "address": [one.address for one in found],
        "script": [
            script if one.address is None or one.tokens else None
            for one, (_, script) in zip(found, tx.outputs, strict=True)
        ],
        "spendable": [one.spendable and not burnt for one in found],
    }
    return outputs, _keys(number, ((one.required, one.keys) for one in found))


def _unlocked(tx: Tx, number: int, forms: Forms) -> _Lists:
    """Return the keys of the multisigs that inputs unlock and show."""
    shown = (multisig_keys(unlock, forms=forms) for unlock in tx.unlocks)
    return _keys(number, (one or (0, ()) for one in shown))


def _keys(number: int, scripts: Iterable[tuple[int, tuple[bytes, ...]]]) -> _Lists:
    """Return a row per key of scripts, by their place: how many must sign, and the keys."""
    rows = [
        (number, n, k, required, key)
        for n, (required, keys) in enumerate(scripts)
        for k, key in enumerate(keys)
    ]
    names = ("tx", "n", "k", "required", "key")
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}
