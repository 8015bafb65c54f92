"""The tables of a convergence: the meeting places, and which vendors meet at each."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import BEHIND, SERVICE, Column, Privacy, Table

CHANCE, NO_MORE, SHARED, BEHIND_ONE, UNTESTED = (
    "more than chance", "no more than chance tells", "may be a shared service",
    "stands behind another place", "not testable",
)  # fmt: skip
"""Verdicts. Behind another place stands whoever the vendors' money could reach by few hands: what
they have in common is then the hand, and he is what that hand pays for."""

_ENTITY = Column.party("entity", "an owner, by the smallest of his addresses")
_DIRECTION = Column.kind("direction", "reached by the vendors' money, or pays them")

MEETINGS = Table(
    "meetings",
    ("direction", "entity"),
    "Parties that are no service and that the money of several vendors reaches, or comes from. That"
    " money could have gone so is no proof that it did.",
    (
        _ENTITY,
        _DIRECTION,
        SERVICE,
        Column.word("concept", "what tags call it; null where none does"),
        Column.count("vendors", "vendors that meet there"),
        Column.count("tested", "vendors for whom like wallets were found"),
        Column(
            "expected", pl.Float64, Privacy.FLAG,
            "of these, how many wallets like them would on average", nullable=True,
        ),
        Column(
            "p", pl.Float64, Privacy.FLAG,
            "how often at least so many wallets like them would: exact, then rounded",
            nullable=True,
        ),
        Column(
            "corrected", pl.Float64, Privacy.FLAG,
            "the same, corrected for all parties that could have been such a place", nullable=True,
        ),
        Column.kind("verdict", "more than chance, no more than that, or why nothing is said"),
        Column.amount(
            "amount",
            "at most so much of the vendors' money could have come: what they paid on such"
            " routes, or what came in by them, if that is less",
        ),
        Column.count("hands", "different parties that paid it last on these routes"),
        Column.count("others", "different parties that it deals with, the larger of both sides"),
        BEHIND,
    ),
    order=("p", "entity"),
)  # fmt: skip

VENDORS = Table(
    "vendors_met",
    ("direction", "entity", "vendor"),
    "Which vendors meet at each place, and how much of their money could have gone so.",
    (
        _ENTITY,
        _DIRECTION,
        Column.party("vendor", "the vendor's owner, by the smallest of his addresses"),
        Column.amount("amount", "what its payments that lead there add up to"),
        Column.count("like", "wallets like it, which it was held against"),
        Column.count("like_met", "how many of these meet there too"),
        BEHIND,
    ),
)
