"""The tables of link tests: what each column means, and what it may give away."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from chainwatch.results.table import FIRST, LAST, TX, TXID, WHEN, Column, N, Privacy, Table

SHARE = pl.Decimal(12, 9)
"""Shares to the billionth, rounded down."""

RATIO = pl.Decimal(18, 2)

VENDOR = Column.party("vendor", "who is tested, by the address that was given")


def _share(name: str, meaning: str) -> Column:
    return Column(name, SHARE, Privacy.NUMBER, meaning, "share", nullable=True)


def _ratio(name: str, meaning: str) -> Column:
    return Column(name, RATIO, Privacy.NUMBER, meaning, "times", nullable=True)


def _chance(name: str, meaning: str) -> Column:
    return Column(name, pl.Float64, Privacy.FLAG, meaning, nullable=True)


def _count(name: str, meaning: str) -> Column:
    return replace(Column.count(name, meaning), nullable=True)


TESTS = Table(
    "link_tests",
    ("vendor",),
    "One row per vendor: what of its payments could have reached the network, how many wallets like"
    " it reach it as far, and what that is worth after the correction for all tests. A verdict says"
    " what the payments are consistent with; none says whose anybody is.",
    (
        VENDOR,
        Column.kind(
            "verdict",
            "consistent with a link or chance; no route, or ends at a crowd; not testable",
        ),
        Column.text("why", "why nothing was compared, or nothing can be said"),
        Column.amount("reached", "what of its payments could have reached the network"),
        Column.amount("again", "the same, its best week left out"),
        Column.amount("paid", "what it paid in all"),
        _share("share", "the second as a share of the third: what is tested"),
        FIRST,
        LAST,
        _count("matched", "wallets of the same size, age and activity, each another"),
        _count("as_far", "of these those that reach the network with as large a share"),
        _count("at_all", "of these those that reach it at all in more than one week"),
        _share("matched_mean", "the mean share of these"),
        _share("difference", "the vendor's share less that mean"),
        _share("difference_low", "the lower end of its interval of 95 %"),
        _share("difference_high", "the upper end"),
        _ratio("ratio", "the vendor's share over that mean; null where that is nothing"),
        _ratio("ratio_low", "the lower end of its interval of 95 %"),
        _ratio("ratio_high", "the upper end; null where there is none"),
        _count("times", "the factor within which matched wallets lie in payments and days"),
        _count("draws", "draws of other receivers for its payments"),
        _count("drawn_as_far", "of these those that reach the network with as large a share"),
        _share("drawn_mean", "the mean share that draws reach"),
        _chance("p_matched", "p-value among matched wallets"),
        _chance("p_drawn", "p-value among draws of receivers"),
        _chance("p", "the larger of the two, which counts; null where it cannot be tested"),
        _chance("adjusted", "the same, corrected for all tests by Benjamini and Yekutieli"),
        Column.text("unread", "what of its payments is not known; null where all were read"),
    ),
    order=("verdict", "vendor"),
)

ON_VENDORS = TESTS.pick(
    "vendor", "verdict", "reached", "again", "paid", "share", "matched", "as_far", "ratio_low",
    "p", "adjusted", name="link_tests_told", key=("vendor",),
)  # fmt: skip
"""What a report lists of tests."""

EXPLANATIONS = Table(
    "link_explanations",
    ("vendor", "explanation"),
    "What could innocently connect a vendor and the network, asked one by one.",
    (
        VENDOR,
        Column.kind("explanation", "what could connect them"),
        Column.kind("answer", "excluded by what was read, likely, or open"),
        Column.text("because", "what the answer rests on"),
    ),
)

STEPS = Table(
    "link_steps",
    ("vendor", "hop", "time", "txid", "place", "payer", "payee", "amount"),
    "Every payment on the routes of a vendor whose payments are consistent with a link.",
    (
        VENDOR,
        Column.number("hop", "how many payments before it, and itself"),
        Column.party("payer", "who paid"),
        Column.party("payee", "who was paid"),
        Column.amount("amount", "how much"),
        Column.amount("could_reach", "what of it could have reached the network"),
        WHEN,
        TX,
        replace(TXID, nullable=True),
        Column.place("place", N.meaning),
    ),
)

NETWORK = Table(
    "link_network",
    ("address",),
    "The addresses that were given as the network.",
    (Column.party("address", "an address of the network"),),
)

VALUES = Table(
    "link_values",
    ("policy",),
    "What of a vendor's money reached the network under each policy, within the hops of the test."
    " A range across methods is no confidence interval; poison is reach, and nobody's share.",
    (
        Column("policy", pl.String, Privacy.SIDE, "the policy"),
        Column.amount("amount", "what reached the network's addresses under it"),
    ),
)

__all__ = ["EXPLANATIONS", "NETWORK", "ON_VENDORS", "RATIO", "SHARE", "STEPS", "TESTS", "VALUES"]
