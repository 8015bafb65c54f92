"""Payments to and by some addresses, by owner: the rows that touch them, and no others.

On coin chains a transaction is paid by whoever owns its inputs. Where these have several owners, or
one was not read, each owner that was read may have paid, and none is known to have.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.ledger import Ledger
from chainwatch.units import AMOUNT, exact_sum

PAYMENTS = {
    "payer": pl.Binary, "payee": pl.Binary, "txid": pl.Binary, "time": pl.Datetime("us", "UTC"),
    "amount": AMOUNT, "sole": pl.Boolean,
}  # fmt: skip
"""``payer`` and ``payee`` are owners; ``sole`` is that nobody else can have paid. An amount of more
than 38 digits is null."""


class Touching(NamedTuple):
    """Payments in ``PAYMENTS``, and how many others of whose payer nothing was read."""

    rows: pl.DataFrame
    payer_unread: int


def owners_of(clusters: Framed | None, chain: str) -> pl.DataFrame:
    """Return ``address, owner`` of clustered addresses: an owner is called by its cluster."""
    if clusters is None:
        return pl.DataFrame(schema={"address": pl.Binary, "owner": pl.Binary})
    here = clusters.frame.filter(pl.col("chain") == chain)
    return here.select("address", pl.col("cluster").alias("owner"))


def payments_of(ledger: Ledger, asset: Asset, anchors: pl.Series, owners: pl.DataFrame) -> Touching:
    """Return the payments to and by some addresses.

    Parameters
    ----------
    ledger : Ledger
        The span to read.
    asset : Asset
        What is paid.
    anchors : polars.Series
        Canonical addresses, each once.
    owners : polars.DataFrame
        ``address, owner``; whoever is not in it is an owner of its own.
    """
    who = pl.DataFrame({"address": anchors}, schema={"address": pl.Binary}).lazy()
    coins = find_chain(asset.chain).family == "utxo"
    return (_coins if coins else _accounts)(ledger, asset, who, owners)


def _owned(rows: pl.DataFrame, owners: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Return rows with the owner of an address; an address in no cluster is its own."""
    found = rows.join(owners, left_on=column, right_on="address", how="left")
    return found.with_columns(pl.coalesce("owner", column).alias(name)).drop(
        [one for one in ("owner",) if one != name]
    )


def _coins(ledger: Ledger, asset: Asset, who: pl.LazyFrame, owners: pl.DataFrame) -> Touching:
    here = pl.col("chain") == asset.chain
    outputs, inputs = (part.filter(here) for part in (ledger.outputs, ledger.inputs))
    sides = [part.join(who, on="address", how="semi").select("tx") for part in (outputs, inputs)]
    met = pl.concat(sides).unique().collect().lazy()
    made = outputs.join(met, on="tx", how="semi").select("tx", "address", "value").collect()
    spent = inputs.join(met, on="tx", how="semi").select("tx", "address").collect()
    told = (
        ledger.transactions.filter(here & ~pl.col("coinbase"))
        .join(met, on="tx", how="semi").select("tx", "txid", "time", "input_count").collect()
    )  # fmt: skip
    anchored = set(who.collect()["address"].to_list())
    is_anchor = pl.col("address").is_in(list(anchored)).any().alias("anchor")
    payers = _owned(spent.drop_nulls("address"), owners, "address", "payer")
    payers = payers.group_by("tx", "payer").agg(is_anchor, pl.len().alias("inputs"))
    payees = _owned(made.drop_nulls("address"), owners, "address", "payee")
    payees = payees.group_by("tx", "payee").agg(is_anchor, exact_sum("value").alias("amount"))
    # What goes back to an owner among the payers is change, and pays nobody.
    away = payees.join(payers, left_on=["tx", "payee"], right_on=["tx", "payer"], how="anti")
    alone = (pl.len() == 1) & (pl.col("inputs").sum() == pl.col("input_count").first())
    sole = payers.join(told, on="tx").group_by("tx").agg(alone.alias("sole"))
    paid = away.join(payers, on="tx").filter(pl.col("anchor") | pl.col("anchor_right"))
    rows = paid.join(told, on="tx").join(sole, on="tx").select(list(PAYMENTS))
    nobody = told.join(payers, on="tx", how="anti").height
    return Touching(rows.cast(PAYMENTS).sort("payer", "payee", "time", "txid"), nobody)  # type: ignore[arg-type]  # polars types mix classes and instances


def _accounts(ledger: Ledger, asset: Asset, who: pl.LazyFrame, owners: pl.DataFrame) -> Touching:
    whole = ledger.transfers.filter(asset.of_transfers())
    sides = [
        whole.join(who, left_on=side, right_on="address", how="semi")
        for side in ("sender", "receiver")
    ]
    found = with_authority(ledger, pl.concat(sides).unique().collect())
    # What took no effect, what nobody agreed to and what moves nothing is no payment.
    paid = found.filter(
        pl.col("success").ne_missing(False)
        & pl.col("signed").ne_missing(False)
        & (pl.col("amount").is_null() | (pl.col("amount") > 0))
    )
    both = _owned(_owned(paid, owners, "sender", "payer"), owners, "receiver", "payee")
    rows = both.filter(pl.col("payer") != pl.col("payee")).with_columns(pl.lit(True).alias("sole"))
    return Touching(rows.select(list(PAYMENTS)).sort("payer", "payee", "time", "txid"), 0)
