"""A ledger on disk: a folder of Delta Lake tables made atomic together by a table of commits.

Delta is atomic for one table. The row in ``commits``, written last, names the Delta version of
every table; a reader sees those versions and nothing else, a writer first puts every table back
to them. What a process had appended when it died is therefore never seen. Nothing is vacuumed and
no log is cleaned, so that every commit stays readable. The death of a process is survived at any
point; a power cut as far as the file system keeps the order of its writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.errors import LedgerError
from chainwatch.ledger import schema
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.checksums import LIST
from chainwatch.ledger.storage.lock import LOCK, locked

FORMAT = 7
"""Version of the layout on disk; a ledger of a newer one is refused."""

MARKER = "ledger.json"
DRAFT = "ledger.json.new"
_ALL = (*schema.TABLES, schema.COMMITS)
_BY_NAME = {table.name: table for table in schema.TABLES}


def table_named(name: str) -> schema.Table:
    """Return a table of the schema by its name.

    Raises
    ------
    LedgerError
        If there is no such table; the sentence lists those that exist.
    """
    if name not in _BY_NAME:
        known = ", ".join(_BY_NAME)
        raise LedgerError(f"there is no table {name!r}", remedy=f"name one of {known}")
    return _BY_NAME[name]


@dataclass(frozen=True)
class Commit:
    """One commit: what it added, and the Delta version of every table at that moment.

    Attributes
    ----------
    number, parent : int
        From 1; the parent of the first is 0.
    source, chain, what : str
        Who was read, of which chain, and which span or addresses, in words.
    tip : bytes or None
        Hash of the highest block read.
    rows : int
        Rows appended.
    versions : mapping of str to int
        Delta version by table.
    """

    number: int
    parent: int
    source: str
    chain: str
    what: str
    tip: bytes | None
    rows: int
    versions: Mapping[str, int]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Commit:
        """Read a row of the ``commits`` table."""
        return cls(
            number=row["commit"],
            versions={table.name: row[f"{table.name}_version"] for table in schema.TABLES},
            **{name: row[name] for name in ("parent", "source", "chain", "what", "tip", "rows")},
        )


@dataclass(frozen=True)
class Store:
    """A folder of Delta tables, one per :data:`chainwatch.ledger.schema.TABLES`, and commits.

    Made by :meth:`create` or :meth:`open`.
    """

    path: Path

    @classmethod
    def create(cls, path: str | Path) -> Store:
        """Make an empty ledger, or open the one that is there; finish one left half made.

        Raises
        ------
        LedgerError
            If the folder holds something else, or has a name that Delta Lake cannot use.
        LedgerLocked
            If another process is making it.
        """
        store = cls(delta.usable(path))
        if store._whole():
            return cls.open(path)
        _check_usable(store.path)
        store.path.mkdir(parents=True, exist_ok=True)
        with locked(store.path):
            _mark(store.path)
            for table in _ALL:
                if not store._has(table.name):
                    delta.at(f"before create {table.name}")
                    delta.create(store.path / table.name, table)
        return store

    def _whole(self) -> bool:
        """Tell whether marker and tables are all there."""
        return (self.path / MARKER).exists() and all(self._has(table.name) for table in _ALL)

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a ledger that exists.

        Raises
        ------
        LedgerError
            If there is none, if it is damaged, or if a newer chainwatch made it.
        """
        store = cls(delta.usable(path))
        if not (store.path / MARKER).is_file():
            raise LedgerError(
                "there is no ledger here",
                where=str(store.path),
                remedy="check the path, or make a ledger by reading a source into it",
            )
        _check_format(store.path / MARKER)
        missing = [table.name for table in _ALL if not store._has(table.name)]
        if missing:
            raise LedgerError(
                f"the ledger lacks the tables {', '.join(missing)}",
                where=str(store.path),
                remedy="if it was never filled, create it again; else restore it from a copy",
            )
        return store

    def _has(self, name: str) -> bool:
        return (self.path / name / "_delta_log" / f"{0:020}.json").is_file()

    def commits(self) -> pl.DataFrame:
        """Return one row per commit, in order."""
        return delta.scan(self.path / "commits", schema.COMMITS).collect().sort("commit")

    def head(self) -> Commit | None:
        """Return the last commit; ``None`` before the first."""
        rows = self.commits().tail(1)
        return Commit.of_row(rows.row(0, named=True)) if rows.height else None

    def commit(self, number: int) -> Commit:
        """Return a commit by its number.

        Raises
        ------
        LedgerError
            If there is no such commit.
        """
        rows = self.commits()
        found = rows.filter(pl.col("commit") == number)
        if not found.height:
            raise LedgerError(
                f"there is no commit {number}",
                where=str(self.path),
                remedy=f"the commits are 1 to {rows.height}" if rows.height else "commit first",
            )
        return Commit.of_row(found.row(0, named=True))

    def scan(self, table: str, commit: Commit | int | None = None) -> pl.LazyFrame:
        """Return a table as of a commit, lazily; the order of its rows is not promised.

        Parameters
        ----------
        table : str
            A name of :data:`chainwatch.ledger.schema.TABLES`.
        commit : Commit, int or None
            The commit to read as of; the last one when ``None``. Before any commit, no rows.
        """
        return self.at(commit).scan(table)

    def at(self, commit: Commit | int | None = None) -> Snapshot:
        """Return all tables as of a commit, the last one when ``None``.

        Whoever scans several tables of one commit asks for it once.
        """
        pinned = self.commit(commit) if isinstance(commit, int) else commit or self.head()
        return Snapshot(self.path, pinned)


