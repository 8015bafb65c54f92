"""Rows of account chains: columns that a source has, filled up to the tables of the schema.

Sources of EVM chains and of Tron, by blocks and by address, give the columns that they know; what
they do not know is null, and what identifies transfers alike in all else is counted here alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from chainwatch.addresses.assets import made_or_burnt
from chainwatch.ledger import schema
from chainwatch.results.table import Table
from chainwatch.units import LARGEST_AMOUNT

WORD = 32
"""Bytes of a number of a contract, the largest amount there can be."""

_FILLED = {"order_uncertain": False, "sections": 1, "occurrence": 0}
_HIGH, _LOW = 10**38 >> 64, 10**38 & (2**64 - 1)


def wide_amounts(values: Iterable[int | None]) -> tuple[pl.Series, pl.Series]:
    """Return (amount, amount_hex) of whole numbers: null and hexadecimal where one is wider."""
    narrow: list[int | None] = []
    wide: list[str | None] = []
    for value in values:
        fits = value is None or value <= LARGEST_AMOUNT
        narrow.append(value if fits else None)
        wide.append(None if fits or value is None else hex(value))
    amounts = pl.Series("amount", narrow, pl.Int128).cast(schema.AMOUNT)
    return amounts, pl.Series("amount_hex", wide, pl.String)


def word_amounts(words: Sequence[bytes]) -> tuple[pl.Series, pl.Series]:
    """Return the same of numbers as contracts write them: 32 bytes, big-endian, many at once."""
    parts = np.frombuffer(b"".join(words), dtype=">u8").astype("u8").reshape(-1, 4)
    high, low = parts[:, 2], parts[:, 3]
    wide = (parts[:, 0] != 0) | (parts[:, 1] != 0)
    wide |= (high > _HIGH) | ((high == _HIGH) & (low >= _LOW))
    columns = pl.DataFrame({"high": np.where(wide, 0, high), "low": np.where(wide, 0, low)})
    whole = pl.col("high").cast(pl.Int128) * (1 << 64) + pl.col("low").cast(pl.Int128)
    kept = pl.Series(~wide)
    amounts = columns.select(
        pl.when(kept).then(whole).cast(schema.AMOUNT).alias("amount")
    ).to_series()
    texts: list[str | None] = [None] * len(words)
    for place in np.flatnonzero(wide).tolist():
        texts[place] = hex(int.from_bytes(words[place], "big"))
    return amounts, pl.Series("amount_hex", texts, pl.String)


def rows_of(table: Table, chain: str, columns: Mapping[str, Any], count: int) -> pl.DataFrame:
    """Return rows of a table; a column that is not given is null, or what ``_FILLED`` says.

    Parameters
    ----------
    table : Table
        Of the schema.
    chain : str
        CAIP-2 id.
    columns : mapping of str to list or Series
        Those that the source knows, all of one length; a single value stands for every row.
    count : int
        How many rows.
    """
    made = []
    for name, dtype in table.schema.items():
        value = chain if name == "chain" else columns.get(name, _FILLED.get(name))
        if isinstance(value, pl.Series):
            made.append(value.alias(name).cast(dtype))
        elif isinstance(value, list):
            made.append(pl.Series(name, value, dtype=dtype))
        else:
            made.append(pl.Series(name, [value], dtype=dtype).new_from_index(0, count))
    return pl.DataFrame(made)


def transfer_rows(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return transfers together: mints and burns by name, and those alike in all else counted."""
    rows = pl.concat(frames) if frames else schema.TRANSFERS.empty()
    alike = [name for name in schema.TRANSFERS.key if name != "occurrence"]
    return (
        rows.with_columns(made_or_burnt(pl.col("kind")).alias("kind"))
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over(alike).alias("occurrence"))
    )  # fmt: skip
