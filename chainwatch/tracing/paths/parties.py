"""Whose addresses are looked at: the two parties, and who owns what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.mask import shown_address
from chainwatch.tracing.paths.graph import Pair
from chainwatch.tracing.paths.ranking import UNMEASURED
from chainwatch.tracing.paths.search import SOURCE
from chainwatch.tracing.stops import Stops
from chainwatch.tracing.subjects import Subjects, subjects_of, widened

Array = NDArray[Any]
NEVER = 1 << 62
"""Behind every transaction."""


@dataclass(frozen=True, eq=False)
class Parties:
    """The two ends of routes on one chain, and what is known of owners.

    Attributes
    ----------
    asset : Asset
        What moves.
    source, target : mapping of bytes to bytes
        Every address of each end, with the address that was given for it.
    stops : Stops
        Where no route goes on.
    clusters : Clusters or None
        Owners.
    poisoning : Rule or None
        On account chains, what makes no edge.
    max_hops : int or None
        The most payments of a route.
    """

    asset: Asset
    source: Mapping[bytes, bytes]
    target: Mapping[bytes, bytes]
    stops: Stops
    clusters: Owners | None = None
    poisoning: Rule | None = None
    max_hops: int | None = None
    _sure: dict[Pair, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def cluster_of(self) -> Mapping[bytes, str]:
        """The cluster of each address of the chain that is in one."""
        if self.clusters is None:
            return {}
        rows = self.clusters.frame.filter(pl.col("chain") == self.asset.chain)
        return dict(rows.select("address", "cluster").iter_rows())

    @cached_property
    def members(self) -> Mapping[str, list[bytes]]:
        """The addresses of each cluster, in order."""
        found: dict[str, list[bytes]] = {}
        for address, cluster in sorted(self.cluster_of.items()):
            found.setdefault(cluster, []).append(address)
        return found

    def owned(self, address: bytes | None) -> list[bytes]:
        """Return the addresses of whoever owns one; nothing where no clusters were given."""
        if self.clusters is None or address is None:
            return []
        return self.members.get(self.cluster_of.get(address, ""), [address])

    def explained(self, pair: Pair) -> Any:
        """Return why two addresses are one owner's; None where the clusters do not say it."""
        if pair not in self._sure:
            why = getattr(self.clusters, "why", None)
            told = None if why is None else why(*pair, chain=self.asset.chain)
            self._sure[pair] = told if told is not None and told.joined else None
        return self._sure[pair]

    def sure(self, pair: Pair) -> float:
        """Return the confidence of the weakest link between two addresses of one owner.

        One address is itself; a link that nobody measured, and a cluster that does not say why it
        is one, count as the weakest.
        """
        if pair[0] == pair[1]:
            return 1.0
        told = self.explained(pair)
        if told is None or not told.hops:
            return UNMEASURED
        least = told.frame["confidence"].fill_null(UNMEASURED).min()
        return float(least)

    def best_of(self, pairs: list[Pair]) -> Pair:
        """Return the surest of several pairs; of equals the smallest."""
        return min(pairs) if len(pairs) == 1 else min(pairs, key=lambda one: (-self.sure(one), one))


@dataclass(eq=False)
class Wallet:
    """The coins of one owner: what was reached of them from either side.

    Attributes
    ----------
    ins, outs : array
        Rows of the inputs that spend his coins, and of the outputs that pay him, in order.
    spends : dict of int to set of int
        Transactions known to spend his coins, with the rows of their inputs.
    after, before : int
        From where on they were looked at forward, and up to where backward.
    """

    ins: Array
    outs: Array
    spends: dict[int, set[int]] = field(default_factory=dict)
    after: int = NEVER
    before: int = -1
    _done: tuple[int, int] = (NEVER, -1)

    def fresh(self, side: int, *, whole: bool) -> tuple[int, int]:
        """Return the transactions between which coins were not looked at before, from one side.

        Forward behind the first up to the last of them; backward from the first until before the
        last. All again where ``whole``.
        """
        after, before = self._done
        self._done = (self.after, before) if side == SOURCE else (after, self.before)
        if side == SOURCE:
            return self.after, NEVER if whole else after
        return -1 if whole else before, self.before


def parties_of(
    ledger: Ledger, source: Subjects, target: Subjects, asset: Asset | None, chain: str | None,
    clusters: Owners | None,
) -> tuple[Asset, dict[bytes, bytes], dict[bytes, bytes]]:  # fmt: skip
    """Return the asset, and the addresses of both ends, each with the one that was given for it.

    Raises
    ------
    TraceError
        If the two are on different chains, are one party, or are no addresses.
    """
    ends = [subjects_of(one, asset, chain, ledger) for one in (source, target)]
    first, second = (one.asset for one in ends)
    if first.chain != second.chain:
        names = " and ".join(find_chain(one.chain).name for one in (first, second))
        raise TraceError(
            f"source and target are on different chains, {names}, and no crossing between them"
            " was read",
            remedy="ask for routes to the bridge or service on each chain by itself",
        )
    for one in ends:
        if one.chosen:
            raise TraceError(
                f"{one.chosen[0].shown(first.chain)} is no address: routes lead between addresses",
                remedy="give the address that it pays",
            )
    sides = [widened(one.addresses, first.chain, clusters) for one in ends]
    both = sorted(sides[0].keys() & sides[1].keys())
    if both:
        shown = shown_address(first.chain, both[0])
        apart = ", or leave out clusters if they should be kept apart"
        raise TraceError(
            f"source and target are one party: {shown} belongs to both",
            remedy=f"give two parties{'' if clusters is None else apart}",
        )
    return first, sides[0], sides[1]
