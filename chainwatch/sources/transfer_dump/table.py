"""A table of texts from a hostile CSV file: every cell with the line it stands in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError

LARGEST_DUMP = 4_000_000_000
"""Bytes; a table is held in memory whole, so that nothing of a bad one is committed."""

_ROWS_AT_ONCE = 100_000


def read_table(data: bytes, columns: Mapping[str, str], name: str) -> pl.DataFrame:
    """Return some columns of a CSV file as text, under our names, with their line.

    Parameters
    ----------
    data : bytes
        The file: UTF-8, comma-separated, one line of column names.
    columns : mapping of str to str
        Our name of a column to its name in the file.
    name : str
        Name of the file, for error messages.

    Returns
    -------
    polars.DataFrame
        ``line`` (Int64, from 1; the first of those that a row fills) and text columns; an empty
        cell is an empty text.

    Raises
    ------
    DumpError
        If the file is no UTF-8 text, a column is missing or there twice, or a row is too short
        or too long.
    """
    rows = _rows(_text(data, name), name)
    _, header = next(rows, (1, []))
    places = _places(header, columns, name)
    schema = {"line": pl.Int64, **dict.fromkeys(columns, pl.String)}
    parts, held = [pl.DataFrame(schema=schema)], []
    for line, row in rows:
        if len(row) != len(header):
            raise DumpError(
                f"the row has {len(row)} cells under {len(header)} columns",
                where=f"{name} line {line:,}",
                remedy="export the table again; a cell with a comma must be quoted",
            )
        held.append((line, *(row[place] for place in places)))
        if len(held) == _ROWS_AT_ONCE:
            parts.append(pl.DataFrame(held, schema=schema, orient="row"))
            held = []
    parts.append(pl.DataFrame(held, schema=schema, orient="row"))
    return pl.concat(parts)


def _text(data: bytes, name: str) -> str:
    place = data.find(b"\0")
    if place >= 0:
        raise DumpError(
            "the file holds a NUL byte, which no text has",
            where=f"{name} line {_line(data, place):,}",
            remedy="save it as UTF-8 (it may be UTF-16), or get an undamaged copy",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DumpError(
            "the file is not UTF-8",
            where=f"{name} line {_line(data, error.start):,}",
            remedy="save it as UTF-8",
        ) from error


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DumpError(
            f"the row is no CSV ({error})",
            where=f"{name} line {line:,}",
            remedy="export the table again as comma-separated text",
        ) from error


def _places(header: list[str], columns: Mapping[str, str], name: str) -> list[int]:
    wrong = [column for column in columns.values() if header.count(column) != 1]
    if wrong:
        count = header.count(wrong[0])
        has = ", ".join(quoted(column) for column in header[:30])
        raise DumpError(
            f"the table has {count or 'no'} columns {quoted(wrong[0])}",
            where=f"{name} line 1",
            remedy=f"correct the mapping; the columns are {has or 'none'}",
        )
    return [header.index(column) for column in columns.values()]
