"""What amounts were worth when they were paid, by the prices that a ledger holds.

A price holds for the hour that it names and for no other: where that of the hour was not read, the
amount has no value here, and is counted as such. It is never filled from a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import ConservationError, TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.units import LARGEST_AMOUNT

DIGITS = 12
"""Decimal places of a price, as the ledger holds it."""

CENTS = 2
"""Decimal places of a value."""


@dataclass(frozen=True)
class Prices:
    """Prices of one asset in one currency, by the hour.

    Attributes
    ----------
    asset : Asset
        Of which a whole coin has the price.
    currency : str
        ISO 4217 code.
    by_hour : mapping of datetime to int
        At the start of an hour, the price in units of ``10 ** -DIGITS``.
    source : str
        Who published them; empty where none were read.
    """

    asset: Asset
    currency: str
    by_hour: Mapping[datetime, int]
    source: str = ""

    @classmethod
    def read(cls, ledger: Ledger, asset: Asset, currency: str, source: str | None) -> Prices:
        """Return the prices of an asset that a ledger holds, whatever the span.

        Raises
        ------
        TraceError
            If several sources price it and none is named, or the one named does not.
        """
        ours = (pl.col("asset") == asset.caip19) & (pl.col("currency") == currency)
        rows = ledger.history.prices.filter(ours).select("time", "price", "source").collect()
        sources = sorted(rows["source"].unique())
        if source is None and len(sources) > 1:
            raise TraceError(
                f"{len(sources)} sources price {asset.symbol} in {currency}: {', '.join(sources)}",
                remedy="name one: price_source=",
            )
        if source is not None and source not in sources:
            raise TraceError(
                f"no prices of {asset.symbol} in {currency} by {source!r} were read",
                remedy=f"name one of {', '.join(sources)}" if sources else "read prices first",
            )
        mine = rows.filter(source=source) if source else rows
        by_hour = {time: int(price.scaleb(DIGITS)) for time, price in
                   mine.select("time", "price").iter_rows()}  # fmt: skip
        return cls(asset, currency, by_hour, source or next(iter(sources), ""))

    def value(self, amount: int, when: datetime | None) -> int | None:
        """Return what an amount was worth, in units of the coin's and the price's digits together.

        None where the price of its hour was not read, or the time is not known.
        """
        if when is None:
            return None
        price = self.by_hour.get(when.replace(minute=0, second=0, microsecond=0))
        return None if price is None else amount * price

    def shown(self, value: int) -> Decimal:
        """Return a sum of such values in the currency, rounded down to hundredths."""
        cents = value // 10 ** (self.asset.decimals + DIGITS - CENTS)
        if cents > LARGEST_AMOUNT:
            raise ConservationError(
                f"a value in {self.currency} exceeds 38 digits",
                where=f"prices of {self.asset.symbol}",
                remedy="check the price and the decimals of the asset",
            )
        return Decimal(cents).scaleb(-CENTS)
