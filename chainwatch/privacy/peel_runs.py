"""Peel chains within a trace, drawn as one party: which addresses fold, and what is said of them.

A chain of coins that peels small parts off is dozens of parties in a row, each seen once. Folded,
it is one node: what came in, what was peeled off on the way, and what arrived at the other end.
Nobody folds whom an edition shows, whom tags name or whom clusters join with others, and nobody who
is paid or pays beside the chain; there the chain is drawn in two.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import polars as pl

from chainwatch.clusters.peeling.chains import PeelChains
from chainwatch.privacy.edition import Edition, band
from chainwatch.results.roles import BYSTANDER
from chainwatch.tracing.result import Trace
from chainwatch.units import counted

FEWEST_FOLDED = 2
"""Addresses that a run folds at least: one alone would be drawn in as much room as the fold."""


class Run(NamedTuple):
    """Addresses of a chain in a row, each of which pays in one transaction, a hop.

    ``step`` is the place, in the steps of the trace, of a payment of the first of them; ``rest``
    that of the last payment of what is left, null where the trace follows none.
    """

    members: tuple[bytes, ...]
    step: int
    rest: int | None

    @property
    def hops(self) -> int:
        """How many hops are folded."""
        return len(self.members)


@dataclass(frozen=True)
class PeelRuns:
    """Owners as flows read them, in which the addresses of each run are one.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, address, cluster``.
    runs : mapping of bytes to Run
        Each run by the address by which it is called: its first.
    """

    frame: pl.DataFrame
    runs: Mapping[bytes, Run] = field(default_factory=dict)

    def label(self, address: bytes, edition: Edition, chain: str) -> str:
        """Return what a run is called; empty where nothing is folded there.

        How many masked parties it stands for is said as a band, as everywhere.
        """
        run = self.runs.get(address)
        if run is None:
            return ""
        if edition.masks(chain, address):
            return f"peel chain, {band(run.hops)} hops"
        return f"peel chain, {counted(run.hops, 'hop', 'hops')}"


class Framed(Protocol):
    """Clusters or tags, as far as folding reads them."""

    @property
    def frame(self) -> pl.DataFrame: ...


def peel_runs(
    trace: Trace,
    peels: PeelChains,
    edition: Edition,
    clusters: Framed | None = None,
    tags: Framed | None = None,
) -> PeelRuns:
    """Return the owners of a trace with the addresses of its peel chains put together.

    Parameters
    ----------
    trace : Trace
        What is drawn.
    peels : PeelChains
        What ``peel_chains(...)`` returned for its ledger.
    edition : Edition
        Whoever it gives a role does not fold.
    clusters, tags : optional
        Whom they join with others, or name, does not fold either.
    """
    chain = trace.asset.chain
    owners = pl.DataFrame(schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary})
    if clusters is not None:
        owners = clusters.frame.select("chain", "address", "cluster")
    apart = _apart(trace, owners.filter(pl.col("chain") == chain), tags)
    steps = list(trace.steps.select("source", "target", "txid", "n").iter_rows())
    found = {
        run.members[0]: run
        for run in _runs(steps, _placed(peels, chain))
        if not any(
            one in apart or edition.role(chain, one) != BYSTANDER for one in run.members
        )
    }  # fmt: skip
    rows = [(chain, one, first) for first, run in found.items() for one in run.members]
    folded = pl.DataFrame(rows, schema=owners.schema, orient="row")
    rest = owners.join(folded, on=["chain", "address"], how="anti")
    return PeelRuns(pl.concat([rest, folded]), found)


def _apart(trace: Trace, owners: pl.DataFrame, tags: Framed | None) -> set[bytes]:
    """Return whoever is told apart from a chain: subjects, the tagged, and owners of several."""
    sizes = Counter(owners["cluster"].to_list())
    joined = {
        address for address, whole in owners.select("address", "cluster").iter_rows()
        if sizes[whole] > 1
    }  # fmt: skip
    named = set() if tags is None else set(tags.frame["address"].to_list())
    ending = set(trace.ends["address"].drop_nulls().to_list())
    return {*joined, *named, *ending, *trace.subjects["address"].to_list()}


def _placed(peels: PeelChains, chain: str) -> dict[bytes, tuple[int, int, int]]:
    """Return for each transaction of a chain: which chain, the hop, and the place of the peel."""
    rows = peels.peels.filter(pl.col("chain") == chain)
    return {
        txid: (start, hop, n)
        for txid, start, hop, n in rows.select("txid", "start_tx", "hop", "n").iter_rows()
    }


def _runs(
    steps: list[tuple[bytes, bytes | None, bytes, int]],
    placed: Mapping[bytes, tuple[int, int, int]],
) -> Iterator[Run]:
    """Yield the addresses in a row that are paid the rest of one hop and pay the next alone."""
    paid_by: dict[bytes, set[bytes]] = defaultdict(set)
    pays_in: dict[bytes, set[bytes]] = defaultdict(set)
    hops: dict[tuple[int, int], _Hop] = {}
    for place, (source, target, txid, n) in enumerate(steps):
        pays_in[source].add(txid)
        if target is not None:
            paid_by[target].add(txid)
        if txid in placed:
            start, number, peel = placed[txid]
            hop = hops.setdefault((start, number), _Hop(source, place))
            if n != peel:
                hop.rest, hop.paid = place, target
    row: list[_Hop] = []
    for start, number in sorted(hops):
        one, before = hops[start, number], hops.get((start, number - 1))
        # It is of the run if the hop before paid it the rest, and it deals with nobody else.
        alone = before is not None and one.payer == before.paid
        alone = alone and len(paid_by[one.payer]) == 1 and len(pays_in[one.payer]) == 1
        if row and not (alone and row[-1] is before):
            yield from _run(row)
            row = []
        row += [one] if alone else []
    yield from _run(row)


@dataclass
class _Hop:
    """A transaction of a chain as far as a trace follows it."""

    payer: bytes
    step: int
    rest: int | None = None
    paid: bytes | None = None


def _run(row: list[_Hop]) -> Iterator[Run]:
    if len(row) >= FEWEST_FOLDED:
        yield Run(tuple(one.payer for one in row), row[0].step, row[-1].rest)
