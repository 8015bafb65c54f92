"""What owners bring to a report: who is joined to the subjects, and what to think of it."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from chainwatch.results.result import Finding
from chainwatch.results.table import CHAIN, Column, Table
from chainwatch.units import counted

JOINED = Table(
    "subjects",
    (),
    "Subjects, and how many addresses are joined to each.",
    (
        CHAIN,
        Column.party("subject", "the subject"),
        Column.party("cluster", "smallest address of its cluster"),
        Column.number("addresses", "addresses of its cluster"),
    ),
)


class Joins(Protocol):
    """Clusters, as far as the finding reads them."""

    @property
    def frame(self) -> pl.DataFrame: ...

    @property
    def alarms(self) -> pl.DataFrame: ...

    @property
    def collapses(self) -> pl.DataFrame: ...

    def sizes(self) -> pl.DataFrame:
        """Return one row per cluster with its number of addresses."""
        ...


def owners_finding(subjects: pl.DataFrame, clusters: Joins) -> Finding:
    """Return the addresses that are joined to subjects, given as ``chain, address``."""
    rows = (
        subjects.rename({"address": "subject"})
        .join(
            clusters.frame,
            left_on=["chain", "subject"],
            right_on=["chain", "address"],
            how="left",
        )
        .with_columns(pl.coalesce("cluster", "subject").alias("cluster"))
        .join(clusters.sizes().rename({"addresses": "size"}), on=["chain", "cluster"], how="left")
        .with_columns(pl.col("size").fill_null(1))
        .select("chain", "subject", "cluster", pl.col("size").alias("addresses"))
    )
    large, named = clusters.collapses.height, clusters.alarms.height
    joins = counted(large, "transaction joins", "transactions join")
    hold = counted(named, "cluster holds", "clusters hold")
    collapses = f"{joins} groups that are large or differently tagged; tables/collapses lists them."
    alarms = f"{hold} tags of more than one actor; tables/alarms lists them."
    return Finding(
        "Subjects and the addresses joined to them",
        (
            "Addresses that one transaction spends together are joined unless the transaction may"
            " be a CoinJoin. Of any two of them the transactions that join them can be"
            " listed one by one, on request. Addresses that were never spent together with another"
            " are not joined, however surely they belong together: what a subject holds may be"
            " more.",
            *([collapses] if large else []),
            *([alarms] if named else []),
        ),
        JOINED.rows(rows),
        None,
        (
            "Co-spending joins strangers in a PayJoin, in a wallet kept for many, and where keys"
            " were sold or shared.",
        ),
    )


def opened_said(count: int) -> str:
    """Say how many predictions fell open, for a line that goes on; nothing of none."""
    one, many = "prediction fell open and is", "predictions fell open and are"
    return f" {counted(count, one, many)} not made again," if count else ""
