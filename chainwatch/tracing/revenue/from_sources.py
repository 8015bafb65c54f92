"""One count: the payments of each method, and what of them came from sources by each policy.

Value is followed under every policy to the first address that a method counts. Where transfers bear
one time their order is not known: what came is then between the least and the most over the orders
that were followed, and a payment is reached if it is under any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.policies import poison
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.result import Trace
from chainwatch.tracing.revenue.deposits import DOUBLE, Counting, deposits
from chainwatch.tracing.revenue.reading import HowFar, how_far
from chainwatch.tracing.stops import UNREAD
from chainwatch.units import exact_sum, total


@dataclass(frozen=True)
class Orders:
    """The orders of transfers of one time that were followed: how many, and whether that was all
    that make a difference."""

    tried: int = 1
    all: bool = True

    def also(self, found: Trace) -> Orders:
        """Return these with those of a trace."""
        return Orders(max(self.tried, found.orders), self.all and found.bounded)


@dataclass(frozen=True)
class Came:
    """What came from sources to some addresses.

    Attributes
    ----------
    ends : polars.DataFrame
        ``policy, order, txid, n, amount``: what ended at a payment to them, under each policy and
        order.
    tried : mapping of str to int
        Orders followed under each policy.
    compared : tuple of str
        The policies that conserve value and follow it.
    unread : int
        The most that ended *not read* under any of these and any order.
    """

    ends: pl.DataFrame
    tried: Mapping[str, int]
    compared: tuple[str, ...]
    unread: int

    def of(self, payments: pl.DataFrame) -> Came:
        """Return what came by some payments."""
        mine = self.ends.join(payments.select("txid", "n"), on=["txid", "n"], how="semi")
        return Came(mine, self.tried, self.compared, self.unread)

    def span(self, policy: str) -> tuple[int, int]:
        """Return the least and the most under one policy, over the orders followed."""
        rows = self.ends.filter(policy=policy)
        sums = [total(rows.filter(order=one)["amount"]) for one in range(self.tried[policy])]
        return min(sums), max(sums)

    def reached(self, payments: pl.DataFrame) -> tuple[int, int]:
        """Return the payments that hold any of it under every order, and under any, in full."""
        rows = self.ends.filter(policy=poison.name).group_by("txid", "n")
        under = rows.agg(pl.col("order").n_unique().alias("under"))
        touched = payments.join(under, on=["txid", "n"], how="inner")
        always = touched.filter(pl.col("under") == self.tried[poison.name])
        return total(always["amount"]), total(touched["amount"])


class Count:
    """One count: payments and traces are made once for each set of addresses."""

    def __init__(
        self, ledger: Ledger, asset: Asset, counting: Counting, sources: Sequence[bytes] | None,
        services: object,
    ) -> None:  # fmt: skip
        self.ledger, self.asset, self.counting, self.sources = ledger, asset, counting, sources
        self.by_policy: list[tuple[str, str, int, int, str]] = []
        self.orders = Orders()
        self._services = services
        self._paid: dict[frozenset[bytes], pl.DataFrame] = {}
        self._came: dict[frozenset[bytes], Came] = {}
        self._read: dict[frozenset[bytes], HowFar] = {}

    def counted(self, method: str) -> pl.DataFrame:
        """Return the payments that a method counts."""
        who = self.counting.addresses(method)
        if who not in self._paid:
            self._paid[who] = deposits(self.ledger, self.asset, who)
        rows = self._paid[who]
        kept = ~pl.col("own").fill_null(value=False)
        return rows.filter(kept) if DOUBLE in method.split("-") else rows

    def read(self, method: str) -> HowFar:
        """Return how far payments to the addresses of a method were read."""
        return self._how_far(self.counting.addresses(method))

    def read_of_sources(self) -> HowFar | None:
        """Return how far payments to the sources were read; None where none were named."""
        return None if self.sources is None else self._how_far(frozenset(self.sources))

    def _how_far(self, who: frozenset[bytes]) -> HowFar:
        if who not in self._read:
            self._read[who] = how_far(self.ledger, self.asset, who)
        return self._read[who]

    def row(self, method: str) -> tuple[object, ...]:
        """Return the row of a method, and note what came from the sources by policy."""
        rows, who = self.counted(method), self.counting.addresses(method)
        behind = ",".join(sorted(one.hex() for one in rows["address"].unique()))
        lacking = len(self.read(method).lacking)
        counts = (method, len(who), rows.height, rows["own"].null_count(), lacking)
        if self.sources is None:
            return (*counts, total(rows["amount"]), None, None, None, None, behind)
        came = self._from_sources(who).of(rows)
        spans = {name: came.span(name) for name in came.compared}
        reach = came.reached(rows)
        for name, (low, high) in (*spans.items(), (poison.name, reach)):
            self.by_policy.append((method, name, low, high, behind))
        least = min(low for low, _ in spans.values())
        most = max(high for _, high in spans.values())
        return (*counts, total(rows["amount"]), least, most, reach[1], came.unread, behind)

    def _from_sources(self, who: frozenset[bytes]) -> Came:
        """Return what ends at addresses under each policy."""
        if who not in self._came:
            self._came[who] = self._followed(who)
        return self._came[who]

    def _followed(self, who: frozenset[bytes]) -> Came:
        both = sorted(who & set(self.sources or ()))
        if both:
            raise TraceError(
                f"{text(both[0], self.asset.chain)} is counted as a receiver and named as a source",
                remedy="name other sources, or a method that does not count it",
            )
        given = self._services
        more = list(given) if isinstance(given, (list, tuple)) else [given] if given else []
        found = trace_all(
            self.ledger, list(self.sources or ()), stop=[*more, _Asked(who, self.asset.chain)],
            asset=self.asset,
        )  # fmt: skip
        for one in found.traces.values():
            self.orders = self.orders.also(one)
        return _came(found, pl.Series(sorted(who), dtype=pl.Binary).implode())


def _came(found: TraceRange, wanted: pl.Series) -> Came:
    """Return what ends at addresses under each policy and order."""
    by_order = {
        name: (one.ends, *(way.ends for way in one.others)) for name, one in found.traces.items()
    }
    parts = [
        ends.filter(pl.col("address").is_in(wanted))
        .group_by("txid", "n")
        .agg(exact_sum("amount"))
        .select(pl.lit(name).alias("policy"), pl.lit(place).alias("order"), "txid", "n", "amount")
        for name, orders in by_order.items()
        for place, ends in enumerate(orders)
    ]
    unread = [
        total(ends.filter(pl.col("reason").is_in(UNREAD))["amount"])
        for name in found.compared
        for ends in by_order[name]
    ]
    tried = {name: len(orders) for name, orders in by_order.items()}
    return Came(pl.concat(parts), tried, found.compared, max(unread))


@dataclass(frozen=True)
class _Asked:
    """The addresses at which following ends because it is asked what reaches them."""

    addresses: frozenset[bytes]
    chain: str

    @property
    def frame(self) -> pl.DataFrame:
        told = "a payment to it is what is counted"
        rows = [(self.chain, one, told, None, None) for one in sorted(self.addresses)]
        names = ("chain", "address", "evidence", "service", "certainty")
        kinds = (pl.String, pl.Binary, pl.String, pl.String, pl.String)
        return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")

    def identity(self) -> Mapping[str, Any]:
        """Return what is recorded of them."""
        return {"asked about": sorted(one.hex() for one in self.addresses)}
