"""Rows of a table written as Parquet, every value as text: exact, or marked as a rounded double.

A decimal or a whole number is written out; bytes as hexadecimal; a time as ISO in UTC. A double is
written as the shortest number that names it, with an exponent where it is a whole number that a
double may have rounded (2^53 and more): readers of amounts refuse an exponent, so that no digit
that was lost is taken for one that was there.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError

MARK = b"PAR1"
"""How a file begins, and ends."""

MOST_ROWS = 50_000_000
"""Rows; a table is held in memory whole."""

EXACT_DOUBLE = 2**53
"""From here on not every whole number is a double."""


def is_parquet(data: bytes) -> bool:
    """Tell whether a file is Parquet by its first bytes."""
    return data[:4] == MARK


def parquet_names(data: bytes, name: str) -> list[str]:
    """Return the names of the columns of a file.

    Raises
    ------
    DumpError
        If the file is damaged.
    """
    return list(parquet_schema(data, name))


def parquet_schema(data: bytes, name: str) -> dict[str, pl.DataType]:
    """Return the columns of a file with their types.

    Raises
    ------
    DumpError
        If the file is damaged.
    """
    try:
        return dict(pl.read_parquet_schema(io.BytesIO(data)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(name, error) from None


def parquet_rows(
    data: bytes, columns: Mapping[str, str], name: str
) -> Iterator[tuple[int | str, ...]]:
    """Yield the number of each row, from 1, and the texts of some of its values; null is empty.

    Parameters
    ----------
    data : bytes
        The file.
    columns : mapping of str to str
        Our name of a column to its name in the file.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    DumpError
        If the file is damaged or too long, a column is missing, or a value is no single one.
    """
    has = parquet_schema(data, name)
    missing = [column for column in columns.values() if column not in has]
    if missing:
        shown = ", ".join(quoted(column) for column in list(has)[:30])
        raise DumpError(
            f"the table has no columns {quoted(missing[0])}",
            where=name,
            remedy=f"correct the mapping; the columns are {shown or 'none'}",
        )
    frame = read_frame(data, list(dict.fromkeys(columns.values())), name)
    texts = [
        [_text(value, column, name, ours) for value in frame[column]]
        for ours, column in columns.items()
    ]
    yield from zip(range(1, frame.height + 1), *texts, strict=True)


def read_frame(data: bytes, columns: list[str], name: str) -> pl.DataFrame:
    """Return some columns of a file as they are.

    Raises
    ------
    DumpError
        If the file is damaged, or holds more than ``MOST_ROWS``.
    """
    try:
        lazy = pl.scan_parquet(io.BytesIO(data))
        rows = lazy.select(pl.len()).collect().item()
        if rows > MOST_ROWS:
            raise DumpError(
                f"the table has {rows:,} rows, more than {MOST_ROWS:,}",
                where=name,
                remedy="divide it",
            )
        return lazy.select(columns).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(name, error) from None


def _text(value: Any, column: str, name: str, ours: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ")) if hasattr(value, "hour") else str(value.isoformat())
    if isinstance(value, pl.Series):
        value = value.to_list()
    if ours == "trace_path" and isinstance(value, list):
        return ".".join(str(one) for one in value)
    raise DumpError(
        "the value is a list or a table, not one text or number",
        where=f"{name}, column {quoted(column)}",
        remedy="flatten the table, or name another column",
    )


def double_text(value: float) -> str:
    """Return the shortest number that names a double, with an exponent where it may be rounded."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= EXACT_DOUBLE:
        return f"{Decimal(repr(value)):E}"
    return plain_decimal(Decimal(repr(value)))


def plain_decimal(value: Decimal) -> str:
    """Return a decimal number without exponent and without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _damaged(name: str, error: BaseException) -> DumpError:
    return DumpError(
        f"the file is no Parquet that can be read ({quoted(str(error)[:80])})",
        where=name,
        remedy="get an undamaged copy, or export it as CSV",
    )
