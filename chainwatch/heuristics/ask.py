"""Ask a rule of a whole ledger: what it says of each row, and what each of its conditions says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.completion import names_of
from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.among import among
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import OUTPUTS, TRANSACTIONS, TRANSFERS
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table

_OF = {
    "transactions": TRANSACTIONS.pick(
        "chain", "tx", "txid", "height", "time", name="answers", key=("chain", "tx")
    ),
    "transfers": TRANSFERS.pick(
        *dict.fromkeys(("chain", "txid", "time", "sender", "receiver", "amount", *TRANSFERS.key)),
        name="answers",
        key=TRANSFERS.key,
    ),
    "outputs": TRANSACTIONS.plus(*OUTPUTS.pick("n", "value", "address").columns).pick(
        "chain",
        "tx",
        "n",
        "txid",
        "height",
        "time",
        "value",
        "address",
        name="answers",
        key=OUTPUTS.key,
    ),
}
"""What names the rows of each frame of features."""

_TX = ["chain", "tx"]

_TOLD_BY = {"amount": "transfers", "n": "outputs"}
"""Columns that only one of them has."""


@dataclass(frozen=True, repr=False, eq=False)
class Answers(Result):
    """What a rule says of each row of a ledger: true, false, or null for *unknown*.

    Attributes
    ----------
    frame : polars.DataFrame
        What names the row (transaction, output or transfer), ``verdict``, and a column for each
        condition of the rule, named by its text.
    rule : str
        The rule, with its parameters and the digest of its code.
    asset : Asset or None
        What was transferred, where the rule reads transfers.
    """

    frame: pl.DataFrame
    rule: str
    asset: Asset | None = None

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        names = self.frame.columns[self.frame.columns.index(VERDICT) :]
        return {"answers": _declared(self._of, names).rows(self.frame)}

    @property
    def _of(self) -> Table:
        told = "amount" if "amount" in self.frame.columns else "n"
        return _OF[_TOLD_BY[told] if told in self.frame.columns else "transactions"]

    def words(self) -> Mapping[str, Any]:
        """Return what was asked."""
        return {"rule": self.rule}

    @property
    def yes(self) -> pl.DataFrame:
        """The rows of which the rule holds."""
        return self.frame.filter(VERDICT)

    @property
    def unknown(self) -> pl.DataFrame:
        """The rows of which too little was read to say."""
        return self.frame.filter(pl.col(VERDICT).is_null())

    def counts(self) -> dict[str, int]:
        """Return of how many rows the rule says yes, no, and unknown."""
        yes, unknown = self.yes.height, self.unknown.height
        return {"yes": yes, "no": self.frame.height - yes - unknown, "unknown": unknown}

    def __repr__(self) -> str:
        told = ", ".join(f"{number:,} {word}" for word, number in self.counts().items())
        return f"Answers({told} to {self.rule})"


@recorded
def ask(ledger: Ledger, rule: Rule, *, asset: Asset | None = None) -> Answers:
    """Ask a rule of every transaction or output of a ledger, or of every transfer of an asset.

    Each condition of a combined rule answers by itself beside the verdict, so that one sees which
    of them decided, and which could not tell.

    Parameters
    ----------
    ledger : Ledger
        What was read.
    rule : Rule
        A rule or a combination, such as ``equal_outputs() & ~batch_payout()``.
    asset : Asset, optional
        Of which transfers are asked; needed for rules on transfers, and for these alone.

    Returns
    -------
    Answers
        One row for each transaction, output or transfer; none is left out.

    Raises
    ------
    RuleError
        If the rule reads transfers and no asset is named, or the other way round.

    Fails when
    ----------
    What the rule itself says under *Fails when*: ``help`` of the rule. Rows that were not read are
    in no answer; what the answers rest on may be unread as well, and is then *unknown*.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(rule, Rule, "rule", "pass a rule, such as equal_outputs()")
    table = _declared(_OF[rule.on], [VERDICT, *map(str, rule.leaves())])
    answered = apply(_features(ledger, rule, asset), rule)
    return Answers(answered.select(table.names).sort(table.key), rule.identity(), asset)


def joint_transactions(ledger: Ledger, rows: pl.DataFrame, unless: Rule | None) -> pl.DataFrame:
    """Return of the transactions of rows whether strangers built them, as a rule says.

    Parameters
    ----------
    ledger : Ledger
        What was read.
    rows : polars.DataFrame
        ``chain, tx``: no other transactions are looked at.
    unless : Rule or None
        A rule on transactions; None says of all that they were not.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, txid, time, veto``: true, false, or null where it cannot be told.
    """
    linked = rows.select(_TX).unique()
    if unless is None:
        found = ledger.transactions.join(linked.lazy(), on=_TX, how="semi")
        return found.select(*_TX, "txid", "time", pl.lit(False).alias("veto")).collect()
    numbers = {str(chain): of["tx"] for (chain,), of in linked.group_by("chain")}
    answered = apply(features.transactions(among(ledger, numbers)), unless)
    return answered.select(*_TX, "txid", "time", pl.col(VERDICT).alias("veto"))


def _features(ledger: Ledger, rule: Rule, asset: Asset | None) -> pl.DataFrame:
    """Return the features that a rule reads."""
    if rule.on == "transfers":
        if asset is None:
            raise RuleError(
                f"{rule} reads transfers, and of which asset is not said",
                remedy="name it: ask(ledger, rule, asset=native('eth'))",
            )
        return features.transfers(ledger, asset)
    if asset is not None:
        raise RuleError(f"{rule} reads {rule.on}, not transfers", remedy="leave the asset out")
    return features.outputs(ledger) if rule.on == "outputs" else features.transactions(ledger)


def _declared(of: Table, names: list[str]) -> Table:
    """Return a table of answers: what names a row, the verdict, and the rule's conditions."""
    said = "what the whole rule says; null is unknown", "what this condition says"
    return of.plus(*(Column.flag(name, said[name != VERDICT]) for name in names))


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
