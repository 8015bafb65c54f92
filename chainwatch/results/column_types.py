"""Brings a frame to the columns and types of a table; refuses a cast that could change a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from chainwatch.errors import LedgerError

DataType = pl.DataType | type[pl.DataType]


def conform(
    frame: pl.DataFrame, name: str, wanted: Mapping[str, DataType], required: Collection[str]
) -> pl.DataFrame:
    """Return a frame in the columns, order and types of a table.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows.
    name : str
        Name of the table, for the message.
    wanted : mapping of str to polars data type
        Columns of the table.
    required : collection of str
        Columns that are never null.

    Raises
    ------
    LedgerError
        If a column is missing or unknown, its type differs in kind (a float for an integer, a
        time without a zone), a value does not fit, or a required one is null.
    """
    if set(frame.columns) != set(wanted):
        odd = sorted(set(frame.columns) ^ set(wanted))
        raise LedgerError(f"table {name} does not have the columns {odd}")
    cast = [
        cast_exactly(frame[column], dtype, f"{name}.{column}") for column, dtype in wanted.items()
    ]
    for series in cast:
        if series.name in required and series.null_count():
            raise LedgerError(f"{name}.{series.name} may not be null")
    return pl.DataFrame(cast)


def cast_exactly(column: pl.Series, wanted: DataType, where: str) -> pl.Series:
    """Return a column in another type with the same values; ``where`` names it in the message."""
    if column.dtype == wanted:
        return column
    if not _same_kind(column.dtype, wanted):
        raise LedgerError(
            f"a column of {column.dtype} cannot become {wanted} without loss",
            where=where,
            remedy="give whole numbers, bytes, or times with their zone",
        )
    try:
        return column.cast(wanted, strict=True)
    except pl.exceptions.PolarsError as error:
        raise LedgerError(f"a value does not fit into {wanted}", where=where) from error


def _same_kind(given: DataType, wanted: DataType) -> bool:
    if given == pl.Null:
        return True
    if isinstance(wanted, pl.Decimal):
        return given.is_integer() or (isinstance(given, pl.Decimal) and given.scale <= wanted.scale)
    if wanted.is_integer():
        return given.is_integer() or (isinstance(given, pl.Decimal) and given.scale == 0)
    if isinstance(wanted, pl.Datetime):
        # Nanoseconds would be cut; a time without a zone could be anywhere.
        zoned = isinstance(given, pl.Datetime) and given.time_zone is not None
        return zoned and given != pl.Datetime("ns", "*")
    return wanted == pl.String and isinstance(given, (pl.Categorical, pl.Enum))
