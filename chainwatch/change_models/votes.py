"""Why a model calls an output change: the votes of its trees, and what each feature is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from chainwatch.addresses.canonical import parse_txid
from chainwatch.change_models.features import FEATURES, UNKNOWN, array_of, expressions
from chainwatch.change_models.trees import Thresholds, Trees, Values
from chainwatch.errors import InputError, expect
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, TX, TXID, Column, N, Rows, Table

VOTES = Table(
    "votes",
    ("chain", "tx", "n"),
    "One row per output of a transaction, with what a model says of it.",
    (
        CHAIN,
        TX,
        N,
        TXID,
        Column.party("address", "who is paid"),
        Column.amount("value", "how much"),
        Column.flag("verdict", "whether it can be change by the model; null is unknown"),
        Column.number("votes_low", "trees that call it change, whatever is unknown"),
        Column.number("votes_high", "trees that may call it change"),
        Column.number("score_low", "smallest score, over what is unknown"),
        Column.number("score_high", "largest score, over what is unknown"),
    ),
)

REASONS = Table(
    "reasons",
    ("chain", "tx", "n", "feature"),
    "One row per output and feature: what it is, and between what the score lies without it.",
    (
        CHAIN,
        TX,
        N,
        Column.kind("feature", "name of the feature"),
        Column.number("feature_value", "what it is; null is unknown"),
        Column.kind("meaning", "what its numbers say"),
        Column.number("without_low", "smallest score, were this unknown as well"),
        Column.number("without_high", "largest score, were this unknown as well"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class ChangeVotes(Result):
    """What the trees of a model say of the outputs of one transaction, and by what.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``VOTES``.
    reasons : polars.DataFrame
        Rows in ``REASONS``: a feature on which the verdict rests has a wide span without it.
    trees : int
        How many trees vote.
    chosen : Thresholds
        From which score on an output is called change, and below which it is ruled out.
    rule : str
        The rule, as the links of the model name it.
    """

    frame: pl.DataFrame
    reasons: pl.DataFrame
    trees: int
    chosen: Thresholds
    rule: str

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"votes": VOTES.rows(self.frame), "reasons": REASONS.rows(self.reasons)}

    def words(self) -> Mapping[str, Any]:
        """Return by which rule, and what its thresholds are."""
        return {"rule": self.rule, "trees": self.trees, "thresholds": self.chosen._asdict()}

    def lines(self) -> Iterator[str]:
        """Yield what is said of each output, and the features behind it, without any address."""
        said = {True: "change", False: "no change", None: "unknown"}
        for row in self.frame.iter_rows(named=True):
            votes = _between(row["votes_low"], row["votes_high"])
            score = _between(row["score_low"], row["score_high"])
            yield (
                f"output {row['n']}: {said[row['verdict']]}; {votes} of {self.trees} trees, score"
                f" {score} (change from {self.chosen.at_least:,} on, none below"
                f" {self.chosen.below:,})"
            )
            for one in self.reasons.filter(n=row["n"]).iter_rows(named=True):
                told = "unknown" if one["feature_value"] is None else one["feature_value"]
                span = _between(one["without_low"], one["without_high"])
                yield f"    {one['feature']} = {told} ({one['meaning']}); without it {span}"

    def __repr__(self) -> str:
        return "\n".join([f"ChangeVotes of {self.rule}:", *self.lines()])


def _between(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


@recorded
def votes_of(
    trees: Trees, chosen: Thresholds, rule: Rule, ledger: Ledger, txid: str | bytes
) -> ChangeVotes:
    """Return what the trees of a model say of the outputs of one transaction.

    Raises
    ------
    InputError
        If the ledger holds no such transaction, or holds it on several chains.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(txid, (str, bytes), "txid", "pass an id, as text or in wire order")
    ids = {parse_txid(txid, one) if isinstance(txid, str) else txid for one in ledger.chains
           if one.family == "utxo"}  # fmt: skip
    rows = features.outputs(ledger).filter(pl.col("txid").is_in(sorted(ids)))
    if rows.select("chain", "tx").n_unique() != 1:
        raise InputError(
            "the ledger does not hold just one transaction of this id",
            remedy="pass the id of a transaction of a coin chain that was read",
        )
    told: pl.DataFrame = nw.from_native(apply(rows, rule)).with_columns(**expressions()).to_native()
    values = array_of(told)
    found = trees.bounds(values)
    frame = told.with_columns(
        pl.Series("votes_low", found.votes_low), pl.Series("votes_high", found.votes_high),
        pl.Series("score_low", found.low), pl.Series("score_high", found.high),
        pl.col(VERDICT).alias("verdict"),
    )  # fmt: skip
    return ChangeVotes(
        VOTES.conform(frame.select(VOTES.names)), _reasons(trees, told, values), trees.count,
        chosen, str(rule),
    )  # fmt: skip


def _reasons(trees: Trees, told: pl.DataFrame, values: Values) -> pl.DataFrame:
    """Return each feature of each output, and the bounds of the score without it."""
    parts = []
    for place, one in enumerate(FEATURES):
        without = values.copy()
        without[:, place] = UNKNOWN
        found = trees.bounds(without)
        parts.append(told.select(
            "chain", "tx", "n", feature=pl.lit(one.name), feature_value=one.name,
            meaning=pl.lit(one.meaning), without_low=pl.Series(found.low),
            without_high=pl.Series(found.high),
        ))  # fmt: skip
    return REASONS.conform(pl.concat(parts).sort(*VOTES.key, maintain_order=True))
