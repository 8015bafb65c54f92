"""Rows of JSON or Parquet with their nested columns as plain data; JSON numbers stay exact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainwatch.errors import DumpError
from chainwatch.sources.transfer_dump.json_rows import objects
from chainwatch.sources.transfer_dump.parquet_rows import is_parquet, parquet_names, read_frame
from chainwatch.sources.transfer_dump.table import text_of


def nested_rows(data: bytes, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table.

    Whole numbers of JSON are texts, and numbers with a point doubles.

    Parameters
    ----------
    data : bytes
        JSON (an object a line, or one list) or Parquet.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    DumpError
        If it is neither, or damaged.
    """
    if is_parquet(data):
        yield from read_frame(data, parquet_names(data, name), name).iter_rows(named=True)
        return
    text = text_of(data, name)
    if text.lstrip()[:1] not in ("{", "["):
        raise DumpError(
            "a table with nested columns is JSON or Parquet", where=name,
            remedy="export it again in one of these",
        )  # fmt: skip
    for _, row in objects(text, name, floats=float):
        yield row
