"""Why two addresses are one owner: a path of transactions, or what stands in the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.results.mask import shown_address, shown_time, shown_txid
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table

STEPS = Table(
    "steps",
    ("step",),
    "One row per step; ``a`` is where the step before ended, ``b`` where the next begins.",
    (
        Column.number("step", "1, 2, ..."),
        *LINKS.pick("chain", "a", "b", "tx", "txid", "time", "rule", "confidence").columns,
    ),
)

CONTESTED = replace(LINKS, name="contested", meaning="Links that a veto refused or left undecided.")

Evidence = tuple[int, bytes | None, datetime | None, str, float | None]
"""Transaction number and id, its time, rule and confidence of a link."""

Adjacency = Mapping[bytes, list[tuple[bytes, Evidence]]]
"""Each address of a cluster with its neighbours in the evidence forest."""


class Evidenced(Protocol):
    """Clusters as an explanation needs them: their links, and the forest around an address."""

    @property
    def links(self) -> Links: ...

    def evidence(self, chain: str, address: bytes) -> Adjacency:
        """Return the evidence forest of the cluster of an address, by address."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Explanation(Result):
    """The path of links between two addresses, each with its transaction and rule.

    It prints the two addresses that were asked for; the others on the way, their transactions and
    times as the edition allows (:func:`chainwatch.results.mask.show_by`). The frames hold
    all.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    a, b : bytes
        The two addresses, as canonical bytes.
    frame : polars.DataFrame
        Rows in ``STEPS``, walking from ``a`` to ``b``; empty if not joined.
    contested : polars.DataFrame
        Refused or undecided links that touch the two addresses, with their ``veto``.
    joined : bool
        Whether the two are one cluster.
    """

    chain: str
    a: bytes
    b: bytes
    frame: pl.DataFrame
    contested: pl.DataFrame
    joined: bool

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"steps": STEPS.rows(self.frame), "contested": CONTESTED.rows(self.contested)}

    def __repr__(self) -> str:
        a, b = text(self.a, self.chain), text(self.b, self.chain)
        if self.a == self.b:
            return f"{a} is one address."
        if not self.joined:
            return f"Nothing joins {a} and {b}.{self._stopped() or ' No link touches either.'}"
        head = f"{a} and {b} are consistent with one owner, by {self.frame.height} step(s):"
        return "\n".join([head, *self._steps()]) + self._stopped("\n")

    def _steps(self) -> Iterator[str]:
        names = self._names()
        for row in self.frame.iter_rows(named=True):
            parties = [party for party in (row["a"], row["b"]) if party not in (self.a, self.b)]
            when = shown_time(self.chain, row["time"], *parties) if row["time"] else "undated"
            yield (
                f"{row['step']}. {names[row['a']]} and {names[row['b']]}:"
                f" {row['rule']} in {shown_txid(self.chain, row['txid'], *parties)}"
                f" ({when}; confidence {_rate(row['confidence'])})"
            )

    def _names(self) -> dict[bytes, str]:
        """Return how each address of the way is printed."""
        between = self.frame["b"].to_list()[:-1]
        names = {
            address: shown_address(
                self.chain, address, f"another address ({place} of {len(between)})"
            )
            for place, address in enumerate(between, 1)
        }
        return names | {end: text(end, self.chain) for end in (self.a, self.b)}

    def _stopped(self, before: str = " ") -> str:
        if self.contested.is_empty():
            return ""
        counts = Links(self.contested).counts()
        beside = f", {counts['without_key']} to addresses that ask for no key"
        return (
            f"{before}Links at them that join nothing: {counts['refused']} refused,"
            f" {counts['undecided']} undecided{beside if counts['without_key'] else ''}."
        )


def _rate(confidence: float | None) -> str:
    return "not measured" if confidence is None else f"{confidence:.3f}"


def adjacency(forest: pl.DataFrame) -> Adjacency:
    """Return the links of one cluster by address, both ways."""
    columns = ["a", "b", "tx", "txid", "time", "rule", "confidence"]
    at: dict[bytes, list[tuple[bytes, Evidence]]] = {}
    for left, right, *rest in forest.select(columns).iter_rows():
        evidence: Evidence = tuple(rest)
        at.setdefault(left, []).append((right, evidence))
        at.setdefault(right, []).append((left, evidence))
    return at


@recorded
def explain(clusters: Evidenced, chain: str, a: bytes, b: bytes) -> Explanation:
    """Walk the evidence forest from one address to the other.

    In a maximum spanning forest the one path between two addresses is the path whose weakest
    link is strongest.

    Parameters
    ----------
    clusters : Clusters
        What joins them, or not.
    chain : str
        CAIP-2 id.
    a, b : bytes
        Canonical addresses.
    """
    touching = clusters.links.contested.filter(
        (pl.col("chain") == chain) & (pl.col("a").is_in([a, b]) | pl.col("b").is_in([a, b]))
    )
    steps = _path(clusters.evidence(chain, a), a, b)
    rows = [(n, chain, left, right, *rest) for n, (left, right, rest) in enumerate(steps, 1)]
    frame = pl.DataFrame(rows, schema=STEPS.schema, orient="row")
    return Explanation(chain, a, b, frame, touching, a == b or bool(steps))


def _path(walk: Adjacency, a: bytes, b: bytes) -> list[tuple[bytes, bytes, Evidence]]:
    """Return the links on the way from a to b, each in walking order; none without a way."""
    if b not in walk:
        return []
    came: dict[bytes, tuple[bytes, Evidence]] = {}
    queue = deque([b])
    while queue and a not in came:  # from the end, so that the way reads from the start
        here = queue.popleft()
        for there, evidence in walk[here]:
            if there != b and there not in came:
                came[there] = (here, evidence)
                queue.append(there)
    path = []
    while a in came:
        there, evidence = came[a]
        path.append((a, there, evidence))
        a = there
    return path
