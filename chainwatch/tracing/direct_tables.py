"""Tables of direct payments: what is listed of them, what is set apart, and how they are summed."""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.schema import TRANSFERS
from chainwatch.results.table import (
    BEHIND,
    DIRECTION,
    FIRST,
    LAST,
    SERVICE,
    TXID,
    WHEN,
    Column,
    Privacy,
    Table,
)

_SUBJECT = Column.party("subject", "whose payment it is")
MOVED = "what was moved"
"""Meaning of an amount that is all of a payment, no part of it and no more than it."""

_AMOUNT = Column.amount("amount", MOVED)
_STATUS = Column.text("status", "status word of the source, verbatim")
_SENDER, _RECEIVER = (
    Column.party("sender", "who sends it"),
    Column.party("receiver", "who receives it"),
)

KEY = ("subject", "direction", "time", "txid", "counterparty", "amount")

PAYMENTS = Table(
    "payments",
    KEY,
    "One row per payment, subject and direction. A payment between two subjects stands twice: *in*"
    " for one and *out* for the other.",
    (
        _SUBJECT,
        DIRECTION,
        Column.party("counterparty", "the other side"),
        SERVICE,
        Column("label", pl.String, Privacy.NAME, "label of the tag that names it", nullable=True),
        Column.flag("other_subject", "is the other side a subject too"),
        WHEN,
        TXID,
        _AMOUNT,
        _STATUS,
        Column.party(
            "imitates",
            "of a payment out: an earlier partner of the subject whom the other side looks like",
        ),
        Column.word(
            "doubt",
            "what the order of transfers leaves open: whether it is a lure, or a payment out went"
            " to a look-alike; it counts as a payment",
        ),
    ),
)

LURES = Table(
    "poisoning",
    ("time", "txid"),
    "Transfers that only look like payments, with the rule that says so.",
    (
        WHEN,
        TXID,
        _SENDER,
        _RECEIVER,
        _AMOUNT,
        Column.party(
            "imitates", "an earlier partner of one side whom the other side looks like, if any"
        ),
        _STATUS,
        Column.kind("why", "the rule that sets it apart"),
    ),
)

FAILED = Table(
    "failed",
    ("time", "txid"),
    "Transfers that did not take effect.",
    TRANSFERS.columns,
)

WIDE = Table(
    "wide",
    ("time", "txid"),
    "Transfers of an amount wider than 38 digits: they are in no total.",
    TRANSFERS.columns,
)

OWN = Table(
    "own",
    ("time", "txid"),
    "One row per transfer of a subject to itself.",
    (_SUBJECT, WHEN, TXID, _AMOUNT, _STATUS),
)

BY_COLUMNS = Table(
    "counterparties_by",
    (),
    "Payments added up by some of the first columns.",
    (
        _SUBJECT,
        DIRECTION,
        SERVICE,
        Column.word("month", "year and month"),
        Column.count("payments", "how many"),
        _AMOUNT,
        Column.count("counterparties", "how many other sides"),
        FIRST,
        LAST,
        BEHIND,
    ),
)
