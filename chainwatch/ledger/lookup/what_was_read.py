"""``what_was_read``: the blocks and histories that were read, up to when, and what was not.

It gathers what :mod:`chainwatch.ledger.coverage` says of a whole ledger, so that it can be kept
with a case, drawn and digested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import expect
from chainwatch.ledger.coverage import UNREAD, coverage, histories, read_to, spans, unread
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.plotted import Plotted
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, TIME, Column, Privacy, Rows, Table
from chainwatch.units import counted

_SINCE = Column("first", TIME, Privacy.TIME, "time of the first of it", nullable=True)
_UNTIL = Column("last", TIME, Privacy.TIME, "time of the last of it", nullable=True)

NOTHING = "Nothing was read."

EXTENT = Table(
    "read",
    ("chain",),
    "One row per chain: where it was read from, how much, and from when to when.",
    (
        CHAIN,
        Column.word("sources", "the kinds of sources, joined by commas"),
        Column.word("tips", "up to which blocks, with their dates, in words; null where none"),
        Column.count("transactions", "transactions that were read"),
        Column.count("transfers", "transfers of accounts that were read"),
        _SINCE,
        _UNTIL,
    ),
)

SPANS = Table(
    "spans_read",
    ("chain", "from_height", "to_height"),
    "The runs of blocks that were read whole, each linked to the one before it.",
    (
        CHAIN,
        Column("from_height", pl.Int64, Privacy.NUMBER, "its lowest block"),
        Column("to_height", pl.Int64, Privacy.NUMBER, "its highest block"),
        Column.count("blocks", "how many blocks"),
    ),
)

HISTORIES = Table(
    "histories_read",
    ("chain", "height", "whole"),
    "How many histories of addresses were read up to which block, and whether they are whole.",
    (
        CHAIN,
        Column("height", pl.Int64, Privacy.NUMBER, "the tip of the reading; null where none was"
               " stated", nullable=True),
        Column.flag("whole", "whether the source claims all of the history"),
        Column.count("addresses", "of how many addresses"),
    ),
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class WhatWasRead(Plotted, Result):
    """What was read of each chain, and what was not, as amounts and counts.

    Attributes
    ----------
    extent : polars.DataFrame
        Rows in :data:`EXTENT`.
    spans : polars.DataFrame
        Rows in :data:`SPANS`.
    histories : polars.DataFrame
        Rows in :data:`HISTORIES`.
    not_read : polars.DataFrame
        Rows in :data:`chainwatch.ledger.coverage.UNREAD`.
    """

    extent: pl.DataFrame
    spans: pl.DataFrame
    histories: pl.DataFrame
    not_read: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "read": EXTENT.rows(self.extent),
            "spans_read": SPANS.rows(self.spans),
            "histories_read": HISTORIES.rows(self.histories),
            "not_read": UNREAD.rows(self.not_read),
        }

    def data(self, chain: Chain | str = "") -> str:
        """Return in a sentence what was read of a chain, or of all, and up to when."""
        wanted = find_chain(chain).id if isinstance(chain, str) and chain else chain
        wanted = wanted.id if isinstance(wanted, Chain) else wanted
        rows = (row for row in self.extent.iter_rows(named=True) if wanted in ("", row["chain"]))
        said = [_sentence(row) for row in rows]
        return " ".join(said) or NOTHING

    def __repr__(self) -> str:
        return f"WhatWasRead({counted(self.extent.height, 'chain', 'chains')}: {self.data()})"


def _sentence(row: Mapping[str, object]) -> str:
    alias = find_chain(str(row["chain"])).alias
    source = f" from {row['sources']}" if row["sources"] else ""
    if row["tips"]:
        return f"Data: {alias}, read{source}, up to {row['tips']}; what came later is unknown."
    if row["last"] is not None:
        last = f"{row['last']:%Y-%m-%d}"
        return f"Data: {alias}, read{source}, last payment of {last}; what came later is unknown."
    return f"Data: {alias}, read{source}; up to when is not known."


@recorded
def what_was_read(ledger: Ledger) -> WhatWasRead:
    """Gather what was read of each chain of a ledger and what was not, its whole history.

    Parameters
    ----------
    ledger : Ledger
        The ledger; its span makes no difference.

    Returns
    -------
    WhatWasRead
        ``.plot()`` draws it.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    whole = ledger.history
    each = [(item, whole.chain_only(item)) for item in sorted(whole.chains, key=lambda c: c.id)]
    return WhatWasRead(
        _extent(whole, [item for item, _ in each]),
        _spans(each),
        _histories(each),
        unread(whole),
    )


def read_in_words(ledger: Ledger, chain: Chain | str) -> str:
    """Return in a sentence what was read of a chain, and up to when: what `data` of it says."""
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    found = find_chain(chain)
    rows = _extent(ledger.history, [found] if found in ledger.history.chains else [])
    said = [_sentence(row) for row in rows.iter_rows(named=True)]
    return " ".join(said) or NOTHING


def _extent(whole: Ledger, chains: list[Chain]) -> pl.DataFrame:
    told = {row["chain"]: row for row in coverage(whole).iter_rows(named=True)}
    rows = []
    for one in chains:
        sources = whole.chain_only(one).coverage.select(pl.col("source").unique().sort()).collect()
        names = ", ".join(sources.to_series().drop_nulls())
        tips = " or ".join(map(str, read_to(whole, one))) if one.family == "utxo" else ""
        row = told[one.id]
        rows.append((one.id, names or None, tips or None, row["transactions"], row["transfers"],
                     row["first_time"], row["last_time"]))  # fmt: skip
    return EXTENT.frame(rows)


def _spans(each: list[tuple[Chain, Ledger]]) -> pl.DataFrame:
    parts = [
        spans(part, item).select(
            pl.lit(item.id).alias("chain"),
            pl.col("from_height", "to_height", "blocks").cast(pl.Int64),
        )
        for item, part in each
    ]
    return pl.concat([SPANS.empty(), *parts]).sort(SPANS.key)


def _histories(each: list[tuple[Chain, Ledger]]) -> pl.DataFrame:
    parts = [
        histories(part)
        .group_by("height", "whole")
        .agg(pl.len().cast(pl.Int64).alias("addresses"))
        .select(pl.lit(item.id).alias("chain"), pl.col("height").cast(pl.Int64), "whole",
                "addresses")
        for item, part in each
    ]  # fmt: skip
    return pl.concat([HISTORIES.empty(), *parts]).sort(HISTORIES.key, nulls_last=True)
