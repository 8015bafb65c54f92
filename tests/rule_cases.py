"""A rule beside ledgers on which it fires and does not, and what makes one ledger of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger

Change = Callable[[Ledger], Ledger]
"""What makes of a ledger written by hand one that the rule reads differently."""


@dataclass(frozen=True)
class Case:
    """A rule, a ledger of which some row is a yes, and one of which none is."""

    rule: Rule
    fires: str
    is_still: str
    answer: bool | None = True  # of a rule that can only doubt: unknown
    change: Change = lambda ledger: ledger


def column(table: str, name: str, value: pl.Expr) -> Change:
    """Return what writes a column of a table anew."""

    def change(ledger: Ledger) -> Ledger:
        frame = ledger.frames[table]
        return Ledger.from_tables({
            **ledger.frames, table: frame.with_columns(value.cast(frame.schema[name]).alias(name))
        })  # fmt: skip

    return change


def in_turn(*changes: Change) -> Change:
    """Return several changes, one after another."""

    def change(ledger: Ledger) -> Ledger:
        for one in changes:
            ledger = one(ledger)
        return ledger

    return change


def on_chain(chain: str) -> Change:
    """Return what moves a ledger to another chain."""
    tables = ("transactions", "inputs", "outputs")
    return in_turn(*(column(table, "chain", pl.lit(chain)) for table in tables))


def instead(table: str, name: str, old: bytes, new: bytes) -> Change:
    """Return what replaces a text of bytes."""
    there = pl.col(name)
    return column(table, name, pl.when(there == old).then(pl.lit(new)).otherwise(there))
