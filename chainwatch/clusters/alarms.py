"""Clusters that tags contradict: they name more than one actor."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import CHAIN, Column, Privacy, Table

ALARMS = Table(
    "alarms",
    ("chain", "cluster"),
    "Clusters whose tags name more than one actor.",
    (
        CHAIN,
        Column.party("cluster", "smallest address of its cluster"),
        Column("addresses", pl.Int64, Privacy.NUMBER, "tagged addresses"),
        Column.text("actors", "whom the tags name"),
    ),
)


def contradictions(frame: pl.DataFrame, named: pl.DataFrame | None) -> pl.DataFrame:
    """Return the clusters whose tags name more than one actor: rows in ``ALARMS``."""
    if named is None:
        return ALARMS.empty()
    return (
        frame.join(named, on=["chain", "address"])
        # Labels count where no actor is stated: beside one they contradict nothing.
        .filter(pl.col("basis") == pl.col("basis").min().over("chain", "cluster"))
        .group_by("chain", "cluster")
        .agg(
            pl.col("address").n_unique().cast(pl.Int64).alias("addresses"),
            pl.col("name").unique().sort().alias("names"),
        )
        .filter(pl.col("names").list.len() > 1)
        .with_columns(pl.col("names").list.join("; ").alias("actors"))
        .select(ALARMS.names)
        .sort("chain", "cluster")
    )
