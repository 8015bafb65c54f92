"""One step along a peel chain: the one output, or the one transaction before, that habits allow.

A step is taken where just one way is left and nothing that is not known could be another. What is
spent by a transaction that may be of several is not known, for a wallet mixes its change too; nor
is what lies unspent, which may be change that waits.
"""

from __future__ import annotations

import polars as pl

from chainwatch.clusters.peeling.facts import TX, Facts
from chainwatch.clusters.peeling.habits import CLUSTER, Habits, place_allowed, with_places

NEXT, NONE, SEVERAL, UNKNOWN = "next", "none", "several", "unknown"
"""What a step finds: the one way, no way, several, or ways of which too little was read."""

_AT = [*CLUSTER, "tx"]


def steps_forward(
    facts: Facts, habits: Habits, at: pl.DataFrame, *, apart: bool, waiting: bool = True
) -> pl.DataFrame:
    """Return the next transaction of a chain from some transactions on.

    Parameters
    ----------
    facts, habits
        What was read, and what clusters do.
    at : polars.DataFrame
        ``chain, cluster, tx``: where one stands, and by whose habits one goes on.
    apart : bool
        Take what the step leads to out of the habits first, for an honest measure.
    waiting : bool
        What lies unspent may be the way; False rules it out, as published.

    Returns
    -------
    polars.DataFrame
        ``chain, cluster, tx, outcome, n, address, other``: the output that goes on and the
        transaction that spends it; null where there is not just one.
    """
    ways = at.select(_AT).join(facts.outs, on=TX).filter("payment")
    spender = facts.txs.select("chain", spender="tx", form="form", spender_open="open")
    ways = ways.join(spender, on=["chain", "spender"], how="left")
    ways = with_places(ways, habits, "tx" if apart else None)
    ways = _with_counts(ways, habits, "spender", apart=apart)
    form = pl.when(pl.col("spender_open").ne_missing(False)).then(None).otherwise(_known_form())
    unspent = pl.lit(None, pl.Boolean) if waiting else pl.col("spent")
    spent = pl.when(pl.col("spent")).then(form).otherwise(unspent)
    kept = place_allowed() & (pl.col("kind_count") > 0) & spent
    return _only_way(at, ways.with_columns(kept.alias("kept"), other="spender"))


def steps_back(facts: Facts, habits: Habits, at: pl.DataFrame, *, apart: bool) -> pl.DataFrame:
    """Return the transaction before some transactions, as :func:`steps_forward` goes on.

    ``n`` and ``address`` are of the output of that transaction which is spent.
    """
    spent = facts.ins.select(*TX, "prev_tx", "prev_n").unique()
    ways = at.select(_AT).join(spent, on=TX)
    made = facts.outs.select("chain", "first", "last", "address", prev_tx="tx", prev_n="n")
    before = facts.txs.select("chain", prev_tx="tx", form="form", before_open="open")
    ways = ways.join(made, on=["chain", "prev_tx", "prev_n"], how="left").join(
        before, on=["chain", "prev_tx"], how="left"
    )
    ways = with_places(ways, habits, "prev_tx" if apart else None)
    ways = ways.join(_kinds_before(facts, habits, ways, apart=apart), on=[*CLUSTER, "prev_tx"],
                     how="left", nulls_equal=True)  # fmt: skip
    ways = _with_forms(ways, habits, "prev_tx", apart=apart)
    known = pl.when(pl.col("before_open").ne_missing(False)).then(None).otherwise(_known_form())
    kept = place_allowed() & pl.col("kinds_allowed") & known
    found = ways.with_columns(kept.alias("kept"), other="prev_tx", n="prev_n")
    # Several coins of one transaction are one way: by the first that is allowed.
    best = pl.col("kept").replace_strict({True: 0, False: 2}, default=1, return_dtype=pl.Int64)
    found = found.sort(*_AT, "prev_tx", best, "n", nulls_last=True)
    return _only_way(at, found.unique([*_AT, "prev_tx"], keep="first", maintain_order=True))


