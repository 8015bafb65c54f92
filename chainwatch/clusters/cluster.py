"""From links to owners: connected components of the links that no veto stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Protocol

import polars as pl

from chainwatch.addresses import parse
from chainwatch.chains import Chain, chain as find_chain
from chainwatch.clusters.explain import Explanation, explain
from chainwatch.errors import InputError
from chainwatch.heuristics.links import LINK_KEY, Links
from chainwatch.provenance import Record, recorded

MEMBER_KEY = ("chain", "address")
FOREST_ORDER = ("confidence", "tx", "a", "b", "rule")


class Tagged(Protocol):
    """Tags, as far as clusters read them."""

    @property
    def frame(self) -> pl.DataFrame: ...


@dataclass(frozen=True)
class Clusters:
    """Addresses grouped by owner, with the evidence that joined them.

    A cluster's id is its smallest address, so the same addresses always get the same id. An
    address that no link joins is a cluster of its own and stands in no table.

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
        Clusters whose tags name more than one actor: ``chain, cluster, addresses, actors``.
    """

    frame: pl.DataFrame
    links: Links
    forest: pl.DataFrame
    alarms: pl.DataFrame
    record: Record | None = field(default=None)

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {
            "clusters": (self.frame, MEMBER_KEY),
            "forest": (self.forest, LINK_KEY),
            "alarms": (self.alarms, ("chain", "cluster")),
        }

    @cached_property
    def _id(self) -> dict[tuple[str, bytes], bytes]:
        rows = self.frame.select("chain", "address", "cluster").iter_rows()
        return {(chain, address): cluster for chain, address, cluster in rows}

    def of(self, address: str | bytes, chain: str | Chain | None = None) -> bytes:
        """Return the id of the cluster an address is in: itself where nothing joins it."""
        where, key = self._key(address, chain)
        return self._id.get((where, key), key)

    def members(self, address: str | bytes, chain: str | Chain | None = None) -> list[bytes]:
        """Return all addresses of the cluster that an address is in, sorted."""
        where, key = self._key(address, chain)
        cluster = self._id.get((where, key))
        if cluster is None:
            return [key]
        rows = self.frame.filter((pl.col("chain") == where) & (pl.col("cluster") == cluster))
        return sorted(rows["address"].to_list())

    def why(self, a: str | bytes, b: str | bytes, chain: str | Chain | None = None) -> Explanation:
        """Return the path of transactions that joins two addresses, or why there is none.

        It is the path with the strongest weakest link, one reason among possibly many: compare
        with the clusters that remain when a rule or transaction is taken away.
        """
        where, key_a = self._key(a, chain)
        _, key_b = self._key(b, chain)
        return explain(self, where, key_a, key_b)

    def sizes(self) -> pl.DataFrame:
        """Return one row per cluster with its number of addresses, the largest first."""
        return (
            self.frame.group_by("chain", "cluster")
            .agg(pl.len().cast(pl.Int64).alias("addresses"))
            .sort(["addresses", "chain", "cluster"], descending=[True, False, False])
        )

    def lineage(self) -> str:
        """Return how these clusters came about."""
        return self.record.tree() if self.record else "clusters made by hand"

    def _key(self, address: str | bytes, chain: str | Chain | None) -> tuple[str, bytes]:
        found = [find_chain(chain).id] if chain else self.links.frame["chain"].unique().to_list()
        if len(found) != 1:
            raise InputError("the chain of the address is not clear", remedy="pass chain='btc'")
        return found[0], parse(address, found[0]) if isinstance(address, str) else address

    def __repr__(self) -> str:
        return (
            f"Clusters({self.sizes().height} of two or more addresses,"
            f" {self.frame.height} addresses, {self.links.contested.height} contested links,"
            f" {self.alarms.height} alarms)"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p><pre>{escape(self.lineage())}</pre>"


@recorded
def cluster(links: Links, *, tags: Tagged | None = None) -> Clusters:
    """Join what the links join, and keep for every join the evidence behind it.

    Parameters
    ----------
    links : Links
        Links of any rules. Refused and undecided ones join nothing and are reported.
    tags : Tags, optional
        Raises an alarm for each cluster whose tags name more than one actor. They never join.

    Returns
    -------
    Clusters
        The components, the evidence forest and the alarms.

    Fails when
    ----------
    One link is wrong: everything on both sides of it becomes one owner. Ask ``why`` of any two
    addresses that matter, and read the alarms.
    """
    forest_rows: list[int] = []
    parent: dict[tuple[str, bytes], tuple[str, bytes]] = {}
    # Null sorts last: a link without a measured rate is the weakest.
    ordered = links.joining.sort(
        FOREST_ORDER, descending=[True, False, False, False, False], nulls_last=True
    )
    for row, (chain, a, b) in enumerate(ordered.select("chain", "a", "b").iter_rows()):
        root_a, root_b = _root(parent, (chain, a)), _root(parent, (chain, b))
        if root_a != root_b:
            low, high = sorted((root_a, root_b))
            parent[high] = low  # the smallest address is the root, and so the cluster's id
            forest_rows.append(row)
    frame = _members(parent)
    return Clusters(frame, links, ordered[forest_rows].sort(LINK_KEY), _alarms(frame, tags))


def _root(
    parent: dict[tuple[str, bytes], tuple[str, bytes]], key: tuple[str, bytes]
) -> tuple[str, bytes]:
    parent.setdefault(key, key)
    while parent[key] != key:
        parent[key] = parent[parent[key]]
        key = parent[key]
    return key


def _members(parent: dict[tuple[str, bytes], tuple[str, bytes]]) -> pl.DataFrame:
    def rows() -> Iterator[tuple[str, bytes, bytes]]:
        for chain, address in sorted(parent):
            yield chain, address, _root(parent, (chain, address))[1]

    schema = {"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary}
    return pl.DataFrame(list(rows()), schema=schema, orient="row")


def _alarms(frame: pl.DataFrame, tags: Tagged | None) -> pl.DataFrame:
    schema = {"chain": pl.String, "cluster": pl.Binary, "addresses": pl.Int64, "actors": pl.String}
    if tags is None:
        return pl.DataFrame(schema=schema)
    named = tags.frame.select(
        "chain", "address", pl.coalesce("actor", "label").alias("actor")
    ).unique()
    return (
        frame.join(named, on=["chain", "address"])
        .group_by("chain", "cluster")
        .agg(
            pl.col("address").n_unique().cast(pl.Int64).alias("addresses"),
            pl.col("actor").unique().sort().alias("names"),
        )
        .filter(pl.col("names").list.len() > 1)
        .with_columns(pl.col("names").list.join("; ").alias("actors"))
        .select(list(schema))
        .sort("chain", "cluster")
    )
