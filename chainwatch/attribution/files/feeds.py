"""Read feeds of threat intelligence: addresses of MISP events and STIX bundles as rows of tags."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from chainwatch.addresses.canonical import chains_of, parse
from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.files.feed_json import MISP, STIX, Told, load_feed
from chainwatch.attribution.files.misp import told_by_events
from chainwatch.attribution.files.stix import told_by_bundle
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.taxonomy import level
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, TagError
from chainwatch.ledger.schema import TAGS

CONFIDENCE = "unknown"
"""Neither format has levels that mean what those of TagPacks mean; theirs stay in the context."""

_READ = {MISP: told_by_events, STIX: told_by_bundle}


def read_feed(
    path: Path, *, name: str, network: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the addresses of a feed as tags, and what of it was not taken.

    Parameters
    ----------
    path : Path
        JSON: an event of MISP, several, or a bundle of STIX 2.1.
    name : str
        What to call it in rows and errors.
    network : str, optional
        Chain alias for addresses of which no currency is stated. Without it such an address is
        taken where it can be an address of one chain only.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of ``schema.TAGS``, and the rejections. What its publisher deleted or revoked is
        rejected.

    Raises
    ------
    TagError
        If the file is no feed, or names no cryptocurrency address.
    """
    kind, said = load_feed(path, name)
    rows: dict[tuple[object, ...], tuple[object, ...]] = {}
    rejected: list[Rejection] = []
    count = 0
    for count, told in enumerate(_READ[kind](said), 1):  # noqa: B007 - counted for the error
        found = _chain_and_address(told, network)
        if isinstance(found, str):
            rejected.append(Rejection(name, told.place, told.address, found))
            continue
        for concept in told.concepts or (None,):
            row = _row(found, told, concept, name)
            key = tuple(row[list(TAGS.schema).index(one)] for one in TAGS.key)
            if key in rows:
                why = "says again what the file says elsewhere"
                rejected.append(Rejection(name, told.place, told.address, why))
            rows.setdefault(key, row)
    if not count:
        what = f"the {kind} names no cryptocurrency address"
        raise TagError(what, where=quoted(name), remedy="read another, or leave it out")
    return pl.DataFrame(list(rows.values()), TAGS.schema, orient="row"), rejected_frame(rejected)


def _chain_and_address(told: Told, network: str | None) -> tuple[str, bytes] | str:
    """Return (CAIP-2 id, canonical address), or the reason there is none."""
    if told.withdrawn:
        return told.withdrawn
    if not told.address:
        return "no address stands there"
    if told.network is not None:
        alias, reason = network_of(told.network, told.address)
    else:
        alias, reason = _placed(told.address, network)
    if alias is None:
        return reason
    try:
        return chain_of(alias).id, parse(told.address, alias)
    except AddressError as error:
        return str(error)


def _placed(address: str, network: str | None) -> tuple[str | None, str]:
    """Return the chain of an address of which none is stated: the reader's, or the only one."""
    could = [chain.alias for chain in chains_of(address) if chain.mainnet]
    if network is not None and (network in could or not could):
        return network, ""
    if len(could) == 1:
        return could[0], ""
    if not could:
        return None, "no currency is stated, and it is an address of no chain known here"
    return None, f"no currency is stated, and it may be of {', '.join(could)}: name the chain"


def _row(
    found: tuple[str, bytes], told: Told, concept: str | None, name: str
) -> tuple[object, ...]:
    context = json.dumps(told.context, ensure_ascii=False) if told.context else None
    return (
        *found, told.label, concept, told.actor, told.source, CONFIDENCE, level(CONFIDENCE),
        None, told.last_day, told.as_of, name, None, context,
    )  # fmt: skip
