"""``evaluate``: recipes for owners held against worlds whose owners are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, ClassVar, NamedTuple

import polars as pl

from chainwatch.clusters.cluster import Clusters
from chainwatch.errors import InputError
from chainwatch.evaluate.cluster_rates import ClusterRates, cluster_rates
from chainwatch.evaluate.link_rates import (
    LINK_RATES,
    WRONG,
    link_rates,
    wrong_kinds,
    wrong_links,
)
from chainwatch.evaluate.measured import Counts, Measured
from chainwatch.evaluate.shares import Share, total
from chainwatch.evaluate.truth import Truth
from chainwatch.ledger.ledger import Ledger
from chainwatch.progress import watched
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table

Recipe = Callable[[Ledger], Clusters]
"""What makes owners of a ledger."""

BASIS = Column.kind("basis", "where the known owners come from")
RECIPE = Column.kind("recipe", "what made the owners")


def _rate(name: str, meaning: str) -> Column:
    return Column(name, pl.Float64, Privacy.FLAG, meaning, nullable=True)


_SHARES = ("owners_merged", "owners_whole", "pairs_right", "pairs_found")

RECIPE_RATES = Table(
    "recipes",
    ("basis", "recipe"),
    "One row per recipe and kind of world: what its clusters got right and wrong.",
    (
        BASIS,
        RECIPE,
        Column.count("worlds", "independent worlds that were judged"),
        Column.count("addresses", "addresses of one known owner"),
        Column.count("owners", "known owners"),
        Column.count("owners_merged", "owners who share a cluster with another: false merges"),
        Column.count("owners_merged_of", "owners"),
        Column.count("owners_whole", "owners of several addresses, all of them in one cluster"),
        Column.count("owners_whole_of", "owners of several addresses"),
        Column.count("pairs_right", "pairs of addresses in one cluster that are of one owner"),
        Column.count("pairs_right_of", "pairs of addresses in one cluster"),
        Column.count("pairs_found", "pairs of addresses of one owner that are in one cluster"),
        Column.count("pairs_found_of", "pairs of addresses of one owner"),
        Column.count("false_merges", "joins of two owners: owners in a cluster beyond its first"),
        Column.count("missed_merges", "clusters of an owner beyond its first"),
        Column.count("largest", "addresses of the largest cluster of all worlds"),
        Column.count("largest_owners", "whose they are: owners in it"),
        Column.count("alarms", "alarms that the clusters raised"),
        Column.count("clusters", "clusters of two or more addresses"),
        _rate("v_measure", "V-measure, averaged over worlds"),
        _rate("b_cubed_precision", "B-cubed precision, averaged over worlds"),
        _rate("b_cubed_recall", "B-cubed recall, averaged over worlds"),
    ),
)

RULE_RATES = Table(
    "rules",
    ("basis", "recipe", "rule"),
    "One row per rule of a recipe: what became of its links, and whether their ends have one"
    " owner.",
    (BASIS, RECIPE, *LINK_RATES.columns),
)

WRONG_KINDS = Table(
    "wrong_links",
    ("basis", "recipe", "rule", "kind"),
    WRONG.meaning,
    (BASIS, RECIPE, *WRONG.columns),
)


class World(NamedTuple):
    """A ledger, and who owns what in it."""

    name: str
    ledger: Ledger
    truth: Truth


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation(Measured, Result):
    """How often recipes and their rules were right.

    Every figure is conditional on its *basis*: what a simulator makes of owners says how a rule
    behaves where wallets behave so, and nothing of how many do.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``RECIPE_RATES``.
    rules : polars.DataFrame
        Rows in ``RULE_RATES``.
    wrong : polars.DataFrame
        Rows in ``WRONG_KINDS``: in what kinds of transactions each rule of a recipe erred.
    """

    frame: pl.DataFrame
    rules: pl.DataFrame
    wrong: pl.DataFrame = field(default_factory=WRONG_KINDS.empty)

    table: ClassVar[Table] = RECIPE_RATES
    shares: ClassVar[Mapping[str, Counts]] = {name: (f"{name}_of", None) for name in _SHARES}
    measured: ClassVar[str] = "{recipe!r} was measured on {basis!r}"

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            **super().tables(),
            "rules": RULE_RATES.rows(self.rules),
            "wrong_links": WRONG_KINDS.rows(self.wrong),
        }

    def share(self, name: str, *, basis: str, recipe: str) -> Share:
        """Return one measured share of a recipe, such as ``owners_merged``.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        return self.share_of(name, basis=basis, recipe=recipe)

    def wrong_links(self, rule: str, *, basis: str, recipe: str) -> Share:
        """Return the share of the links that a rule joins by which join two owners."""
        of = (pl.col("basis") == basis) & (pl.col("recipe") == recipe)
        return wrong_links(self.rules.filter(of), rule)

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        found: list[str] = []
        for row in self.frame.iter_rows(named=True):
            of = {"basis": row["basis"], "recipe": row["recipe"]}
            found += [
                f"{row['recipe']} on {row['basis']} ({row['worlds']} worlds):",
                f"    owners merged with another: {row['owners_merged']:,} of"
                f" {row['owners_merged_of']:,}, a count that grows with the length of a chain",
                f"    owners found whole: {self.share('owners_whole', **of)}",
                f"    pairs in a cluster that are right: {_plain(self.share('pairs_right', **of))}",
                f"    pairs of an owner that are found: {_plain(self.share('pairs_found', **of))}",
                f"    false merges {row['false_merges']:,}, missed merges"
                f" {row['missed_merges']:,}; largest cluster {row['largest']:,} addresses of"
                f" {row['largest_owners']:,} owners",
                f"    V-measure {row['v_measure']:.4f}, B-cubed precision"
                f" {row['b_cubed_precision']:.4f}, recall {row['b_cubed_recall']:.4f}",
            ]
            mine = self.rules.filter(
                (pl.col("basis") == row["basis"]) & (pl.col("recipe") == row["recipe"])
            )
            for rule in mine["rule"]:
                found.append(
                    f"    {rule}: links that join two owners {self.wrong_links(rule, **of)}"
                )
                found += self._kinds(rule, **of)
        return found

    def _kinds(self, rule: str, *, basis: str, recipe: str) -> Sequence[str]:
        rows = self.wrong.filter(basis=basis, recipe=recipe, rule=rule)
        told = [f"{kind} {links:,}" for kind, links in rows.select("kind", "links").iter_rows()]
        return [f"        of these by {', '.join(told)}"] if told else []


