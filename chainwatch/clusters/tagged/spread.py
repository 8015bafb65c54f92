"""``spread_tags``: what tags say of the other addresses of a cluster, and on how sure a link.

A tag is somebody's word for one address. That it holds for the others of a cluster rests on two
things more: that its publisher says it of the whole, and that the links between hold. The one is
asked of the tag; the other is the weakest link on the way, which stands beside every row. A link
that was refused or is undecided is no way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.attribution.naming import DEPOSIT
from chainwatch.attribution.resolve import Sayings, TagStatement, clustered, statements_of
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.clusters.cluster import Clusters
from chainwatch.errors import expect
from chainwatch.heuristics.links import LINKS, with_chain_b
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Privacy, Rows, Table
from chainwatch.units import counted

ALONE, UNSTATED, SEVERAL, CUSTOMER = (
    "its publisher says it of the address alone",
    "its publisher does not say whether the whole cluster is meant",
    "tags of its cluster name several",
    "a deposit wallet is its customer's account",
)
"""Why a tag of a clustered address says nothing of the others."""

_SAID = (TAGS["label"], TAGS["actor"], TAGS["concept"], TAGS["source"], TAGS["confidence"],
         TAGS["level"], TAGS["first_day"], TAGS["last_day"])  # fmt: skip

SPREAD = Table(
    "spread",
    ("chain", "address", "label", "concept", "source", "first_day", "last_day", "tagged"),
    "What a tag says of another address of its cluster, and the weakest link between the two.",
    (
        CHAIN,
        Column.party("address", "the other address"),
        Column.party("cluster", "smallest address of the cluster"),
        Column.party("tagged", "the tagged address that is most surely tied to it"),
        *_SAID,
        Column.flag("stated", "does the publisher say it of the whole cluster; false: it was asked"
                    " for where nothing is said"),
        Column("weakest", pl.Float64, Privacy.FLAG, "confidence of the weakest link on the way;"
               " null where nobody measured it", nullable=True),
        LINKS["rule"],
        LINKS["txid"],
    ),
)  # fmt: skip

LEFT = Table(
    "left",
    ("chain", "address", "label", "concept", "source", "first_day", "last_day"),
    "Tags of clustered addresses that say nothing of the others.",
    (
        CHAIN,
        Column.party("address", "the tagged address"),
        *_SAID,
        Column("reason", pl.String, Privacy.KIND, "why not"),
    ),
)

Party = tuple[str, bytes]


@dataclass(frozen=True, repr=False, eq=False)
class SpreadTags(Result):
    """What tags say over clusters; made by :func:`spread_tags`.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of ``SPREAD``: each address that a tag is spread to, with the weakest link on the way.
    left : polars.DataFrame
        Rows of ``LEFT``: tags of clustered addresses that are not spread, and why.
    contested : int
        Refused and undecided links at the clusters over which tags were spread: beyond these they
        say nothing.
    spread_unstated : bool
        Whether tags whose publisher does not say were spread as well.
    """

    frame: pl.DataFrame
    left: pl.DataFrame = field(default_factory=LEFT.empty)
    contested: int = 0
    spread_unstated: bool = False

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {"spread": SPREAD.rows(self.frame), "left": LEFT.rows(self.left)}

    def words(self) -> Mapping[str, Any]:
        """Return what is counted beside the tables."""
        return {"contested": self.contested, "spread_unstated": self.spread_unstated}

    def names(self) -> Iterator[tuple[str, Party]]:
        """Yield what its rows call each address: label and actor."""
        for frame in (self.frame, self.left):
            for chain, address, *said in frame.select(
                "chain", "address", "label", "actor"
            ).iter_rows():
                yield from ((name, (chain, address)) for name in said if name)

    @property
    def unstated(self) -> int:
        """Tags of clustered addresses whose publisher does not say whether the cluster is meant."""
        asked = self.frame.filter(~pl.col("stated")).select("chain", "tagged", "label", "source")
        silent = self.left.filter(pl.col("reason") == UNSTATED)
        silent = silent.select("chain", pl.col("address").alias("tagged"), "label", "source")
        return pl.concat([asked, silent]).unique().height

    def __repr__(self) -> str:
        reached = self.frame.select("chain", "address").unique().height
        asked = ", those of which nothing is said as well" if self.spread_unstated else ""
        return (
            f"SpreadTags({counted(reached, 'other address', 'other addresses')} named{asked};"
            f" {counted(self.left.height, 'row', 'rows')} of tags not spread;"
            f" {counted(self.contested, 'contested link', 'contested links')} not passed)"
        )


@recorded
def spread_tags(tags: Tags, clusters: Clusters, *, spread_unstated: bool = False) -> SpreadTags:
    """Spread tags over clusters, where their publishers say so, with the links it rests on.

    It is what traces, exposures and routes do with tags and clusters, told row by row. A tag
    spreads where its publisher says it of the whole cluster (``is_cluster_definer: true``), never
    where the publisher says it of the address alone, and where nothing is said only on request. A
    cluster for which tags name two says nothing of its other addresses.

    Parameters
    ----------
    tags : Tags
        The tags.
    clusters : Clusters
        Who belongs together. Links that were refused or are undecided join nothing, so that no tag
        passes them.
    spread_unstated : bool
        Spread also where the publisher does not say; it is recorded, and such rows say so.

    Returns
    -------
    SpreadTags
        Three numbers stay apart: how sure the tag is (``confidence``, ``level``), how sure the way
        is (``weakest``), and neither is a probability that the address is the actor's.

    Fails when
    ----------
    A link on the way is wrong: then a stranger bears the name. Ask ``clusters.why(tagged,
    address)``.
    """
    expect(tags, Tags, "tags", "pass tags as read_tags(...) returns them")
    expect(clusters, Clusters, "clusters", "pass clusters as cluster(...) returns them")
    rows: list[tuple[Any, ...]] = []
    left: list[tuple[Any, ...]] = []
    reached: set[Party] = set()
    for chain in sorted(tags.frame["chain"].unique()):
        sayings = statements_of(tags.frame, chain)
        spread = clustered(sayings, clusters, chain, spread_unstated=spread_unstated)
        of = _clusters_of(clusters, chain)
        rows += _spread(chain, sayings, spread, of, clusters)
        left += _left(chain, sayings, spread, of)
        reached |= {(chain, address) for address in spread}
    return SpreadTags(
        SPREAD.frame(rows).sort(SPREAD.key, nulls_last=True),
        LEFT.frame(left).sort(LEFT.key, nulls_last=True),
        _contested(clusters, reached),
        spread_unstated,
    )


def _clusters_of(clusters: Clusters, chain: str) -> dict[bytes, bytes]:
    here = clusters.frame.filter(pl.col("chain") == chain)
    return dict(here.select("address", "cluster").iter_rows())


def _said(one: TagStatement) -> tuple[Any, ...]:
    return (one.label, one.actor if one.by_actor else None, one.concept, one.source,
            one.confidence, one.level, one.first, one.last)  # fmt: skip


def _spread(
    chain: str, sayings: Sayings, spread: Sayings, of: Mapping[bytes, bytes], clusters: Clusters
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``SPREAD`` of one chain."""
    by_cluster: dict[bytes, list[bytes]] = {}
    for address in spread:
        by_cluster.setdefault(of[address], []).append(address)
    forests = _forests(clusters, chain, by_cluster)
    for cluster, addresses in sorted(by_cluster.items()):
        links = forests.get(cluster, [])
        for one in spread[addresses[0]]:
            origins = {at for at in addresses if one in sayings.get(at, ())}
            ways = weakest_links(links, {(chain, at) for at in origins})
            for address in addresses:
                if address in origins:
                    continue
                tagged, link = ways[chain, address]
                yield (chain, address, cluster, tagged[1], *_said(one), bool(one.definer),
                       link["confidence"], link["rule"], link["txid"])  # fmt: skip


