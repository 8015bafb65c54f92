"""Accounts that may have one owner, told as leads: by which rule, and how often it is right."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainwatch.heuristics.links import LINKS, Links
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.results.result import Finding
from chainwatch.results.table import CHAIN, FIRST, LAST, Column, Privacy, Table
from chainwatch.units import counted

LEADS = Table(
    "account_leads",
    (),
    "Pairs of accounts that a rule says may have one owner; with a subject, before all others.",
    (
        CHAIN,
        LINKS["a"],
        LINKS["b"],
        LINKS["rule"],
        Column.word("verdict", "what became of its links: decided, undecided, or refused"),
        Column.count("transactions", "that show it"),
        FIRST,
        LAST,
        Column(
            "confidence", pl.Float64, Privacy.FLAG,
            "share of links of the rule that were right where owners are known", nullable=True,
        ),
    ),
    order=("rule", "-transactions"),
)  # fmt: skip

INNOCENT = (
    "Somebody pays another's account again and again: rent, wages, a couple, an invoice.",
    "A service of which no tag is known deals with many, who then look like one owner.",
)
NONE_JOINED = (
    "Each is a lead. None of these links joins anybody in this case: no owner, no trace and no sum"
    " rests on one."
)


def leads_finding(
    links: Links, subjects: pl.DataFrame, *, at_least: float, rates: Rates = MEASURED
) -> Finding:
    """Return the pairs that rules on accounts link with a subject, and how many more there are.

    Parameters
    ----------
    links : Links
        As ``cw.account_links`` returns them.
    subjects : polars.DataFrame
        ``chain, address``: the pairs that are told.
    at_least : float
        What was asked of a rule whose links are not left undecided.
    rates : Rates
        How often each rule was right.
    """
    mine = _touching(links.frame, subjects)
    rows = _pairs(mine)
    counts = links.counts()
    pairs = _pairs(links.frame).select("chain", "a", "b").n_unique()
    told = rows.select("chain", "a", "b").n_unique() if rows.height else 0
    head = (
        f"{counted(told, 'pair', 'pairs')} of accounts with a subject among them may have one"
        " owner, by what they do: leads"
    )
    return Finding(
        "Accounts that may have one owner",
        (
            f"{head}. In all that was read there are {counted(pairs, 'pair', 'pairs')}; of their"
            f" links {counts['joining']:,} are decided, {counts['refused']:,} were refused and"
            f" {counts['undecided']:,} are undecided: what was not read leaves a link undecided,"
            f" and so does a rule that is not shown to be right in at least {100 * at_least:g} % of"
            " its links, by the lower end of its interval.",
            NONE_JOINED,
            *_rates(links.frame, rates),
        ),
        LEADS.rows(rows),
        None,
        INNOCENT,
        f"{head}." if told else "",
    )


def _touching(rows: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Return the links of which one end is a subject."""
    whose = subjects.select("chain", "address").unique()
    ends = [rows.join(whose, left_on=["chain", side], right_on=["chain", "address"], how="semi")
            for side in ("a", "b")]  # fmt: skip
    return pl.concat(ends).unique()


def _pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each rule, pair and verdict."""
    verdict = pl.when("veto").then(pl.lit("refused")).when(~pl.col("veto")).then(pl.lit("decided"))
    return (
        rows.with_columns(verdict.otherwise(pl.lit("undecided")).alias("verdict"))
        .group_by("chain", "a", "b", "rule", "verdict")
        .agg(
            pl.col("txid").n_unique().cast(pl.Int64).alias("transactions"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            pl.col("confidence").first(),
        )
        .sort("chain", "rule", "a", "b", "verdict")
        .select(LEADS.names)
    )


def _rates(rows: pl.DataFrame, rates: Rates) -> Iterator[str]:
    """Yield how often each rule among the links is right where owners are simulated."""
    for rule in sorted(rows["rule"].unique()):
        one = rates.by_rule.get(rule)
        if one is None:
            yield f"How often {rule} is right has not been measured."
        else:
            yield (
                f"{rule}: {one.right:,} of {one.of:,} links were right"
                f" ({100 * one.right / one.of:.1f} %) where owners are simulated, half of them"
                " adversarial; at the lower end of the interval"
                f" {100 * one.at_least:.1f} %."
            )
