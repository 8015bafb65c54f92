"""The tables of alerts: what each column means, and what it may give away."""

from __future__ import annotations

import polars as pl

from chainwatch.results.table import (
    BEHIND,
    FIRST,
    LAST,
    SERVICE,
    TX,
    TXID,
    WHEN,
    Column,
    N,
    Privacy,
    Table,
)

FITS, OPEN = "fits", "open"
"""Verdicts: all that the claim rests on was read, or something was not, which stands beside it."""

NOT_OBSERVABLE = "not observable"
"""What is said of a red flag that payments cannot show; never that it is not there."""

ALERT = Column.number("alert", "number of the alert")
_TYPOLOGY = Column("typology", pl.String, Privacy.KIND, "the typology, by its name", nullable=True)
_FATF = Column.word("fatf", "category of the FATF's red flags")

ALERTS = Table(
    "alerts",
    ("alert",),
    "One row per alert: a shape that payments have, and the innocent business that has it too. It"
    " is a reason to look, and accuses nobody.",
    (
        ALERT,
        _TYPOLOGY,
        Column.kind("strength", "plain or weak, as the typology says of itself"),
        _FATF,
        Column.party("entity", "whose doing it is: an owner, by the smallest of his addresses"),
        SERVICE,
        FIRST,
        LAST,
        Column.amount("amount", "what the payments at stake add up to"),
        Column.count("payments", "payments that are evidence"),
        Column.kind("verdict", "fits, or open where something it rests on was not read"),
        Column.text("why", "what was found"),
        Column.text("unknown", "what it rests on and was not read; null where all was"),
        Column.word("benign", "what innocently has the same shape"),
        BEHIND,
    ),
    order=("typology", "entity"),
)

EVIDENCE = Table(
    "evidence",
    ("alert", "role", "time", "txid", "place", "payer", "payee", "amount"),
    "The payments that make each alert, by their role in the shape.",
    (
        ALERT,
        Column.word("role", "the role of the payment in the shape"),
        Column.party("payer", "who paid; null where that is not known"),
        Column.party("payee", "who was paid"),
        Column.amount("amount", "how much"),
        WHEN,
        TX,
        Column("txid", pl.Binary, Privacy.TXID, TXID.meaning, nullable=True),
        Column.place("place", N.meaning),
    ),
)

UNSEEN = Table(
    "not_observable",
    ("fatf", "typology", "flag", "needs"),
    "What could not be asked, and what it needs. None of it is found to be absent.",
    (
        _FATF,
        _TYPOLOGY,
        Column.word("flag", "what one would see"),
        Column.word("needs", "the fact that it needs, and who has it"),
    ),
)

JUDGED = Table(
    "judged",
    ("typology", "what"),
    "What was judged, and what was left out: of all typologies, and of single ones.",
    (
        _TYPOLOGY,
        Column.word("what", "what is counted"),
        Column("count", pl.Int64, Privacy.COUNT, "how many", nullable=True),
    ),
)


__all__ = ["ALERT", "ALERTS", "EVIDENCE", "FITS", "JUDGED", "NOT_OBSERVABLE", "OPEN", "UNSEEN"]
