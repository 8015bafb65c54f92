"""The tables that features of outputs are made of, whatever the span, with inputs read once."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.ledger.ledger import Ledger


class Whole(NamedTuple):
    """Tables of the whole of a ledger; its inputs are in memory, as joining them takes longest."""

    transactions: pl.LazyFrame
    inputs: pl.LazyFrame
    outputs: pl.LazyFrame
    output_keys: pl.LazyFrame


def read_whole(ledger: Ledger) -> Whole:
    """Return the tables of a ledger without its span: what lies outside it is known too."""
    whole = ledger.history
    inputs = whole.inputs.collect().lazy()
    return Whole(whole.transactions, inputs, whole.outputs, whole.output_keys)
