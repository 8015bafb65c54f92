"""From links to owners: connected components of the links that no veto stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Protocol

import polars as pl

from chainwatch.addresses.canonical import kind_of, parse, text_series
from chainwatch.attribution.naming import claimed
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.explain import Adjacency, Explanation, adjacency, explain
from chainwatch.clusters.forest import COLLAPSES, Actors, grow
from chainwatch.errors import InputError, expect, refuse
from chainwatch.heuristics.links import FOREST, LINK_KEY, Links
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles
from chainwatch.results.table import CHAIN, Column, Privacy, Rows, Table
from chainwatch.results.text_frame import text_frame
from chainwatch.units import counted

MEMBERS = Table(
    "clusters",
    ("chain", "address"),
    "One row per address of a cluster of two or more.",
    (
        CHAIN,
        Column.party("address", "an address"),
        Column.party("cluster", "smallest address of its cluster"),
    ),
)

ALARMS = Table(
    "alarms",
    ("chain", "cluster"),
    "Clusters whose tags name more than one actor.",
    (
        CHAIN,
        MEMBERS["cluster"],
        Column("addresses", pl.Int64, Privacy.NUMBER, "tagged addresses"),
        Column.text("actors", "whom the tags name"),
    ),
)

JOINED = Table(
    "subjects",
    (),
    "Subjects, and how many addresses are joined to each.",
    (
        CHAIN,
        Column.party("subject", "the subject"),
        MEMBERS["cluster"],
        Column.number("addresses", "addresses of its cluster"),
    ),
)

LARGE = 100
"""Addresses. A join of two groups of this size is rare enough in a case to be looked at one by
one; a choice of this project, to be set lower in a small case."""


class Tagged(Protocol):
    """Tags, as far as clusters read them."""

    @property
    def frame(self) -> pl.DataFrame:
        """Rows with ``chain, address, actor, label``."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Clusters(Result):
    """Addresses grouped by owner, with the evidence that joined them.

    A cluster's id is its smallest address, so the same addresses always get the same id. An
    address that no link joins is a cluster of its own and stands in no table. Addresses are
    canonical bytes; :meth:`plain` returns them as text.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, address, cluster``: one row per address of a cluster of two or more.
    links : Links
        All links it was made from, contested ones included.
    forest : polars.DataFrame
        The links of the evidence forest: the maximum spanning forest by falling confidence, then
        transaction, then addresses.
    alarms : polars.DataFrame
        Clusters whose tags name more than one actor: ``chain, cluster, addresses`` (tagged ones),
        ``actors``.
    collapses : polars.DataFrame
        Links that joined two large or differently tagged groups: ``chain, tx, txid, a, b, rule,
        addresses_a, addresses_b`` (on the two sides before), ``reason``.
    """

    frame: pl.DataFrame
    links: Links
    forest: pl.DataFrame
    alarms: pl.DataFrame
    collapses: pl.DataFrame = field(default_factory=COLLAPSES.empty)

    def edges(self) -> Sequence[Edges]:
        """Return the links that join the clusters as edges: their direction means nothing."""
        return (Edges("forest", "a", "b"),)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "clusters": MEMBERS.rows(self.frame),
            "forest": FOREST.rows(self.forest),
            "alarms": ALARMS.rows(self.alarms),
            "collapses": COLLAPSES.rows(self.collapses),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the addresses that are joined to the subjects."""
        return (owners_finding(subjects, self),)

    def roles(self) -> Roles:
        """Return who shares the roles that one address of a cluster has."""
        return Roles(clusters=self.frame)

    @cached_property
    def _id(self) -> dict[tuple[str, bytes], bytes]:
        rows = self.frame.select("chain", "address", "cluster").iter_rows()
        return {(chain, address): cluster for chain, address, cluster in rows}

    @cached_property
    def _owned(self) -> pl.DataFrame:
        """The evidence forest with the cluster of each link."""
        of = self.frame.select("chain", "cluster", a="address")
        return self.forest.join(of, on=["chain", "a"], how="left", maintain_order="left")

    @cached_property
    def _walks(self) -> dict[tuple[str, bytes], Adjacency]:
        """What can be walked of each cluster that was asked about."""
        return {}

    def evidence(self, chain: str, address: bytes) -> Adjacency:
        """Return the evidence forest of the cluster an address is in, as neighbours by address.

        Empty if nothing joins it. ``chain`` is a CAIP-2 id, the address canonical bytes.
        """
        cluster = self._id.get((chain, address))
        if cluster is None:
            return {}
        if (chain, cluster) not in self._walks:
            mine = (pl.col("chain") == chain) & (pl.col("cluster") == cluster)
            self._walks[chain, cluster] = adjacency(self._owned.filter(mine))
        return self._walks[chain, cluster]

    def of(self, address: str | bytes, chain: str | Chain | None = None) -> bytes:
        """Return the id of the cluster an address is in: itself where nothing joins it.

        It is canonical bytes; ``addresses.text(bytes, chain)`` writes them out.
        """
        where, key = self._key(address, chain)
        return self._id.get((where, key), key)

    def members(self, address: str | bytes, chain: str | Chain | None = None) -> list[bytes]:
        """Return all addresses of the cluster that an address is in, as sorted canonical bytes.

        :meth:`plain` returns them as text.
        """
        where, key = self._key(address, chain)
        cluster = self._id.get((where, key))
        if cluster is None:
            return [key]
        rows = self.frame.filter((pl.col("chain") == where) & (pl.col("cluster") == cluster))
        return sorted(rows["address"].to_list())

    def why(self, a: str | bytes, b: str | bytes, chain: str | Chain | None = None) -> Explanation:
        """Return the path of transactions that joins two addresses, or why there is none.

        It is the path with the strongest weakest link, one reason among possibly many: compare
        with ``cluster(links.without([txid]))``, the owners that remain without a transaction.

        Raises
        ------
        AddressError
            If one of them is no address of the chain.
        InputError
            If the links are of several chains, or of none, and ``chain`` is not given.
        """
        where, start = self._key(a, chain)
        _, end = self._key(b, chain)
        return explain(self, where, start, end)

    def plain(self, table: str | bytes = "", chain: str | Chain | None = None) -> pl.DataFrame:
        """Return ``chain, address, cluster`` as texts for people; addresses are in clear.

        Parameters
        ----------
        table : str or bytes
            An address, for the cluster that it is in alone: no row where nothing joins it. Or
            another table, as :meth:`tables` names them.
        chain : str or Chain, optional
            Chain of the address, where the links are of several.
        """
        if isinstance(table, str) and table in set(self.tables()) - {"clusters"}:
            return super().plain(table)
        rows = self.frame.sort("chain", "cluster", "address")
        if table and table != "clusters":
            where, key = self._key(table, chain)
            mine = self._id.get((where, key), key)
            rows = rows.filter((pl.col("chain") == where) & (pl.col("cluster") == mine))
        parts = [
            part.with_columns(
                pl.lit(find_chain(name).alias).alias("chain"),
                *(text_series(part[column], name) for column in ("address", "cluster")),
            )
            for (name,), part in rows.group_by("chain", maintain_order=True)
        ]
        empty = dict.fromkeys(("chain", "address", "cluster"), pl.String)
        return text_frame(pl.concat([pl.DataFrame(schema=empty), *parts]))

    def sizes(self) -> pl.DataFrame:
        """Return one row per cluster with its number of addresses, the largest first."""
        return text_frame(
            self.frame.group_by("chain", "cluster")
            .agg(pl.len().cast(pl.Int64).alias("addresses"))
            .sort(["addresses", "chain", "cluster"], descending=[True, False, False])
        )

    def _key(self, address: str | bytes, chain: str | Chain | None) -> tuple[str, bytes]:
        expect(address, (str, bytes), "an address", "pass an address, as text or canonical bytes")
        read = self.links.frame["chain"].unique().sort().to_list()
        found = [find_chain(chain).id] if chain else read
        if len(found) != 1:
            names = [find_chain(name).alias for name in found] or ["btc"]
            raise InputError(
                "the chain of the address is not clear"
                + (f": there are links of {', '.join(names)}" if found else ""),
                remedy=f"pass chain={names[0]!r}",
            )
        if isinstance(address, str):
            return found[0], parse(address, found[0])
        kind_of(address)  # raises where the bytes are no canonical address
        return found[0], address

    def __repr__(self) -> str:
        return (
            f"Clusters({self.sizes().height} of two or more addresses,"
            f" {self.frame.height} addresses, {self.links.contested.height} contested links,"
            f" {self.alarms.height} with tags of several actors,"
            f" {self.collapses.height} joins to look at)"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p><pre>{escape(self.lineage())}</pre>"


@recorded
def cluster(links: Links, *, tags: Tagged | None = None, large: int = LARGE) -> Clusters:
    """Join what the links join, and keep for every join the evidence behind it.

    Wrong links show where two groups that each hang together by themselves meet in one
    transaction. Such a join is made all the same, and listed in ``collapses`` with its transaction
    for a person to judge.

    Parameters
    ----------
    links : Links
        Links of any rules. Refused and undecided ones join nothing and are reported.
    tags : Tags, optional
        Raises an alarm for each cluster whose tags name more than one actor. They never join.
    large : int
        Addresses from which on a group is large: a join of two such groups raises an alarm.

    Returns
    -------
    Clusters
        The components, the evidence forest and the alarms.

    Raises
    ------
    InputError
        If ``large`` is below 2: then every join would raise an alarm.

    Fails when
    ----------
    One link is wrong: everything on both sides of it becomes one owner. Ask ``why`` of any two
    addresses that matter, and read the alarms.

    References
    ----------
    Kruskal 1956 for the forest; Harrigan and Fretter 2016 on why clusters grow, and collapse.
    """
    expect(links, Links, "links", "pass links, as co_spends(ledger) returns them")
    expect(large, int, "large", "pass a whole number")
    named_by = getattr(tags, "frame", None)
    if tags is not None and not {"chain", "address", "label"} <= {
        *getattr(named_by, "columns", ())
    }:
        refuse(tags, "tags", "pass tags as read_tags(...) returns them")
    if large < 2:
        raise InputError(f"a group of {large} is not large", remedy="give 2 or more addresses")
    named = None if tags is None else _named(tags)
    made = grow(links.joining, _actors(named), large)
    forest = made.links.sort(LINK_KEY)
    return Clusters(made.members, links, forest, _alarms(made.members, named), made.collapses)


def _named(tags: Tagged) -> pl.DataFrame:
    """Return whom tags name: ``chain, address, basis, name``, each once."""
    return claimed(tags.frame).select("chain", "address", "basis", "name").unique()


def _actors(named: pl.DataFrame | None) -> Actors:
    if named is None:
        return {}
    found: dict[tuple[str, bytes], set[tuple[str, str]]] = {}
    for chain, address, basis, name in named.iter_rows():
        found.setdefault((chain, address), set()).add((basis, name))
    return {key: frozenset(names) for key, names in found.items()}


def _alarms(frame: pl.DataFrame, named: pl.DataFrame | None) -> pl.DataFrame:
    if named is None:
        return ALARMS.empty()
    return (
        frame.join(named, on=["chain", "address"])
        # Labels count where no actor is stated: beside one they contradict nothing.
        .filter(pl.col("basis") == pl.col("basis").min().over("chain", "cluster"))
        .group_by("chain", "cluster")
        .agg(
            pl.col("address").n_unique().cast(pl.Int64).alias("addresses"),
            pl.col("name").unique().sort().alias("names"),
        )
        .filter(pl.col("names").list.len() > 1)
        .with_columns(pl.col("names").list.join("; ").alias("actors"))
        .select(ALARMS.names)
        .sort("chain", "cluster")
    )


def owners_finding(subjects: pl.DataFrame, clusters: Clusters) -> Finding:
    """Return the addresses that are joined to subjects, given as ``chain, address``."""
    rows = (
        subjects.rename({"address": "subject"})
        .join(
            clusters.frame,
            left_on=["chain", "subject"],
            right_on=["chain", "address"],
            how="left",
        )
        .with_columns(pl.coalesce("cluster", "subject").alias("cluster"))
        .join(clusters.sizes().rename({"addresses": "size"}), on=["chain", "cluster"], how="left")
        .with_columns(pl.col("size").fill_null(1))
        .select("chain", "subject", "cluster", pl.col("size").alias("addresses"))
    )
    joins = counted(clusters.collapses.height, "transaction joins", "transactions join")
    return Finding(
        "Subjects and the addresses joined to them",
        (
            "Addresses that one transaction spends together are joined unless the transaction may"
            " be a CoinJoin. Ask why two addresses are joined: clusters.why(a, b) answers with the"
            " transactions. Addresses that were never spent together with another are not joined,"
            " however surely they belong together: what a subject holds may be more.",
            f"{joins} groups that are large or differently tagged (clusters.collapses lists them).",
            f"{counted(clusters.alarms.height, 'cluster holds', 'clusters hold')} tags of more than"
            " one actor.",
        ),
        JOINED.rows(rows),
        None,
        (
            "Co-spending joins strangers in a PayJoin, in a wallet kept for many, and where keys"
            " were sold or shared.",
        ),
    )
