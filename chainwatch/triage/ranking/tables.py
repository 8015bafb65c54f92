"""The tables of a ranking: the order, the reasons behind it, the weights, who was left out."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import (
    BEHIND,
    FIRST,
    LAST,
    SERVICE,
    Column,
    Privacy,
    Table,
)

_PLACE = Column.number("rank", "place in the order, 1 is first")
_ENTITY = Column.party("entity", "an owner, by the smallest of his addresses")

RANKING = Table(
    "ranking",
    ("rank",),
    "What to look at first: owners with a reason to look at them, the most pressing first. A rank"
    " says where to begin and nothing of what somebody did.",
    (
        _PLACE,
        _ENTITY,
        SERVICE,
        Column.number("low", "score, per mille, where what is unknown counts for nothing"),
        Column.number("high", "score, per mille, where it counts in full"),
        Column.number("danger", "danger of the reason that brings most to the score, per mille"),
        Column.number("evidence", "evidence of the same reason, per mille"),
        Column.number("value", "share of the ranked with no more at stake, per mille"),
        Column.number("recency", "how fresh its own payments and its reasons are, per mille"),
        Column.number(
            "reachable",
            "of what came in, what an order may reach, per mille; null is unknown",
        ),
        Column.amount("amount", "what the payments of all reasons add up to, each once"),
        Column.count("reasons", "reasons to look"),
        FIRST,
        LAST,
        Column.text("unknown", "what of its payments was not read; null where all was"),
        BEHIND,
    ),
    order=("rank",),
)

REASONS = Table(
    "reasons",
    ("entity", "reason", "concept", "other"),
    "Why each of them is looked at: what tags say of him, whom he pays or is paid by, alerts.",
    (
        _ENTITY,
        Column.kind("reason", "named by a tag, paid by somebody, pays somebody, or an alert"),
        Column.word("concept", "what the danger is: a concept of the tags, or a typology"),
        Column.word("substance", "the class of substances that counts, where one does"),
        Column.party("other", "with whom; null where the reason is about himself"),
        Column.number("danger", "danger of the reason, per mille"),
        Column.number("evidence", "strength of its evidence, per mille"),
        Column.amount("amount", "what its payments add up to"),
        Column.count("payments", "how many they are"),
        FIRST,
        LAST,
        Column("source", pl.String, Privacy.TEXT, "who says so", nullable=True),
        BEHIND,
    ),
    order=("entity", "reason"),
)

WEIGHED = Table(
    "weights",
    ("kind", "name"),
    "Every weight that decided the order, and whose judgement it rests on.",
    (
        Column.word("kind", "a danger, a substance, a relation, a part, or a rule"),
        Column.word("name", "of what"),
        Column("weight", pl.Int64, Privacy.NUMBER, "per mille, days, or how often a part counts"),
        Column.flag("payers", "is who pays such a party looked at for that"),
        Column.word("source", "the instrument that makes it a concern, or whose choice it is"),
    ),
)

LEFT_OUT = Table(
    "left_out",
    ("why",),
    "Who deals with a danger and is not ranked, counted: services, buyers, donors, victims.",
    (
        Column.word("why", "why they are not ranked"),
        Column.count("parties", "how many"),
    ),
)