def _plain(share: Share) -> str:
    """Return a share without interval: pairs of one owner are no independent cases."""
    if share.rate is None:
        return str(share)
    return f"{share.count:,} of {share.of:,} ({100 * share.rate:.2f} %)"


@recorded
def evaluate(worlds: Iterable[World], recipes: Mapping[str, Recipe]) -> Evaluation:
    """Make owners of each world by each recipe, and count what is right and what is wrong.

    Parameters
    ----------
    worlds : iterable of World
        Ledgers with known owners; those of one name and basis are added up. They are taken one
        after the other, so they may be made as they are asked for.
    recipes : mapping of str to callable
        What makes clusters of a ledger, by its name.

    Returns
    -------
    Evaluation
        Shares with their numbers: owners are the independent cases.

    Raises
    ------
    InputError
        If there is no world, or no recipe, or owners of a world were themselves inferred.

    Fails when
    ----------
    The worlds were looked at while the recipe was chosen: the figures are then too good.
    """
    if not recipes:
        raise InputError("there is no recipe to evaluate", remedy="pass some, such as RECIPES")
    judged: dict[tuple[str, str], list[_Judged]] = {}
    with watched("evaluating") as tell:
        for world in worlds:
            for name, recipe in recipes.items():
                if tell:
                    tell(f"{name} on {world.name}")
                world.truth.refuse_inferred("recipes for owners")
                found = _judge(recipe(world.ledger), world.truth)
                judged.setdefault((world.truth.basis, name), []).append(found)
    if not judged:
        raise InputError("there is no world to evaluate on", remedy="pass at least one")
    order = {name: place for place, name in enumerate(recipes)}
    keys = sorted(judged, key=lambda key: (key[0], order[key[1]]))
    return Evaluation(
        RECIPE_RATES.frame(_row(*key, judged[key]) for key in keys),
        pl.concat(_added(*key, [one.rules for one in judged[key]], ["rule"]) for key in keys),
        pl.concat(
            _added(*key, [one.wrong for one in judged[key]], ["rule", "kind"]) for key in keys
        ),
    )


class _Judged(NamedTuple):
    """What one recipe did in one world."""

    rates: ClusterRates
    rules: pl.DataFrame
    wrong: pl.DataFrame
    alarms: int
    groups: int


def _judge(clusters: Clusters, truth: Truth) -> _Judged:
    return _Judged(
        cluster_rates(clusters, truth),
        link_rates(clusters.links, truth),
        wrong_kinds(clusters.links, truth),
        clusters.alarms.height + clusters.collapses.height,
        clusters.frame.select("chain", "cluster").n_unique(),
    )


def _row(basis: str, name: str, judged: Sequence[_Judged]) -> tuple[Any, ...]:
    """Return a row of ``RECIPE_RATES``: the worlds of one basis added up."""
    rates = [one.rates for one in judged]
    shares = [total(getattr(one, share) for one in rates) for share in _SHARES]
    top = max(rates, key=lambda one: (one.largest, one.largest_owners))
    return (
        basis, name, len(rates),
        sum(one.addresses for one in rates), sum(one.owners for one in rates),
        *(number for share in shares for number in (share.count, share.of)),
        sum(one.false_merges for one in rates), sum(one.missed_merges for one in rates),
        top.largest, top.largest_owners,
        sum(one.alarms for one in judged), sum(one.groups for one in judged),
        *(
            fsum(getattr(one, value) for one in rates) / len(rates)
            for value in ("v_measure", "b_cubed_precision", "b_cubed_recall")
        ),
    )  # fmt: skip


def _added(
    basis: str, name: str, worlds: Sequence[pl.DataFrame], key: Sequence[str]
) -> pl.DataFrame:
    """Return the counts of several worlds added up by a key, behind basis and recipe."""
    added = pl.concat(worlds).group_by(key).agg(pl.exclude(key).sum()).sort(key)
    return added.select(pl.lit(basis).alias("basis"), pl.lit(name).alias("recipe"), pl.all())
