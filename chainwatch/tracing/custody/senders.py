"""Who sent the transactions in which several accounts paid together, as far as that shows anything.

On a coin chain every owner signs his input. On an account chain a transaction has one sender, and
may move what others own because they let it: a bundle of operations (ERC-4337), signed
authorisations (EIP-3009) or permits that a relayer brings. Strangers stand together in one then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import TagStatement, with_names
from chainwatch.ledger.ledger import Ledger

BROUGHT = ("user_operation", "paymaster", "authorization_used", "permit", "delegation")
"""Kinds of authority that somebody else brings to the chain in his own transaction."""

PAID_BY_SENDER = ("native", "fee", "fee_burnt")
"""Kinds of rows whose sender is who sent the transaction."""


class Sent(NamedTuple):
    """Who sent a transaction, and the service whose wallet tags say that is; None of nobody's."""

    sender: bytes
    service: str | None


def senders(
    ledger: Ledger,
    asset: Asset,
    rows: pl.DataFrame,
    wallets: Mapping[bytes, tuple[TagStatement, ...]],
) -> dict[bytes, Sent]:
    """Return who sent each transaction in which several of the senders of ``rows`` paid.

    Left out are transactions whose sender was not read, or that hold authority which others signed.

    Parameters
    ----------
    ledger : Ledger
        Where fees, payments of the coin and authority stand.
    asset : Asset
        What was paid.
    rows : polars.DataFrame
        Payments, with ``txid, sender``.
    wallets : mapping
        Whose the tagged wallets are.

    Fails when
    ----------
    Neither the fee nor the top-level payment of a transaction was read: nothing is known of its
    sender then, and what stands together in it shows nothing. Authority was not read (no logs but
    transfers): a bundle that the service's own wallet sent looks like its sweep.
    """
    many = rows.group_by("txid").agg(pl.col("sender").n_unique()).filter(pl.col("sender") > 1)
    here = (pl.col("chain") == asset.chain) & pl.col("txid").is_in(many["txid"].implode())
    brought = ledger.approvals.filter(here & pl.col("kind").is_in(BROUGHT)).select("txid")
    paid = (
        ledger.transfers.filter(here & pl.col("kind").is_in(PAID_BY_SENDER))
        .join(brought, on="txid", how="anti")
        .group_by("txid")
        .agg(
            pl.col("sender").first(), pl.col("sender").n_unique().alias("several"),
            pl.col("time").min(),
        )
        .filter(pl.col("several") == 1)
        .collect()
    )  # fmt: skip
    named = with_names(paid, "sender", wallets)
    service = pl.when(~pl.col("contested")).then("service").alias("service")
    return {
        txid: Sent(sender, whose)
        for txid, sender, whose in named.select("txid", "sender", service).iter_rows()
    }
