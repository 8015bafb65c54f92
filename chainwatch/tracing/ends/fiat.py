"""What the ends of a trace were worth when they were paid, by the prices that a ledger holds.

A price holds for the hour that it names, or else for the day, and for no other: where neither was
read, the amount has no value here, and is counted as such. It is never filled from a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from chainwatch.addresses.assets import Asset
from chainwatch.errors import ConservationError, TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import currency_code, minor_digits, prices_of, worth
from chainwatch.ledger.schema import DAY, HOUR
from chainwatch.units import LARGEST_AMOUNT

PLACES = 4
"""Decimal places of a column of values: the minor unit of no currency has more."""


@dataclass(frozen=True)
class Worth:
    """What amounts of one asset were worth in one currency.

    Attributes
    ----------
    asset : Asset
        Of which a whole coin has the price.
    currency : str
        ISO 4217 code.
    by_hour, by_day : mapping of datetime to str
        The exact price of each hour and day, at its start.
    source : str
        Who published them; empty where none were read.
    """

    asset: Asset
    currency: str
    by_hour: Mapping[datetime, str]
    by_day: Mapping[datetime, str]
    source: str = ""

    @classmethod
    def read(cls, ledger: Ledger, asset: Asset, currency: str, source: str | None) -> Worth:
        """Return the prices of an asset that a ledger holds, whatever the span.

        Raises
        ------
        TraceError
            If several sources price it and none is named, or the one named does not.
        PriceError
            If the currency is none.
        """
        code = currency_code(currency)
        every = prices_of(ledger)
        held = every.frame.filter(chain=asset.chain, currency=code)
        held = held.filter(held["contract"].eq_missing(asset.contract))
        sources = sorted(held["source"].unique())
        if source is None and len(sources) > 1:
            raise TraceError(
                f"{len(sources)} sources price {asset.symbol} in {code}: {', '.join(sources)}",
                remedy="name one: price_source=",
            )
        if source is not None and source not in sources:
            raise TraceError(
                f"no prices of {asset.symbol} in {code} by {source!r} were read",
                remedy=f"name one of {', '.join(sources)}" if sources else "read prices first",
            )
        mine = every.of(asset, code, source=source)
        by = {
            name: dict(mine.filter(granularity=name).select("time", "price").iter_rows())
            for name in (HOUR, DAY)
        }
        return cls(asset, code, by[HOUR], by[DAY], source or next(iter(sources), ""))

    @property
    def spans(self) -> str:
        """Of what the prices are: the hour of each payment, its day, or either."""
        if self.by_hour and self.by_day:
            return "hour, or else the day,"
        return "day" if self.by_day else "hour"

    def value(self, amount: int, when: datetime | None) -> Fraction | None:
        """Return what an amount in base units was worth, exactly.

        None where the price of its hour or day was not read, or the time is not known.
        """
        if when is None:
            return None
        hour = when.replace(minute=0, second=0, microsecond=0)
        price = self.by_hour.get(hour) or self.by_day.get(hour.replace(hour=0))
        return worth(amount, price, self.asset.decimals)

    def shown(self, value: Fraction) -> Decimal:
        """Return a sum of such values in the currency, rounded down to its minor unit."""
        digits = minor_digits(self.currency)
        minor = value.numerator * 10**digits // value.denominator
        if minor * 10 ** (PLACES - digits) > LARGEST_AMOUNT:
            raise ConservationError(
                f"a value in {self.currency} exceeds 38 digits",
                where=f"prices of {self.asset.symbol}",
                remedy="check the price and the decimals of the asset",
            )
        return Decimal(minor).scaleb(-digits)
