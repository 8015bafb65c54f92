"""Which evidence a case draws: of the largest cluster of a subject, and of alerts on subjects.

A report has room for a few pictures: those that are left out are counted in the heading of those
that stand there.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainwatch.clusters.cluster import Clusters
from chainwatch.clusters.explain import Explanation
from chainwatch.figures.case_figures import CaseFigure, case_figure
from chainwatch.typologies.alerts import Alerts
from chainwatch.typologies.typology import WEAK
from chainwatch.units import counted

MOST_CARDS = 3
"""Cards of alerts in a case: each takes half a page."""

TRIED = 5
"""Addresses of a cluster to which a path is looked for; the longest path is drawn."""


def cluster_figures(
    owners: Clusters, subjects: pl.DataFrame, data: str = "", name: str = ""
) -> list[CaseFigure]:
    """Return the evidence of the largest cluster that a subject is in; nothing where none is.

    The path runs from the subject to an address that splits off with the piece of evidence on
    which most hangs, to that of a few which is furthest away.

    Parameters
    ----------
    owners : Clusters
        Who is taken to hold which addresses.
    subjects : polars.DataFrame
        ``chain, address``.
    data : str
        What was read and up to when, for the legend.
    name : str
        What tells it from that of another part of the case.
    """
    joined = (
        subjects.select("chain", "address")
        .unique()
        .join(owners.frame, on=["chain", "address"], how="inner")
    )
    if joined.is_empty():
        return []
    sizes = owners.frame.group_by("chain", "cluster").len()
    ranked = joined.join(sizes, on=["chain", "cluster"]).sort(
        "len", "chain", "cluster", "address", descending=[True, False, False, False]
    )
    chain, subject = ranked.row(0, named=True)["chain"], ranked.row(0, named=True)["address"]
    clusters = ranked.select("chain", "cluster").unique().height
    fragile = owners.fragility(subject, chain)
    told = [name] if name else []
    if clusters > 1:
        told.append(f"the largest of {clusters} clusters with subjects")
    return [
        case_figure(
            _path(owners, chain, subject, fragile.parts), kind="cluster_evidence",
            name=", ".join(told), data=data, fragility=fragile,
        )
    ]  # fmt: skip


def _path(owners: Clusters, chain: str, subject: bytes, parts: pl.DataFrame) -> Explanation:
    """Return the longest path from a subject to one of a few others of its cluster."""
    split = parts.filter((pl.col("evidence") == 1) & (pl.col("chain") == chain))
    others = [one for one in split["cluster"].to_list() if one != subject]
    others += [one for one in owners.members(subject, chain) if one != subject]
    whys = [owners.why(subject, one, chain) for one in dict.fromkeys(others[:TRIED])]
    return max(whys, key=lambda one: one.length)


def card_figures(
    found: Alerts, subjects: pl.DataFrame, data: str = "", name: str = ""
) -> Iterator[CaseFigure]:
    """Yield the cards of the first alerts on subjects: plain ones first, those of most value.

    Alerts on others are nobody's business in a report.

    Parameters
    ----------
    found : Alerts
        What was found.
    subjects : polars.DataFrame
        ``chain, address``.
    data : str
        What was read and up to when, for the legend.
    name : str
        What tells them from those of another question.
    """
    mine = found.on(subjects).sort(
        pl.col("strength") == WEAK, -pl.col("amount"), "alert", maintain_order=True
    )
    for number, row in enumerate(mine[:MOST_CARDS].iter_rows(named=True), 1):
        of = counted(mine.height, "alert", "alerts")
        told = f"{row['typology']}, {number} of {of} on subjects"
        yield case_figure(
            found, kind="typology_card", name=f"{name}: {told}" if name else told, data=data,
            alert=row["alert"],
        )  # fmt: skip
