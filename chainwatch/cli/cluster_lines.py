"""Clusters in lines: the largest of them, and one with the evidence that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.clusters.cluster import Clusters

MOST_SHOWN = 20
"""Clusters, members, mixes and pieces of evidence that are listed; the rest are counted."""


def contradicted(found: Clusters, address: str, chain: str) -> pl.DataFrame:
    """Return what tags say of the owner of an address that cannot all be true, as ``alarms``."""
    import polars as pl

    from chainwatch.clusters.alarms import contradictions

    key = found.of(address, chain)
    joined = pl.struct("chain", "cluster") == {"chain": chain, "cluster": key}
    if found.frame.filter(joined).height:
        return found.alarms.filter(joined)
    alone = pl.DataFrame([(chain, key, key)], found.frame.schema, orient="row")
    return contradictions(alone, found.terms.named, found.owners)


def largest(found: Clusters) -> Iterator[str]:
    """Yield the largest clusters with what tags say of them, then what a person should look at."""
    from chainwatch.addresses.canonical import text
    from chainwatch.chains.catalogue import chain as chain_of
    from chainwatch.units import counted

    rows, said = found.sizes(), _names(found)
    for chain, cluster, addresses in rows.head(MOST_SHOWN).iter_rows():
        names = "; ".join(said.get((chain, cluster), []))
        of = f"  ({names})" if names else ""
        size = counted(addresses, "address", "addresses")
        yield f"{chain_of(chain).alias}  {text(cluster, chain)}  {size}{of}"
    yield from _more(rows.height, "clusters")
    yield from contradiction_lines(found.alarms.head(MOST_SHOWN))
    yield from _more(found.alarms.height, "contradictions")
    for row in found.collapses.head(MOST_SHOWN).iter_rows(named=True):
        yield (
            f"look at {row['txid'][::-1].hex() if row['txid'] else 'a statement'}:"
            f" it joins {row['addresses_a']:,} to"
            f" {counted(row['addresses_b'], 'address', 'addresses')}"
            f" ({row['reason']})"
        )
    yield from _more(found.collapses.height, "joins to look at")


def contradiction_lines(alarms: pl.DataFrame) -> Iterator[str]:
    """Yield what tags say of an owner that cannot all be true."""
    from chainwatch.addresses.canonical import text

    for row in alarms.iter_rows(named=True):
        yield (
            f"tags contradict: {text(row['cluster'], row['chain'])} is said to be {row['actors']}"
        )


def _names(found: Clusters) -> dict[tuple[str, bytes], list[str]]:
    """Return what tags call members of the clusters, by chain and cluster."""
    if found.terms.named is None:
        return {}
    joined = found.frame.join(found.terms.named, on=["chain", "address"])
    names = joined.select("chain", "cluster", "name").unique().sort("chain", "cluster", "name")
    said: dict[tuple[str, bytes], list[str]] = {}
    for chain, cluster, name in names.iter_rows():
        said.setdefault((chain, cluster), []).append(name)
    return said


def one_cluster(found: Clusters, address: str, chain: str) -> Iterator[str]:
    """Yield the members of one cluster, then the evidence on which it rests."""
    from chainwatch.units import counted

    rows = found.plain(address, chain)
    if rows.is_empty():
        yield f"nothing joins {address} to any other address"
        yield from contradiction_lines(contradicted(found, address, chain))
        return
    yield f"consistent with one owner: {counted(rows.height, 'address', 'addresses')}"
    for one in rows["address"].head(MOST_SHOWN):
        yield f"  {one}"
    yield from _more(rows.height, "addresses")
    yield from _elsewhere(found, address, chain)
    yield from contradiction_lines(contradicted(found, address, chain))
    fragile = found.fragility(address, chain)
    yield repr(fragile)
    pieces = fragile.plain()
    for row in pieces.head(MOST_SHOWN).iter_rows(named=True):
        yield (
            f"without {row['txid'] or 'a statement on ' + str(row['a'])} ({row['rules']}) it falls"
            f" into {row['parts']:,} parts: {counted(row['split_off'], 'address', 'addresses')}"
            " split off"
        )
    yield from _more(pieces.height, "pieces of evidence")


def _elsewhere(found: Clusters, address: str, chain: str) -> Iterator[str]:
    """Yield what the same owner has on other chains."""
    import polars as pl

    from chainwatch.chains.catalogue import chain as chain_of
    from chainwatch.units import counted

    mine = pl.struct("chain", "cluster") == {"chain": chain, "cluster": found.of(address, chain)}
    owner = found.owners.filter(mine)["owner"]
    others = found.owners.filter(pl.col("owner").is_in(owner.implode()) & ~mine)
    for _, other, cluster in others.iter_rows():
        rows = found.plain(cluster, other)["address"]
        size = counted(rows.len(), "address", "addresses")
        yield f"and, by links between chains, {size} on {chain_of(other).alias}"
        for one in rows.head(MOST_SHOWN):
            yield f"  {one}"
        yield from _more(rows.len(), "addresses")


def _more(count: int, what: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  and {count - MOST_SHOWN:,} more {what}"
