"""Why two addresses are one owner: a path of transactions, or what stands in the way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.addresses import text, txid_text

if TYPE_CHECKING:
    from chainwatch.clusters.cluster import Clusters


@dataclass(frozen=True)
class Explanation:
    """The path of links between two addresses, each with its transaction and rule.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    a, b : bytes
        The two addresses, as canonical bytes.
    frame : polars.DataFrame
        One row per step: ``step, a, b, tx, txid, time, rule, confidence``; empty if not joined.
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

    def __repr__(self) -> str:
        a, b = text(self.a, self.chain), text(self.b, self.chain)
        if self.a == self.b:
            return f"{a} is one address."
        if not self.joined:
            return f"Nothing joins {a} and {b}.{self._stopped()}"
        steps = [
            f"{row['step']}. {text(row['a'], self.chain)} and {text(row['b'], self.chain)}:"
            f" {row['rule']} in {txid_text(row['txid'], self.chain)}"
            f" ({row['time']:%Y-%m-%d %H:%M} UTC; confidence {_rate(row['confidence'])})"
            for row in self.frame.iter_rows(named=True)
        ]
        head = f"{a} and {b} are consistent with one owner, by {len(steps)} step(s):"
        return "\n".join([head, *steps])

    def _stopped(self) -> str:
        refused = self.contested.filter(pl.col("veto")).height
        undecided = self.contested["veto"].null_count()
        if not refused and not undecided:
            return " No link touches either."
        return f" Links at them that join nothing: {refused} refused, {undecided} undecided."

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _rate(confidence: float | None) -> str:
    return "not measured" if confidence is None else f"{confidence:.3f}"


def explain(clusters: Clusters, chain: str, a: bytes, b: bytes) -> Explanation:
    """Walk the evidence forest from one address to the other.

    In a maximum spanning forest the one path between two addresses is the path whose weakest
    link is strongest.
    """
    touching = clusters.links.contested.filter(
        (pl.col("chain") == chain) & (pl.col("a").is_in([a, b]) | pl.col("b").is_in([a, b]))
    )
    edges = clusters.forest.filter(pl.col("chain") == chain)
    columns = ["a", "b", "tx", "txid", "time", "rule", "confidence"]
    path = _path(edges, a, b)
    steps = edges[path].select(columns) if path else edges.clear().select(columns)
    frame = steps.with_row_index("step", offset=1).with_columns(pl.col("step").cast(pl.Int64))
    return Explanation(chain, a, b, frame, touching, a == b or bool(path))


def _path(edges: pl.DataFrame, a: bytes, b: bytes) -> list[int]:
    """Return the rows of the edges on the way from a to b; empty where there is no way."""
    at: dict[bytes, list[tuple[bytes, int]]] = {}
    for row, (left, right) in enumerate(edges.select("a", "b").iter_rows()):
        at.setdefault(left, []).append((right, row))
        at.setdefault(right, []).append((left, row))
    came: dict[bytes, tuple[bytes, int]] = {a: (a, -1)}
    queue = deque([a])
    while queue and b not in came:
        here = queue.popleft()
        for there, row in at.get(here, []):
            if there not in came:
                came[there] = (here, row)
                queue.append(there)
    if b not in came or a == b:
        return []
    path = []
    while b != a:
        b, row = came[b]
        path.append(row)
    return path[::-1]
