"""Custody decides: who passes all it gets to one service holds a customer's deposits there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.chains import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TIME
from chainwatch.provenance import Record, recorded
from chainwatch.rules import Rule
from chainwatch.tracing.accounts import movements
from chainwatch.units import AMOUNT

MIN_SHARE = 980
"""Of 1,000 units received, how many must have gone on: some dust always stays behind."""

HOSTED_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "chain": pl.String,
    "address": pl.Binary,
    "service": pl.String,
    "labels": pl.String,
    "received": AMOUNT,
    "forwarded": AMOUNT,
    "sweeps": pl.Int64,
    "receipts": pl.Int64,
    "first": TIME,
    "last": TIME,
    "certainty": pl.String,
    "evidence": pl.String,
}

FLOWS: dict[str, pl.DataType | type[pl.DataType]] = {
    "address": pl.Binary,
    "target": pl.Binary,
    "amount": AMOUNT,
    "time": TIME,
    "txid": pl.Binary,
}


@dataclass(frozen=True)
class Hosted:
    """Addresses that behave as deposit addresses of a service: probable, each with its evidence.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, address, service, labels, received, forwarded, sweeps, receipts, first, last,
        certainty, evidence``; amounts in base units.
    """

    frame: pl.DataFrame
    asset: Asset
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {"hosted": (self.frame, ("chain", "address"))}

    def lineage(self) -> str:
        """Return how this came about."""
        return self.record.tree() if self.record else "made by hand"

    def __repr__(self) -> str:
        by = self.frame.group_by("service").len().sort("service")
        parts = ", ".join(f"{count} at {service}" for service, count in by.iter_rows())
        return f"Hosted({self.frame.height} probable deposit addresses: {parts or 'none'})"

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>"


@recorded
def hosted(
    ledger: Ledger,
    services: Tags,
    *,
    asset: Asset,
    poisoning: Rule | None = None,
    min_share: int = MIN_SHARE,
    min_sweeps: int = 1,
) -> Hosted:
    """Find addresses that pass everything they get to the tagged wallets of one service.

    A service gives each customer a deposit address and sweeps it into its hot wallet. Whoever
    pays there has paid into an account at the service; whose account it is, the service knows.
    Only addresses whose history was read are judged. Every payment must go to tagged addresses
    of one actor, and ``min_share`` of 1,000 units received must have gone.

    Parameters
    ----------
    ledger : Ledger
        The history that was read.
    services : Tags
        Tagged wallets of services. Widen nothing: another deposit address is no hot wallet.
    asset : Asset
        What is counted.
    poisoning : Rule, optional
        Transfers that only look like payments are left out of both sides.
    min_share : int
        Per mille of what was received.
    min_sweeps : int
        Fewest payments to the service; the evidence says how many there were.

    Returns
    -------
    Hosted
        The addresses, *probable*: only the service can confirm.

    Fails when
    ----------
    Somebody pays one service only, straight to its hot wallet, from a wallet of their own: it
    looks the same. One single sweep shows little. A tag names a customer's address as the
    service's. The opposite error: a service that pays out of deposit addresses is missed.

    References
    ----------
    Victor, "Address Clustering Heuristics for Ethereum", FC 2020 (deposit addresses); the share
    and the sweep are practice among investigators, without published error rates.
    """
    family = find_chain(asset.chain).family
    sent, got = (
        _coin_flows(ledger, asset) if family == "utxo" else _account_flows(ledger, asset, poisoning)
    )
    named = (
        services.frame.filter(pl.col("chain") == asset.chain)
        .with_columns(pl.coalesce("actor", "label").alias("service"))
        .sort("level", "label", "service", descending=[True, False, False])
        .unique("address", keep="first", maintain_order=True)
        .select("address", "service", "label")
    )
    swept = _swept(sent, named).join(_sums(got, "received", "receipts"), on="address")
    enough = (pl.col("forwarded") * 1000 >= pl.col("received") * min_share) & (
        pl.col("sweeps") >= min_sweeps
    )
    rows = swept.filter(enough).join(named, on="address", how="anti").sort("address")
    return Hosted(_evidenced(rows, asset), asset)


def _account_flows(
    ledger: Ledger, asset: Asset, poisoning: Rule | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = (
        movements(ledger, asset, poisoning)
        .filter(~pl.col("poison"))
        .filter(pl.col("sender") != pl.col("receiver"))
    )
    read = (
        ledger.coverage.filter((pl.col("chain") == asset.chain) & (pl.col("kind") == "address"))
        .select("address")
        .drop_nulls()
        .unique()
        .collect()
    )
    sent = rows.select(
        pl.col("sender").alias("address"),
        pl.col("receiver").alias("target"),
        "amount",
        "time",
        "txid",
    ).join(read, on="address", how="semi")
    got = rows.select(
        pl.col("receiver").alias("address"),
        pl.col("sender").alias("target"),
        "amount",
        "time",
        "txid",
    ).join(read, on="address", how="semi")
    return sent.cast(FLOWS), got.cast(FLOWS)  # type: ignore[arg-type]  # polars types mix classes and instances


def _coin_flows(ledger: Ledger, asset: Asset) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what each address spent, once per address that the transaction paid, and received.

    The whole of what an address puts into a transaction counts as sent to the first target; the
    other targets bear zero, so that sums stay exact and every target is still seen.
    """
    here = pl.col("chain") == asset.chain
    named = ledger.transactions.filter(here).select("tx", "txid", "time")
    spent = (
        ledger.inputs.filter(here & pl.col("address").is_not_null())
        .group_by("tx", "address")
        .agg(pl.col("value").cast(AMOUNT).sum().alias("amount"))
        .join(named, on="tx")
    )
    paid = (
        ledger.outputs.filter(here & (pl.col("script_kind") != "null_data"))
        .sort("tx", "n")
        .select("tx", "n", pl.col("address").alias("target"), "value")
    )
    sent = (
        spent.join(paid, on="tx")
        .sort("tx", "address", "n")
        .with_columns(
            pl.when(pl.col("n") == pl.col("n").first().over("tx", "address"))
            .then("amount")
            .otherwise(0)
            .cast(AMOUNT)
            .alias("amount")
        )
        .select(list(FLOWS))
    )
    got = (
        ledger.outputs.filter(here & pl.col("address").is_not_null())
        .join(named, on="tx")
        .select(
            "address",
            pl.lit(None, pl.Binary).alias("target"),
            pl.col("value").cast(AMOUNT).alias("amount"),
            "time",
            "txid",
        )
    )
    return sent.collect(), got.collect()


