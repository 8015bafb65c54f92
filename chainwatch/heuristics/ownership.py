"""Rules that link addresses to one owner through a transaction."""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.links import LINK_KEY, LINK_SCHEMA, Links
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.provenance import recorded
from chainwatch.rules import VERDICT, Rule, apply


@recorded
def co_spends(ledger: Ledger, *, unless: Rule | None = None) -> Links:
    """Link the addresses whose coins one transaction spends together.

    Whoever signs a transaction must hold the keys of all its inputs; as a rule that is one owner.
    Each transaction links its smallest input address to every other one, which joins the same
    addresses as all pairs would. Links are kept whatever ``unless`` says of the transaction:
    *yes* marks them refused, *unknown* marks them undecided, and neither joins.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains give no links.
    unless : Rule, optional
        A rule on transactions that says whether strangers built it together.

    Returns
    -------
    Links
        One row per transaction and further input address.

    Fails when
    ----------
    Strangers sign together (CoinJoin, PayJoin, multi-party settlement), a service spends for many
    customers (the cluster is then the service, not a customer), or keys were imported or sold.
    Inputs that were not read, and inputs without an address, link nothing.

    References
    ----------
    Nakamoto 2008, section 10; Reid and Harrigan 2011; Meiklejohn et al., IMC 2013. Nick 2015
    found 69 % of a wallet's addresses by it on average; Harrigan and Fretter 2016 say why.
    """
    spent = (
        ledger.inputs.filter(pl.col("address").is_not_null())
        .select("chain", "tx", "address")
        .unique()
    )
    pairs = (
        spent.join(
            spent.group_by("chain", "tx").agg(pl.col("address").min().alias("a")),
            on=["chain", "tx"],
        )
        .filter(pl.col("address") != pl.col("a"))
        .rename({"address": "b"})
        .collect()
    )
    joint = _joint(ledger, pairs, unless)
    frame = pairs.join(joint, on=["chain", "tx"], how="left").with_columns(
        pl.lit("co_spend").alias("rule"), pl.lit(None, dtype=pl.Float64).alias("confidence")
    )
    return Links(frame.select(list(LINK_SCHEMA)).cast(LINK_SCHEMA).sort(LINK_KEY))  # type: ignore[arg-type]  # polars types mix classes and instances


def _joint(ledger: Ledger, pairs: pl.DataFrame, unless: Rule | None) -> pl.DataFrame:
    """Return for each transaction with links its id, time and what the veto says."""
    key = ["chain", "tx"]
    if unless is None:
        rows = ledger.transactions.select(*key, "txid", "time").collect()
        return rows.with_columns(pl.lit(False).alias("veto"))
    linked = features.transactions(ledger).join(pairs.select(key).unique(), on=key, how="semi")
    return apply(linked, unless).select(*key, "txid", "time", pl.col(VERDICT).alias("veto"))
