"""What is little: an amount in base units that was stated, or what it was worth on its day."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import InputError
from chainwatch.ledger.prices import Prices, minor_digits

SMALL_WORTH = 200
"""Whole units of the currency: half of the gifts to campaigns that investigators described were
worth less (in dollars). A choice; it is written into every result."""


@dataclass(frozen=True)
class Little:
    """The largest amount that is little.

    Attributes
    ----------
    units : int or None
        In base units; it speaks before prices.
    prices : Prices or None
        By which an amount is worth something on its day.
    currency : str
        Of these prices.
    worth : int
        In whole units of the currency.
    source : str or None
        Whose prices alone are taken.
    """

    units: int | None
    prices: Prices | None
    currency: str
    worth: int
    source: str | None = None

    def __post_init__(self) -> None:
        for value in (self.units, self.worth):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise InputError(
                    "what is small is no whole number",
                    remedy="write base units, such as small=1_000_000, or worth=200 with prices=",
                )
            if value is not None and value < 1:
                raise InputError(f"what is small is {value}", remedy="give an amount of at least 1")

    def of(self, paid: pl.DataFrame, asset: Asset) -> pl.DataFrame:
        """Return payments with ``small``: whether each was little; null where that is not known.

        An amount of more than 38 digits is not little.
        """
        if self.units is not None:
            small = (pl.col("amount") <= self.units).fill_null(False)
            return paid.with_columns(small.alias("small"))
        if self.prices is None:
            little = pl.when(pl.col("amount").is_null()).then(False)
            return paid.with_columns(little.cast(pl.Boolean).alias("small"))
        priced = self.prices.of_rows(paid, asset, self.currency, source=self.source)
        # A worth is rounded down to its minor unit: at the bound an amount is little if its
        # rounded worth is.
        most = self.worth * 10 ** minor_digits(self.currency)
        small = pl.when(pl.col("amount").is_null()).then(False).otherwise(pl.col("value") <= most)
        return priced.with_columns(small.alias("small")).select(*paid.columns, "small")

    def said(self, asset: Asset) -> str:
        """Return in words what is little."""
        if self.units is not None:
            return f"up to {asset.shown(self.units)} a payment"
        if self.prices is None:
            return "not stated, so that nobody is called a likely consumer or a small donor"
        return f"worth up to {self.worth:,} {self.currency.upper()} a payment on its day"
