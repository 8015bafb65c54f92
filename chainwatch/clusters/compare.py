"""Two ways of grouping the same addresses: what one merges, what it splits, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from math import fsum, log
from typing import Any, Protocol

import polars as pl

from chainwatch.clusters.numbering import PLACE
from chainwatch.errors import InputError, refuse
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, Column, Privacy, Rows, Table
from chainwatch.units import counted

_COLUMNS = (
    CHAIN,
    Column.party("cluster", "smallest address of the cluster, on the first of its chains"),
    Column.number("addresses", "its addresses, on all chains"),
    Column.number("parts", "clusters of the other grouping that it holds addresses of"),
    Column.number("largest", "addresses that it shares with the largest of them"),
)

MERGES = Table(
    "merges",
    ("chain", "cluster"),
    "Clusters that hold addresses of two or more clusters of the other grouping.",
    _COLUMNS,
)

SPLITS = Table(
    "splits",
    ("chain", "cluster"),
    "Clusters of the other grouping whose addresses stand in two or more clusters.",
    _COLUMNS,
)

AGREEMENT = Table(
    "agreement",
    (),
    "Pairs of addresses, told by which grouping joins them.",
    (
        Column.number("addresses", "addresses that either grouping names"),
        Column.number("both", "pairs that both join"),
        Column.number("only_one", "pairs that the first alone joins"),
        Column.number("only_other", "pairs that the other alone joins"),
        Column.number("neither", "pairs that neither joins"),
        Column("rand", pl.Float64, Privacy.FLAG, "share of the pairs on which they agree",
               nullable=True),
        Column("homogeneity", pl.Float64, Privacy.FLAG, "how purely clusters hold one of others"),
        Column("completeness", pl.Float64, Privacy.FLAG, "how whole the others' clusters stay"),
        Column("v_measure", pl.Float64, Privacy.FLAG, "harmonic mean of the two"),
    ),
)  # fmt: skip


class Grouped(Protocol):
    """A grouping: clusters are one. Those that one owner has on several chains are one group.

    What has ``owners``, rows with ``owner, chain, cluster``, says by it which these are.
    """

    @property
    def frame(self) -> pl.DataFrame:
        """Rows with ``chain, address, cluster``."""
        ...


@dataclass(frozen=True, repr=False, eq=False)
class Comparison(Result):
    """How one grouping of addresses differs from another.

    Attributes
    ----------
    frame : polars.DataFrame
        One row in ``AGREEMENT``; the counts of pairs are exact.
    merges, splits : polars.DataFrame
        Rows in ``MERGES`` and ``SPLITS``, the largest first.
    """

    frame: pl.DataFrame
    merges: pl.DataFrame
    splits: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "agreement": AGREEMENT.rows(self.frame),
            "merges": MERGES.rows(self.merges),
            "splits": SPLITS.rows(self.splits),
        }

    @property
    def rand(self) -> Fraction | None:
        """Share of the pairs on which both agree, exact; None where there is no pair."""
        both, one, other, neither = self.frame.row(0)[1:5]
        pairs = both + one + other + neither
        return Fraction(both + neither, pairs) if pairs else None

    @property
    def v_measure(self) -> float:
        """Harmonic mean of homogeneity and completeness."""
        return float(self.frame["v_measure"][0])

    def __repr__(self) -> str:
        row = self.frame.row(0, named=True)
        rand = "no pair" if row["rand"] is None else f"Rand index {row['rand']:.6f}"
        return (
            f"Comparison({counted(row['addresses'], 'address', 'addresses')}:"
            f" {counted(self.merges.height, 'merge', 'merges')},"
            f" {counted(self.splits.height, 'split', 'splits')}; {rand},"
            f" V-measure {row['v_measure']:.6f})"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>"


@recorded
def compare(
    one: Grouped | pl.DataFrame,
    other: Grouped | pl.DataFrame,
    *,
    over: pl.DataFrame | None = None,
) -> Comparison:
    """Compare two groupings of addresses: two sets of clusters, or clusters and known owners.

    An address that a grouping does not name is a cluster of its own there.

    Parameters
    ----------
    one : Clusters or polars.DataFrame
        What is judged.
    other : Clusters or polars.DataFrame
        What it is held against: clusters, or ``chain, address, cluster`` with the cluster under
        any name, such as an owner's, which means him on all chains. A cluster named by bytes is
        one of its chain.
    over : polars.DataFrame, optional
        ``chain, address``: the addresses to compare over. By default those that either names; the
        Rand index and the V-measure depend on it, merges and splits do not.

    Raises
    ------
    InputError
        If an address stands in two clusters of one grouping.

    Fails when
    ----------
    Most addresses are alone in both groupings: the Rand index is then close to 1 whatever else
    they say. Read the pairs.

    References
    ----------
    Rand 1971; Rosenberg and Hirschberg, EMNLP 2007, for the V-measure (beta = 1).
    """
    groups = [grouping(one, "one"), grouping(other, "other")]
    places = pl.concat([frame.select(PLACE) for frame in groups]) if over is None else over
    table = places.select(PLACE).unique().sort(PLACE)
    for name, frame in zip(("one", "other"), groups, strict=True):
        named = frame.select(*PLACE, pl.struct(chain="at", cluster="cluster").alias(name))
        table = table.join(named, on=PLACE, how="left")
    alone = pl.struct(chain="chain", cluster="address")
    table = table.with_columns(pl.coalesce(name, alone).alias(name) for name in ("one", "other"))
    cells = table.group_by("one", "other").agg(pl.len().cast(pl.Int64).alias("n"))
    return Comparison(
        _agreement(cells, table.height),
        _mixed(cells, "one", MERGES),
        _mixed(cells, "other", SPLITS),
    )


def grouping(grouped: Grouped | pl.DataFrame, name: str) -> pl.DataFrame:
    """Return who is in which group, each called by its smallest address on its first chain.

    Returns
    -------
    polars.DataFrame
        ``chain, address, at, cluster``: the group is the address ``cluster`` on the chain ``at``.
    """
    frame = grouped if isinstance(grouped, pl.DataFrame) else getattr(grouped, "frame", None)
    if frame is None or not {*PLACE, "cluster"} <= {*frame.columns}:
        refuse(grouped, name, "pass clusters, or a frame with chain, address and cluster")
    rows = frame.select(*PLACE, "cluster").unique()
    if rows.select(PLACE).is_duplicated().any():
        raise InputError(
            "an address stands in two clusters of one grouping",
            remedy="give each address one cluster; drop the addresses that are of two owners",
        )
    group = ["cluster"]  # a name is that of an owner, on whatever chain
    if rows.schema["cluster"] == pl.Binary:
        group = ["here", "cluster"]
        rows = _with_owners(rows, getattr(grouped, "owners", None))
    first = [pl.col(one).first().over(group) for one in PLACE]
    return rows.sort(PLACE).select(*PLACE, first[0].alias("at"), first[1].alias("cluster"))


def _with_owners(rows: pl.DataFrame, owners: pl.DataFrame | None) -> pl.DataFrame:
    """Return members with their cluster, that of an owner's first chain where he has several."""
    here = rows.with_columns(pl.col("chain").alias("here"))
    if owners is None:
        return here
    first = owners.sort("owner", "chain").with_columns(
        pl.col("chain").first().over("owner").alias("at"),
        pl.col("cluster").first().over("owner").alias("home"),
    )
    return here.join(first.drop("owner"), on=["chain", "cluster"], how="left").select(
        *PLACE,
        pl.coalesce("at", "here").alias("here"),
        pl.coalesce("home", "cluster").alias("cluster"),
    )


