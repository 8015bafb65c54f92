"""Whom no ranking and no meeting place may be about: the owners whom roles of people mask."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.errors import InputError
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.typologies.flows import Flows


def marked(flows: Flows, owners: frozenset[bytes] | None) -> NDArray[np.bool_]:
    """Return which parties are some owners."""
    listed = pl.Series(sorted(owners or ()), dtype=pl.Binary)
    found: NDArray[np.bool_] = flows.parties.is_in(listed.implode()).to_numpy().copy()
    return found


def masked_owners(people: PeopleRoles | None, flows: Flows) -> frozenset[bytes] | None:
    """Return the owners of whom any address is, or may be, one of those who are masked.

    None where nobody told.

    Raises
    ------
    InputError
        If roles were told of another chain.
    """
    if people is None:
        return None
    if people.asset.chain != flows.asset.chain:
        raise InputError(
            f"people are told of {people.asset.chain}, and payments of {flows.asset.chain}",
            remedy="pass roles(...) of the same chain and asset",
        )
    rows = people.frame.filter("masked").select("address")
    if flows.clusters is None:
        return frozenset(rows["address"])
    of = flows.clusters.frame.filter(pl.col("chain") == flows.asset.chain)
    joined = rows.join(of.select("address", "cluster"), on="address", how="left")
    return frozenset(joined.select(pl.coalesce("cluster", "address")).to_series())
