"""How often the links of each rule are right, counted by link and by owner."""

from __future__ import annotations

import polars as pl

from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.links import Links
from chainwatch.results.table import Column, Table

LINK_RATES = Table(
    "link_rates",
    ("rule",),
    "One row per rule: what became of its links, and whether their ends have one owner.",
    (
        Column.kind("rule", "the rule that links"),
        Column.count("joined_right", "links that join two addresses of one owner"),
        Column.count("joined_wrong", "links that join addresses of two owners"),
        Column.count("undecided_right", "links left undecided although the ends have one owner"),
        Column.count("undecided_wrong", "links left undecided, and the ends have two owners"),
        Column.count("refused_right", "links refused although the ends have one owner"),
        Column.count("refused_wrong", "links refused, and the ends have two owners"),
        Column.count("untestable", "links to an address whose owner is not known"),
        Column.count("owners", "owners at an end of a link that joins and can be tested"),
        Column.count("owners_wrong", "those of them whom this rule joins to another owner"),
        Column.number("squares", "sum over owners of the square of their tested joining links"),
    ),
)

WRONG = Table(
    "wrong_links",
    ("rule", "kind"),
    "One row per rule and kind of transaction that joined two owners.",
    (
        Column.kind("rule", "the rule that links"),
        Column.kind("kind", "what the transaction is in truth"),
        Column.count("links", "links of it that join two owners"),
        Column.count("transactions", "transactions of the kind that did"),
    ),
)

_FATES = {
    "joined": ~pl.col("veto"),
    "undecided": pl.col("veto").is_null(),
    "refused": pl.col("veto"),
}


def link_rates(links: Links, truth: Truth) -> pl.DataFrame:
    """Return for each rule how many of its links are right: rows in ``LINK_RATES``.

    Links of one owner depend on each other: a wallet that mixes is wrong a hundred times for one
    reason. So an interval counts owners, weighed by their links, as its independent cases
    (:func:`chainwatch.evaluate.shares.effective_cases`).

    Parameters
    ----------
    links : Links
        Links of any rules, contested ones included.
    truth : Truth
        Who owns what.

    Fails when
    ----------
    The truth names only some owners: a wrong link to an unnamed one is *untestable*, so the rate
    is too low.
    """
    judged = truth.judge(links.both_ends)
    counts = [
        (fate & (pl.col("right") == right)).sum().cast(pl.Int64).alias(f"{name}_{word}")
        for name, fate in _FATES.items()
        for right, word in ((True, "right"), (False, "wrong"))
    ]
    unknown = pl.col("right").is_null().sum().cast(pl.Int64).alias("untestable")
    rows = judged.group_by("rule").agg(*counts, unknown)
    rows = rows.join(_owners(judged), on="rule", how="left").with_columns(
        pl.col("owners", "owners_wrong", "squares").fill_null(0)
    )
    return rows.select(LINK_RATES.names).sort("rule")


def wrong_kinds(links: Links, truth: Truth) -> pl.DataFrame:
    """Return what kinds of transactions joined two owners, by rule: rows in ``WRONG``."""
    judged = truth.judge(links.both_ends)
    wrong = judged.filter(~pl.col("veto") & ~pl.col("right"))
    return (
        wrong.group_by("rule", "kind")
        .agg(
            pl.len().cast(pl.Int64).alias("links"),
            pl.col("txid").n_unique().cast(pl.Int64).alias("transactions"),
        )
        .sort("rule", "kind")
    )


def _owners(judged: pl.DataFrame) -> pl.DataFrame:
    """Return for each rule how many owners it joins, and how many links each of them has."""
    told = judged.filter(~pl.col("veto") & pl.col("right").is_not_null())
    ends = [
        told.select("rule", "right", mine=pl.lit(side == "a"), owner=f"owners_{side}")
        for side in ("a", "b")
    ]
    each = pl.concat(ends).explode("owner", empty_as_null=False, keep_nulls=False)
    by_owner = each.group_by("rule", "owner").agg(
        (~pl.col("right")).any().alias("wrong"), pl.col("mine").sum().cast(pl.Int64).alias("links")
    )
    return by_owner.group_by("rule").agg(
        pl.len().cast(pl.Int64).alias("owners"),
        pl.col("wrong").sum().cast(pl.Int64).alias("owners_wrong"),
        (pl.col("links") ** 2).sum().cast(pl.Int64).alias("squares"),
    )


def wrong_links(rates: pl.DataFrame, rule: str) -> Share:
    """Return the share of the links that a rule joins by which join two owners."""
    rows = rates.filter(pl.col("rule") == rule)
    wrong, right = (int(rows[f"joined_{word}"].sum()) for word in ("wrong", "right"))
    return Share.of_owners(wrong, wrong + right, int(rows["squares"].sum()))
