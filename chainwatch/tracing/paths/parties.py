"""Whose addresses are looked at: the two parties, and who owns what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.mask import shown_address
from chainwatch.tracing.chosen import Chosen, chosen_outputs
from chainwatch.tracing.paths.graph import Pair
from chainwatch.tracing.paths.ranking import UNMEASURED
from chainwatch.tracing.paths.search import SOURCE
from chainwatch.tracing.stops import Stops
from chainwatch.tracing.subjects import Named, Subjects, subjects_of, widened
from chainwatch.tracing.walks.utxo_graph import Coins

Array = NDArray[Any]
NEVER = 1 << 62
"""Behind every transaction."""


class Output(NamedTuple):
    """A single output that an end of routes is: its transaction and place, and its name.

    ``tx`` is the place of the transaction in the index; ``called`` the address it stands at, or
    that of its only key.
    """

    tx: int
    n: int
    txid: bytes
    called: bytes


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
    outputs : tuple of tuple of Output
        Single outputs of the source and of the target, which stand for themselves: no other coin
        of their addresses, and no owner, is meant.
    """

    asset: Asset
    source: Mapping[bytes, bytes]
    target: Mapping[bytes, bytes]
    stops: Stops
    clusters: Owners | None = None
    poisoning: Rule | None = None
    max_hops: int | None = None
    outputs: tuple[tuple[Output, ...], tuple[Output, ...]] = ((), ())
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
        if told is None or not told.length:
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


class Ends(NamedTuple):
    """Which coins are the source's and which the target's, as the columns of an index have them.

    Attributes
    ----------
    source, target : frozenset of int
        Numbers of the addresses of each end: all their coins are meant.
    from_rows, to_rows : mapping of int to bytes
        Rows of single outputs, each with the address that it is called by.
    """

    source: frozenset[int]
    target: frozenset[int]
    from_rows: Mapping[int, bytes]
    to_rows: Mapping[int, bytes]

    @classmethod
    def of(cls, parties: Parties, coins: Coins) -> Ends:
        """Look up both ends in an index."""
        source, target = (
            frozenset(one for one in map(coins.number_of, whose) if one is not None)
            for whose in (parties.source, parties.target)
        )
        leaving, reached = (
            {row: one.called for one in outputs if (row := coins.row_of(one.tx, one.n)) is not None}
            for outputs in parties.outputs
        )
        return cls(source, target, leaving, reached)

    def reached(self, address: int, row: int) -> bool:
        """Tell whether an output is the target's, by its address and its row."""
        return address in self.target or row in self.to_rows

    def left(self, address: int, row: int | None) -> bool:
        """Tell whether a coin is the source's; its row is None where what made it was not read."""
        return address in self.source or row in self.from_rows

    def either(self, address: int, row: int | None) -> bool:
        """Tell whether a coin is one of an end's: no route passes it."""
        here = address in self.source or address in self.target
        return here or row in self.from_rows or row in self.to_rows

    def called(self, row: int) -> bytes | None:
        """Return the name of a single output that is an end, whether or not it has an address."""
        return self.to_rows.get(row, self.from_rows.get(row))


class Asked(NamedTuple):
    """An end as it was asked for: its addresses, each with the one given, and single outputs."""

    whose: dict[bytes, bytes]
    outputs: tuple[Output, ...] = ()


def parties_of(
    ledger: Ledger, source: Subjects, target: Subjects, asset: Asset | None, chain: str | None,
    clusters: Owners | None,
) -> tuple[Asset, Asked, Asked]:  # fmt: skip
    """Return the asset, and what each end is: addresses as clusters widen them, or outputs.

    Raises
    ------
    TraceError
        If the two are on different chains, are one party, are no addresses or outputs of coins, or
        an output was not read or is of nothing.
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
    sides = [
        Asked(widened(one.addresses, first.chain, clusters), _outputs(one, ledger)) for one in ends
    ]
    _refuse_one_party(first.chain, sides, clustered=clusters is not None)
    return first, sides[0], sides[1]


def _outputs(end: Named, ledger: Ledger) -> tuple[Output, ...]:
    """Return the single outputs of an end; of a transaction those that pay something."""
    if not end.chosen:
        return ()
    chain = end.asset.chain
    if find_chain(chain).family != "utxo":
        raise TraceError(
            f"{end.chosen[0].shown(chain)} is no coin: on account chains a transfer goes into a"
            " balance, and routes lead between addresses",
            remedy="give the address that it pays",
        )
    coins = Coins.read(ledger, chain)
    found = []
    for one in end.chosen:
        paid = []
        for (tx, n), called in chosen_outputs([one], coins, ledger, chain).items():
            if any(coin.value for coin in coins.made(tx) if coin.n == n):
                paid.append(Output(tx, n, coins.txid(tx), called))
        if not paid:
            raise TraceError(
                f"{one.shown(chain)} pays nothing, so that no route begins or ends there",
                remedy="give an output with an amount, as TXID:N",
            )
        found += paid
    return tuple(sorted(set(found)))


def _refuse_one_party(chain: str, sides: list[Asked], *, clustered: bool) -> None:
    both = sorted(sides[0].whose.keys() & sides[1].whose.keys())
    if both:
        apart = ", or leave out clusters if they should be kept apart" if clustered else ""
        raise TraceError(
            f"source and target are one party: {shown_address(chain, both[0])} belongs to both",
            remedy=f"give two parties{apart}",
        )
    same = sorted(set(sides[0].outputs) & set(sides[1].outputs))
    if same:
        shown = Chosen(same[0].txid, same[0].n).shown(chain)
        raise TraceError(f"{shown} is both source and target", remedy="give two outputs")
