"""Subjects: whose value is followed, given as addresses, texts or a frame, and their clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import parse, text
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.arguments import check

Subjects = pl.DataFrame | Sequence[str] | Sequence[bytes] | str | bytes
"""A frame with ``chain`` and ``address``, one address, or several; as text or canonical bytes."""


def subjects_of(
    subjects: Subjects, asset: Asset | None, chain: str | None, ledger: Ledger | None = None
) -> tuple[Asset, tuple[bytes, ...]]:
    """Return what is followed and the addresses it is followed from, each once, sorted.

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
    if isinstance(subjects, pl.DataFrame):
        found, addresses = _of_frame(subjects, given)
    else:
        listed = _list_of(subjects)
        found = given or _only_chain(ledger)
        addresses = {parse(item, found) if isinstance(item, str) else item for item in listed}
    if not addresses:
        raise TraceError("there is no subject to trace", remedy="check the tags or addresses given")
    for address in addresses:
        text(address, found)  # refuses bytes that are no address of the chain
    return _asset(asset, found), tuple(sorted(addresses))


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
