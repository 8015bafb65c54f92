"""What payments were worth in a currency, and bands and list prices that are compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.ledger.prices import minor_digits
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import narrow
from chainwatch.typologies.typology import Lacking, NotJudged

NO_LIMIT = 10**30
"""Whole units of any currency that nobody has."""


def worths(flows: Flows, rows: Rows, currency: str, units: int = 0) -> NDArray[Any]:
    """Return what payments were worth in minor units, rounded down; -1 where it is not known.

    Parameters
    ----------
    flows, rows : Flows, array of int64
        The payments.
    currency : str
        ISO 4217 code; an empty one stands for base units of the asset.
    units : int
        Base units that one whole unit of the currency is worth, on every day; 0 asks the prices.
    """
    amounts = flows.amount[rows]
    if not currency:
        return amounts
    if units:
        return narrow(amounts.astype(object) * 10 ** minor_digits(currency) // units)
    return narrow(flows.worth(currency, amounts, rows))


def lacking_prices(flows: Flows, currency: str, units: int) -> Iterator[Lacking]:
    """Yield that prices lack, where a currency is asked for and nothing says what it was worth."""
    if not units and flows.prices is None:
        yield Lacking(f"prices in {currency}, or how many base units one {currency} is worth")


def unpriced(values: NDArray[Any], currency: str) -> Iterator[NotJudged]:
    """Yield how many payments have no price."""
    if count := int((values < 0).sum()):
        yield NotJudged(f"payments without a price in {currency}", count)


def in_worth(values: NDArray[Any], least: int, most: int, currency: str) -> NDArray[np.bool_]:
    """Return which values are from so many to so many whole units of a currency, both included."""
    unit = 10 ** minor_digits(currency)
    return np.asarray((values >= least * unit) & (values <= most * unit), np.bool_)


def of_size(
    flows: Flows, rows: Rows, least: int, most: int, currency: str, units: int
) -> tuple[NDArray[np.bool_], list[NotJudged]]:
    """Return which of all payments are among some and of a size, and how many have no price.

    Parameters
    ----------
    flows, rows : Flows, array of int64
        The payments, and those to ask.
    least, most : int
        Whole units of the currency, both included.
    currency, units
        As of :func:`worths`.
    """
    values = worths(flows, rows, currency, units)
    found = np.zeros(len(flows), np.bool_)
    found[rows[in_worth(values, least, most, currency)]] = True
    return found, list(unpriced(values, currency))


__all__ = ["NO_LIMIT", "in_worth", "lacking_prices", "of_size", "unpriced", "worths"]
