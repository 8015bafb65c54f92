"""Amounts are integers in base units; this module alone turns them into text and adds them up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import polars as pl

from chainwatch.errors import ConservationError, InputError

AMOUNT = pl.Decimal(38, 0)
"""The type of an amount in every result: 38 decimal digits, no fraction."""

LARGEST_AMOUNT = 10**38 - 1
"""The largest amount an ``AMOUNT`` column holds; a wider one is kept as hex, its total unknown."""


def to_text(amount: int | Decimal | None, decimals: int, *, group: bool = False) -> str:
    """Write base units as a decimal number, exactly and without trailing zeros.

    Parameters
    ----------
    amount : int, Decimal or None
        Base units (satoshi, wei, ...). ``None`` is an unknown amount.
    decimals : int
        Digits after the point of one whole coin.
    group : bool
        Separate thousands with a comma.

    Returns
    -------
    str
        ``"0.388"``; ``"unknown"`` for ``None``.

    Examples
    --------
    >>> to_text(38_800_000, 8), to_text(-5, 2), to_text(None, 8)
    ('0.388', '-0.05', 'unknown')
    """
    if amount is None:
        return "unknown"
    sign, units = ("-" if amount < 0 else ""), abs(int(amount))
    whole, part = divmod(units, 10**decimals)
    head = f"{whole:,}" if group else str(whole)
    tail = str(part).rjust(decimals, "0").rstrip("0") if part else ""
    return f"{sign}{head}.{tail}" if tail else f"{sign}{head}"


def from_text(text: str, decimals: int) -> int:
    """Read a decimal number as base units; refuse what would have to be rounded.

    Raises
    ------
    InputError
        If the text is no plain decimal number or has more digits than the unit.

    Examples
    --------
    >>> from_text("0.388", 8)
    38800000
    """
    found = re.fullmatch(r"([+-]?)([0-9]*)(?:\.([0-9]*))?", text.strip())
    mark, digits, tail = (part or "" for part in found.groups()) if found else ("", "", "")
    sign = -1 if mark == "-" else 1
    if not (digits or tail) or len(tail.rstrip("0")) > decimals:
        raise InputError(
            f"{text!r} is not an amount of at most {decimals} decimals",
            remedy="write it as a plain decimal number",
        )
    scale: int = 10**decimals
    part = int(tail.rstrip("0").ljust(decimals, "0") or "0")
    return sign * (int(digits or "0") * scale + part)


def total(amounts: pl.Series | Iterable[int | Decimal | None]) -> int:
    """Add amounts exactly, as Python integers; an unknown amount (null) is an error.

    Polars adds 64-bit integers modulo 2**64 without a word, so sums never rest on it.

    Raises
    ------
    InputError
        If any amount is null: its total is *unknown*, and the caller must say so.
    """
    values = amounts.to_list() if isinstance(amounts, pl.Series) else list(amounts)
    if any(value is None for value in values):
        raise InputError("a total over unknown amounts is unknown", remedy="count the nulls apart")
    return sum((int(value) for value in values if value is not None), 0)


def exact_sum(amounts: str | pl.Expr) -> pl.Expr:
    """Sum amounts, given as a column or expression, exactly and group by group; nulls left out.

    Sums of polars wrap or fail without saying which amount did it: integers at their width,
    decimals beyond 38 digits. So the upper and the lower digits are added apart, as integers of
    128 bits, and put together where they fit.

    Raises
    ------
    ConservationError
        When it is computed, if a total exceeds 38 digits.
    """
    given = pl.col(amounts) if isinstance(amounts, str) else amounts
    wide = given.cast(AMOUNT).cast(pl.Int128)
    parts = pl.struct((wide // _HALF).sum().alias("high"), (wide % _HALF).sum().alias("low"))
    summed = parts.map_batches(_whole, return_dtype=AMOUNT, is_elementwise=True)
    return summed.alias(amounts) if isinstance(amounts, str) else summed


_HALF = 10**19


def _whole(parts: pl.Series) -> pl.Series:
    """Put sums of upper and lower digits together; refuse what 38 digits do not hold."""
    low, high = pl.col("low"), pl.col("high")
    halves = parts.struct.unnest().select(high + low // _HALF, low % _HALF)
    if (halves["high"].abs() >= _HALF).any():
        raise ConservationError(
            "a total exceeds 38 digits",
            remedy="no token holds as much: look at the largest amounts, or leave the asset out",
        )
    return halves.select(high * _HALF + low).to_series().cast(AMOUNT)


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {one if count == 1 else many}"
