"""Mixes for people: which transactions are one, which may be one, and what kind they look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.completion import names_of
from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.coinjoin.detectors import DETECTORS, TX0
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSACTIONS
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows

MIXES = TRANSACTIONS.pick(
    "chain", "tx", "txid", "height", "time", name="mixes", key=("chain", "tx")
).plus(
    Column.flag("is_mix", "a detector finds a mix"),
    Column.flag("maybe_mix", "it is doubtful whether it is one: nobody is joined by it"),
    Column.word("protocols", "the detectors that find one, or where none does, that cannot tell"),
    Column.flag(
        "tx0_shape",
        "it looks as if one wallet prepared its coins for a mix, which makes a mix doubtful",
    ),
)
"""Transactions, with what the detectors of mixes say."""


@dataclass(frozen=True, repr=False, eq=False)
class Mixes(Result):
    """What the detectors of mixes say of each transaction.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``MIXES``.
    detectors : mapping
        The rules by the names that column ``protocols`` uses, as text.
    """

    frame: pl.DataFrame
    detectors: Mapping[str, str]

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"mixes": MIXES.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return by which rules the detectors judged."""
        return {"detectors": dict(self.detectors)}

    def counts(self) -> dict[str, int]:
        """Return how many transactions are mixes, may be one, and are none."""
        sure, open_ = (self.frame.filter(name).height for name in ("is_mix", "maybe_mix"))
        return {"mixes": sure, "perhaps": open_, "none": self.frame.height - sure - open_}

    def __repr__(self) -> str:
        told = ", ".join(f"{number:,} {word}" for word, number in self.counts().items())
        return f"Mixes({told})"


@recorded
def mixes(ledger: Ledger, detectors: Mapping[str, Rule] = DETECTORS) -> Mixes:
    """Return which transactions are mixes, which may be, and by which protocol.

    A transaction can look like several: a mix of Wasabi 1 is one of equal outputs too, and all
    that say so are named. Where no detector finds a mix, those that cannot tell are named instead;
    such a transaction joins nobody, but is not called a mix.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains have no such transactions.
    detectors : mapping of str to Rule
        Rules on transactions, by the names to tell.

    Returns
    -------
    Mixes
        One row for each transaction.

    Raises
    ------
    RuleError
        If there is no detector, or one reads other features than transactions.

    Fails when
    ----------
    A mix has no equal outputs and no mark (PayJoin): it is told as none. What each detector
    misses stands under *Fails when* of its rules.

    References
    ----------
    Those of the rules; :data:`chainwatch.heuristics.coinjoin.DETECTORS` lists them.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    for rule in detectors.values():
        expect(rule, Rule, "a detector", "pass rules, such as equal_outputs()")
    if {rule.on for rule in detectors.values()} != {"transactions"}:
        raise RuleError("detectors of mixes read transactions", remedy="pass rules on these")
    table = features.transactions(ledger)
    said = {name: apply(table, rule)[VERDICT] for name, rule in detectors.items()}
    alone = apply(table, TX0)[VERDICT].alias("tx0_shape")
    frame = table.select("chain", "tx", "txid", "height", "time").hstack(_told(said, alone))
    return Mixes(
        frame.select(MIXES.names), {name: rule.identity() for name, rule in detectors.items()}
    )


def _told(said: Mapping[str, pl.Series], alone: pl.Series) -> pl.DataFrame:
    """Return the two columns, and the names of the detectors that decided them."""
    answers = pl.DataFrame([series.alias(name) for name, series in said.items()])
    each = [(pl.col(name), pl.lit(name)) for name in said]
    sure = [pl.when(answer).then(name) for answer, name in each]
    open_ = [pl.when(answer.is_null()).then(name) for answer, name in each]
    # Strangers can give a mix the shape of a Tx0: it makes a mix doubtful, and nothing more.
    shaped = pl.col("tx0_shape")
    some = pl.any_horizontal(answer.fill_null(False) for answer, _ in each)
    found, open_ones = some & ~shaped, pl.any_horizontal(answer.is_null() for answer, _ in each)
    doubted = ~found & (some | open_ones)
    return answers.with_columns(alone).select(
        is_mix=found,
        maybe_mix=doubted,
        protocols=pl.when(some).then(_listed(sure)).when(doubted).then(_listed(open_)),
        tx0_shape=shaped,
    )


def _listed(names: Sequence[pl.Expr]) -> pl.Expr:
    return pl.concat_str(names, separator=", ", ignore_nulls=True)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