def _mixed(cells: pl.DataFrame, name: str, table: Table) -> pl.DataFrame:
    """Return the clusters of one grouping that hold addresses of several of the other."""
    return (
        cells.group_by(name)
        .agg(
            pl.col("n").sum().alias("addresses"),
            pl.len().cast(pl.Int64).alias("parts"),
            pl.col("n").max().alias("largest"),
        )
        .filter(pl.col("parts") > 1)
        .unnest(name)
        .select(table.names)
        .sort(["addresses", "chain", "cluster"], descending=[True, False, False])
    )


def _agreement(cells: pl.DataFrame, addresses: int) -> pl.DataFrame:
    counts = {
        name: cells.group_by(name).agg(pl.col("n").sum())["n"].to_list()
        for name in ("one", "other")
    }
    both = _pairs(cells["n"].to_list())
    joined = {name: _pairs(sizes) for name, sizes in counts.items()}
    only_one, only_other = joined["one"] - both, joined["other"] - both
    neither = addresses * (addresses - 1) // 2 - both - only_one - only_other
    pairs = both + only_one + only_other + neither
    rand = (both + neither) / pairs if pairs else None
    whole = _entropy(cells["n"].to_list(), addresses)
    parts = {name: _entropy(sizes, addresses) for name, sizes in counts.items()}
    homogeneity = _share(whole - parts["one"], parts["other"])
    completeness = _share(whole - parts["other"], parts["one"])
    total = homogeneity + completeness
    v_measure = 2 * homogeneity * completeness / total if total else 0.0
    row: tuple[Any, ...] = (
        addresses, both, only_one, only_other, neither, rand, homogeneity, completeness, v_measure,
    )  # fmt: skip
    return AGREEMENT.frame([row])


def _pairs(sizes: list[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _entropy(sizes: list[int], total: int) -> float:
    """Return the entropy of a partition; summed exactly, so that no order of rows matters."""
    return -fsum(size / total * log(size / total) for size in sizes)


def _share(left: float, whole: float) -> float:
    """Return 1 less the share of an entropy that is left: 1 where there was none to begin with."""
    return 1.0 if whole <= 0 else min(1.0, max(0.0, 1 - left / whole))
