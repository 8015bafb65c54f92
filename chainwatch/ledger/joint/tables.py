"""The three tables that tell of coin transactions, each read once for all that is asked of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import polars as pl

from chainwatch.ledger.ledger import Ledger

_SPENT = ("chain", "tx", "n", "prev_txid", "value", "address")


class Tables(Protocol):
    """What has these tables: a ledger, or what was read of one."""

    @property
    def transactions(self) -> pl.LazyFrame:
        """Rows of the ledger's table."""
        ...

    @property
    def inputs(self) -> pl.LazyFrame:
        """Rows of the ledger's table, with what is known of the outputs that they spend."""
        ...

    @property
    def outputs(self) -> pl.LazyFrame:
        """Rows of the ledger's table."""
        ...


class ReadOnce(NamedTuple):
    """Tables of a ledger whose inputs are in memory: to join them with outputs takes longest."""

    transactions: pl.LazyFrame
    inputs: pl.LazyFrame
    outputs: pl.LazyFrame


def read_once(ledger: Ledger) -> ReadOnce:
    """Return the tables of a ledger, of its inputs only what features read."""
    spent = ledger.inputs.select(_SPENT).collect()
    return ReadOnce(ledger.transactions, spent.lazy(), ledger.outputs)
