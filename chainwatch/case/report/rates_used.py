"""What was measured of each rule that a finding rests on: how often it was wrong, and on what.

Rates come from ``heuristics/rates.json`` alone; nobody types one here. A rate is of a rule, counted
where all owners are known; it is never the chance that a finding is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import polars as pl

from chainwatch.case.report.elements import Notes, TableBlock
from chainwatch.case.report.strength import CUSTODY, LEADS, OWNERS, Kind, kind_of
from chainwatch.clusters.cluster import Clusters
from chainwatch.evaluate.shares import Share
from chainwatch.heuristics.rates import MEASURED, Rate, Rates
from chainwatch.results.result import Finding, Result

HEADING = "Measured rates of the rules used"
NO_CHANCE = (
    "A rate is of the rule, where it was counted. It is not the chance that this finding is wrong."
)
NOT_MEASURED = "not measured"
OTHER_TERMS = (
    "counted of links made with another veto or other numbers than these: of these it says nothing"
    " sure"
)
OF_CUSTODY = (
    "How often custody is called rightly was counted on simulated services alone, for each way in"
    " which they sweep; no one rate holds for all, and none is repeated here. The counts, with"
    " their intervals, are in the documentation, on the page on custody."
)

_LINK = frozenset({"a", "b", "rule"})
"""Columns by which a table of links is known."""


def rules_of(finding: Finding, results: Sequence[Result]) -> tuple[str, ...]:
    """Return the rules on whose links a finding rests: its own, or those of the owners it tells.

    What other results of the case link says nothing of it.

    Parameters
    ----------
    finding : Finding
        Which.
    results : sequence of Result
        Those of the case.
    """
    frames = _links(finding, results)
    return tuple(sorted({rule for one in frames for rule in one["rule"].drop_nulls().unique()}))


def on_other_terms(finding: Finding, results: Sequence[Result]) -> frozenset[str]:
    """Return the rules of whose links none bears a confidence: a rate of theirs is of other terms.

    Parameters
    ----------
    finding, results
        As for :func:`rules_of`.
    """
    told = [one for one in _links(finding, results) if "confidence" in one.columns]
    rated = (one.drop_nulls("confidence")["rule"].unique() for one in told)
    return frozenset(rules_of(finding, results)) - {rule for rules in rated for rule in rules}


def _links(finding: Finding, results: Sequence[Result]) -> list[pl.DataFrame]:
    """Return the links that a finding rests on."""
    kind = kind_of(finding).name
    if kind == LEADS:
        return [finding.frame] if set(finding.frame.columns) >= _LINK else []
    if kind == OWNERS:
        joined = (one for one in results if isinstance(one, Clusters) and _tells(finding, one))
        return [_within(one, finding) for one in joined]
    return []


def _within(clusters: Clusters, finding: Finding) -> pl.DataFrame:
    """Return the links that join the owners that a finding tells: those of others are not its."""
    told = clusters.frame.filter(pl.col("cluster").is_in(finding.frame["cluster"].implode()))
    return clusters.forest.join(told.select("chain", a="address"), on=["chain", "a"], how="semi")


def _tells(finding: Finding, clusters: Clusters) -> bool:
    """Return whether a finding tells the owners that clusters found: who they are, and how many."""
    rows = finding.frame.select(
        "chain", pl.col("subject").alias("address"), "cluster", pl.col("addresses").cast(pl.Int64)
    )
    many = clusters.frame.group_by("chain", "cluster").agg(pl.len().cast(pl.Int64).alias("found"))
    found = rows.join(clusters.frame, on=["chain", "address"], how="left", suffix="_found").join(
        many, on=["chain", "cluster"], how="left"
    )
    same = pl.coalesce("cluster_found", "address") == pl.col("cluster")
    as_many = pl.col("found").fill_null(1) == pl.col("addresses")
    return found.filter(~(same & as_many)).is_empty()


def rates_used(
    kind: Kind, rules: Sequence[str], rates: Rates = MEASURED, *, others: Collection[str] = ()
) -> Iterator[Notes]:
    """Yield what was measured of the rules that findings of a kind rest on.

    Parameters
    ----------
    kind : Kind
        Of the finding: owners and leads rest on rules that link addresses, custody on its own.
    rules : sequence of str
        Those that link addresses in what the finding tells, as :func:`rules_of` returns them.
    rates : Rates
        What was measured.
    others : collection of str
        Rules that linked on other terms than those they were measured on, as
        :func:`on_other_terms` returns them: beside their rate it says so.
    """
    if kind.name == CUSTODY:
        yield Notes(HEADING, (OF_CUSTODY, NO_CHANCE))
    if kind.name in (OWNERS, LEADS) and rules:
        yield Notes(HEADING, (NO_CHANCE,), _table(rules, rates, others))


def _table(rules: Sequence[str], rates: Rates, others: Collection[str]) -> TableBlock:
    rows = tuple((rule, *_row(rates.by_rule.get(rule), rule in others)) for rule in rules)
    return TableBlock(
        "Links that joined two owners, counted where all owners are known",
        ("rule", "wrong", "of", "share wrong, 95 % interval", "independent cases", "counted on"),
        rows,
        ("left", "right", "right", "right", "right", "left"),  # numbers stay on one line
    )


def _row(rate: Rate | None, otherwise: bool) -> tuple[str, str, str, str, str]:
    if rate is None:
        return ("", "", NOT_MEASURED, "", "")
    wrong = rate.of - rate.right
    basis = f"{rate.basis}; {OTHER_TERMS}" if otherwise else rate.basis
    return (f"{wrong:,}", f"{rate.of:,}", share_wrong(rate), f"{rate.cases:,}", basis)


def share_wrong(rate: Rate) -> str:
    """Return the share of links that were wrong, with its interval, as the report prints it."""
    found = Share(rate.of - rate.right, rate.of, rate.cases)
    interval = found.interval
    if interval is None:
        return "not testable"
    low, high = (f"{100 * end:.2f}" for end in interval)
    return f"{100 * (rate.of - rate.right) / rate.of:.2f} %, {low} to {high} %"
