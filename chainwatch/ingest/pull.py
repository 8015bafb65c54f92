"""From a source to a ledger: batches of rows, committed many at a time, none of them twice.

A source yields batches in an order that depends on its input alone. ``pull`` leaves out what the
ledger's coverage names already, joins batches until a commit is worth its cost, resolves what the
inputs spend, and commits. No stored row depends on where one commit ends and the next begins, so
a pull that was killed and run again ends in the ledger of a pull that never was.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.errors import (
    ChainwatchError,
    LedgerError,
    LedgerLocked,
    NetworkRefused,
    SourceError,
    expect,
)
from chainwatch.ingest.deduplicate import new_rows
from chainwatch.ingest.one_place import refuse_two_places
from chainwatch.ingest.prevouts import Spending
from chainwatch.ingest.protocol import UNITS, Batch, Reader, Source, read_units
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ingest.rollback import missing, unmake
from chainwatch.ledger import schema
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.progress import Progress, watched
from chainwatch.units import counted

if TYPE_CHECKING:
    from chainwatch.ledger.storage.writer import Writer


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


class _Latest:
    """What a source may ask of the ledger it is read into: its tables as of the last commit."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table as of the last commit."""
        return self._writer.latest.scan(table)


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
        with open_writer(ledger) as writer:
            spending = Spending(ledger, source.chain)
            for merged in _merged(_Latest(writer), source, tally, tell, batch_rows, batch_seconds):
                _commit(writer, source, merged, tally, spending)
                tell(f"commit {tally.commits:,}: {merged.what}, {merged.rows:,} rows")
    except BaseException as error:
        if not tally.commits and not isinstance(error, LedgerLocked):
            unmake(made)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(_kept(tally.commits)) from None
        if isinstance(error, ChainwatchError):
            error.commits = tally.commits
        raise
    return tally.report(source)


def _kept(commits: int) -> str:
    if not commits:
        return "interrupted; nothing was written"
    kept = f"{counted(commits, 'commit', 'commits')} {'is' if commits == 1 else 'are'} kept"
    return f"interrupted; {kept}; the same command goes on from there"


def _merged(
    ledger: Reader, source: Source, tally: _Tally, tell: Progress, batch_rows: int,
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
    writer: Writer, source: Source, batch: Batch, tally: _Tally, spending: Spending
) -> None:
    if batch.stale is not None:
        writer.forget(source.chain, batch.stale, source=source.name, what=batch.what)
        spending.forgotten()
        tally.commits += 1
        return
    before = writer.latest
    tables = {
        name: frame if name == UNITS else new_rows(name, frame, before)
        for name, frame in batch.tables.items()
    }
    refuse_two_places(batch.tables, before, source.chain)
    if "inputs" in tables:
        tables["inputs"] = spending.resolve(tables, before)
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
