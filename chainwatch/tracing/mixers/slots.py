"""``slots``: who brought what into a mix of JoinMarket: makers earn, and one taker pays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError, expect
from chainwatch.ledger.joint.funding import PAID_PER_MILLE, PAID_SATOSHI
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.summaries import TransactionSummary
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.tracing.mixers.counting import KEPT, Exceeded, Work
from chainwatch.tracing.mixers.interpretations import LIMIT, rows_of
from chainwatch.tracing.mixers.valued_rows import ValuedRows
from chainwatch.units import counted

_OF = Column(
    "of", pl.String, Privacy.TEXT, "solutions in all, in digits; null where not known",
    nullable=True,
)  # fmt: skip

PAIRS = Table(
    "pairs",
    ("a", "b"),
    "For each two parties of inputs in how many solutions one participant brings both.",
    (
        Column.place("a", "place of the first input of one address"),
        Column.place("b", "place of the first input of another"),
        Column.party("source_a", "the one address"),
        Column.party("source_b", "the other"),
        Column(
            "together", pl.String, Privacy.TEXT, "solutions, in digits; null where not known",
            nullable=True,
        ),
        _OF,
        Column.flag("apart", "are they of two participants in every solution; null if not known"),
    ),
)  # fmt: skip

CHANGES = Table(
    "changes",
    ("input", "output"),
    "For each input and each unequal output in how many solutions the one is change of the other.",
    (
        Column.place("input", "place of the first input of an address"),
        Column.party("source", "the address"),
        Column.place("output", "place of the output"),
        Column.party("target", "address that it pays"),
        Column(
            "linked", pl.String, Privacy.TEXT, "solutions, in digits; null where not known",
            nullable=True,
        ),
        _OF,
        Column.flag("always", "is it so in every solution; null where that is not known"),
    ),
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Slots(Result):
    """In how many ways a mix falls into participants with one equal output and a change at most.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`PAIRS`.
    changes : polars.DataFrame
        Rows in :data:`CHANGES`.
    chain : Chain
        Its chain.
    tx : int
        Number of the transaction.
    asset : Asset
        The coin.
    participants : int
        Equal outputs.
    solutions : int or None
        Ways; None where the number is not known.
    unknown : str or None
        Why it is not known.
    """

    frame: pl.DataFrame
    changes: pl.DataFrame
    chain: Chain
    tx: int
    asset: Asset
    participants: int
    solutions: int | None
    unknown: str | None

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"pairs": PAIRS.rows(self.frame), "changes": CHANGES.rows(self.changes)}

    def words(self) -> Mapping[str, Any]:
        """Return how many solutions there are, or why that is not known."""
        return {
            "chain": self.chain.id, "tx": self.tx, "participants": self.participants,
            "solutions": None if self.solutions is None else str(self.solutions),
            "unknown": self.unknown,
        }  # fmt: skip

    def collisions(self, clusters: Owners) -> pl.DataFrame:
        """Return the pairs that are apart in every solution and that clusters join.

        One person seldom plays two participants of a mix, so each such pair speaks against the
        clusters, or against the rule.
        """
        of = clusters.frame.filter(chain=self.chain.id).select("address", "cluster")
        rows = self.frame.filter(pl.col("apart") & (pl.col("source_a") != pl.col("source_b")))
        for side in "ab":
            named = of.rename({"address": f"source_{side}", "cluster": f"cluster_{side}"})
            rows = rows.join(named, on=f"source_{side}", how="inner")
        return rows.filter(pl.col("cluster_a") == pl.col("cluster_b")).select(PAIRS.names)

    def __repr__(self) -> str:
        ways = f"unknown: {self.unknown}"
        if self.solutions is not None:
            ways = counted(self.solutions, "solution", "solutions")
        apart = self.frame.filter("apart").height
        return (
            f"Slots({counted(self.participants, 'participant', 'participants')}, {ways},"
            f" {counted(apart, 'pair', 'pairs')} of inputs apart in all)"
        )


@recorded
def slots(
    ledger: Ledger, txid: str | bytes | int, chain: Chain | str | None = None, *,
    limit: int = LIMIT,
) -> Slots:  # fmt: skip
    """Divide a mix of JoinMarket among its participants, by their fees.

    A participant brings some addresses, and takes one equal output and one change at most. All but
    one are makers: they take as much as they bring, and a fee of 0.5 % of the equal output or
    10,000 satoshi at most, of these the larger. The taker pays all fees.

    Parameters
    ----------
    ledger : Ledger
        Where to look.
    txid : str, bytes or int
        Id of the transaction, or its number.
    chain : Chain or str, optional
        Where several have such a transaction.
    limit : int
        Most steps of work.

    Returns
    -------
    Slots
        How many solutions there are, which inputs are never of one participant, and whose change
        each unequal output is; *unknown* where inputs were not read or the work is too much. No
        solution at all: it is no mix of this kind.

    Raises
    ------
    LedgerError, TraceError, InputError, ArgumentError
        If there is no such transaction, or it spends no coins; if the limit is below 1, or no
        whole number.

    Fails when
    ----------
    A maker asks for more, a taker keeps two changes, or the mix is of another protocol: then there
    is no solution, or none is the true one. One person can play two participants.

    References
    ----------
    JoinMarket's protocol, 2015: makers pay no miner's fee. The bounds are those of
    :mod:`chainwatch.ledger.joint.funding`.
    """
    expect(limit, int, "limit", "pass a number of steps, such as 8_000_000")
    if limit < 1:
        raise InputError(f"a limit of {limit} steps", remedy="allow at least 1")
    found, rows = rows_of(ledger, txid, chain)
    known, unknown = None, rows.unknown()
    if unknown is None:
        try:
            known = solved(rows, limit)
        except Exceeded as stop:
            unknown = f"it takes {stop}"
    return _made(found, rows, known, unknown)


def _made(
    found: TransactionSummary, rows: ValuedRows, known: Solved | None, unknown: str | None
) -> Slots:
    """Return the solutions as a result."""
    value, equal = rows.common()
    names = sorted(rows.brought_by())
    change = [out for out in rows.outputs if out.value != value]
    address = {row.n: row.address for row in rows.inputs}
    count = None if known is None else known.ways
    return Slots(
        PAIRS.frame(
            (a, b, address[a], address[b], *_said(known and known.together[a, b], count, 0))
            for a, b in combinations(names, 2)
        ),
        CHANGES.frame(
            (name, address[name], out.n, out.address,
             *_said(known and known.linked[name, out.n], count, count))
            for name in names for out in change
        ),
        found.chain, found.tx or 0, native(found.chain.id), equal, count, unknown,
    )  # fmt: skip


def _said(
    times: int | None, count: int | None, sure: int | None
) -> tuple[str | None, str | None, bool | None]:
    """Return how often something is so, of how often, and whether it is as often as is asked."""
    if count is None:
        return None, None, None
    return str(times or 0), str(count), (times or 0) == sure if count else None


class Solved(NamedTuple):
    """How many solutions there are, and in how many two inputs, or an input and a change, meet."""

    ways: int
    together: Counter[tuple[int, int]]
    linked: Counter[tuple[int, int]]


def solved(rows: ValuedRows, limit: int) -> Solved:
    """Find all ways in which the rows fall into participants.

    Raises
    ------
    Exceeded
        If more work would be needed.
    """
    value, equal = rows.common()
    sums, work = rows.brought_by(), Work(limit)
    names = sorted(sums)
    change = [(out.n, out.value) for out in rows.outputs if out.value != value]
    if equal < 2 or equal > len(names) or len(change) > equal:
        return Solved(0, Counter(), Counter())
    most = max(value * PAID_PER_MILLE // 1000, PAID_SATOSHI)
    search = _Search(_makers([sums[name] for name in names], change, (value, most), work), work)
    search.go((1 << len(names)) - 1, frozenset(n for n, _ in change), equal - 1, ())
    together: Counter[tuple[int, int]] = Counter()
    linked: Counter[tuple[int, int]] = Counter()
    for parts in search.found:
        for mask, output in parts:
            mine = [name for k, name in enumerate(names) if mask >> k & 1]
            together.update(combinations(mine, 2))
            if output is not None:
                linked.update((name, output) for name in mine)
    return Solved(len(search.found), together, linked)


Part = tuple[int, int | None]
"""Inputs of a participant, a bit each, and the place of its change."""


def _makers(
    sums: Sequence[int], change: Sequence[tuple[int, int]], asked: tuple[int, int], work: Work
) -> Mapping[int, Sequence[Part]]:
    """Return what makers may have brought and kept, by the lowest of their inputs.

    ``asked`` is the equal output, and the most that a maker earns.
    """
    value, most = asked
    work.add(KEPT * (1 << len(sums)))
    held = [0]
    for amount in sums:
        held += [amount + before for before in held]
    found: dict[int, list[Part]] = defaultdict(list)
    for mask in range(1, len(held)):
        work.add(len(change) + 1)
        for output, kept in (*change, (None, 0)):
            if 0 <= value + kept - held[mask] <= most:
                found[mask & -mask].append((mask, output))
    return found


@dataclass
class _Search:
    """All ways to choose makers so that one taker is left."""

    makers: Mapping[int, Sequence[Part]]
    work: Work
    found: set[frozenset[Part]] = field(default_factory=set)

    def go(self, left: int, change: frozenset[int], wanted: int, parts: tuple[Part, ...],
           taker: int = 0) -> None:  # fmt: skip
        """Give the lowest input that is left to a maker, or to the taker.

        Of two participants who pay nothing either may be the taker: that is one way.
        """
        if not left:
            if taker and not wanted and len(change) < 2:
                self.work.add(KEPT * len(parts))
                self.found.add(frozenset((*parts, (taker, next(iter(change), None)))))
            return
        low = left & -left
        tried = self.makers.get(low, ())
        self.work.add(len(tried) + 1)
        for mask, output in tried if wanted else ():
            if mask & left == mask and (output is None or output in change):
                self.go(left ^ mask, change - {output}, wanted - 1, (*parts, (mask, output)), taker)
        if left.bit_count() > wanted:
            self.go(left ^ low, change, wanted, parts, taker | low)
