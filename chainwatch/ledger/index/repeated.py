"""Transactions that pay an amount twice or write data: their features as an index alone tells them.

Beyond what is told of plain transactions (:mod:`chainwatch.ledger.index.plain`) it is asked how
many parties can have funded the equal outputs. The rows of these few transactions are made of the
columns of the index, and asked as the tables would be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.ledger.index.build import KINDS, NONE
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.index.plain import Side, fits, plain_features
from chainwatch.ledger.index.rows import addresses_at
from chainwatch.ledger.joint import shape, whirlpool
from chainwatch.ledger.joint.funding import equal_outputs
from chainwatch.ledger.joint.tables import ReadOnce
from chainwatch.ledger.schema import INPUTS, OUTPUTS
from chainwatch.results.table import Table

Array = NDArray[Any]

_TX = ["chain", "tx"]
_DATA = KINDS.index("null_data")
_COUNTS = ("equal_outputs", "repeated_values", "single_values", "funded_each", "fundable_each",
           "fundable", "premix_outputs", "premix_fees")  # fmt: skip
_REPLACED = (*_COUNTS, "equal_value", "inputs_equal", "inputs_above", "inputs_of_one",
             "op_returns", "whirlpool_descent")  # fmt: skip


def is_told(index: Index, places: Array) -> NDArray[np.bool_]:
    """Tell of transactions, by their places in an index, whether it holds what their features need.

    It holds no script. Of an output without an address only that tells who is paid; and of data
    only that tells whether they mark a fusion of coins, on chains whose wallets do that.
    """
    made = index.columns
    outs = Side(made, "out", places)
    nameless = (made["out_addr"][outs.rows] == NONE) & (made["out_spendable"][outs.rows] != 0)
    marked = made["out_kind"][outs.rows] == _DATA if index.chain.fusion else np.zeros_like(nameless)
    found: NDArray[np.bool_] = fits(made, places) & (outs.tally(nameless | marked) == 0)
    return found


def repeated_features(index: Index, places: Array) -> pl.DataFrame:
    """Return the features of transactions, by their places in an index, for which it holds them.

    They are those of :func:`chainwatch.ledger.index.plain.plain_features`, without the descent of
    mixes, which others tell.

    Parameters
    ----------
    index : Index
        Of the chain and commit that is looked at.
    places : array
        In rising order; each is told of by :func:`is_told`.
    """
    outs = Side(index.columns, "out", places)
    notes = outs.tally(index.columns["out_kind"][outs.rows] == _DATA)
    known = plain_features(index, places).drop(_REPLACED).with_columns(op_returns=pl.Series(notes))
    tables = _tables(index, places, known)
    equal = equal_outputs(tables)
    one_note = known.lazy().filter(pl.col("op_returns") == 1).select(_TX)
    return (
        known.lazy()
        .join(equal.lazy(), on=_TX, how="left")
        .join(shape.of_equal(tables, equal), on=_TX, how="left")
        .join(whirlpool.of_preparation(tables, one_note), on=_TX, how="left")
        .with_columns(pl.col(*_COUNTS).fill_null(0))
        .sort(_TX)
        .collect()
    )


def _tables(index: Index, places: Array, known: pl.DataFrame) -> ReadOnce:
    """Return rows of transactions as tables, with the columns that are asked of them here."""
    made = index.columns
    ins, outs = (Side(made, side, places) for side in ("in", "out"))
    values = pl.Series(made["in_val"][ins.rows])
    inputs = {
        "n": made["in_n"][ins.rows], "value": values.set(values < 0, None),
        "address": addresses_at(made, made["in_addr"][ins.rows]),
    }  # fmt: skip
    outputs = {
        "value": made["out_val"][outs.rows],
        "address": addresses_at(made, made["out_addr"][outs.rows]),
        "spendable": made["out_spendable"][outs.rows] != 0,
    }
    spent, paid = (
        _owned(index, places[side.owner], table, rows).lazy()
        for table, side, rows in ((INPUTS, ins, inputs), (OUTPUTS, outs, outputs))
    )
    # Whoever is paid has an address, so no script is asked for.
    paid = paid.with_columns(script=pl.lit(None, pl.Binary))
    return ReadOnce(known.lazy().select(*_TX, "input_count", "coinbase"), spent, paid)


def _owned(index: Index, owners: Array, table: Table, columns: dict[str, Any]) -> pl.DataFrame:
    whose = {"chain": pl.repeat(index.chain.id, len(owners), eager=True),
             "tx": index.columns["tx_number"][owners]}  # fmt: skip
    return pl.DataFrame(
        [
            pl.Series(name, rows).cast(table.schema[name])
            for name, rows in {**whose, **columns}.items()
        ]
    )
