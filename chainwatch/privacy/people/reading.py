"""Of which payments between two parties it is known that all of them were read."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.balances import Balances
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus


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
    coins = find_chain(asset.chain).family == "utxo"
    lacking = (_coins if coins else _accounts)(ledger, asset, known["address"])
    return set(known.filter(pl.col("address").is_in(lacking))["owner"])


def _coins(ledger: Ledger, asset: Asset, addresses: pl.Series) -> list[bytes]:
    status = OutputStatus.read(ledger, asset.chain)
    rows = status.read_until(addresses.unique())
    return rows.filter(pl.col("top").is_null())["address"].to_list()


def _accounts(ledger: Ledger, asset: Asset, addresses: pl.Series) -> list[bytes]:
    """Return those of which a transfer may be missing, by the times of their own transfers."""
    whole = ledger.history.transfers.filter(
        asset.of_transfers() & pl.col("success").ne_missing(False)
    )
    asked = addresses.unique().sort().to_frame("address").lazy()
    sides = [
        whole.join(asked, left_on=side, right_on="address", how="semi")
        for side in ("sender", "receiver")
    ]
    moves = pl.concat(sides).select("time", "sender", "receiver").unique().collect()
    known = Balances.read(ledger, asset, moves)
    return [one for one in addresses.unique() if known.every_transfer(one).why]