def _swept(sent: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses whose every payment went to tagged wallets of one service."""
    aimed = sent.join(named, left_on="target", right_on="address", how="left")
    return (
        aimed.group_by("address")
        .agg(
            pl.col("service").n_unique().alias("services"),
            pl.col("service").null_count().alias("strangers"),
            pl.col("service").first(),
            pl.col("label").unique().sort().str.join(", ").alias("labels"),
            pl.col("amount").sum().alias("forwarded"),
            pl.col("txid").n_unique().cast(pl.Int64).alias("sweeps"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .filter((pl.col("services") == 1) & (pl.col("strangers") == 0))
    )


def _sums(flows: pl.DataFrame, name: str, count: str) -> pl.DataFrame:
    return flows.group_by("address").agg(
        pl.col("amount").sum().alias(name), pl.len().cast(pl.Int64).alias(count)
    )


def _evidenced(rows: pl.DataFrame, asset: Asset) -> pl.DataFrame:
    evidence = [
        f"all {row['sweeps']} payments, {asset.shown(int(row['forwarded']))} of"
        f" {asset.shown(int(row['received']))} received, went to {row['labels']}"
        for row in rows.iter_rows(named=True)
    ]
    full = rows.with_columns(
        pl.lit(asset.chain).alias("chain"),
        pl.lit("probable").alias("certainty"),
        pl.Series("evidence", evidence, dtype=pl.String),
    )
    return full.select(list(HOSTED_SCHEMA)).cast(HOSTED_SCHEMA)  # type: ignore[arg-type]  # polars types mix classes and instances
