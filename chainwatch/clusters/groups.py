"""Who is in which cluster: what is asked of clusters, whether frames hold them or columns."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import polars as pl

from chainwatch.addresses.canonical import text_series
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.numbering import place_of
from chainwatch.heuristics.links import Links


class Groups(Protocol):
    """Clusters of two or more addresses."""

    @property
    def height(self) -> int:
        """How many addresses are in a cluster."""
        ...

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        ...

    @property
    def contested(self) -> int:
        """How many links were refused or are undecided."""
        ...

    def sizes(self) -> pl.DataFrame:
        """Return ``chain, cluster, addresses`` of each cluster, the largest first."""
        ...

    def cluster_of(self, chain: str, address: bytes) -> bytes | None:
        """Return the id of the cluster of an address; None where it is in none."""
        ...

    def members_of(self, chain: str, address: bytes) -> list[bytes]:
        """Return the addresses of the cluster of an address, sorted; none where it is in none."""
        ...


class FrameGroups:
    """Clusters in a frame of ``chain, address, cluster``, sorted by chain and address."""

    def __init__(self, frame: pl.DataFrame, links: Links) -> None:
        self._frame, self._links, self.height = frame, links, frame.height

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return self._sizes.height

    @property
    def contested(self) -> int:
        """How many links were refused or are undecided."""
        return self._links.contested.height

    @cached_property
    def _sizes(self) -> pl.DataFrame:
        return (
            self._frame.group_by("chain", "cluster")
            .agg(pl.len().cast(pl.Int64).alias("addresses"))
            .sort(["addresses", "chain", "cluster"], descending=[True, False, False])
        )

    def sizes(self) -> pl.DataFrame:
        """Return ``chain, cluster, addresses`` of each cluster, the largest first."""
        return self._sizes

    def cluster_of(self, chain: str, address: bytes) -> bytes | None:
        """Return the id of the cluster of an address; None where it is in none."""
        row = place_of(self._frame, chain, address)
        return None if row is None else self._frame["cluster"][row]

    def members_of(self, chain: str, address: bytes) -> list[bytes]:
        """Return the addresses of the cluster of an address, sorted; none where it is in none."""
        cluster = self.cluster_of(chain, address)
        if cluster is None:
            return []
        ours = (pl.col("chain") == chain) & (pl.col("cluster") == cluster)
        return sorted(self._frame.filter(ours)["address"].to_list())


def told_members(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``chain, address, cluster`` as texts, each of its own chain, in the same order."""
    parts = [
        part.with_columns(
            pl.lit(find_chain(str(name)).alias).alias("chain"),
            *(text_series(part[column], str(name)) for column in ("address", "cluster")),
        )
        for (name,), part in rows.group_by("chain", maintain_order=True)
    ]
    empty = dict.fromkeys(("chain", "address", "cluster"), pl.String)
    return pl.concat([pl.DataFrame(schema=empty), *parts])
