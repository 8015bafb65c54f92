"""What a pull added to a ledger, and what its source had to say."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.results.result import Result
from chainwatch.results.table import Column, Rows, Table
from chainwatch.sanitize import visible
from chainwatch.units import counted

ADDED = Table(
    "pull",
    ("table",),
    "Rows that a pull added, by table of the ledger.",
    (Column.word("table", "a table of the ledger"), Column.number("rows", "rows added")),
)


@dataclass(frozen=True, repr=False, eq=False)
class PullReport(Result):
    """What a pull added to a ledger.

    Attributes
    ----------
    source, chain : str
        What was read, of which chain.
    frame : polars.DataFrame
        ``table`` and ``rows`` added, in the order of the schema.
    commits, units, skipped : int
        Commits made, units of reading added, and units left out because they were read before.
    unread_inputs : int
        Inputs added that spend an output which was not read: their value is unknown.
    tip : bytes or None
        Hash of the highest block added.
    notes : tuple of str
        What else the source had to say, such as stale blocks.
    """

    source: str
    chain: str
    frame: pl.DataFrame
    commits: int
    units: int
    skipped: int
    unread_inputs: int
    tip: bytes | None
    notes: tuple[str, ...] = ()

    def rows(self, table: str) -> int:
        """Return the rows added to one table."""
        return int(self.frame.filter(pl.col("table") == table)["rows"].sum())

    def tables(self) -> Mapping[str, Rows]:
        """Return the rows added, by table."""
        return {"pull": ADDED.rows(self.frame)}

    def _facts(self) -> list[str]:
        added = [f"{rows:,} {name}" for name, rows in self.frame.iter_rows() if rows]
        facts = [
            f"added {', '.join(added) or 'nothing'} in {counted(self.commits, 'commit', 'commits')}"
        ]
        if self.skipped:
            facts.append(f"{counted(self.skipped, 'unit', 'units')} had been read before")
        if self.unread_inputs:
            unread = counted(self.unread_inputs, "input", "inputs")
            facts.append(f"{unread} of which it was not read what they spend")
        if self.tip:
            facts.append(f"tip {self.tip[::-1].hex()}")
        return [visible(fact) for fact in (*facts, *self.notes)]

    def __repr__(self) -> str:
        head = visible(f"pull from {self.source} ({chain_of(self.chain)})")
        return "\n  ".join([head, *self._facts()])

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{html.escape(fact)}</li>" for fact in self._facts())
        return f"<p>pull from {html.escape(visible(self.source))}</p><ul>{items}</ul>"
