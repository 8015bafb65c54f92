"""Clusters that tags contradict: they name more than one actor for one owner."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import CHAIN, Column, Privacy, Table

ALARMS = Table(
    "alarms",
    ("chain", "cluster"),
    "Clusters whose owner's tags, on all chains, name more than one actor.",
    (
        CHAIN,
        Column.party("cluster", "smallest address of its cluster"),
        Column(
            "addresses", pl.Int64, Privacy.NUMBER, "tagged addresses of its owner, on all chains"
        ),
        Column.text("actors", "whom the tags name"),
    ),
)


def contradictions(
    frame: pl.DataFrame, named: pl.DataFrame | None, owners: pl.DataFrame
) -> pl.DataFrame:
    """Return the clusters whose owner's tags name more than one actor: rows in ``ALARMS``.

    Parameters
    ----------
    frame : polars.DataFrame
        ``chain, address, cluster`` of each cluster of two addresses or more.
    named : polars.DataFrame or None
        Whom tags name: ``chain, address, basis, name``; None without tags.
    owners : polars.DataFrame
        ``owner, chain, cluster`` of clusters of several chains that are one owner's. Each of them
        that has tags is listed, and all are judged together.
    """
    if named is None:
        return ALARMS.empty()
    alone = pl.col("owner").is_null()
    # A cluster that is all of its owner stands for him by its name.
    whole = [pl.col("owner"), *(pl.when(alone).then(one) for one in ("chain", "cluster"))]
    tagged = (
        frame.join(owners, on=["chain", "cluster"], how="left")
        .join(named, on=["chain", "address"])
        .with_columns(pl.struct(whole).alias("one"))
        # Labels count where no actor is stated: beside one they contradict nothing.
        .filter(pl.col("basis") == pl.col("basis").min().over("one"))
    )
    told = tagged.group_by("one").agg(
        pl.struct("chain", "address").n_unique().cast(pl.Int64).alias("addresses"),
        pl.col("name").unique().sort().alias("names"),
    )
    return (
        tagged.select("one", "chain", "cluster")
        .unique()
        .join(told.filter(pl.col("names").list.len() > 1), on="one")
        .with_columns(pl.col("names").list.join("; ").alias("actors"))
        .select(ALARMS.names)
        .sort("chain", "cluster")
    )
