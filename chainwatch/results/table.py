"""What a table is: a key and columns with type, unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.results.casts import conform


@dataclass(frozen=True)
class Column:
    """One column: its name, polars type, unit (if it has one) and meaning."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its key (unique, and the order of its content digest) and its columns."""

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Column names and polars types, in order."""
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame in this table's columns and types; refuse what does not fit.

        Raises
        ------
        LedgerError
            If a column is missing or unknown, a type cannot be cast without loss, or a column
            that is never null holds a null.
        """
        required = [column.name for column in self.columns if not column.nullable]
        return conform(frame, self.name, self.schema, required)
