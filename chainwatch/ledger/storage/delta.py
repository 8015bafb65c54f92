"""One Delta Lake table in a folder: the only module that imports ``deltalake``.

Frames cross over by the Arrow PyCapsule interface, so pyarrow is not needed. Files are read by
polars from the names in Delta's log: the log's addresses are percent-encoded, which a folder name
with a space does not survive, and a log made by somebody else could point out of the folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.errors import LedgerError
from chainwatch.ledger.schema import TIME, Table

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

# delta-rs decodes or rejects these in the name of a folder, even when they are escaped.
_UNUSABLE = re.compile(
    r"[\[\]^|\x00-\x1f\x7f]|%[0-9A-Fa-f]{2}" + ("" if os.name == "nt" else r"|\\")
)


def _pass(point: str) -> None:
    """Do nothing at a fault point."""


fault: Callable[[str], None] = _pass
"""Called with a name before and after each change on disk; tests replace it to interrupt there."""


def at(point: str) -> None:
    """Pass a fault point."""
    fault(point)


def usable(path: str | Path) -> Path:
    """Return a folder as an absolute path; refuse a name that Delta Lake would misread.

    Raises
    ------
    LedgerError
        If the name holds brackets, a caret, a bar, a control character or a percent escape.
    """
    folder = Path(path).expanduser().absolute()
    odd = _UNUSABLE.search(str(folder)[len(folder.anchor) :])
    if odd:
        raise LedgerError(
            f"a ledger cannot be kept in a folder whose name holds {odd.group()!r}",
            where=str(folder),
            remedy="rename the folder",
        )
    return folder


def create(folder: Path, table: Table) -> None:
    """Make an empty table, unless it is there."""
    from deltalake import DeltaTable

    # delta-rs clamps the bounds of wide decimals in its statistics: none are kept for them, nor
    # for text and bytes, whose bounds would only swell the log.
    bounded = [name for name, dtype in table.schema.items() if dtype in (pl.Int64, TIME, pl.Date)]
    DeltaTable.create(
        folder.as_uri(),
        schema=pl.Schema(table.schema),
        mode="ignore",
        name=table.name,
        description=table.meaning,
        configuration={
            "delta.dataSkippingStatsColumns": ",".join(bounded),
            # The log is how an old commit is read: its entries are never dropped.
            "delta.enableExpiredLogCleanup": "false",
            "delta.logRetentionDuration": "interval 36500 days",
            "delta.deletedFileRetentionDuration": "interval 36500 days",
        },
    )


def load(folder: Path, version: int | None = None) -> DeltaTable:
    """Open a table at a version, the latest by default.

    Raises
    ------
    LedgerError
        If it is missing, damaged or does not reach that version.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        return DeltaTable(folder.as_uri(), version=version)
    except DeltaError as error:
        wanted = "" if version is None else f" at version {version}"
        raise LedgerError(
            f"the table cannot be read{wanted}",
            where=str(folder),
            remedy="restore the ledger from a copy",
        ) from error


def files(folder: Path, version: int | None = None) -> list[Path]:
    """Return the files that make a table at a version."""
    uris = load(folder, version).file_uris()
    return sorted(folder / uri.replace("\\", "/").rsplit("/", 1)[1] for uri in uris)


def scan(folder: Path, table: Table, version: int | None = None) -> pl.LazyFrame:
    """Return the rows of a table at a version, lazily."""
    return rows(files(folder, version), table)


def added(folder: Path, table: Table, before: int, after: int) -> pl.LazyFrame:
    """Return the rows that a table has at a version and had not at one before, lazily.

    Between the two it must only have been appended to.
    """
    old = set(files(folder, before))
    return rows([path for path in files(folder, after) if path not in old], table)


def rows(found: list[Path], table: Table) -> pl.LazyFrame:
    """Return the rows of files of a table, lazily."""
    if not found:
        return table.empty().lazy()
    return pl.scan_parquet(found, glob=False, schema=table.schema)


def append(delta: DeltaTable, rows: pl.DataFrame) -> None:
    """Append rows; the open table moves on to the new version."""
    from deltalake import write_deltalake

    write_deltalake(delta, rows, mode="append", writer_properties=_properties())


def leave_out(delta: DeltaTable, predicate: str) -> None:
    """Write a table without the rows that a predicate names.

    Raises
    ------
    LedgerError
        If a file cannot be read.
    """
    with _readable(delta):
        delta.delete(predicate, writer_properties=_properties())


def merge_files(delta: DeltaTable) -> None:
    """Write many small files as few larger ones, with the same rows.

    Raises
    ------
    LedgerError
        If a file cannot be read.
    """
    with _readable(delta):
        delta.optimize.compact(writer_properties=_properties())


@contextmanager
def _readable(delta: DeltaTable) -> Iterator[None]:
    from deltalake.exceptions import DeltaError

    try:
        yield
    except DeltaError as error:
        raise LedgerError(
            "the table cannot be written anew, for one of its files cannot be read",
            where=Path(delta.table_uri.removeprefix("file://")).name,
            remedy="find it with `chainwatch check`, and restore the ledger from a copy",
        ) from error


def _properties() -> WriterProperties:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD")