def _forests(
    clusters: Clusters, chain: str, wanted: Mapping[bytes, object]
) -> dict[bytes, list[Mapping[str, Any]]]:
    """Return for each cluster the links that join its owner, on all chains, the strongest first."""
    owner = {(where, cluster): one for one, where, cluster in clusters.owners.select(
        "owner", "chain", "cluster").iter_rows()}  # fmt: skip
    whose = {
        (where, address): owner.get((where, cluster), (where, cluster))
        for where, address, cluster in clusters.frame.iter_rows()
    }
    found: dict[Any, list[Mapping[str, Any]]] = {}
    asked = {owner.get((chain, cluster), (chain, cluster)): cluster for cluster in wanted}
    falling = with_chain_b(clusters.forest).sort(
        "confidence", "tx", "chain", "a", "b", "rule",
        descending=[True, False, False, False, False, False], nulls_last=True,
    )  # fmt: skip
    for link in falling.iter_rows(named=True):
        one = whose.get((link["chain"], link["a"]))
        if one in asked:
            found.setdefault(one, []).append(link)
    return {cluster: found.get(one, []) for one, cluster in asked.items()}


def weakest_links(
    links: Sequence[Mapping[str, Any]], origins: set[Party]
) -> dict[Party, tuple[Party, Mapping[str, Any]]]:
    """Return for each place the origin that is most surely tied to it, and the weakest link.

    The links come strongest first and are those of a maximum spanning forest, in which the only
    path between two places is the one whose weakest link is strongest. So the link by which a
    place first comes together with an origin is the weakest on its way to it. Of several origins
    that come at once the smallest counts.

    Parameters
    ----------
    links : sequence of mappings
        Rows in ``BOTH_ENDS``, the strongest first.
    origins : set of (chain, address)
        Where the ways begin.
    """
    group: dict[Party, Party] = {}
    members: dict[Party, list[Party]] = {}
    first: dict[Party, Party | None] = {}
    found: dict[Party, tuple[Party, Mapping[str, Any]]] = {}

    def top(place: Party) -> Party:
        if place not in group:
            group[place], members[place] = place, [place]
            first[place] = place if place in origins else None
        while group[place] != place:
            group[place] = group[group[place]]
            place = group[place]
        return place

    for link in links:
        one, two = top((link["chain"], link["a"])), top((link["chain_b"], link["b"]))
        if one == two:
            continue
        for here, there in ((one, two), (two, one)):
            tagged = first[there]
            if first[here] is None and tagged is not None:
                found.update((place, (tagged, link)) for place in members[here])
        large, small = sorted((one, two), key=lambda at: (-len(members[at]), at))
        group[small] = large
        members[large] += members.pop(small)
        known = [at for at in (first[one], first[two]) if at is not None]
        first[large] = min(known, default=None)
    return found


