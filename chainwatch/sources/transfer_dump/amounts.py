"""Amounts as tables of transfers write them, to base units: exact, or refused."""

from __future__ import annotations

import re
from decimal import Decimal

import polars as pl

from chainwatch.addresses.diagnose import quoted
from chainwatch.errors import DumpError, InputError
from chainwatch.ledger import schema
from chainwatch.units import LARGEST_AMOUNT, from_text

LARGEST_WORD = 2**256 - 1
"""The largest amount that a contract can name."""

_WHOLE = re.compile(r"(?:[0-9]{1,100}|[0-9]{1,3}(?:,[0-9]{3}){1,33})(?:\.[0-9]{1,100})?")


def base_units(text: str) -> str:
    """Return a whole number of base units in its one plain form.

    Raises
    ------
    DumpError
        If it is none, or too wide for a contract.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= 100
    if not plain or int(text) > LARGEST_WORD:
        raise DumpError(
            f"{quoted(text)} is no amount in whole base units below 2^256",
            remedy="export amounts undivided by the decimals of the token, without signs, points"
            ' or exponents; or say amount_unit = "whole" where they are whole coins',
        )
    return str(int(text))


EXACT_DOUBLE = 2**53
"""Below this every whole number is a double; from here on a double stands for several."""

_DOUBLE = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")


def exact_double(text: str) -> str | None:
    """Return base units that passed through a double; None where digits may have been lost.

    Raises
    ------
    DumpError
        If it is no whole number.
    """
    value = Decimal(text) if _DOUBLE.fullmatch(text) else None
    if value is not None and value >= EXACT_DOUBLE:
        return None
    if value is None or value != int(value):
        raise DumpError(
            f"{quoted(text)} is no amount in whole base units",
            remedy="name the column of whole base units; a double of whole coins lost digits",
        )
    return str(int(value))


def whole_coins(text: str, decimals: int) -> str:
    """Return an amount in whole coins, such as ``1,234.56``, as base units.

    A comma may stand between thousands only: where it is a decimal comma, that is not read as
    thousands.

    Raises
    ------
    DumpError
        If it is no such number, has more digits than the token has decimals, or is too wide.
    """
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise DumpError(
            f"{quoted(text)} is no amount in whole coins",
            remedy="write it as 1234.56 or 1,234.56, without signs, symbols or exponents",
        )
    try:
        units = from_text(text.replace(",", ""), decimals)
    except InputError:
        raise DumpError(
            f"{quoted(text)} has more digits than the {decimals} decimals of its token",
            remedy="correct the decimals in the mapping, or export the amount exactly",
        ) from None
    if units > LARGEST_WORD:
        raise DumpError(
            f"{quoted(text)} is more than 2^256 base units", remedy="correct the decimals"
        )
    return str(units)


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
