"""``peel_steps``: where the peel chains of clusters go on, and whether they stay in the cluster.

A cluster whose chains lead back into it is confirmed by something that did not join it. A chain
that leads to an address which nothing joins would expand it; one that leads to another cluster says
that the two are one, or that the habits are not this cluster's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from chainwatch.clusters.cluster import Clusters
from chainwatch.clusters.peeling.facts import TX, Facts, read_facts
from chainwatch.clusters.peeling.habits import habits_of
from chainwatch.clusters.peeling.steps import NEXT, steps_back, steps_forward
from chainwatch.errors import expect
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, TXID, Column, N, Rows, Table
from chainwatch.results.table import TX as TX_COLUMN

FORWARD, BACK = "forward", "back"

SAME, OTHER, ALONE = "same", "other", "alone"
"""Where a step lands: in the cluster, in another, or at an address that nothing joins."""

PEEL_STEPS = Table(
    "peel_steps",
    ("chain", "tx", "direction"),
    "One row per transaction of a cluster and direction: where its peel chain goes on.",
    (
        CHAIN,
        TX_COLUMN,
        TXID,
        Column.kind("direction", "forward: by its outputs; back: by what its inputs spend"),
        Column.party("cluster", "the cluster that pays"),
        Column.party("payer", "the smallest address of its inputs"),
        Column.kind("outcome", "next: there is one way; none; several; unknown: not all was read"),
        replace(N, nullable=True, meaning="the output that goes on, or of the one before that did"),
        Column.party("address", "forward: whom that output pays; back: who paid before"),
        Column.place("next_tx", "the transaction after it, or before it"),
        replace(TXID, name="next_txid", nullable=True, meaning="its id"),
        Column.kind("lands", "same cluster, another one, or alone; null where there is no one way"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class PeelSteps(Result):
    """Steps along peel chains from the transactions of clusters.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``PEEL_STEPS``.
    apart : bool
        Whether each step was asked for without what it leads to: only then does it confirm.
    joined_by : tuple of str
        The rules whose links made the clusters.
    """

    frame: pl.DataFrame
    apart: bool
    joined_by: tuple[str, ...]

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"peel_steps": PEEL_STEPS.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return on what terms the steps were taken."""
        return {"apart": self.apart, "joined_by": list(self.joined_by)}

    def counts(self) -> dict[str, int]:
        """Return how many steps land in their cluster, in another, at an address alone, nowhere."""
        lands = dict(self.frame["lands"].value_counts().iter_rows())
        return {one: lands.get(one, 0) for one in (SAME, OTHER, ALONE)} | {
            "none": lands.get(None, 0)
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {word}" for word, count in self.counts().items())
        return f"PeelSteps({told}{'' if self.apart else '; with what they lead to'})"


@recorded
def peel_steps(
    ledger: Ledger, clusters: Clusters, *, unless: Rule | None = JOINT, apart: bool = True,
    waiting: bool = True,
) -> PeelSteps:  # fmt: skip
    """Return where the peel chain of each transaction of a cluster goes on, forward and back.

    Of the outputs of a transaction that stand where the cluster's change does, whose kind the
    cluster's addresses have, and which are spent by transactions of a form that the cluster's have,
    one goes on if it is the only one. Back likewise, from what the inputs spend.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    clusters : Clusters
        Owners by shared spending; their habits are read from their own transactions.
    unless : Rule or None
        Transactions that strangers may have built take no part, and nothing goes on through them.
    apart : bool
        Take what a step leads to out of the habits before it is taken. Without that a cluster
        confirms itself: what lies in it is of its forms.
    waiting : bool
        An output that lies unspent may be change that waits: beside it no other is told to go on.
        False rules it out, as was published; then the payment is taken for the change wherever it
        is spent first.

    Fails when
    ----------
    Payee and payer use software alike, as most do now: then there are several ways, or the one that
    is left is the payee's. An exchange that pays out in batches has the habits of its customers'
    wallets.

    References
    ----------
    Kappos et al., How to Peel a Million, USENIX Security 2022 (``findNext``, ``findPrev``).
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(clusters, Clusters, "clusters", "pass what cluster(links) returns")
    expect(apart, bool, "apart", "pass True or False")
    expect(waiting, bool, "waiting", "pass True or False")
    facts = read_facts(ledger, unless)
    habits = habits_of(facts, clusters.frame)
    steps = {
        FORWARD: steps_forward(facts, habits, habits.own, apart=apart, waiting=waiting),
        BACK: steps_back(facts, habits, habits.own, apart=apart),
    }
    found = [_told(rows, facts, clusters, direction) for direction, rows in steps.items()]
    rules = sorted(clusters.links.joining["rule"].unique())
    return PeelSteps(pl.concat(found).sort(PEEL_STEPS.key), apart, tuple(rules))


def _told(steps: pl.DataFrame, facts: Facts, clusters: Clusters, direction: str) -> pl.DataFrame:
    """Return steps as rows in ``PEEL_STEPS``."""
    here = facts.txs.select(*TX, "txid", "payer")
    there = facts.txs.select("chain", other="tx", next_txid="txid", before="payer")
    rows = steps.join(here, on=TX).join(there, on=["chain", "other"], how="left")
    if direction == BACK:
        rows = rows.with_columns(pl.col("before").alias("address"))
    landed = clusters.frame.select("chain", "address", there="cluster")
    rows = rows.join(landed, on=["chain", "address"], how="left").with_columns(
        pl.when(pl.col("outcome") == NEXT).then(_lands()).alias("lands"),
        pl.lit(direction).alias("direction"),
        pl.col("other").alias("next_tx"),
    )
    return PEEL_STEPS.conform(rows.select(PEEL_STEPS.names))


def _lands() -> pl.Expr:
    there = pl.col("there")
    return (
        pl.when(there == pl.col("cluster")).then(pl.lit(SAME))
        .when(there.is_null()).then(pl.lit(ALONE))
        .otherwise(pl.lit(OTHER))
    )  # fmt: skip
