"""Texts of a table of transfers to typed values; the first cell that does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, DumpError, InputError
from chainwatch.ledger import schema
from chainwatch.sources.transfer_dump.mapping import DumpMapping
from chainwatch.units import LARGEST_AMOUNT

# No public chain is older than Bitcoin; a time beyond 2100 is one in another unit.
_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LARGEST_WORD = 2**256 - 1
_LONGEST_TAG = 1_000
_REMEDY = "correct the cell, or the column in the mapping"
_PER_SECOND = {"s": 1, "ms": 1_000}

Cell = Callable[[str], Any]


def read_cells(table: pl.DataFrame, mapping: DumpMapping, name: str) -> pl.DataFrame:
    """Return the table with every text read as what its column holds.

    Parameters
    ----------
    table : polars.DataFrame
        ``line`` and text columns, as :func:`chainwatch.sources.transfer_dump.table.read_table`
        gives.
    mapping : DumpMapping
        Says the unit of time, the word for success and the chain.
    name : str
        Name of the file, for error messages.

    Returns
    -------
    polars.DataFrame
        ``line, txid, time, contract, sender, receiver, units`` (the exact amount as text),
        ``symbol, decimals, status, success, section, sender_tag, receiver_tag``; null where the
        mapping names no column. ``section`` is an address.

    Raises
    ------
    AddressError
        If the first bad cell should be an address or a transaction id.
    DumpError
        If it should be anything else.
    """
    readers = _readers(mapping)
    columns: dict[str, pl.Series] = {"line": table["line"]}
    problems: list[tuple[int, int, InputError]] = []
    for place, (column, (dtype, read)) in enumerate(readers.items()):
        given = "result" if column == "success" else "amount" if column == "units" else column
        if given not in table.columns:
            columns[column] = pl.Series(column, [None] * table.height, dtype)
            continue
        values, problem = _convert(table[given], dtype, read)
        columns[column] = values.rename(column)
        if problem:
            row, error = problem
            line = table["line"][row]
            where = f"{name} line {line:,}, column {quoted(mapping.columns()[given])}"
            problems.append(
                (line, place, type(error)(error.what, where=where, remedy=error.remedy or _REMEDY))
            )
    if problems:
        raise min(problems, key=lambda problem: problem[:2])[2]
    return pl.DataFrame(columns)


def _readers(mapping: DumpMapping) -> dict[str, tuple[pl.DataType | type[pl.DataType], Cell]]:
    """Return type and reader of every column, in the order in which problems are named."""
    chain = chain_of(mapping.chain)
    address = pl.Binary, partial(canonical.parse, chain=chain)
    return {
        "txid": (pl.Binary, partial(canonical.parse_txid, chain=chain)),
        "time": (schema.TIME, partial(_time, unit=mapping.time_unit)),
        "contract": address,
        "sender": address,
        "receiver": address,
        "units": (pl.String, _units),
        "symbol": (pl.String, _verbatim),
        "decimals": (pl.Int64, _decimals),
        "status": (pl.String, _verbatim),
        "success": (pl.Boolean, lambda text: text == mapping.success if text else None),
        "section": address,
        "sender_tag": (pl.String, _tag),
        "receiver_tag": (pl.String, _tag),
    }


def _convert(
    texts: pl.Series, dtype: pl.DataType | type[pl.DataType], read: Cell
) -> tuple[pl.Series, tuple[int, InputError] | None]:
    """Read each distinct text once; stop at the first, in order of rows, that does not fit."""
    known: dict[str, Any] = {}
    for text in texts.unique(maintain_order=True):
        try:
            known[text] = read(text)
        except (AddressError, DumpError) as error:
            row = texts.index_of(text)
            return pl.Series([], dtype=dtype), (row or 0, error)
    made = pl.DataFrame({"text": pl.Series(list(known), dtype=pl.String),
                         "made": pl.Series(list(known.values()), dtype=dtype)})  # fmt: skip
    given = texts.rename("text").to_frame()
    return given.join(made, on="text", how="left", maintain_order="left")["made"], None


def _time(text: str, unit: str) -> datetime:
    moment = _iso(text) if unit == "iso" else _epoch(text, _PER_SECOND[unit])
    if moment is None or not _EARLIEST <= moment < _LATEST:
        raise DumpError(
            f"{quoted(text)} is no time between {_EARLIEST.year} and {_LATEST.year}",
            remedy=f"correct the cell, or the unit of time in the mapping ({unit})",
        )
    return moment


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _epoch(text: str, per_second: int) -> datetime | None:
    if not _is_number(text, 16):
        return None
    seconds, rest = divmod(int(text), per_second)
    if seconds >= _LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1_000_000 // per_second)


def _units(text: str) -> str:
    """Return a whole number of base units in its one plain form."""
    if not _is_number(text, 100) or int(text) > _LARGEST_WORD:
        raise DumpError(
            f"{quoted(text)} is no amount in whole base units below 2^256",
            remedy="export amounts undivided by the decimals of the token, without signs, points"
            " or exponents",
        )
    return str(int(text))


def amounts(units: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return (amount, amount_hex): the amount, or null and its hexadecimal form where it is wider.

    Parameters
    ----------
    units : polars.Series
        Whole numbers as text.
    """
    wide = units.str.len_chars() > len(str(LARGEST_AMOUNT))
    narrow = pl.select(pl.when(~wide).then(units)).to_series().cast(schema.AMOUNT)
    texts = [hex(int(text)) if is_wide else None for text, is_wide in zip(units, wide, strict=True)]
    return narrow.alias("amount"), pl.Series("amount_hex", texts, pl.String)


def _decimals(text: str) -> int | None:
    if text and (not _is_number(text, 3) or int(text) > 255):
        raise DumpError(
            f"{quoted(text)} is no count of decimals (0 to 255)",
            remedy="correct the cell, or leave decimals out of the mapping",
        )
    return int(text) if text else None


def _verbatim(text: str) -> str | None:
    return text or None


def _tag(text: str) -> str | None:
    if len(text) > _LONGEST_TAG:
        raise DumpError(
            f"a name tag has {len(text):,} characters, more than {_LONGEST_TAG:,}",
            remedy="correct the cell, or leave the tags out of the mapping",
        )
    return text or None


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits
