"""Tables as CSV and Parquet: exact, the same bytes on each run, and harmless in a spreadsheet.

In CSV, amounts are plain integers in base units, times are ISO 8601 in UTC with ``Z``, bytes are
hexadecimal, null is an empty field and an empty text is ``""``. A text that a spreadsheet would
take for a formula (first character ``= + - @``, also in full width, behind blanks, or behind a
semicolon, tab or line break) gets an apostrophe before that character; control characters and
direction overrides are written as ``‹U+001B›``. Numbers are left alone. Parquet holds every value
as it is: where the two differ, Parquet is the evidence. What every column means is told beside
them, see :mod:`chainwatch.case.exports.dictionary`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.atomic import check_new, write_new
from chainwatch.case.exports.dictionary import (
    DICTIONARY,
    PACKAGE,
    column_entries,
    data_package,
    dictionary_frame,
    parquet_note,
)
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.seal import pretty
from chainwatch.errors import CaseError
from chainwatch.results.provenance import canonical_json, digest_frame
from chainwatch.sanitize import distinct, visible

TABLE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,95}\Z")
FORMULA = re.compile(r"(^\s*|[;\t\r\n]\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])")
PARQUET_LEVEL = 9
PARQUET_ROWS = 131_072
"""Rows of a group; fixed, so that the bytes do not depend on the number of cores."""


@dataclass(frozen=True)
class ManifestRow:
    """One file of an export: name, format, size, its SHA-256, and the digest of its rows."""

    name: str
    format: str
    rows: int
    bytes: int
    sha256: str
    content: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)


def export_tables(case: ShownCase, folder: Path) -> None:
    """Write every table of a case into ``tables/``, as CSV and as Parquet, and the dictionary."""
    view = case.view
    headings = {name: distinct(frame.columns, guarded) for name, frame in view.tables.items()}
    entries = column_entries(view, headings)
    notes = {name: parquet_note(name, each) for name, each in entries.items()}
    write_tables(view.tables, folder / "tables", notes=notes)
    csv = {name: (folder / "tables" / f"{name}.csv").read_bytes() for name in entries}
    write_new(folder / DICTIONARY, csv_bytes(dictionary_frame(entries)))
    package = pretty(data_package(entries, csv, view.edition.name))
    write_new(folder / PACKAGE, package)


def write_tables(
    tables: Mapping[str, pl.DataFrame], folder: Path | str, *,
    notes: Mapping[str, Mapping[str, str]] | None = None, replace: bool = False,
) -> list[ManifestRow]:  # fmt: skip
    """Write each table as ``<name>.csv`` and ``<name>.parquet``.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Tables by name (lower-case letters, digits, ``_``, ``-``); rows are kept in their order.
    folder : Path or str
        Where to write; it is made if absent.
    notes : mapping, optional
        For each table, what the metadata of its Parquet file says, by key.
    replace : bool
        Put them in the place of files of these names.

    Returns
    -------
    list of ManifestRow
        One per file, by name.

    Raises
    ------
    CaseError
        If a name could be a path or differs from another only in what file systems ignore.
    OutputExists
        If one of the files exists and may not be replaced; then none is written.
    """
    folder = Path(folder)
    for name in tables:
        if not TABLE_NAME.match(name):
            raise CaseError(
                f"{name!r} is no table name", remedy="use lower-case letters, digits, _ and -"
            )
        for suffix in (".csv", ".parquet"):
            check_new(folder / f"{name}{suffix}", replace=replace)
    rows = []
    for name in sorted(tables):
        frame, content = tables[name], digest_frame(tables[name])
        parquet = parquet_bytes(frame, (notes or {}).get(name))
        for suffix, data in ((".csv", csv_bytes(frame)), (".parquet", parquet)):
            sha256 = write_new(folder / f"{name}{suffix}", data, replace=replace)
            rows.append(
                ManifestRow(f"{name}{suffix}", suffix[1:], frame.height, len(data), sha256, content)
            )
    return rows


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """Return a table as CSV in UTF-8 with Unix line ends; see this module for what is changed."""
    texts = frame.select(_as_text(frame[name]) for name in frame.columns)
    texts = texts.rename(distinct(frame.columns, guarded))
    return texts.write_csv(line_terminator="\n").encode()


def parquet_bytes(frame: pl.DataFrame, note: Mapping[str, str] | None = None) -> bytes:
    """Return a table as Parquet with fixed compression and row groups, and a note by key."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(
        buffer, compression="zstd", compression_level=PARQUET_LEVEL, row_group_size=PARQUET_ROWS,
        metadata=dict(note) if note else None,
    )  # fmt: skip
    return buffer.getvalue()


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula and no terminal for a command."""
    return visible(FORMULA.sub(r"\1'\2", text))


def _as_text(series: pl.Series) -> pl.Series:
    """Return a column as the CSV writer may print it without changing its meaning."""
    kind = series.dtype
    if isinstance(kind, pl.Datetime):
        utc = series.dt.convert_time_zone("UTC") if kind.time_zone else series
        return utc.dt.strftime(
            "%Y-%m-%dT%H:%M:%S%.fZ" if kind.time_zone else "%Y-%m-%dT%H:%M:%S%.f"
        )
    if kind == pl.Binary:
        return series.bin.encode("hex")
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return _as_text(series.cast(pl.String))
    if kind == pl.String:
        texts = {text: guarded(text) for text in series.unique().drop_nulls()}
        return series.replace_strict(texts, return_dtype=pl.String) if texts else series
    if kind.is_nested():
        values = [None if row is None else canonical_json(_plain(row)).decode() for row in series]
        return _as_text(pl.Series(series.name, values, dtype=pl.String))
    return series


def _plain(value: object) -> Any:
    if isinstance(value, pl.Series):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
