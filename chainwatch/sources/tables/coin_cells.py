"""Cells of tables of coin chains: whole numbers, texts and times, however dumps write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError
from chainwatch.sources.transfer_dump.times import read_time

_LONGEST = 40


def whole(value: Any, where: str, column: str) -> int:
    """Return a whole number, which dumps write as a number, a decimal, or a text.

    Raises
    ------
    DumpError
        If it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value.is_finite() and value == int(value):
        return int(value)
    text = value if isinstance(value, str) and len(value) <= _LONGEST else ""
    bare = text.removeprefix("-")
    if bare.isascii() and bare.isdigit():
        return int(text)
    raise DumpError(
        f"{quoted(str(value))} is no whole number", where=f"{where}, column {quoted(column)}",
        remedy="export the table again; whole numbers must not become floating-point numbers",
    )  # fmt: skip


def texts_of(row: Mapping[str, Any], column: str, where: str) -> str:
    """Return the text in a column.

    Raises
    ------
    DumpError
        If there is none.
    """
    value = row.get(column)
    if not isinstance(value, str):
        raise DumpError(f"the row has no {column}", where=where, remedy="export the table again")
    return value


def seconds(value: Any, where: str) -> int:
    """Return a time as seconds since 1970: given so, as a time, or as a text in UTC.

    Raises
    ------
    DumpError
        If it is none, or has parts of a second.
    """
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    elif isinstance(value, str) and not value.isdigit():
        try:
            moment = read_time(value, "iso")
        except DumpError as error:
            raise DumpError(error.what, where=where, remedy=error.remedy) from None
    else:
        return whole(value, where, "time")
    if moment.microsecond:
        raise DumpError("a time has parts of a second", where=where, remedy="blocks have none")
    return int(moment.timestamp())


def block_of(row: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
    """Return a row of blocks as bitcoin-etl writes it."""
    where = f"{name} row {number:,}"
    return {
        "hash": texts_of(row, "hash", where),
        "number": whole(row.get("number"), where, "number"),
        "size": whole(row.get("size"), where, "size"),
        "version": whole(row.get("version"), where, "version"),
        "merkle_root": texts_of(row, "merkle_root", where),
        "timestamp": seconds(row.get("timestamp"), where),
        "nonce": _hexadecimal(row.get("nonce"), where, "nonce"),
        "bits": _hexadecimal(row.get("bits"), where, "bits"),
        "coinbase_param": texts_of(row, "coinbase_param", where),
        "transaction_count": whole(row.get("transaction_count"), where, "transaction_count"),
    }


def _hexadecimal(value: Any, where: str, column: str) -> str:
    """Return a 32-bit number as its hexadecimal digits; a text has them already."""
    if isinstance(value, str):
        return value.removeprefix("0x")
    return f"{whole(value, where, column):x}"
