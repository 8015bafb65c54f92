"""What others state of payments, held to what was read: counted, and never followed."""

from __future__ import annotations

import polars as pl

from chainwatch.attribution.statements.statement import Statement
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding
from chainwatch.results.table import BEHIND, Column, Table, behind
from chainwatch.units import counted

NONE, UNREAD = "no transaction is named", "the transaction was not read"
PAID, OTHER = "it was read and pays the address", "it was read and does not pay the address"
ORDER = (PAID, OTHER, UNREAD, NONE)

STATED = Table(
    "stated",
    (),
    "Payments that somebody states, by what the chain says of them.",
    (
        Column.text("source", "who states it"),
        Column.text("direction", "deposit or withdrawal, as whoever states it sees it"),
        Column.kind("found", "what was read of the transaction that is named"),
        Column.count("count", "notes"),
        BEHIND,
    ),
)


def stated_finding(stated: Statement, ledger: Ledger) -> Finding:
    """Return how many of the payments that a statement names were read, and pay its addresses.

    Parameters
    ----------
    stated : Statement
        What somebody says.
    ledger : Ledger
        What was read of the chain; nothing is added to it.
    """
    notes = stated.frame.select("chain", "txid", "address", "source", "direction")
    named = notes.select("chain", "txid").drop_nulls().unique()
    paid, read = _paid(ledger, named)
    key = ["chain", "txid"]
    told = notes.join(read.with_columns(read=True), on=key, how="left")
    told = told.join(paid.with_columns(paid=True), on=[*key, "address"], how="left")
    found = (
        pl.when(pl.col("txid").is_null()).then(pl.lit(NONE))
        .when(pl.col("paid")).then(pl.lit(PAID))
        .when(pl.col("read")).then(pl.lit(OTHER)).otherwise(pl.lit(UNREAD))
    )  # fmt: skip
    rows = (
        told.with_columns(found.alias("found"))
        .group_by("source", "direction", "found")
        .agg(pl.len().cast(pl.Int64).alias("count"), behind("address"))
        .sort("source", "direction", pl.col("found").replace_strict(
            {name: place for place, name in enumerate(ORDER)}, return_dtype=pl.Int64
        ), nulls_last=True)
    )  # fmt: skip
    return Finding("What others state of payments", _words(stated, rows), STATED.rows(rows))


def _paid(ledger: Ledger, named: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who is paid in the transactions that are named, and which of these were read."""
    wanted = named.lazy()
    coins = ledger.transactions.select("chain", "tx", "txid").join(wanted, on=["chain", "txid"])
    outputs = coins.join(ledger.outputs.select("chain", "tx", "address"), on=["chain", "tx"])
    transfers = ledger.transfers.select("chain", "txid", pl.col("receiver").alias("address")).join(
        wanted, on=["chain", "txid"]
    )
    key = ["chain", "txid"]
    paid = pl.concat([outputs.select(*key, "address"), transfers]).drop_nulls().unique()
    read = pl.concat([coins.select(key), transfers.select(key)]).unique()
    return paid.collect(), read.collect()


def _words(stated: Statement, rows: pl.DataFrame) -> tuple[str, ...]:
    said = (
        f"A statement gives {counted(stated.frame.height, 'note', 'notes')} on payments and"
        f" {counted(len(stated.tags), 'tag', 'tags')} of addresses. A note is what somebody says,"
        " and no payment of the chain: no trace follows it, and no sum holds its amount."
    )
    astray = int(rows.filter(found=OTHER)["count"].sum())
    if astray:
        said += (
            f" {counted(astray, 'note names', 'notes name')} a transaction that was read and does"
            " not pay the address: ask who states it."
        )
    return (said,) if not stated.rejected.height else (
        said,
        f"{counted(stated.rejected.height, 'row was', 'rows were')} not taken, each with its"
        " reason in the table of what was not taken.",
    )  # fmt: skip
