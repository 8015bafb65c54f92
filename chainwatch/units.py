"""Amounts are integers in base units; this module alone turns them into text and adds them up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

import polars as pl

from chainwatch.errors import ConservationError, InputError

AMOUNT = pl.Decimal(38, 0)
"""The type of an amount in every result: 38 decimal digits, no fraction."""

LARGEST_AMOUNT = 10**38 - 1
"""The largest amount an ``AMOUNT`` column holds; a wider one is kept as hexadecimal text."""


MOST_DECIMALS = 38
"""A token that states more decimals is shown in base units alone."""


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


WIDE = Context(prec=80)
"""Arithmetic that rounds no decimal which a column can hold: the default keeps 28 digits."""


def places_of(value: Decimal) -> int:
    """Return how many digits a decimal holds behind the point: amounts, in base units, none.

    Examples
    --------
    >>> places_of(Decimal("0.500000000")), places_of(Decimal(5))
    (9, 0)
    """
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def split(amount: int | None) -> tuple[Decimal | None, str | None]:
    """Return an amount as columns hold it: a number, or null and its text where it is wider.

    Examples
    --------
    >>> split(7), split(10**38)
    ((Decimal('7'), None), (None, '0x4b3b4ca85a86c47a098a224000000000'))
    """
    if amount is None:
        return None, None
    return (Decimal(amount), None) if abs(amount) <= LARGEST_AMOUNT else (None, hex(amount))


def whole(amount: int | Decimal | None, wider: str | None) -> int | None:
    """Return an amount of which columns hold a number, or its hexadecimal text where it is wider.

    Examples
    --------
    >>> whole(7, None), whole(None, "0x10"), whole(None, None)
    (7, 16, None)
    """
    if amount is not None:
        return int(amount)
    return None if wider is None else int(wider, 16)


def sums(
    rows: pl.DataFrame, keys: Sequence[str], amount: str = "amount", wider: str = "amount_hex"
) -> dict[tuple[Any, ...], int | None]:
    """Sum amounts group by group, exactly and however wide they are.

    Parameters
    ----------
    rows : polars.DataFrame
        With the keys, and amounts in two columns: numbers, and texts of those that are wider.
    keys : sequence of str
        Columns that make a group.
    amount, wider : str
        Names of the two columns.

    Returns
    -------
    dict
        The sum of each group; None where an amount of it is not known.
    """
    given = pl.col(amount).cast(AMOUNT).cast(pl.Int128)
    unknown = pl.col(amount).is_null() & pl.col(wider).is_null()
    parts = rows.group_by(keys).agg(
        (given // _HALF).sum().alias("high"),
        (given % _HALF).sum().alias("low"),
        unknown.any().alias("unknown"),
    )
    found = {tuple(key): (high * _HALF + low, lost) for *key, high, low, lost in parts.iter_rows()}
    beyond = rows.filter(pl.col(amount).is_null() & pl.col(wider).is_not_null())
    for *key, text in beyond.select(*keys, wider).iter_rows():
        so_far, lost = found[tuple(key)]
        found[tuple(key)] = so_far + int(text, 16), lost
    return {key: None if lost else amount_ for key, (amount_, lost) in found.items()}


def share_text(share: float) -> str:
    """Return a share to three decimals, cut off: never more than it is, so that 0.9996 is no one.

    Parameters
    ----------
    share : float
        From 0 to 1, such as how often a rule was right.
    """
    return str(Decimal(repr(float(share))).quantize(Decimal("0.001"), ROUND_DOWN))


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {one if count == 1 else many}"
