"""The one writer of a ledger: appends to all tables or none, forgets orphaned blocks, merges files.

Every change ends in a row of ``commits``. Whatever stops a change before that row, an error in
this process or its death, is undone before the next: by the same writer or by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.checksums import first_digests, note_files
from chainwatch.ledger.storage.lock import locked
from chainwatch.ledger.storage.store import Commit, Snapshot, Store, table_named

if TYPE_CHECKING:
    from deltalake import DeltaTable

COMPACT_EVERY = 64
"""Commits after which small files are merged: keeps a scan below about a hundred files a table."""

SELF = "chainwatch"
COMPACTED = "compaction"
"""Source and words of a commit that only merged files."""


@contextmanager
def open_writer(store: Store) -> Iterator[Writer]:
    """Take a ledger for writing; tables are first put back to the last commit.

    Raises
    ------
    LedgerLocked
        At once, if another writer holds it. A writer that died holds nothing.
    LedgerError
        If it is no longer there, or not whole.
    """
    with locked(store.path):
        # Whoever made it may have taken it away again before we held it.
        writer = Writer(Store.open(store.path))
        try:
            yield writer
        finally:
            writer.close()


class Writer:
    """Appends to a ledger while its lock is held; made by :func:`open_writer`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._closed = False
        self._open: dict[str, DeltaTable] = {}
        self._restore()
        self._snapshot = Snapshot(store.path, self._head)

    def close(self) -> None:
        """Refuse any further change: the lock is about to be given up."""
        self._closed = True

    @property
    def latest(self) -> Snapshot:
        """The tables as of the last commit."""
        if self._snapshot.commit is not self._head:
            self._snapshot = self._snapshot.later(self._head)
        return self._snapshot

    def _restore(self) -> None:
        """Put every table back to the last commit: what came after was never committed."""
        commits = self._store.commits()
        rows = commits.tail(1)
        self._head = Commit.of_row(rows.row(0, named=True)) if rows.height else None
        merges = commits.filter((pl.col("source") == SELF) & (pl.col("what") == COMPACTED))
        merged = merges.tail(1)["commit"].sum()
        self._unmerged = commits.filter(pl.col("commit") > merged).height
        for table in schema.TABLES:
            pinned = self._head.versions[table.name] if self._head else 0
            self._open[table.name] = _at_version(self._store.path / table.name, pinned)
        self._note_last()

    def commit(
        self,
        tables: Mapping[str, pl.DataFrame],
        *,
        source: str,
        chain: str,
        what: str,
        tip: bytes | None = None,
    ) -> Commit:
        """Append rows to several tables at once: all of them become visible, or none.

        Parameters
        ----------
        tables : mapping of str to polars.DataFrame
            Rows by table name; they are brought to the schema first.
        source, chain, what : str
            Who was read, of which chain, and which span or addresses, in words.
        tip : bytes, optional
            Hash of the highest block read.

        Returns
        -------
        Commit
            What was recorded.

        Raises
        ------
        LedgerError
            If a table is unknown, rows do not fit it, a key is there twice, or a unit of
            coverage was committed before. Nothing is changed then.
        OSError
            If the disk is full or fails; the last commit stays as it was.
        """
        frames = {name: _fit(table_named(name), rows) for name, rows in tables.items()}
        with self._whole():
            self._refuse_repeats(frames.get("coverage", schema.COVERAGE.empty()))
            for name in sorted(name for name, rows in frames.items() if rows.height):
                delta.at(f"before append {name}")
                delta.append(self._open[name], frames[name])
                delta.at(f"after append {name}")
            added = sum(rows.height for rows in frames.values())
            made = self._record(source, chain, what, tip, added)
        if self._unmerged >= COMPACT_EVERY:
            self.compact()
        return made

    def forget(self, chain: Chain | str, height: int, *, source: str, what: str) -> Commit:
        """Leave out a chain's blocks from a height on, as a reorganisation asks.

        Earlier commits keep them. The blocks that replace them are committed next.
        """
        network = chain_of(chain).id
        bounds = {"height": height, "tx": schema.pack_tx(height, 0)}
        with self._whole():
            for table in schema.TABLES:
                column = next((name for name in bounds if name in table.schema), None)
                if column is not None:
                    delta.at(f"before forget {table.name}")
                    later = f"chain = '{network}' AND {column} >= {bounds[column]}"
                    delta.leave_out(self._open[table.name], later)
                    delta.at(f"after forget {table.name}")
            return self._record(source, network, what, None, 0)

    def compact(self) -> Commit:
        """Merge small files and record it as a commit; the rows stay the same."""
        with self._whole():
            for name, opened in self._open.items():
                delta.at(f"before compact {name}")
                delta.merge_files(opened)
            delta.at("before compact commits")
            commits = delta.load(self._store.path / "commits")
            before = commits.version()
            delta.merge_files(commits)
            note_files(self._store.path, "commits", before, commits.version())
            made = self._record(SELF, "", COMPACTED, None, 0)
        self._unmerged = 0
        return made

    def _record(self, source: str, chain: str, what: str, tip: bytes | None, rows: int) -> Commit:
        parent = self._head.number if self._head else 0
        row = {
            "commit": parent + 1,
            "parent": parent,
            "source": source,
            "chain": chain,
            "what": what,
            "tip": tip,
            "rows": rows,
            **{f"{name}_version": opened.version() for name, opened in self._open.items()},
        }
        frame = schema.COMMITS.conform(pl.DataFrame([row], schema=schema.COMMITS.schema))
        self._note_files()
        delta.at("before commits")
        commits = delta.load(self._store.path / "commits")
        before = commits.version()
        delta.append(commits, frame)
        delta.at("after commits")
        note_files(self._store.path, "commits", before, commits.version())
        self._head = Commit.of_row(row)
        self._unmerged += 1
        return self._head

    def _note_last(self) -> None:
        """List the last row of ``commits`` where its writer died before it could."""
        head = delta.load(self._store.path / "commits").version()
        names = {f"commits/{path.name}" for path in delta.files(self._store.path / "commits", head)}
        if head and not names <= first_digests(self._store.path).keys():
            note_files(self._store.path, "commits", head - 1, head)

    def _note_files(self) -> None:
        """List the digests of the files written since the last commit."""
        for name, opened in self._open.items():
            before = self._head.versions[name] if self._head else 0
            note_files(self._store.path, name, before, opened.version())

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Hold one change; when it does not come to its end, undo it before the next."""
        if self._closed:
            raise LedgerError("this writer has given up its lock", remedy="take a new writer")
        if not self._open:
            self._restore()
        try:
            yield
        except BaseException:
            self._open = {}
            raise

    def _refuse_repeats(self, coverage: pl.DataFrame) -> None:
        if not coverage.height or self._head is None:
            return
        key = list(schema.COVERAGE.key)
        old = self.latest.scan("coverage").select(key)
        twice = coverage.lazy().select(key).join(old, on=key, how="semi").collect()
        if twice.height:
            raise LedgerError(
                f"{twice.height} of the units of coverage were read into this ledger before",
                where=str(twice["unit"].min()),
                remedy="leave out what the coverage table lists already",
            )


def _at_version(folder: Path, pinned: int) -> DeltaTable:
    """Open a table for appending, put back to the version that was committed."""
    opened = delta.load(folder)
    if opened.version() < pinned:
        raise LedgerError(
            "the table ends before the last commit",
            where=str(folder),
            remedy="restore the ledger from a copy",
        )
    if opened.version() > pinned:
        delta.at(f"before restore {folder.name}")
        opened.restore(pinned)
        delta.at(f"after restore {folder.name}")
    return opened


def _fit(table: schema.Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Bring rows to the schema; refuse a key that is there twice."""
    rows = table.conform(frame)
    twice = rows.filter(rows.select(table.key).is_duplicated())
    if twice.height:
        first = twice.select(table.key).sort(table.key).row(0, named=True)
        shown = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in first.items()
        }
        raise LedgerError(f"{twice.height} rows of {table.name} share a key", where=str(shown))
    return rows
