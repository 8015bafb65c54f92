"""Subjects: whose value is followed: addresses, their clusters, tags, or outputs by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import parse, parse_txid, text
from chainwatch.attribution.resolve import Framed, Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.arguments import check
from chainwatch.tracing.chosen import Chosen

Subjects = pl.DataFrame | Framed | Sequence[str] | Sequence[bytes] | str | bytes
"""A frame with ``chain`` and ``address``, or tags; or one subject or several: addresses as text or
canonical bytes, outputs and transfers as ``TXID:N``, transactions as ``TXID``."""

_PLACE = re.compile(r"((?:0[xX])?[0-9a-fA-F]{64})(?::([0-9]{1,7}))?")


def is_place(text: str) -> bool:
    """Tell whether a text names an output or a transfer, ``TXID:N``, or a whole transaction."""
    return _PLACE.fullmatch(text) is not None


class Named(NamedTuple):
    """What is followed: the asset, addresses, each once and sorted, and what was chosen itself."""

    asset: Asset
    addresses: tuple[bytes, ...]
    chosen: tuple[Chosen, ...]


def subjects_of(
    subjects: Subjects, asset: Asset | None, chain: str | None, ledger: Ledger | None = None
) -> Named:
    """Return what is followed, and from whom or what.

    Where nothing else names the chain of addresses, it is the only one of the ledger.

    Raises
    ------
    TraceError
        If there is no subject, or it is not clear which chain or asset is meant.
    AddressError
        If a subject is no address of the chain.
    ArgumentError
        If the subjects or the asset are something else.
    """
    if asset is not None:
        check(asset=asset)
    if asset is not None and chain is not None and find_chain(chain).id != asset.chain:
        raise TraceError(
            f"the asset is on {find_chain(asset.chain)}, not on {find_chain(chain)}",
            remedy="leave out chain=",
        )
    given = asset.chain if asset else find_chain(chain).id if chain else None
    places: dict[Chosen, None] = {}
    if not isinstance(subjects, pl.DataFrame) and isinstance(subjects, Framed):
        subjects = subjects.frame
    if isinstance(subjects, pl.DataFrame):
        found, addresses = _of_frame(subjects, given)
    else:
        listed = _list_of(subjects)
        found, addresses = given or _only_chain(ledger), set()
        for item in listed:
            place = _PLACE.fullmatch(item) if isinstance(item, str) else None
            if place:
                n = None if place[2] is None else int(place[2])
                places[Chosen(parse_txid(place[1], found), n)] = None
            else:
                addresses.add(parse(item, found) if isinstance(item, str) else item)
    if not addresses and not places:
        raise TraceError("there is no subject to trace", remedy="check the tags or addresses given")
    for address in addresses:
        text(address, found)  # refuses bytes that are no address of the chain
    order = sorted(places, key=lambda one: (one.txid, -1 if one.n is None else one.n))
    return Named(_asset(asset, found), tuple(sorted(addresses)), tuple(order))


def addresses_of(subjects: Subjects, asset: Asset) -> tuple[bytes, ...]:
    """Return subjects that are addresses, each once, sorted.

    Raises
    ------
    TraceError, AddressError, ArgumentError
        As :func:`subjects_of`; also if one is an output, transfer or transaction.
    """
    named = subjects_of(subjects, asset, None)
    if named.chosen:
        raise TraceError(
            f"{named.chosen[0].shown(asset.chain)} is no address", remedy="give the one it pays"
        )
    return named.addresses


def _of_frame(subjects: pl.DataFrame, given: str | None) -> tuple[str, set[bytes]]:
    if not {"chain", "address"} <= set(subjects.columns):
        raise TraceError(
            f"the frame of subjects has columns {', '.join(subjects.columns)}",
            remedy="it needs chain and address, as tags.addresses() gives them",
        )
    chains = sorted(subjects["chain"].unique().to_list())
    if given is None and len(chains) > 1:
        raise TraceError(
            f"subjects are on {len(chains)} chains: {', '.join(chains)}",
            remedy="pass chain= or asset= to follow those on one",
        )
    if given is not None and chains and given not in chains:
        raise TraceError(
            f"no subject is on {find_chain(given)}: they are on {', '.join(chains)}",
            remedy="pass the chain= or asset= that they are on",
        )
    found = given or next(iter(chains), "")
    rows = subjects.filter(pl.col("chain") == found)["address"].drop_nulls()
    return found, set(rows.to_list())


def _list_of(subjects: Any) -> list[str | bytes]:
    """Return one address or several as a list; refuse what is none."""
    wanted = "pass an address, a list of them, or a frame such as tags.addresses()"
    single = isinstance(subjects, (str, bytes))
    if not single and not isinstance(subjects, (Sequence, set, frozenset, pl.Series)):
        refuse(subjects, "subjects", wanted)
    listed = [subjects] if single else list(subjects)
    for item in listed:
        if not isinstance(item, (str, bytes)):
            refuse(item, "a subject", wanted)
    return listed


def _only_chain(ledger: Ledger | None) -> str:
    """Return the one chain of a ledger, by which addresses need no other mark."""
    chains = ledger.chains if ledger else ()
    if len(chains) != 1:
        names = ", ".join(item.alias for item in chains)
        raise TraceError(
            "the chain of the subjects is not clear" + (f": {names} were read" if names else ""),
            remedy=f"pass chain={chains[0].alias if chains else 'btc'!r}",
        )
    return chains[0].id


def _asset(asset: Asset | None, chain: str) -> Asset:
    coins = find_chain(chain).family == "utxo"
    if asset is None and not coins:
        raise TraceError(
            f"{find_chain(chain).name} holds many assets",
            remedy="pass asset=token(...) or native()",
        )
    if asset is not None and asset.contract is not None and coins:
        raise TraceError(f"{find_chain(chain).name} has no token contracts")
    return asset or native(chain)


def widened(seeds: tuple[bytes, ...], chain: str, clusters: Owners | None) -> dict[bytes, bytes]:
    """Return every address of a subject with the address the subject is called by.

    With clusters a subject is all addresses of its cluster, called by the smallest that was given.
    """
    if clusters is None:
        return {address: address for address in seeds}
    here = clusters.frame.filter(pl.col("chain") == chain).sort("address")
    cluster_of = dict(here.select("address", "cluster").iter_rows())
    called: dict[bytes, bytes] = {}
    for address in seeds:
        called.setdefault(cluster_of.get(address, address), address)
    of = {address: called[cluster_of.get(address, address)] for address in seeds}
    return of | {
        address: called[cluster] for address, cluster in cluster_of.items() if cluster in called
    }