def _known_form() -> pl.Expr:
    """Return whether the form at the other end is one of the cluster's; null if it was not read."""
    return pl.when(pl.col("form").is_not_null()).then(pl.col("form_count").fill_null(0) > 0)


def _with_forms(ways: pl.DataFrame, habits: Habits, other: str, *, apart: bool) -> pl.DataFrame:
    """Return ways with how many transactions of the cluster have the form at the other end."""
    found = ways.join(habits.forms, on=[*CLUSTER, "form"], how="left")
    if not apart:
        return found
    own = habits.own.select(*CLUSTER, pl.col("tx").alias(other), mine=1)
    less = pl.col("form_count") - pl.col("mine").fill_null(0)
    return found.join(own, on=[*CLUSTER, other], how="left").with_columns(less.alias("form_count"))


def _with_counts(ways: pl.DataFrame, habits: Habits, other: str, *, apart: bool) -> pl.DataFrame:
    """Return ways with the counts of form and kind of the cluster, without their own if asked."""
    found = _with_forms(ways, habits, other, apart=apart)
    found = found.join(habits.kinds, on=[*CLUSTER, "kind"], how="left")
    count = pl.col("kind_count").fill_null(0)
    if apart:
        member = habits.members.select("chain", "address", "cluster", itself=1)
        found = found.join(member, on=["chain", "address", "cluster"], how="left")
        count = count - pl.col("itself").fill_null(0)
    return found.with_columns(count.alias("kind_count"))


def _kinds_before(
    facts: Facts, habits: Habits, ways: pl.DataFrame, *, apart: bool
) -> pl.DataFrame:  # fmt: skip
    """Return whether all inputs of a transaction before are of kinds that the cluster has."""
    asked = ways.select(*CLUSTER, "prev_tx").unique()
    spent = facts.ins.select("chain", "address", "kind", prev_tx="tx").unique()
    rows = asked.join(spent, on=["chain", "prev_tx"]).join(
        habits.kinds, on=[*CLUSTER, "kind"], how="left"
    )
    count = pl.col("kind_count").fill_null(0)
    if apart:
        member = habits.members.select("chain", "address", "cluster", itself=1)
        rows = rows.join(member, on=["chain", "address", "cluster"], how="left")
        count = count - pl.col("itself").fill_null(0).sum().over(*CLUSTER, "prev_tx", "kind")
    known = pl.when(pl.col("kind").is_not_null()).then(count > 0)
    return rows.with_columns(known.alias("known")).group_by(*CLUSTER, "prev_tx").agg(
        pl.when((~pl.col("known")).any()).then(pl.lit(False))
        .when(pl.col("known").null_count() == 0).then(pl.lit(True)).alias("kinds_allowed")
    )  # fmt: skip


def _only_way(at: pl.DataFrame, ways: pl.DataFrame) -> pl.DataFrame:
    """Return the one way that is kept from each place, or why there is not one."""
    kept, unknown = pl.col("kept").fill_null(False), pl.col("kept").is_null()
    told = ways.group_by(_AT).agg(kept.sum().alias("ways"), unknown.sum().alias("open_ways"))
    one = ways.filter(kept & (kept.sum().over(_AT) == 1) & (unknown.sum().over(_AT) == 0))
    count, open_ways = (pl.col(name).fill_null(0) for name in ("ways", "open_ways"))
    outcome = (
        pl.when(count > 1).then(pl.lit(SEVERAL))
        .when(open_ways > 0).then(pl.lit(UNKNOWN))
        .when(count == 1).then(pl.lit(NEXT))
        .otherwise(pl.lit(NONE))
    )  # fmt: skip
    found = at.select(_AT).join(told, on=_AT, how="left").with_columns(outcome.alias("outcome"))
    found = found.join(one.select(*_AT, "n", "address", "other"), on=_AT, how="left")
    return found.select(*_AT, "outcome", "n", "address", "other").sort(_AT)