def _left(
    chain: str, sayings: Sayings, spread: Sayings, of: Mapping[bytes, bytes]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of ``LEFT`` of one chain."""
    customers = {
        address
        for address, rows in sayings.items()
        if chain_of(chain).family != "utxo" and any(one.concept == DEPOSIT for one in rows)
    }
    several = _several({at: rows for at, rows in sayings.items() if at not in customers}, of)
    for address, rows in sayings.items():
        for one in rows if address in of else ():
            if address in customers:
                yield chain, address, *_said(one), CUSTOMER
            elif one not in spread.get(address, ()):
                reason = SEVERAL if of[address] in several else UNSTATED
                yield chain, address, *_said(one), ALONE if one.definer is False else reason


def _several(sayings: Sayings, of: Mapping[bytes, bytes]) -> set[bytes]:
    """Return the clusters for which tags name several: actors; where none is stated, labels."""
    found: dict[bytes, list[TagStatement]] = {}
    for address, rows in sayings.items():
        if address in of:
            found.setdefault(of[address], []).extend(rows)
    return {
        cluster
        for cluster, rows in found.items()
        if len({one.actor for one in rows if one.by_actor} or {one.actor for one in rows}) > 1
    }


def _contested(clusters: Clusters, reached: set[Party]) -> int:
    """Return how many links at some addresses were refused or are undecided."""
    if not reached:
        return 0
    at = pl.DataFrame(sorted(reached), schema={"chain": pl.String, "address": pl.Binary},
                      orient="row")  # fmt: skip
    total = 0
    for rows in (clusters.links.contested, clusters.refused):
        ends = with_chain_b(rows).with_row_index("row")
        touched = [
            ends.join(at, left_on=[chain, end], right_on=["chain", "address"], how="semi")["row"]
            for chain, end in (("chain", "a"), ("chain_b", "b"))
        ]
        total += pl.concat(touched).n_unique()
    return total
