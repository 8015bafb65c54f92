"""Payments of one asset of an account chain between owners, as its facts tell them.

What took effect, and what its payer let be moved; what a batch contract paid is its payer's.
Whether the payer is known to have wanted a transfer of a token stands beside each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.ledger.ledger import Ledger
from chainwatch.typologies.coin_flows import histories_lacking, members_of
from chainwatch.typologies.facts import Facts
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.made_flows import make_flows
from chainwatch.typologies.named_sides import NamedSides, sayings_of


def account_flows(
    ledger: Ledger, asset: Asset, clusters: Framed | None, tags: Framed | None, prices: Any,
    facts: Facts | None = None,
) -> Flows:  # fmt: skip
    """Return all payments of an asset of an account chain that were read.

    Parameters
    ----------
    ledger : Ledger
        Its whole history is read, whatever its span.
    asset : Asset
        The coin, or a token by its contract.
    clusters : Framed or None
        Owners; None lets each address stand alone.
    tags, prices, facts
        As of :class:`chainwatch.typologies.flows.Flows`.
    """
    told = AccountFacts(ledger.history, find_chain(asset.chain), tags)
    found = told.of(asset.contract)
    undated = found["time"].is_null().sum()
    rows = found.filter(pl.col("time").is_not_null())
    side = NamedSides(sayings_of(tags, clusters, asset.chain))
    owners = _owners(clusters, asset.chain)
    # A place in a block that the source does not vouch for is no order.
    sure = pl.when(~pl.col("order_uncertain").fill_null(value=True)).then("tx")
    payments = rows.select(
        payer=_owner(owners, "sender"), payee=_owner(owners, "receiver"), amount="amount",
        time="time", tx="tx", txid="txid", place=pl.col("log_index").cast(pl.Int64), rank=sure,
        agreed="agreed",
    ).with_columns(
        payer_name=pl.Series(side.of(rows["sender"], rows["time"])),
        payee_name=pl.Series(side.of(rows["receiver"], rows["time"])),
    )  # fmt: skip
    return make_flows(
        payments, asset, names=side.names, reading=_reading(told, asset, clusters),
        left={"without a time": int(undated)} if undated else {}, prices=prices,
        ledger=ledger.history, tags=tags, clusters=clusters, facts=facts,
    )  # fmt: skip


def _owners(clusters: Framed | None, chain: str) -> tuple[pl.Series, pl.Series]:
    schema = {"address": pl.Binary, "cluster": pl.Binary}
    rows = pl.DataFrame(schema=schema)
    if clusters is not None:
        rows = clusters.frame.filter(pl.col("chain") == chain).select(list(schema))
    return rows["address"], rows["cluster"]


def _owner(owners: tuple[pl.Series, pl.Series], side: str) -> pl.Expr:
    """Return the owner of the address at one side of a transfer: itself where nothing joins it."""
    addresses, clusters = owners
    if addresses.is_empty():
        return pl.col(side)
    return pl.col(side).replace_strict(addresses, clusters, default=pl.col(side))


def _reading(facts: AccountFacts, asset: Asset, clusters: Framed | None) -> Callable[[bytes], str]:
    """Return what tells of an owner which of his addresses were not read whole."""
    members = members_of(clusters, asset.chain)

    def told(party: bytes) -> str:
        addresses = members.get(party, [party])
        read = facts.read(asset.contract)
        return histories_lacking(sum(one not in read for one in addresses), len(addresses))

    return told


__all__ = ["account_flows"]
