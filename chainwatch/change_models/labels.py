"""``change_labels``: change that is known without an oracle, by what it was spent beside.

A transaction pays two; later one of the two outputs is spent together with coins of who paid, so
that shared spending alone says that it was his change and the other a payment. Such labels are few,
biased towards who consolidates, and wrong where shared spending is; so each carries its evidence,
and what it rests on, so that nothing made of shared spending is ever judged by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from chainwatch.change_models.features import FEATURES, expressions
from chainwatch.clusters.apart import Tagged
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.clusters.numbering import PLACE
from chainwatch.errors import expect
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.change.links import joint
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.signing import open_spends
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, TX, TXID, WHEN, Column, N, Rows, Table
from chainwatch.units import counted

SHARED_SPENDING = "shared spending"
"""What the labels rest on: nothing that is made of it can be judged by them."""

MOST_DOUBLED = 10
"""Percent of a cluster's transactions that may have two candidates (Moser and Narayanan)."""

LABELS = Table(
    "labels",
    ("chain", "tx"),
    "One row per transaction of two payments whose change shared spending tells.",
    (
        CHAIN,
        TX,
        replace(N, meaning="place of the change among the outputs"),
        TXID,
        WHEN,
        Column.party("payer", "the smallest address of the inputs"),
        Column.party("change", "address of the change"),
        Column.party("payee", "address of the other output; null where it has none"),
        Column.party("base", "cluster of the inputs, by shared spending alone"),
        Column.number("hops", "links of shared spending between payer and change"),
        Column.place("evidence_tx", "the last transaction of these: from it on the two are one"),
        replace(TXID, name="evidence", meaning="its id"),
    ),
)

EXAMPLES = Table(
    "examples",
    ("chain", "tx", "n"),
    "One row per output of a labelled transaction, with what a model reads of it.",
    (
        CHAIN,
        TX,
        N,
        Column.party("base", "cluster of the inputs, by shared spending alone"),
        Column.flag("is_change", "false: it is the payment"),
        *(Column.number(one.name, one.meaning) for one in FEATURES),
    ),
)

LEFT_OUT = Table(
    "left_out",
    ("reason",),
    "Transactions of two payments that have no label, by the first reason that holds.",
    (
        Column.kind("reason", "why there is no label"),
        Column.count("transactions", "transactions of two payments and no other output"),
    ),
)

_TX = ["chain", "tx"]

REASONS = (
    "strangers may have built it",
    "an input was not read, or has no address",
    "an output is not spent, or that is not known",
    "neither output was spent beside the payer's coins",
    "both outputs were spent beside the payer's coins",
    "the change address was seen before",
    "it is not known whether the change address was seen before",
    "the cluster has two candidates in too many of its transactions",
    "tags name several actors in the cluster",
)
"""Why a transaction of two payments has no label, in the order in which they are asked."""


@dataclass(frozen=True, repr=False, eq=False)
class ChangeLabels(Result):
    """Known change and known payments, with the evidence of each.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``LABELS``.
    examples : polars.DataFrame
        Both outputs of each labelled transaction, in ``EXAMPLES``.
    left_out : polars.DataFrame
        Rows in ``LEFT_OUT``: together with the labels, every transaction of two payments.
    base : Clusters
        The clusters by shared spending that say so: ``labels.base.why(payer, change)``.
    source : str
        What the labels rest on.
    """

    frame: pl.DataFrame
    examples: pl.DataFrame
    left_out: pl.DataFrame
    base: Clusters
    source: str = SHARED_SPENDING

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "labels": LABELS.rows(self.frame),
            "examples": EXAMPLES.rows(self.examples),
            "left_out": LEFT_OUT.rows(self.left_out),
        }

    def words(self) -> Mapping[str, Any]:
        """Return what the labels rest on."""
        return {"source": self.source}

    def truth(self) -> Truth:
        """Return the labelled owners, which say what they were inferred from.

        What rests on shared spending too is refused where it would be judged by them: it would be
        measured on its own ground.
        """
        groups = self.base.frame.select("chain", "address", "cluster")
        ends = [self.frame.select("chain", address=side) for side in ("payer", "change", "payee")]
        alone = pl.concat(ends).drop_nulls().unique().join(groups, on=PLACE, how="anti")
        rows = pl.concat([groups, alone.with_columns(pl.col("address").alias("cluster"))])
        named = rows.select(*PLACE, owner=pl.col("cluster").bin.encode("hex"))
        return Truth(named, f"labels by {self.source}", inferred_from=self.source)

    def __repr__(self) -> str:
        owners = self.frame.select("chain", "base").n_unique()
        none = self.left_out["transactions"].sum()
        return (
            f"ChangeLabels({counted(self.frame.height, 'transaction', 'transactions')} of"
            f" {counted(owners, 'cluster', 'clusters')}, {none:,} without a label)"
        )


