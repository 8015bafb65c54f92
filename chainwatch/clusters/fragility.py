"""On what a cluster rests: the evidence without which it falls apart, and into what.

Addresses and the transactions that tie them make a graph. A transaction without which the graph
falls apart is one of its articulation points, whatever forest was chosen; Tarjan's search finds
all of them in one walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.clusters.numbering import number
from chainwatch.heuristics.links import LINKS
from chainwatch.kernels.graphs.components import Numbers, roots, splits
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Rows, Table
from chainwatch.units import counted

FRAGILE = Table(
    "fragile",
    ("evidence",),
    "One row per transaction, or statement, without which the cluster falls apart.",
    (
        Column.number("evidence", "1, 2, ...: what splits off most comes first"),
        *LINKS.pick("chain", "tx", "txid", "time").columns,
        Column.kind("rules", "the rules that link through it"),
        Column.party("a", "the smaller address of a statement; null for a transaction"),
        Column.number("parts", "into how many parts the cluster falls without it"),
        Column.number("largest", "addresses of the largest of them"),
        Column.number("split_off", "addresses of all the others"),
    ),
)

PARTS = Table(
    "parts",
    ("evidence", "chain", "cluster"),
    "The parts into which the cluster falls without a piece of evidence.",
    (
        Column.number("evidence", "as in the other table"),
        CHAIN,
        Column.party("cluster", "smallest address of the part"),
        Column.number("addresses", "addresses of the part"),
    ),
)


class Part(NamedTuple):
    """A part that is left without a piece of evidence: its smallest address, and its size."""

    first: int
    size: int


@dataclass(frozen=True, repr=False, eq=False)
class Fragility(Result):
    """The evidence on which a cluster rests.

    What is in no row can be lost without splitting the cluster, as long as it alone is lost. The
    parts are those of the links that joined inside the cluster: where something must stay apart,
    ``clusters.cut(tx=...)`` may join a part with others that were refused before.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``FRAGILE``.
    parts : polars.DataFrame
        Rows in ``PARTS``: of each evidence the parts, the largest first.
    addresses, evidence : int
        How many addresses the cluster has, and how many pieces of evidence tie them.
    """

    frame: pl.DataFrame
    parts: pl.DataFrame
    addresses: int
    evidence: int

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"fragile": FRAGILE.rows(self.frame), "parts": PARTS.rows(self.parts)}

    def words(self) -> Mapping[str, Any]:
        """Return the sizes of the whole, which are digested too."""
        return {"addresses": self.addresses, "evidence": self.evidence}

    def __repr__(self) -> str:
        head = (
            f"Fragility({counted(self.addresses, 'address', 'addresses')} tied by"
            f" {counted(self.evidence, 'piece', 'pieces')} of evidence;"
            f" {self._without()}"
        )
        worst = f", by up to {self.frame['split_off'][0]}" if self.frame.height else ""
        return f"{head}{worst})"

    def _without(self) -> str:
        count = self.frame.height
        if count == 0:
            return "they hold together without any one of them"
        which = "one of them" if count == 1 else f"any one of {count}"
        return f"without {which} they fall apart"

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>"


@recorded
def fragility(links: pl.DataFrame, members: pl.DataFrame) -> Fragility:
    """Find the evidence without which a cluster falls apart.

    Parameters
    ----------
    links : polars.DataFrame
        All links that tie the cluster, not only those of its forest, in ``BOTH_ENDS``. Those of one
        transaction are one piece of evidence; a link without a transaction is one by itself.
    members : polars.DataFrame
        ``chain, address`` of the cluster.

    Fails when
    ----------
    Two pieces of evidence fail for one reason: each may be dispensable alone and not both. What
    shares a cause, such as a rule, is cut with ``clusters.cut(rule=...)``.

    References
    ----------
    Tarjan, SIAM Journal on Computing 1(2), 1972. Its time is linear in the links; only a
    transaction that ties two sets of addresses which it does not tie to each other costs one more
    pass.
    """
    if links.is_empty():
        return Fragility(FRAGILE.empty(), PARTS.empty(), members.height, 0)
    numbered = number(links)
    pieces, which = _pieces(links)
    found = dict(_all_parts(numbered.a, numbered.b, which, numbered.places.height))
    rows = [
        (piece, len(parts), parts[0].size, numbered.places.height - parts[0].size)
        for piece, parts in found.items()
    ]
    size = {"piece": pl.Int64, "parts": pl.Int64, "largest": pl.Int64, "split_off": pl.Int64}
    ranked = (
        pieces.join(pl.DataFrame(rows, schema=size, orient="row"), on="piece")
        .sort(["split_off", "chain", "tx", "a", "piece"], descending=[True, *[False] * 4])
        .with_row_index("evidence", 1)
        .with_columns(pl.col("evidence").cast(pl.Int64))
    )
    parts = [
        (evidence, *numbered.places.row(part.first), part.size)
        for evidence, piece in ranked.select("evidence", "piece").iter_rows()
        for part in found[piece]
    ]
    return Fragility(
        ranked.select(FRAGILE.names), PARTS.frame(parts), numbered.places.height, pieces.height
    )


def _pieces(links: pl.DataFrame) -> tuple[pl.DataFrame, Numbers]:
    """Return each piece of evidence once, in order, and the piece of each link."""
    stated = pl.col("tx").is_null()
    key = ["chain", "tx", "a", "chain_b", "b", "rule"]
    keyed = links.with_columns(
        pl.when(stated).then(pl.col(name)).alias(f"of_{name}") for name in key[2:]
    )
    of = ["chain", "tx", *(f"of_{name}" for name in key[2:])]
    pieces = (
        keyed.group_by(of)
        .agg(
            pl.col("txid", "time").first(),
            pl.col("rule").unique().sort().str.join(", ").alias("rules"),
        )
        .sort(of)
        .with_row_index("piece")
        .with_columns(pl.col("piece").cast(pl.Int64))
    )
    which = keyed.join(
        pieces.select("piece", *of), on=of, how="left", nulls_equal=True, maintain_order="left"
    )
    found = pieces.rename({"of_a": "a"}).select(
        "piece", "chain", "tx", "txid", "time", "rules", "a"
    )
    return found, which["piece"].cast(pl.Int32).to_numpy().copy()


def _all_parts(
    a: Numbers, b: Numbers, which: Numbers, addresses: int
) -> Iterator[tuple[int, list[Part]]]:
    """Yield each piece of evidence that splits, with the parts that are left without it."""
    place, group, piece = _groups(a, b, which, addresses)
    found = splits(place, group + addresses, addresses, addresses + len(piece))
    several = np.bincount(piece, minlength=1) > 1
    off: dict[int, list[Part]] = {}
    for point, size, first in zip(*(one.tolist() for one in found), strict=True):
        one = int(piece[point - addresses])
        if not several[one]:
            off.setdefault(one, []).append(Part(first, size))
    for one, parts in off.items():
        rest = addresses - sum(part.size for part in parts)
        yield one, _largest_first([*parts, Part(0, rest)])
    for one in np.flatnonzero(several).tolist():
        parts = _without(a, b, which != one, addresses)
        if len(parts) > 1:
            yield one, parts


def _groups(
    a: Numbers, b: Numbers, which: Numbers, addresses: int
) -> tuple[Numbers, Numbers, NDArray[Any]]:
    """Return the ties of the graph, address and group, and the piece of evidence of each group.

    A piece may tie two sets of addresses and not the one to the other: each set is a group.
    """
    code = np.concatenate([which, which]).astype(np.int64) * addresses + np.concatenate([a, b])
    ties, at = np.unique(code, return_inverse=True)
    here, there = (side.astype(np.int32) for side in np.split(at, 2))
    root = roots(here, there, len(ties))
    heads, group = np.unique(root, return_inverse=True)
    place = (ties % addresses).astype(np.int32)
    return place, group.astype(np.int32), ties[heads] // addresses


def _without(a: Numbers, b: Numbers, kept: NDArray[Any], addresses: int) -> list[Part]:
    """Return the parts that some of the links leave, counted anew."""
    root = roots(a[kept], b[kept], addresses)
    firsts, sizes = np.unique(root, return_counts=True)
    parts = zip(firsts.tolist(), sizes.tolist(), strict=True)
    return _largest_first([Part(first, size) for first, size in parts])


def _largest_first(parts: list[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: (-part.size, part.first))
