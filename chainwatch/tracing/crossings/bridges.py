"""Who is a bridge: addresses that tags call so, or that the caller names; never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse, text
from chainwatch.attribution.naming import claimed
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.taxonomy import BRIDGING, is_a
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, refuse
from chainwatch.ledger.schema import TAGS

Named = Mapping[str, Mapping[str, Sequence[str | bytes]]]
"""Bridges by name, then by chain, with their addresses there."""

BY_CALLER = "named by the caller"
"""Source of the tag of an address that the caller named."""

ADDRESSES: dict[str, Any] = {
    "chain": pl.String, "address": pl.Binary, "bridge": pl.String,
    "first_day": pl.Date, "last_day": pl.Date,
}  # fmt: skip


def tags_of_bridges(bridges: Framed | Named) -> Tags:
    """Return the tags of bridges: those of the concept, or of what the caller names.

    Raises
    ------
    TraceError
        If none is a bridge.
    ArgumentError
        If something else is given.
    """
    if isinstance(bridges, Mapping):
        return _of_names(bridges)
    frame = getattr(bridges, "frame", None)
    if not isinstance(frame, pl.DataFrame) or not {"concept", "actor", "label"} <= set(
        frame.columns
    ):
        refuse(bridges, "bridges", "pass tags, or {'hop': {'eth': ['0x...'], 'base': ['0x...']}}")
    broad = [one for one in frame["concept"].unique().drop_nulls() if _bridging(one)]
    rows = frame.filter(pl.col("concept").is_in(broad))
    if rows.is_empty():
        raise TraceError(
            f"no tag says that an address is a bridge ({', '.join(BRIDGING)})",
            remedy="tag its addresses with that concept, or name them:"
            " bridges={'hop': {'eth': ['0x...']}}",
        )
    return make_tags(rows)


def addresses_of_bridges(tags: Tags) -> pl.DataFrame:
    """Return ``chain, address, bridge, first_day, last_day``: each address, and since when.

    Raises
    ------
    TraceError
        If two bridges are named for one address.
    """
    rows = claimed(tags.frame).rename({"name": "bridge"}).select(list(ADDRESSES)).unique()
    several = rows.group_by("chain", "address").agg(pl.col("bridge").unique().sort())
    clash = several.filter(pl.col("bridge").list.len() > 1).sort("chain", "address")
    if clash.height:
        chain, address, names = clash.row(0)
        raise TraceError(
            f"{' and '.join(names)} are both named for one address",
            where=text(address, chain), remedy="pass the tags of one of them",
        )  # fmt: skip
    return rows.sort(list(ADDRESSES), nulls_last=True)


def holding(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep rows at whose ``time`` the tag of the bridge holds; at an unknown time it may."""
    day = pl.col("time").dt.date()
    begun = (pl.col("first_day") <= day).fill_null(True)
    lasts = (day <= pl.col("last_day")).fill_null(True)
    return rows.filter(begun & lasts).drop("first_day", "last_day")


def _bridging(concept: str) -> bool:
    return any(is_a(concept, broad) for broad in BRIDGING)


def _of_names(bridges: Named) -> Tags:
    wanted = "pass tags, or {'hop': {'eth': ['0x...'], 'base': ['0x...']}}"
    found = []
    for name, by_chain in bridges.items():
        if not isinstance(by_chain, Mapping):
            refuse(by_chain, f"what is said of {name!r}", wanted)
        for chain, addresses in by_chain.items():
            if isinstance(addresses, (str, bytes)) or not isinstance(addresses, Sequence):
                refuse(addresses, f"the addresses of {name!r}", wanted)
            network = find_chain(chain).id
            found += [_row(name, network, one) for one in addresses]
    if not found:
        raise TraceError("no bridge is named", remedy=wanted)
    return make_tags(pl.DataFrame(found, schema=TAGS.schema, orient="row"))


def _row(name: str, chain: str, address: str | bytes) -> dict[str, Any]:
    known = parse(address, chain) if isinstance(address, str) else address
    text(known, chain)  # refuses bytes that are no address of the chain
    return {
        "chain": chain, "address": known, "label": name, "actor": name,
        "concept": BRIDGING[0], "source": BY_CALLER, "confidence": "unknown", "level": 5,
        "first_day": None, "last_day": None, "as_of": None, "pack": BY_CALLER, "definer": False,
        "context": None,
    }  # fmt: skip
