"""Clusters as numbers of the index that their links are of: who is joined, and by which links.

Addresses have their ranks in the order of bytes, so that the smallest number of a group is its
cluster's id. Frames are views that are made when asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.clusters.forest import Grown
from chainwatch.heuristics.link_columns import LinkColumns
from chainwatch.heuristics.links import BOTH_ENDS
from chainwatch.kernels.graphs.components import Numbers
from chainwatch.ledger.index.bytes import ranked_at
from chainwatch.results.deferred import Deferred
from chainwatch.results.provenance import PIECE, Pieces, digest_columns, encoded
from chainwatch.results.text_frame import text_frame


class ColumnJoining:
    """The links of columns that no veto stops."""

    def __init__(self, links: LinkColumns) -> None:
        self._links = links
        self.links = np.flatnonzero(links.veto == 0)
        ranks = len(links.index.columns["addr_order"])
        seen = np.zeros(ranks, np.bool_)
        seen[links.a[self.links]] = True
        seen[links.b[self.links]] = True
        self.places = RankPlaces(links, np.flatnonzero(seen).astype(np.uint32))
        numbered = self.places.by_rank(ranks)
        self.a, self.b = numbered[links.a[self.links]], numbered[links.b[self.links]]

    def order(self) -> NDArray[np.int64]:
        """Return the links in the order in which they join."""
        return self._links.in_forest_order(self.links)

    def in_table_order(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return some links by transaction and addresses, as all of them stand."""
        return np.sort(rows)

    def take(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some links in ``BOTH_ENDS``."""
        return self._links.both_ends(self.links[rows])


class RankPlaces:
    """Addresses by the order of their ranks in an index."""

    def __init__(self, links: LinkColumns, ranks: NDArray[np.uint32]) -> None:
        self.index, self.ranks, self.height = links.index, ranks, len(ranks)

    def by_rank(self, ranks: int) -> Numbers:
        """Return the number of every rank of the index; what stands at other ranks says nothing."""
        numbered = np.empty(ranks, np.int32)
        numbered[self.ranks] = np.arange(self.height, dtype=np.int32)
        return numbered

    def number_of(self, chain: str, address: bytes) -> int | None:
        """Return the number of an address; None where it is none of them."""
        rank = self.index.rank_of(address) if chain == self.index.chain.id else None
        if rank is None:
            return None
        place = int(np.searchsorted(self.ranks, rank))
        return place if place < self.height and self.ranks[place] == rank else None

    def numbers_of(self, rows: pl.DataFrame) -> Numbers:
        """Return the number of each ``chain, address``; -1 where it is none of them."""
        ranks = self.index.ranks_of(rows["address"])
        ranks[(rows["chain"] != self.index.chain.id).to_numpy()] = -1
        places = np.searchsorted(self.ranks, np.maximum(ranks, 0))
        there = (ranks >= 0) & (places < self.height)
        there[there] = self.ranks[places[there]] == ranks[there]
        return np.where(there, places, -1).astype(np.int32)

    def addresses(self, numbers: NDArray[Any]) -> pl.Series:
        """Return addresses by their numbers."""
        return ranked_at(self.index.columns, self.ranks[numbers])


class ClusterColumns:
    """What joining the links of columns left."""

    def __init__(self, links: LinkColumns, joining: ColumnJoining, made: Grown) -> None:
        self._links, self._rows = links, joining.links[made.rows]
        self._places, self._root = joining.places, made.root
        alone = np.bincount(made.root, minlength=len(made.root))[made.root] == 1
        if alone.any():  # every link of theirs was refused: they are in no cluster
            numbers = np.cumsum(~alone, dtype=np.int32) - np.int32(1)
            self._places = RankPlaces(links, joining.places.ranks[~alone])
            self._root = numbers[made.root[~alone]]
        for column in (self._root, self._rows, self._places.ranks):
            column.setflags(write=False)

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain of all addresses."""
        return self._links.chain

    @property
    def height(self) -> int:
        """How many addresses are in a cluster: every one that a link joins."""
        return self._places.height

    @cached_property
    def _sizes(self) -> NDArray[np.intp]:
        """How many addresses the cluster of each root has; 0 for who is no root."""
        return np.bincount(self._root, minlength=self.height)

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return int((self._sizes > 0).sum())

    @property
    def contested(self) -> int:
        """How many links were refused or are undecided."""
        return int((self._links.veto != 0).sum())

    def sizes(self) -> pl.DataFrame:
        """Return ``chain, cluster, addresses`` of each cluster, the largest first."""
        roots = np.flatnonzero(self._sizes)
        # Of equal ones the smallest id, which is the smallest number, comes first.
        roots = roots[np.argsort(-self._sizes[roots], kind="stable")]
        return pl.DataFrame([
            pl.repeat(self.chain, len(roots), eager=True).alias("chain"),
            self._places.addresses(roots).alias("cluster"),
            pl.Series("addresses", self._sizes[roots], pl.Int64),
        ])  # fmt: skip

    def cluster_of(self, chain: str, address: bytes) -> bytes | None:
        """Return the id of the cluster of an address; None where nothing joins it."""
        number = self._places.number_of(chain, address)
        if number is None:
            return None
        found: bytes = self._places.addresses(self._root[[number]])[0]
        return found

    def members_of(self, chain: str, address: bytes) -> list[bytes]:
        """Return the addresses of the cluster of an address, sorted; none where it is in none."""
        number = self._places.number_of(chain, address)
        if number is None:
            return []
        return self._places.addresses(np.flatnonzero(self._root == self._root[number])).to_list()

    def views(self) -> tuple[Any, Any]:
        """Return the two frames, members and forest, to be made when they are first read."""
        return (
            Deferred(lambda: text_frame(self.frame())),
            Deferred(lambda: text_frame(self.forest())),
        )

    def frame(self) -> pl.DataFrame:
        """Return ``chain, address, cluster`` of all, sorted."""
        return pl.DataFrame([
            self._column(name, slice(0, self.height)).alias(name)
            for name in ("chain", "address", "cluster")
        ])  # fmt: skip

    def _column(self, name: str, rows: slice) -> pl.Series:
        if name == "chain":
            return pl.repeat(self.chain, rows.stop - rows.start, eager=True)
        numbers = np.arange(rows.start, rows.stop)
        return self._places.addresses(numbers if name == "address" else self._root[numbers])

    def digests(self) -> dict[str, Deferred[str]]:
        """Return the digests of the two frames by the names of their tables, without the frames."""
        return {"clusters": Deferred(self._digest), "forest": Deferred(self._forest_digest)}

    def _digest(self) -> str:
        def pieces(name: str) -> Iterator[pl.Series]:
            for start in range(0, self.height, PIECE):
                yield encoded(self._column(name, slice(start, min(start + PIECE, self.height))))

        names = ("chain", "address", "cluster")
        sources: dict[str, Pieces] = {name: partial(pieces, name) for name in names}
        return digest_columns(self.height, sources)

    def _forest_digest(self) -> str:
        return self._links.digest(self._rows)

    def forest(self) -> pl.DataFrame:
        """Return the links that join, by transaction and addresses."""
        return self._links.frame(self._rows)

    # What paths need.

    def ends(self) -> tuple[Numbers, Numbers, int]:
        """Return the numbers of the two ends of each link that joins, and how many there are."""
        numbered = self._places.by_rank(len(self._links.index.columns["addr_order"]))
        a, b = self._links.a[self._rows], self._links.b[self._rows]
        return numbered[a], numbered[b], self.height

    def number_of(self, chain: str, address: bytes) -> int | None:
        """Return the number of an address; None where nothing joins it."""
        return self._places.number_of(chain, address)

    def steps(self, rows: NDArray[Any]) -> pl.DataFrame:
        """Return some of the links that join, by their places among these, in ``BOTH_ENDS``."""
        return self._links.both_ends(self._rows[rows]).select(BOTH_ENDS.names)
