"""Whom no ranking and no meeting place may be about: the owners whom roles of people mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.errors import InputError
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.typologies.flows import Flows


class Judged(NamedTuple):
    """Owners of whom roles were told, and those among them who are, or may be, masked."""

    judged: frozenset[bytes]
    masked: frozenset[bytes]


def marked(flows: Flows, owners: frozenset[bytes] | None) -> NDArray[np.bool_]:
    """Return which parties are some owners."""
    listed = pl.Series(sorted(owners or ()), dtype=pl.Binary)
    found: NDArray[np.bool_] = flows.parties.is_in(listed.implode()).to_numpy().copy()
    return found


def judged_owners(people: PeopleRoles | None, flows: Flows) -> Judged | None:
    """Return the owners of whom roles were told, and of whom any address is, or may be, masked.

    None where nobody told.

    Raises
    ------
    InputError
        If roles were told of another asset: who paid little of one may have paid much of another.
    """
    if people is None:
        return None
    if people.asset != flows.asset:
        raise InputError(
            f"people are told of {_named(people.asset)}, and payments of {_named(flows.asset)}",
            remedy="pass roles(...) of the same asset",
        )
    masked = people.frame.filter("masked")
    return Judged(*(_owners(one.select("address"), flows) for one in (people.frame, masked)))


def _owners(rows: pl.DataFrame, flows: Flows) -> frozenset[bytes]:
    if flows.clusters is None:
        return frozenset(rows["address"])
    of = flows.clusters.frame.filter(pl.col("chain") == flows.asset.chain)
    joined = rows.join(of.select("address", "cluster"), on="address", how="left")
    return frozenset(joined.select(pl.coalesce("cluster", "address")).to_series())


def _named(asset: Asset) -> str:
    return f"{asset.symbol} on {asset.chain}"
