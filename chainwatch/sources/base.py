"""From a source to a ledger: batches of rows, committed many at a time, none of them twice.

A source yields batches in an order that depends on its input alone. ``pull`` leaves out what the
ledger's coverage names already, joins batches until a commit is worth its cost, resolves what the
inputs spend, and commits. No stored row depends on where one commit ends and the next begins, so
a pull that was killed and run again ends in the ledger of a pull that never was.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import polars as pl

from chainwatch.errors import LedgerError, LedgerLocked, NetworkRefused, SourceError, expect
from chainwatch.ledger import schema
from chainwatch.ledger.store import Store
from chainwatch.progress import Progress, watched
from chainwatch.sources.news import news
from chainwatch.sources.prevouts import Spending
from chainwatch.sources.pull_folder import missing, unmake
from chainwatch.sources.pull_report import PullReport, counted

if TYPE_CHECKING:
    from chainwatch.ledger.writer import Writer

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


@dataclass
class _Tally:
    """What has been committed so far."""

    rows: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    units: int = 0
    skipped: int = 0
    unread: int = 0
    tip: bytes | None = None
    notes: dict[str, None] = field(default_factory=dict)

    def report(self, source: Source) -> PullReport:
        names = [table.name for table in schema.TABLES if table.name in self.rows]
        frame = pl.DataFrame(
            {"table": names, "rows": [self.rows[name] for name in names]},
            schema={"table": pl.String, "rows": pl.Int64},
        )
        return PullReport(
            source.name, source.chain, frame, self.commits, self.units, self.skipped,
            self.unread, self.tip, tuple(self.notes),
        )  # fmt: skip


def pull(
    store: Store | str | Path,
    source: Source,
    *,
    progress: Progress | bool = True,
    batch_rows: int = 250_000,
    batch_seconds: float = 30.0,
) -> PullReport:
    """Read a source into a ledger, leaving out what has been read before.

    Parameters
    ----------
    store : Store or path
        A ledger; a path that does not exist becomes one.
    source : Source
        What to read.
    progress : bool or callable
        What is told one line of text after each batch and each commit; true shows the last line
        in a terminal or a notebook, and nothing elsewhere; false shows nothing.
    batch_rows : int
        Rows at which a commit is made.
    batch_seconds : float
        Seconds after which a commit is made, whatever its size.

    Returns
    -------
    PullReport
        What was added.

    Raises
    ------
    LedgerLocked
        If another writer holds the ledger.
    InputError
        If the source is not what it claims to be. Commits made before stay; a folder made for
        the ledger goes again if there is none.
    KeyboardInterrupt
        On Ctrl-C, with the number of commits that are kept; the same call goes on from there.
    """
    folder = "name the ledger's folder, as in pull('ledger', BlockFiles('blocks.dat', chain='btc'))"
    expect(store, (Store, str, Path), "store", folder)
    expect(source, Source, "source", "pass a source, such as BlockFiles('blocks.dat', chain='btc')")
    if progress is True:
        with watched(f"pull from {source.name}") as shown:
            return _pulled(store, source, shown or _silent, batch_rows, batch_seconds)
    return _pulled(store, source, progress or _silent, batch_rows, batch_seconds)


def _silent(_: str) -> None:
    """Show nothing."""


def _pulled(
    store: Store | str | Path, source: Source, tell: Progress, batch_rows: int,
    batch_seconds: float,
) -> PullReport:  # fmt: skip
    made = [] if isinstance(store, Store) else missing(Path(store))
    tally = _Tally()
    try:
        ledger = store if isinstance(store, Store) else Store.create(store)
        with ledger.writer() as writer:
            spending = Spending(ledger, source.chain)
            for merged in _merged(ledger, source, tally, tell, batch_rows, batch_seconds):
                _commit(ledger, writer, source, merged, tally, spending)
                tell(f"commit {tally.commits:,}: {merged.what}, {merged.rows:,} rows")
    except BaseException as error:
        if not tally.commits and not isinstance(error, LedgerLocked):
            unmake(made)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(_kept(tally.commits)) from None
        raise
    return tally.report(source)


def _kept(commits: int) -> str:
    if not commits:
        return "interrupted; nothing was written"
    kept = f"{counted(commits, 'commit')} {'is' if commits == 1 else 'are'} kept"
    return f"interrupted; {kept}; the same command goes on from there"


def read_units(reader: Reader, chain: str) -> set[str]:
    """Return the units of reading that a ledger holds of one chain."""
    mine = reader.scan("coverage").filter(pl.col("chain") == chain)
    return set(mine.select("unit").collect()["unit"])


def _merged(
    ledger: Store, source: Source, tally: _Tally, tell: Progress, batch_rows: int,
    batch_seconds: float,
) -> Iterator[Batch]:  # fmt: skip
    """Yield batches worth a commit: those of the source joined until rows or time suffice."""
    read = read_units(ledger, source.chain)
    waiting: list[Batch] = []
    since, rows = time.monotonic(), 0
    try:
        for batch in source.batches(ledger):
            tally.notes.update(dict.fromkeys(batch.notes))
            if batch.stale is not None:
                if waiting:
                    yield _join(waiting)
                waiting, since, rows = [], time.monotonic(), 0
                yield batch
                read = read_units(ledger, source.chain)
            elif _is_new(batch, read, tally):
                read.update(batch.units)
                waiting.append(batch)
                rows += batch.rows
                tell(f"{batch.what}; {rows:,} rows wait for a commit")
            if waiting and (rows >= batch_rows or time.monotonic() - since >= batch_seconds):
                yield _join(waiting)
                waiting, since, rows = [], time.monotonic(), 0
    except (SourceError, NetworkRefused, KeyboardInterrupt):
        # What a server was asked for before it failed need not be asked again.
        if waiting:
            yield _join(waiting)
        raise
    if waiting:
        yield _join(waiting)


def _is_new(batch: Batch, read: set[str], tally: _Tally) -> bool:
    """Tell whether a batch is yet to be stored; part of one cannot be."""
    old = read.intersection(batch.units)
    tally.skipped += len(old)
    if old and len(old) < len(batch.units):
        raise LedgerError(f"{batch.what} was read in part before", where=min(old))
    return len(old) < len(batch.units)


def _join(batches: list[Batch]) -> Batch:
    first, last = batches[0], batches[-1]
    frames: dict[str, list[pl.DataFrame]] = {}
    for batch in batches:
        for name, frame in batch.tables.items():
            frames.setdefault(name, []).append(frame)
    return Batch(
        {name: pl.concat(parts) for name, parts in frames.items()},
        tuple(unit for batch in batches for unit in batch.units),
        first.what if len(batches) == 1 else f"{first.what} to {last.what}",
        next((batch.tip for batch in reversed(batches) if batch.tip), None),
    )


def _commit(
    ledger: Store, writer: Writer, source: Source, batch: Batch, tally: _Tally, spending: Spending
) -> None:
    if batch.stale is not None:
        writer.forget(source.chain, batch.stale, source=source.name, what=batch.what)
        spending.forgotten()
        tally.commits += 1
        return
    tables = {
        name: frame if name == UNITS else news(name, frame, ledger)
        for name, frame in batch.tables.items()
    }
    if "inputs" in tables:
        tables["inputs"] = spending.resolve(tables)
    made = writer.commit(
        tables, source=source.name, chain=source.chain, what=batch.what, tip=batch.tip
    )
    tally.commits += 1
    spending.committed(tables, made)
    tally.units += len(batch.units)
    tally.tip = batch.tip or tally.tip
    tally.rows.update({name: frame.height for name, frame in tables.items()})
    if "inputs" in tables:
        tally.unread += tables["inputs"]["value"].null_count()
