"""Donors, published addresses, and wallets that are emptied into one other."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.typologies.facts import NO_FACTS
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY, in_band
from chainwatch.typologies.shapes.relays import totals


def published(flows: Flows) -> NDArray[np.bool_]:
    """Return which parties own an address that was published."""
    facts = NO_FACTS if flows.facts is None else flows.facts
    mine = facts.published.filter(pl.col("chain") == flows.asset.chain).select("address")
    if flows.clusters is not None:
        here = flows.clusters.frame.filter(pl.col("chain") == flows.asset.chain)
        mine = mine.join(here.select("address", "cluster"), on="address", how="left").select(
            pl.coalesce("cluster", "address").alias("address")
        )
    found = np.zeros(len(flows.parties), np.bool_)
    numbers = (flows.number_of(one) for one in mine["address"].to_list())
    found[[one for one in numbers if one is not None]] = True
    return found


def emptied(flows: Flows, percent: int) -> NDArray[np.bool_]:
    """Return which parties pay one other alone, later than they are first paid, most of it all.

    Services, and whoever pays a service, are none: so are deposit addresses swept.
    """
    into, out = flows.into, flows.out_of
    able = (into.sizes > 0) & (flows.payees == 1) & ~flows.services
    found, who = np.zeros(len(able), np.bool_), np.flatnonzero(able)
    first_in, first_out = into.rows[into.ptr[who]], out.rows[out.ptr[who]]
    found[who] = (
        (flows.order[first_in] < flows.order[first_out])
        & in_band(totals(flows, out)[who], totals(flows, into)[who], percent, 100)
        & ~flows.services[flows.payee[first_out]]
    )
    return found


def wallet_of(flows: Flows, able: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return of each party that is emptied the one that it is emptied into; else ``NOBODY``."""
    found = np.full(len(able), NOBODY, np.int32)
    who = np.flatnonzero(able)
    found[who] = flows.payee[flows.out_of.rows[flows.out_of.ptr[who]]]
    return found


def by_wallet(wallets: NDArray[np.int32], least: int) -> list[tuple[int, list[int]]]:
    """Return the wallets into which so many parties are emptied, each with these, in order."""
    who = np.flatnonzero(wallets != NOBODY)
    order = who[np.argsort(wallets[who], kind="stable")]
    begins = np.flatnonzero(np.diff(wallets[order], prepend=-1))
    parts = np.split(order, begins[1:]) if len(order) else []
    return [(int(wallets[some[0]]), some.tolist()) for some in parts if len(some) >= max(least, 1)]


def rows_of(lists: Any, parties: list[int]) -> Rows:
    """Return the payments of some parties in a list, in order."""
    parts = [lists.of(one) for one in parties]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def again(flows: Flows, rows: Rows) -> tuple[int, int]:
    """Return how many known payers stand behind payments, and how many of them pay twice there."""
    payers = flows.payer[rows]
    _, counts = np.unique(payers[payers != NOBODY], return_counts=True)
    return len(counts), int((counts > 1).sum())


__all__ = ["again", "by_wallet", "emptied", "published", "rows_of", "wallet_of"]
