"""A table of texts from a hostile CSV, JSON or Parquet file: every cell with the line it is in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError
from chainwatch.sources.transfer_dump.json_rows import is_json, json_rows, keys_of
from chainwatch.sources.transfer_dump.parquet_rows import is_parquet, parquet_names, parquet_rows

LARGEST_DUMP = 4_000_000_000
"""Bytes; a table is held in memory whole, so that nothing of a bad one is committed."""

_ROWS_AT_ONCE = 100_000


class TextTable:
    """A table as a file has it: the names of its columns, and its rows as text.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for error messages.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name

    def names(self) -> list[str]:
        """Return the names of the columns; see :func:`column_names`."""
        return column_names(self.data, self.name)

    def rows(self, columns: Mapping[str, str]) -> pl.DataFrame:
        """Return some columns as text under our names, with their line; see :func:`read_table`."""
        return read_table(self.data, columns, self.name)


def read_table(data: bytes, columns: Mapping[str, str], name: str) -> pl.DataFrame:
    """Return some columns of a file as text, under our names, with their line.

    Blank lines, and rows in which every cell is blank, are no rows. Blanks around the names of
    columns are not part of them; where the names stand after a comma and a blank, so do the cells.

    Parameters
    ----------
    data : bytes
        The file in UTF-8: with one line of column names and commas between cells, or semicolons or
        tabs, whichever stand oftenest in that line; or JSON: an object a line, or a list of
        objects; or Parquet, whose rows count as lines.
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
    rows = _table_rows(data, columns, name)
    schema = {"line": pl.Int64, **dict.fromkeys(columns, pl.String)}
    parts, held = [pl.DataFrame(schema=schema)], []
    for row in rows:
        held.append(row)
        if len(held) == _ROWS_AT_ONCE:
            parts.append(pl.DataFrame(held, schema=schema, orient="row"))
            held = []
    parts.append(pl.DataFrame(held, schema=schema, orient="row"))
    return pl.concat(parts)


def _table_rows(
    data: bytes, columns: Mapping[str, str], name: str
) -> Iterator[tuple[int | str, ...]]:
    if is_parquet(data):
        return parquet_rows(data, columns, name)
    text = text_of(data, name)
    return json_rows(text, columns, name) if is_json(text) else _csv_rows(text, columns, name)


def column_names(data: bytes, name: str) -> list[str]:
    """Return the names of the columns of a file; of JSON the keys of all rows, in their order.

    Raises
    ------
    DumpError
        If the file is no UTF-8 text, or damaged.
    """
    if is_parquet(data):
        return parquet_names(data, name)
    text = text_of(data, name)
    if is_json(text):
        return keys_of(text, name)
    return [column.strip(_BLANK) for column in next(_rows(text, name), (1, []))[1]]


def _csv_rows(text: str, columns: Mapping[str, str], name: str) -> Iterator[tuple[int | str, ...]]:
    rows = _rows(text, name)
    number, header = next(rows, (1, []))
    header = [column.strip(_BLANK) for column in header]
    places = _places(header, columns, name, number)
    for line, row in rows:
        if len(row) < len(header) or any(map(str.strip, row[len(header) :])):
            raise DumpError(
                f"the row has {len(row)} cells under {len(header)} columns",
                where=f"{name} line {line:,}",
                remedy="export the table again; a cell with a separator must be quoted",
            )
        yield (line, *(row[place] for place in places))


def text_of(data: bytes, name: str) -> str:
    """Return a file as text.

    Raises
    ------
    DumpError
        If it is not UTF-8, or holds a NUL byte.
    """
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


_BLANK = " \t"


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows in which any cell says anything, with their lines."""
    between = _between(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), strict=True, delimiter=between,
        skipinitialspace=_spaced(text, between),
    )  # fmt: skip
    line = 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DumpError(
            f"the row is no CSV ({error})",
            where=f"{name} line {line:,}",
            remedy="export the table again as comma-separated text",
        ) from error


def _between(text: str) -> str:
    """Return what stands between cells: what is most frequent between the names of columns."""
    names = _QUOTED.sub("", text.lstrip().partition("\n")[0])
    return max(",;\t", key=names.count)


_QUOTED = re.compile(r'"[^"]*"')


def _spaced(text: str, between: str) -> bool:
    """Tell whether a blank stands after each name of a column but the last."""
    names = text.lstrip().partition("\n")[0].split(between)[1:]
    return bool(names) and all(column.startswith(" ") and column.strip() for column in names)


def _places(header: list[str], columns: Mapping[str, str], name: str, line: int) -> list[int]:
    wrong = [column for column in columns.values() if header.count(column) != 1]
    if wrong:
        count = header.count(wrong[0])
        has = ", ".join(quoted(column) for column in header[:30])
        raise DumpError(
            f"the table has {count or 'no'} columns {quoted(wrong[0])}",
            where=f"{name} line {line:,}",
            remedy=f"correct the mapping; the columns are {has or 'none'}",
        )
    return [header.index(column) for column in columns.values()]
