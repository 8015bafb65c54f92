"""Of which payments between two parties it is known that all of them were read."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.revenue.reading import how_far


def pairs_unread(
    ledger: Ledger, asset: Asset, found: pl.DataFrame, owners: pl.DataFrame
) -> pl.DataFrame:
    """Return ``payer, payee`` of the pairs between which a payment may be missing.

    All payments between two parties were read where the whole history of either was: of every
    address of its owner.

    Parameters
    ----------
    found : polars.DataFrame
        ``payer, payee``, by owner.
    owners : polars.DataFrame
        ``address, owner`` of those in clusters.
    """
    pairs = found.select("payer", "payee").unique()
    lacking = _lacking(ledger, asset, pairs["payee"], owners)
    left = pairs.filter(pl.col("payee").is_in(list(lacking)))
    without = _lacking(ledger, asset, left["payer"], owners)
    return left.filter(pl.col("payer").is_in(list(without)))


def _lacking(ledger: Ledger, asset: Asset, who: pl.Series, owners: pl.DataFrame) -> set[bytes]:
    """Return the owners of which a payment to or by an address may not have been read."""
    asked = who.unique().to_frame("owner")
    if asked.is_empty():
        return set()
    known = asked.join(owners, on="owner", how="left").select(
        "owner", pl.coalesce("address", "owner").alias("address")
    )
    lacking = how_far(ledger, asset, known["address"].to_list()).lacking
    return set(known.filter(pl.col("address").is_in(list(lacking)))["owner"])
