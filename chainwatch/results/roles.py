"""Who may be shown outside the desk, as single results say it; an edition puts it together.

A role belongs to an address in a case. Whoever has none is a bystander, and masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import polars as pl

SUBJECT, FINDING, SERVICE, BYSTANDER = "subject", "finding", "service", "bystander"

Party = tuple[str, bytes]
"""CAIP-2 id of a chain, and a canonical address on it."""


@dataclass(frozen=True)
class Roles:
    """What one result says of who may be shown.

    Attributes
    ----------
    spreading : mapping
        Roles that the other addresses of a cluster share.
    unstated : mapping
        Roles of which their publisher does not say whether the others share them.
    single : mapping
        Roles of these addresses alone.
    alone : set of (chain, address)
        Shown as a service's, without the other addresses of their clusters: where value ends.
    customers : set of (chain, address)
        Of a service: no cluster makes a service of them.
    doubtful : set of (chain, address)
        Too weakly shown to be a customer of a service to be named to others.
    protected : set of (chain, address)
        Never shown, unless they are subjects: victims, likely consumers, small donors.
    if_met : set of (chain, address)
        Findings that are shown where a result on subjects meets them, and not by a tag alone.
    on_the_way : set of (chain, address)
        Followed value passes through them: their pseudonyms stay, or no route could be told.
    clusters : polars.DataFrame
        ``chain, address, cluster``: who shares the roles that spread.
    spread_unstated : bool
        Whether a result was asked to let the unstated ones spread.
    """

    spreading: Mapping[Party, str] = field(default_factory=dict)
    unstated: Mapping[Party, str] = field(default_factory=dict)
    single: Mapping[Party, str] = field(default_factory=dict)
    alone: Set[Party] = frozenset()
    customers: Set[Party] = frozenset()
    doubtful: Set[Party] = frozenset()
    protected: Set[Party] = frozenset()
    if_met: Set[Party] = frozenset()
    on_the_way: Set[Party] = frozenset()
    clusters: pl.DataFrame | None = None
    spread_unstated: bool = False


def parties_of(frame: pl.DataFrame, column: str = "address", chain: str = "") -> set[Party]:
    """Return the addresses of a column, with the chain named or that of their rows."""
    addresses = frame[column].to_list()
    chains = [chain] * frame.height if chain else frame["chain"].to_list()
    return {(where, item) for where, item in zip(chains, addresses, strict=True) if item}


NOBODY = pl.DataFrame(schema={"chain": pl.String, "address": pl.Binary})
"""No addresses."""

NO_ROLES = Roles()
"""What most results say: nothing of who may be shown."""
