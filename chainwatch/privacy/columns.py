"""Names of columns, by what they may give away: a new one must be added here to be shown."""

from __future__ import annotations

import polars as pl

PARTIES = frozenset(
    {
        "address",
        "a",
        "b",
        "cluster",
        "source",
        "target",
        "subject",
        "other",
        "counterparty",
        "sender",
        "receiver",
        "paid_by",
        "contract",
    }
)
"""Columns that hold canonical addresses, written out: a new one must be added here to be shown."""

TXIDS = frozenset({"txid", "block", "prev_txid"})
PLACES = frozenset({"tx", "n", "height", "source_tx", "source_n", "log_index", "occurrence", "row"})
"""Columns that lead to a transaction as surely as its id."""

OWN_WORDS = frozenset(
    {
        "basis",
        "certainty",
        "chain",
        "concept",
        "confidence",
        "custody",
        "direction",
        "kind",
        "month",
        "onward",
        "reason",
        "rule",
        "verdict",
        "what",
        "why",
    }
)
"""Texts out of a few words of ours: they stay in a row in which a party is masked. Every other
text is withheld there, whoever wrote it: it may say who somebody is, or find the transaction."""

OF_SERVICES = frozenset({"service", "label", "actor"})
"""Those that stay where only the transaction is withheld: they speak of a party who is shown."""

STRANGERS_TEXT = frozenset({"text", "reason"})
"""Columns of what was read and not taken: anything may stand there."""

SPANS = frozenset({"first", "last"})
"""Times of one payment out of several that a row adds up: always given to the month."""

ROUNDED = "rounded"
"""Column that says whether amounts and times of a row were made coarse."""

SUMMED = "summed"
"""Column that says how many rows a row adds up, as a band; nothing where it is one row."""

BEHIND = "behind"
"""Column of a table of groups with the parties whom each adds up, in hexadecimal, joined by
commas. It is never shown: a group is rounded where one to four masked parties stand behind it."""

OPEN = frozenset({"contract"})
"""The contract of a token is nobody's wallet."""

COUNTS = frozenset({"payments", "sweeps", "receipts", "count", "ends", "counterparties"})
"""Counts, given as bands."""

ADDED = COUNTS | {"links", "of_zero"}
"""Whole numbers that can be added up, besides amounts."""


def behind(column: str = "counterparty") -> pl.Expr:
    """Return the parties of a group as the column ``BEHIND`` holds them."""
    return pl.col(column).unique().sort().bin.encode("hex").str.join(",").alias(BEHIND)
