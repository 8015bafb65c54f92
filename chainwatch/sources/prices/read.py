"""``read_prices``: tables of fiat prices, CSV, JSON or Parquet, as exact decimals.

Nothing is guessed: what the columns do not say, whoever reads the table must. A row without a price
says that none is known, and is counted; a price of zero is refused, for feeds write it so as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, PriceError, expect
from chainwatch.ledger.prices import (
    LONGEST_PRICE,
    Prices,
    check_moment,
    check_price,
    currency_code,
    make_prices,
)
from chainwatch.ledger.schema import DAY, PRICES
from chainwatch.packed import file_bytes
from chainwatch.results.result import recorded
from chainwatch.sources.transfer_dump.mapping import TimeUnit
from chainwatch.sources.transfer_dump.parquet_rows import plain_decimal
from chainwatch.sources.transfer_dump.table import column_names, read_table
from chainwatch.sources.transfer_dump.times import read_time
from chainwatch.units import counted

FIELDS = ("chain", "contract", "currency", "granularity", "time", "price", "source")
"""What a column of a table of prices can say."""

Granularity = Literal["day", "hour"]


class Said(NamedTuple):
    """What holds for every row of a table; None where a column says it."""

    chain: str | None = None
    contract: bytes | None = None
    currency: str | None = None
    granularity: str | None = None
    source: str | None = None
    time_unit: TimeUnit = "iso"


@recorded
def read_prices(
    path: str | Path,
    *,
    asset: Asset | None = None,
    currency: str | None = None,
    granularity: Granularity | None = None,
    source: str | None = None,
    columns: Mapping[str, str] | None = None,
    time_unit: TimeUnit = "iso",
) -> Prices:
    """Read a table of prices.

    Parameters
    ----------
    path : path
        CSV, TSV or JSON (each may be packed as ``.gz``), or Parquet.
    asset : Asset, optional
        What all prices are of; else a column ``chain`` says it, and ``contract`` for tokens.
    currency : str, optional
        ISO 4217 code of all prices; else a column ``currency`` says it.
    granularity : {'day', 'hour'}, optional
        How long each price holds for; else a column of that name says it, and a time that is a day
        alone (2023-06-01) is a day's.
    source : str, optional
        Who published them; else a column ``source`` says it.
    columns : mapping of str to str, optional
        What is said (``time``, ``price``, ...) to the name of its column, such as
        ``{'time': 'Date', 'price': 'Close'}``. What is not named is in the column of its own name.
    time_unit : str
        How times are written, as in a :class:`DumpMapping`.

    Returns
    -------
    Prices
        A number with an exponent is written out. A double of Parquet is the shortest decimal that
        names it.

    Raises
    ------
    PriceError
        If the table does not say of what, in what currency, when, for how long or by whom; a price
        is none; or one key has two prices. The sentence names line and remedy.
    """
    said = Said(
        asset.chain if asset is not None else None, asset.contract if asset is not None else None,
        currency, granularity, source, time_unit,
    )  # fmt: skip
    if asset is not None and asset.contract is None:
        columns = {**(columns or {}), "contract": ""}  # the coin, whatever else a column says
    place = Path(path)
    if not place.is_file():
        raise InputError("there is no such file", where=place.name, remedy="check the path")
    return price_table(file_bytes(place, place.name, PriceError), said, columns or {}, place.name)


def price_table(
    data: bytes, said: Said, columns: Mapping[str, str], name: str, *, chain: str | None = None
) -> Prices:
    """Return the prices of a table, given as bytes; see :func:`read_prices`.

    ``chain`` is the one of rows that name none.
    """
    header = column_names(data, name)
    if chain is not None and "chain" not in columns and "chain" not in map(str.lower, header):
        said = said._replace(chain=chain)
    taken = _columns(header, said, columns, name)
    rows = read_table(data, taken, name)
    made: list[dict[str, Any]] = []
    empty = 0
    for row in rows.iter_rows(named=True):
        if row["price"].strip().lower() in _NONE:
            empty += 1
            continue
        made.append(_row(row, said, name))
    if not made:
        raise PriceError("no row of the table has a price", where=name, remedy="check the columns")
    notes = (f"{counted(empty, 'row has', 'rows have')} no price",) if empty else ()
    frame = pl.DataFrame(made, schema=PRICES.schema, orient="row")
    try:
        return make_prices(frame, notes)
    except PriceError as error:
        raise PriceError(error.what, where=error.where or name, remedy=error.remedy) from None


_NONE = ("", "null", "none", "nan", "n/a", "-")


def _columns(header: list[str], said: Said, given: Mapping[str, str], name: str) -> dict[str, str]:
    """Return which column says what, and refuse a table that leaves something open."""
    expect(given, Mapping, "columns", "give a table such as {'price': 'Close'}")
    unknown = [one for one in given if one not in FIELDS]
    if unknown:
        raise PriceError(
            f"a column cannot say {quoted(unknown[0])}", where=name,
            remedy=f"what it can say is {', '.join(FIELDS)}",
        )  # fmt: skip
    lower = {column.lower(): column for column in header}
    found = {one: given.get(one, lower.get(one, "")) for one in FIELDS}
    if said.chain is not None:
        found["chain"] = ""
    if said.contract is not None:
        found["contract"] = ""
    for one in ("currency", "granularity", "source"):
        if getattr(said, one) is not None and one not in given:
            found[one] = ""
    open_ones = [
        one
        for one in ("chain", "currency", "time", "price", "source")
        if not found[one] and (one in ("time", "price") or getattr(said, one) is None)
    ]
    if open_ones:
        has = ", ".join(quoted(column) for column in header[:30])
        what = "the asset" if open_ones[0] == "chain" else f"the {open_ones[0]}"
        raise PriceError(
            f"nothing says {what} of the prices", where=name,
            remedy=f"name it, or its column in columns; the columns are {has or 'none'}",
        )  # fmt: skip
    return {one: column for one, column in found.items() if column}


def _row(row: Mapping[str, str], said: Said, name: str) -> dict[str, Any]:
    where = f"{name} line {row['line']:,}"
    try:
        chain = chain_of(said.chain or row["chain"])
        token = row.get("contract", "")
        contract = canonical.parse(token, chain) if token else said.contract
        per, moment = _moment(row["time"], row.get("granularity") or said.granularity, said)
        return {
            "chain": chain.id, "contract": contract,
            "currency": currency_code(row.get("currency") or said.currency or ""),
            "granularity": per, "time": moment, "price": price_text(row["price"]),
            "source": _source(row.get("source") or said.source or ""),
        }  # fmt: skip
    except InputError as error:
        raise PriceError(
            error.what, where=where, remedy=error.remedy or "correct the cell"
        ) from None


def _moment(text: str, granularity: str | None, said: Said) -> tuple[str, datetime]:
    """Return of what a price is, and when that begins."""
    day = _day(text) if said.time_unit == "iso" else None
    if day is not None and granularity in (None, DAY):
        return DAY, day
    if granularity is None:
        raise PriceError(
            f"nothing says whether the price of {quoted(text)} is that of a day or of an hour",
            remedy="say granularity: day or hour",
        )
    moment = day or read_time(text, said.time_unit)
    check_moment(moment, granularity.lower())
    return granularity.lower(), moment


def _day(text: str) -> datetime | None:
    if len(text) != len("2023-06-01"):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def price_text(text: str) -> str:
    """Return a price as exact plain text: an exponent written out, zeros at the end left out.

    Raises
    ------
    PriceError
        If it is no number above zero, or longer than any price.
    """
    plain = text.strip()
    if not plain.isascii() or len(plain) > LONGEST_PRICE or "_" in plain:
        raise PriceError(f"{quoted(text)} is no price", remedy=_WRITE)
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise PriceError(f"{quoted(text)} is no price", remedy=_WRITE) from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > LONGEST_PRICE or value <= 0:
        raise PriceError(f"{quoted(text)} is no price", remedy=_WRITE)
    return check_price(plain_decimal(value))


_WRITE = (
    "write a number above zero with a point, without thousands, signs or symbols; leave the cell"
    " empty where no price is known"
)


def _source(text: str) -> str:
    if not text.strip():
        raise PriceError("nothing says who published the price", remedy="fill the cell")
    return text
