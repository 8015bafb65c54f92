"""Columns of values to frames of the schema: what is missing is null where it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from chainwatch.ledger import schema

Columns = dict[str, Any]
"""Values by column of a table, without the chain, times in seconds."""


def frame_of(table: schema.Table, columns: Mapping[str, Any], chain: str) -> pl.DataFrame:
    """Return columns as a frame of the schema.

    Parameters
    ----------
    table : Table
        The table.
    columns : mapping
        Its columns but ``chain``; times in seconds. One that may be null can be left out.
    chain : str
        CAIP-2 id of all rows.

    Raises
    ------
    KeyError
        If a column is missing that may not be null.
    """
    rows = len(columns[next(column.name for column in table.columns if column.name != "chain")])
    return pl.DataFrame([_series(column, columns, chain, rows) for column in table.columns])


def _series(column: schema.Column, columns: Mapping[str, Any], chain: str, rows: int) -> pl.Series:
    name, dtype = column.name, column.dtype
    if name == "chain":
        return pl.repeat(chain, rows, dtype=pl.String, eager=True).alias(name)
    if name not in columns and column.nullable:
        return pl.repeat(None, rows, dtype=dtype, eager=True).alias(name)
    values = columns[name]
    if dtype == schema.TIME:
        return (pl.Series(name, values, pl.Int64) * 1_000_000).cast(schema.TIME)
    return values.alias(name) if isinstance(values, pl.Series) else pl.Series(name, values, dtype)
