"""What a source is: a name, a chain, and batches of rows in an order of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import polars as pl

from chainwatch.errors import InputError

UNITS = "coverage"
"""The one table whose rows belong to a single unit of reading. A row of any other may be reported
by two, such as the histories of two addresses that pay each other: the first report is kept."""


class Reader(Protocol):
    """What a source may ask of the ledger it reads into."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table as of the last commit."""
        ...


@dataclass(frozen=True)
class Batch:
    """Rows that belong together, and the units of reading that they complete.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
        Rows by table name, in the columns of the schema.
    units : tuple of str
        Coverage units completed; all of them are new to the ledger, or none is. A batch with
        units and no rows says that the source did not read them again.
    what : str
        The span or the addresses, in words.
    tip : bytes or None
        Hash of the highest block read.
    notes : tuple of str
        What the reader should know of this reading.
    stale : int or None
        The chain was reorganised: what the ledger holds from this height on is left out, in a
        commit of its own, before anything that follows. Such a batch has no rows and no units.
    """

    tables: Mapping[str, pl.DataFrame]
    units: tuple[str, ...]
    what: str
    tip: bytes | None = None
    notes: tuple[str, ...] = ()
    stale: int | None = None

    @property
    def rows(self) -> int:
        """Rows over all tables."""
        return sum(frame.height for frame in self.tables.values())


def heights_in_words(first: int, last: int) -> str:
    """Return the span of blocks from one height to another, both included, in words."""
    return f"block {first:,}" if first == last else f"blocks {first:,} to {last:,}"


@runtime_checkable
class Source(Protocol):
    """Where rows come from: a name, a chain, and batches in an order of its own."""

    @property
    def name(self) -> str:
        """Name under which coverage and answers list it."""
        ...

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain it reads."""
        ...

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield what it has; what the ledger holds already may be left without rows."""
        ...


def read_units(reader: Reader, chain: str) -> set[str]:
    """Return the units of reading that a ledger holds of one chain."""
    mine = reader.scan("coverage").filter(pl.col("chain") == chain)
    return set(mine.select("unit").collect()["unit"])


Span = tuple[int, int | None]
"""Heights from the first until before the second; None is the tip."""


def checked_span(span: Span | None) -> Span | None:
    """Return a span of heights; refuse one that holds none.

    Raises
    ------
    InputError
        If it is empty or begins below the genesis block.
    """
    if span is not None and (span[0] < 0 or (span[1] is not None and span[1] <= span[0])):
        raise InputError(
            f"there are no blocks from height {span[0]} until before {span[1]}",
            remedy="give the lower height first; the second is not included",
        )
    return span
