"""The habits of a cluster: forms of its transactions, kinds of its addresses, places of its change.

Each habit is counted, so that a step can be asked for without what the step itself would show: the
transaction that it leads to may be one of the cluster's, and is then taken out of the counts.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.clusters.peeling.facts import TX, Facts

CLUSTER = ["chain", "cluster"]


class Habits(NamedTuple):
    """What clusters do, counted.

    Attributes
    ----------
    own : polars.DataFrame
        ``chain, cluster, tx``: the transactions that a cluster pays, none of them open.
    forms : polars.DataFrame
        ``chain, cluster, form, form_count``: transactions of each form.
    kinds : polars.DataFrame
        ``chain, cluster, kind, kind_count``: addresses of each kind.
    places : polars.DataFrame
        ``chain, cluster, tx, at_first, at_last, between``: per transaction of several outputs of
        which just one is the cluster's, where that stands.
    members : polars.DataFrame
        ``chain, address, cluster``.
    """

    own: pl.DataFrame
    forms: pl.DataFrame
    kinds: pl.DataFrame
    places: pl.DataFrame
    members: pl.DataFrame


def habits_of(facts: Facts, members: pl.DataFrame) -> Habits:
    """Return the habits of clusters: ``chain, address, cluster``."""
    members = members.select("chain", "address", "cluster")
    payers = members.rename({"address": "payer"})
    own = facts.txs.filter(~pl.col("open")).join(payers, on=["chain", "payer"])
    forms = own.drop_nulls("form").group_by(*CLUSTER, "form").len("form_count")
    return Habits(
        own.select(*CLUSTER, "tx"), forms, _kinds(facts, members), _places(facts, own, members),
        members,
    )  # fmt: skip


def _kinds(facts: Facts, members: pl.DataFrame) -> pl.DataFrame:
    parts = [rows.select("chain", "address", "kind") for rows in (facts.outs, facts.ins)]
    each = members.join(pl.concat(parts).drop_nulls().unique(), on=["chain", "address"])
    return each.group_by(*CLUSTER, "kind").len("kind_count")


def _places(facts: Facts, own: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Return where the one output of a cluster stands in each of its transactions."""
    paid = facts.outs.filter(pl.col("several") & pl.col("payment"))
    mine = paid.join(own.select(*CLUSTER, "tx"), on=TX).join(
        members, on=["chain", "address", "cluster"], how="semi"
    )
    one = mine.filter(pl.len().over(*CLUSTER, "tx") == 1)
    return one.select(
        *CLUSTER, "tx",
        at_first=pl.col("first").cast(pl.Int64),
        at_last=(~pl.col("first") & pl.col("last")).cast(pl.Int64),
        between=(~pl.col("first") & ~pl.col("last")).cast(pl.Int64),
    )  # fmt: skip


def place_allowed() -> pl.Expr:
    """Return whether an output stands where the cluster's change does, by the counts beside it.

    Where nothing shows, or change stands anywhere, every place is allowed.
    """
    first, last, between = (pl.col(name).fill_null(0) > 0 for name in _COUNTS)
    anywhere = between | ~(first | last)
    return anywhere | (first & pl.col("first")) | (last & pl.col("last"))


_COUNTS = ("at_first", "at_last", "between")


def with_places(rows: pl.DataFrame, habits: Habits, but: str | None) -> pl.DataFrame:
    """Return rows with the counts of places of their cluster, without those of one transaction.

    Parameters
    ----------
    rows : polars.DataFrame
        With ``chain, cluster``.
    habits : Habits
        The habits.
    but : str or None
        The column of the transaction that is not counted.
    """
    sums = habits.places.group_by(CLUSTER).agg(pl.col(_COUNTS).sum())
    found = rows.join(sums, on=CLUSTER, how="left")
    if but is None:
        return found
    own = habits.places.rename({"tx": but, **{name: f"{name}_own" for name in _COUNTS}})
    return found.join(own, on=[*CLUSTER, but], how="left").with_columns(
        (pl.col(name) - pl.col(f"{name}_own").fill_null(0)).alias(name) for name in _COUNTS
    )