@recorded
def change_labels(
    ledger: Ledger, *, unless: Rule | None = JOINT, tags: Tagged | None = None,
    most_doubled: int = MOST_DOUBLED,
) -> ChangeLabels:  # fmt: skip
    """Return the transactions of two payments of which shared spending tells the change.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    unless : Rule or None
        On transactions: who is built by strangers joins nobody and has no label.
    tags : Tags, optional
        Clusters in which they name several actors have collapsed, and give no label.
    most_doubled : int
        Percent of a cluster's transactions with a candidate that may have two of them; a cluster
        with more gives no label.

    Returns
    -------
    ChangeLabels
        The labels, both outputs with their features, and what has no label and why.

    Fails when
    ----------
    Shared spending is wrong (a mix that no detector knows, a service that spends for many): the
    payee is called change. Only who spends his change beside other coins is labelled, so that rates
    on these labels speak of such wallets alone.

    References
    ----------
    Moser and Narayanan, Resurrecting Address Clustering in Bitcoin, FC 2022.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(most_doubled, int, "most_doubled", "pass percent as a whole number")
    base = cluster(co_spends(ledger, unless=unless), tags=tags)
    rows = _with_base(_two_payments(ledger), base.frame)
    judged = _reasons(rows, ledger, unless, base, most_doubled)
    labelled = judged.filter(pl.col("reason").is_null())
    left = judged.select(*_TX, "reason").unique().drop_nulls("reason").group_by("reason").len()
    counts = left.select("reason", pl.col("len").cast(pl.Int64).alias("transactions"))
    return ChangeLabels(
        _labels(labelled, base), _examples(labelled), counts.sort("reason"), base
    )  # fmt: skip


def _two_payments(ledger: Ledger) -> pl.DataFrame:
    """Return the outputs of transactions that make two payments and nothing else."""
    two = (pl.col("output_count") == 2) & (pl.col("payments") == 2) & ~pl.col("coinbase")
    return features.outputs(ledger).filter(two)


def _with_base(rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return outputs with ``base``, the cluster of the inputs, and ``own``: it is theirs."""
    mine = members.rename({"address": "first_input", "cluster": "base"})
    found = rows.join(members, on=["chain", "address"], how="left").join(
        mine, on=["chain", "first_input"], how="left"
    )
    base = pl.coalesce("base", "first_input")
    own = (pl.coalesce("cluster", "address") == base).fill_null(False)
    return found.with_columns(base.alias("base"), own.alias("own"))


def _reasons(
    rows: pl.DataFrame, ledger: Ledger, unless: Rule | None, base: Clusters, most_doubled: int
) -> pl.DataFrame:
    """Return outputs with the first reason why their transaction has no label; null: it has one."""
    doubt = pl.lit(True).alias("doubt")
    rows = (
        rows.join(joint(ledger, rows, unless), on=_TX, how="left")
        .join(open_spends(ledger).with_columns(doubt), on=_TX, how="left")
        .with_columns(pl.col("own").sum().over(_TX).alias("candidates"))
    )
    strangers = pl.col("veto").ne_missing(False) | pl.col("shared") | pl.col("doubt").is_not_null()
    unread = (pl.col("addresses_unread") > 0) | (pl.col("inputs_unread") > 0)
    ready = ~(strangers | unread | pl.col("base").is_null())
    rows = rows.join(_doubled(rows.filter(ready), most_doubled), on=["chain", "base"], how="left")
    rows = rows.join(_collapsed(base), on=["chain", "base"], how="left")
    fresh = pl.col("fresh").filter("own")
    tests = (
        strangers,
        unread | pl.col("base").is_null(),
        pl.col("spent").ne_missing(True).any().over(_TX),
        pl.col("candidates") == 0,
        pl.col("candidates") == 2,
        (~fresh).any().over(_TX),
        fresh.is_null().any().over(_TX),
        pl.col("too_doubled").fill_null(False),
        pl.col("collapsed").fill_null(False),
    )
    told = [pl.when(test).then(pl.lit(why)) for test, why in zip(tests, REASONS, strict=True)]
    return rows.with_columns(pl.coalesce(*told).alias("reason")).sort(*_TX, "n")


def _doubled(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return the clusters with two candidates in more than so many percent of transactions."""
    each = rows.filter("own").select("chain", "base", "tx", "candidates").unique()
    counts = each.group_by("chain", "base").agg(
        (pl.col("candidates") == 2).sum().cast(pl.Int64).alias("two"),
        pl.len().cast(pl.Int64).alias("all"),
    )
    return counts.select("chain", "base", (100 * pl.col("two") > most * pl.col("all"))
                         .alias("too_doubled"))  # fmt: skip


def _collapsed(base: Clusters) -> pl.DataFrame:
    """Return the clusters in which tags name several actors."""
    named = base.alarms.select("chain", pl.col("cluster").alias("base")).unique()
    return named.with_columns(pl.lit(True).alias("collapsed"))


def _labels(rows: pl.DataFrame, base: Clusters) -> pl.DataFrame:
    """Return labelled transactions with the evidence of each, as rows in ``LABELS``."""
    others = rows.filter(~pl.col("own")).select(*_TX, payee="address")
    change = rows.filter("own").rename({"address": "change", "first_input": "payer"})
    found = change.join(others, on=_TX).sort(_TX)
    shown = [
        _evidence(base, *ends) for ends in found.select("chain", "payer", "change").iter_rows()
    ]
    told = pl.DataFrame(shown, schema=_EVIDENCE, orient="row")
    return found.hstack(told).select(LABELS.names)


_EVIDENCE = {"hops": pl.Int64, "evidence_tx": pl.Int64, "evidence": pl.Binary}


def _evidence(base: Clusters, chain: str, payer: bytes, change: bytes) -> tuple[int, int, bytes]:
    """Return how many links join payer and change, and the last transaction of these."""
    path = base.path(chain, payer, chain, change)
    last = path.row(int(path["tx"].arg_max() or 0), named=True)
    return path.height, last["tx"], last["txid"]


def _examples(rows: pl.DataFrame) -> pl.DataFrame:
    """Return both outputs of labelled transactions with their features."""
    told = nw.from_native(rows).with_columns(**expressions()).to_native()
    return EXAMPLES.conform(told.select(
        pl.col("own").alias(name) if name == "is_change" else pl.col(name)
        for name in EXAMPLES.names
    ).sort(*_TX, "n"))  # fmt: skip
