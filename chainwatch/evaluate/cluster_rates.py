"""How well clusters agree with known owners: merges of strangers, and owners that fall apart."""

from __future__ import annotations

from math import fsum
from typing import NamedTuple

import polars as pl

from chainwatch.clusters.compare import Grouped, compare, grouping
from chainwatch.clusters.numbering import PLACE
from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth


class ClusterRates(NamedTuple):
    """What clusters got right and wrong, over the addresses that have one known owner.

    An address that no link joins is a cluster of its own.

    Attributes
    ----------
    addresses, owners : int
        How many there were to judge.
    pairs_found : Share
        Of the pairs of addresses of one owner, those in one cluster: pairwise recall.
    pairs_right : Share
        Of the pairs in one cluster, those of one owner: pairwise precision.
    owners_whole : Share
        Of the owners of two or more addresses, those whose addresses all stand in one cluster.
    owners_merged : Share
        Of all owners, those who share a cluster with another: the rate of false merges.
    false_merges : int
        Owners in a cluster beyond its first, over all clusters: so many joins were wrong.
    missed_merges : int
        Clusters of an owner beyond its first, over all owners: so many joins were missed.
    largest, largest_owners : int
        Addresses of the largest cluster, and how many owners they are of.
    v_measure, homogeneity, completeness : float
        Of Rosenberg and Hirschberg.
    b_cubed_precision, b_cubed_recall : float
        For the average address: the share of its cluster that is its owner's, and the share of
        its owner's addresses that stand in its cluster.
    """

    addresses: int
    owners: int
    pairs_found: Share
    pairs_right: Share
    owners_whole: Share
    owners_merged: Share
    false_merges: int
    missed_merges: int
    largest: int
    largest_owners: int
    v_measure: float
    homogeneity: float
    completeness: float
    b_cubed_precision: float
    b_cubed_recall: float


def cluster_rates(clusters: Grouped | pl.DataFrame, truth: Truth) -> ClusterRates:
    """Hold clusters against known owners.

    Parameters
    ----------
    clusters : Clusters or polars.DataFrame
        What was joined, or its ``chain, address, cluster``; all other addresses are alone. What one
        owner has on several chains is one cluster where clusters say so.
    truth : Truth
        Who owns what. Addresses with several owners are left out of the counts; what they join is
        still seen in the others.

    Fails when
    ----------
    An owner's addresses can never be joined by what is on the chain, as where each was used once:
    recall then measures the chain and not the rule. Compare recipes on one chain.

    References
    ----------
    Bagga and Baldwin 1998 for B-cubed; Rosenberg and Hirschberg, EMNLP 2007, for the V-measure.
    """
    groups = grouping(clusters, "clusters")
    cells = _cells(groups, truth)
    mine, theirs = (_sizes(cells, name) for name in ("cluster", "owner"))
    both = _pairs(cells["n"])
    owned = truth.single.select(*PLACE, cluster=pl.col("owner"))
    # A group by its number: it is one on all chains, as an owner is.
    named = groups.select(*PLACE, cluster=pl.struct("at", "cluster").rank("dense").cast(pl.String))
    agreed = compare(
        named.join(owned.select(PLACE), on=PLACE, how="semi"), owned, over=owned
    ).frame.row(0, named=True)  # fmt: skip
    strangers = cells.join(mine.filter(pl.col("parts") > 1), on=["chain", "cluster"], how="semi")
    several = theirs.filter(pl.col("n") > 1)
    top = mine.sort(["n", "chain", "cluster"], descending=[True, False, False]).head(1)
    count = truth.single.height
    return ClusterRates(
        addresses=count,
        owners=theirs.height,
        pairs_found=Share(both, _pairs(theirs["n"])),
        pairs_right=Share(both, _pairs(mine["n"])),
        owners_whole=Share(int((several["parts"] == 1).sum()), several.height),
        owners_merged=Share(strangers["owner"].n_unique(), theirs.height),
        false_merges=int((mine["parts"] - 1).sum()),
        missed_merges=int((theirs["parts"] - 1).sum()),
        largest=int(top["n"].sum()),
        largest_owners=int(top["parts"].sum()),
        v_measure=agreed["v_measure"],
        homogeneity=agreed["homogeneity"],
        completeness=agreed["completeness"],
        b_cubed_precision=_b_cubed(cells, mine, "cluster", count),
        b_cubed_recall=_b_cubed(cells, theirs, "owner", count),
    )


def _cells(groups: pl.DataFrame, truth: Truth) -> pl.DataFrame:
    """Return how many addresses each owner has in each cluster: ``chain, cluster, owner, n``."""
    found = truth.single.join(groups, on=PLACE, how="left")
    found = found.select(
        "owner", chain=pl.coalesce("at", "chain"), cluster=pl.coalesce("cluster", "address")
    )
    return found.group_by("chain", "cluster", "owner").agg(pl.len().cast(pl.Int64).alias("n"))


def _sizes(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return of each cluster, or owner, its addresses and how many of the other they are in."""
    key = ["chain", "cluster"] if name == "cluster" else ["owner"]
    return cells.group_by(key).agg(pl.col("n").sum(), pl.len().cast(pl.Int64).alias("parts"))


def _pairs(sizes: pl.Series) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.to_list())


def _b_cubed(cells: pl.DataFrame, sizes: pl.DataFrame, name: str, addresses: int) -> float:
    """Return the average over addresses; summed exactly, so that no order of rows matters."""
    key = ["chain", "cluster"] if name == "cluster" else ["owner"]
    both = cells.join(sizes.select(*key, whole="n"), on=key)
    if not addresses:
        return 0.0
    return fsum(n * n / whole for n, whole in both.select("n", "whole").iter_rows()) / addresses
