"""Exposure: how much traced value reached those whom tags name, and how much of it stayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.ledger.schema import TIME
from chainwatch.provenance import Record, recorded
from chainwatch.tracing.ends import Owners
from chainwatch.tracing.trace import Trace
from chainwatch.units import AMOUNT

EXPOSURE: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "actor": pl.String,
    "concept": pl.String,
    "arrived": AMOUNT,
    "stayed": AMOUNT,
    "arrivals": pl.Int64,
    "hops": pl.Int64,
    "first": TIME,
    "last": TIME,
    "basis": pl.String,
    "source": pl.String,
    "confidence": pl.String,
}
"""One row per subject and tagged actor. ``arrived`` counts traced value each time it enters from
outside the actor; ``stayed`` is what ends there. ``hops`` is the shortest way."""


@dataclass(frozen=True)
class Exposure:
    """Traced value that reached tagged actors, by subject.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``EXPOSURE``.
    """

    frame: pl.DataFrame
    asset: Asset
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {"exposure": (self.frame, ("subject", "actor", "concept"))}

    def lineage(self) -> str:
        """Return how this came about."""
        return self.record.tree() if self.record else "made by hand"

    def __repr__(self) -> str:
        rows = [
            f"  {self.asset.shown(int(row['arrived'])):>24} reached {row['actor']} ({row['basis']})"
            for row in self.frame.iter_rows(named=True)
        ]
        return "\n".join([f"Exposure({self.frame.height} rows)", *rows])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


@recorded
def exposure(trace: Trace, tags: Tags, *, clusters: Owners | None = None) -> Exposure:
    """Sum up the traced value that reached tagged actors.

    Parameters
    ----------
    trace : Trace
        What was followed, under its policy.
    tags : Tags
        Whom to look for. One row per actor, under its concept with the strongest source.
    clusters : Clusters, optional
        Widens an actor to the clusters of its tagged addresses.

    Returns
    -------
    Exposure
        Amounts by subject and actor; ``basis`` says whether the tagged address itself was
        reached, or another one of its cluster.

    Fails when
    ----------
    The trace stopped before the actor, or followed value through an untagged service. Exposure is
    no knowledge: who paid need not have known whom.
    """
    named = _named(tags, trace.asset.chain, clusters)
    known = {address: actor for address, (actor, _) in named.items()}
    own = _subjects(trace)
    rows = []
    for row in trace.steps.iter_rows(named=True):
        actor = known.get(row["target"])
        inside = actor is not None and known.get(row["source"]) == actor
        if actor is not None and not inside and own.get(row["target"]) != row["subject"]:
            rows.append(
                (
                    row["subject"],
                    actor,
                    row["amount"],
                    row["hop"],
                    row["time"],
                    named[row["target"]][1],
                )
            )
    arrived = pl.DataFrame(
        rows,
        orient="row",
        schema={
            "subject": pl.Binary,
            "actor": pl.String,
            "amount": AMOUNT,
            "hop": pl.Int64,
            "time": TIME,
            "basis": pl.String,
        },
    )
    return Exposure(_summed(arrived, _stayed(trace, known), tags), trace.asset)


def _subjects(trace: Trace) -> dict[bytes, bytes]:
    return dict(trace.origins.select("address", "subject").iter_rows())


def _named(tags: Tags, chain: str, clusters: Owners | None) -> dict[bytes, tuple[str, str]]:
    """Return every address of an actor with the actor and the reason."""
    here = tags.frame.filter(pl.col("chain") == chain).sort(
        "level", "label", descending=[True, False]
    )
    direct = {
        row["address"]: row["actor"] or row["label"] for row in here.reverse().iter_rows(named=True)
    }
    found = {address: (actor, "tagged address") for address, actor in direct.items()}
    if clusters is not None:
        frame = clusters.frame.filter(pl.col("chain") == chain)
        of = dict(frame.select("address", "cluster").iter_rows())
        actors: dict[bytes, set[str]] = {}
        for address, actor in direct.items():
            if address in of:
                actors.setdefault(of[address], set()).add(actor)
        for address, cluster in of.items():
            if len(actors.get(cluster, ())) == 1:  # two actors in one cluster say nothing of it
                actor = next(iter(actors[cluster]))
                found.setdefault(address, (actor, "cluster of a tagged address"))
    return found


def _stayed(trace: Trace, known: dict[bytes, str]) -> pl.DataFrame:
    rows = [
        (row["subject"], known[row["address"]], row["amount"])
        for row in trace.ends.iter_rows(named=True)
        if row["address"] in known
    ]
    frame = pl.DataFrame(
        rows, orient="row", schema={"subject": pl.Binary, "actor": pl.String, "amount": AMOUNT}
    )
    return frame.group_by("subject", "actor").agg(pl.col("amount").sum().alias("stayed"))


def _summed(arrived: pl.DataFrame, stayed: pl.DataFrame, tags: Tags) -> pl.DataFrame:
    said = (
        tags.frame.with_columns(pl.coalesce("actor", "label").alias("actor"))
        .sort(["level", "concept"], descending=[True, False])
        .unique("actor", keep="first", maintain_order=True)
        .select("actor", "concept", "source", "confidence")
    )
    rows = (
        arrived.group_by("subject", "actor")
        .agg(
            pl.col("amount").sum().alias("arrived"),
            pl.len().alias("arrivals"),
            pl.col("hop").min().alias("hops"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("basis").unique().sort().str.join("; ").alias("basis"),
        )
        .join(stayed, on=["subject", "actor"], how="left")
        .join(said, on="actor", how="left")
        .with_columns(pl.col("stayed").fill_null(0))
    )
    return rows.select(list(EXPOSURE)).cast(EXPOSURE).sort("subject", "actor")  # type: ignore[arg-type]  # polars types mix classes and instances