@dataclass(frozen=True)
class Snapshot:
    """The tables of a ledger as of one commit, which no later one changes.

    Which files make a table is read once from its log.

    Attributes
    ----------
    path : Path
        The folder of the ledger.
    commit : Commit or None
        The commit; ``None`` before the first, when no table has a row.
    """

    path: Path
    commit: Commit | None
    _files: dict[str, list[Path]] = field(default_factory=dict, repr=False, compare=False)

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table, lazily; the order of its rows is not promised."""
        found = table_named(table)
        if self.commit is None:
            return found.empty().lazy()
        if table not in self._files:
            self._files[table] = delta.files(self.path / table, self.commit.versions[table])
        return delta.rows(self._files[table], found)

    def later(self, commit: Commit | None) -> Snapshot:
        """Return the tables as of a later commit; only logs of those that grew are read again."""
        old, new = (one.versions if one else {} for one in (self.commit, commit))
        same = {name: files for name, files in self._files.items() if old[name] == new.get(name)}
        return Snapshot(self.path, commit, same)


def _check_usable(folder: Path) -> None:
    """Refuse a folder in which no ledger can be begun, before anything is put into it.

    What is in it is judged for good once its lock is held: another process may be making a ledger
    there at this moment.
    """
    try:
        names = {item.name for item in folder.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise LedgerError(
            "this is a file, not a folder", where=str(folder), remedy="name a folder"
        ) from None
    of_a_ledger = {MARKER, DRAFT, LOCK, LIST, *(table.name for table in _ALL)}
    if names - of_a_ledger and not (folder / MARKER).exists():
        raise _foreign(folder)


def _mark(folder: Path) -> None:
    """Put the marker of a ledger into a folder that may become one, and whose lock is held."""
    if (folder / MARKER).exists():
        return _check_format(folder / MARKER)
    if any(item.name not in (DRAFT, LOCK) for item in folder.iterdir()):
        with suppress(PermissionError):  # where a file that is open cannot be removed
            (folder / LOCK).unlink()
        raise _foreign(folder)
    text = json.dumps({"chainwatch ledger": FORMAT}) + "\n"
    (folder / DRAFT).write_text(text, encoding="utf-8")
    delta.at("before ledger.json")
    (folder / DRAFT).replace(folder / MARKER)


def _foreign(folder: Path) -> LedgerError:
    return LedgerError(
        "the folder is not empty and holds no ledger",
        where=str(folder),
        remedy="name a new or empty folder",
    )


def _check_format(marker: Path) -> None:
    remedy = "restore ledger.json from a copy"
    try:
        with marker.open("rb") as handle:
            found = json.loads(handle.read(4096))["chainwatch ledger"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LedgerError("this marks no ledger", where=str(marker), remedy=remedy) from error
    if type(found) is not int or found < 1:
        raise LedgerError("the format is no number", where=str(marker), remedy=remedy)
    if found > FORMAT:
        raise LedgerError(
            f"the ledger has format {found}, newer than {FORMAT}",
            where=str(marker),
            remedy="install a newer chainwatch",
        )
    if found < FORMAT:
        raise LedgerError(
            f"the ledger has format {found}, and this chainwatch reads and writes {FORMAT}",
            where=str(marker),
            remedy="pull again from its sources into a new folder; what was read stays in this one",
        )
