"""Amounts are integers in base units; this module alone turns them into text and adds them up."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import polars as pl

from chainwatch.errors import InputError

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
    head, _, tail = text.strip().partition(".")
    sign = -1 if head.startswith("-") else 1
    digits = head.lstrip("+-")
    plain = (digits + tail).isascii() and (digits + tail).isdigit()
    if not plain or len(tail.rstrip("0")) > decimals:
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


def exact_sum(column: str) -> pl.Expr:
    """Sum a column of amounts as 38-digit decimals, which do not wrap."""
    return pl.col(column).cast(AMOUNT).sum()
