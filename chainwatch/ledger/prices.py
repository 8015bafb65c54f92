"""``Prices``: what a coin cost by day or hour, and what an amount was worth when it moved.

The price of a transfer is that of the hour in which it lies, where there is one, or else of its
day: an equality, and the finest that is there. A moment without a price has none. The price of
another hour, however near, is never taken in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import PriceError, expect
from chainwatch.ledger.currencies import CODES, UNLIKE_HUNDREDTHS
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import DAY, HOUR, PRICES, TIME
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows
from chainwatch.units import AMOUNT, LARGEST_AMOUNT, counted

GRANULARITIES = {HOUR: "1h", DAY: "1d"}
"""How long a price may hold for, the finest first, and the step of time that it is."""

_PRICE = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
LONGEST_PRICE = 60
"""Characters of a price; more are no price of anything."""

PRICED = (
    Column("price", pl.String, Privacy.TEXT, "price of one whole coin then", "currency", True),
    Column("price_per", pl.String, Privacy.WORD, "hour or day that the price is of", "", True),
    Column("price_source", pl.String, Privacy.TEXT, "who published the price", "", True),
    Column(
        "value", AMOUNT, Privacy.NUMBER,
        "what it was worth, rounded down; null where no price of its hour or day was read",
        "minor units of the currency", True,
    ),
)  # fmt: skip
"""The columns that :meth:`Prices.of_rows` adds."""


class Value(NamedTuple):
    """What some amounts were worth together.

    Attributes
    ----------
    known : fractions.Fraction
        Exact sum over the amounts that have a price, in whole currency.
    unpriced : int
        Amounts that are unknown, or have no price: they are not in the sum.
    currency : str
        ISO 4217 code.
    """

    known: Fraction
    unpriced: int
    currency: str

    @property
    def minor(self) -> int:
        """The sum in minor units of the currency (cents), rounded down once."""
        return int(self.known * 10 ** minor_digits(self.currency))


@dataclass(frozen=True, repr=False, eq=False)
class Prices(Result):
    """Prices of assets; made by :func:`read_prices` or :func:`prices_of`.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of ``schema.PRICES``, sorted by its key.
    notes : tuple of str
        What was left out in reading them.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the content digest is of."""
        return {"prices": PRICES.rows(self.frame)}

    def of(self, asset: Asset, currency: str, *, source: str | None = None) -> pl.DataFrame:
        """Return the prices of an asset in a currency, one for each granularity and time.

        Where several sources say the same price of one time, the first by name stands.

        Parameters
        ----------
        asset : Asset
            A coin or a token; prices of another token, whatever its symbol, are not taken.
        currency : str
            ISO 4217 code.
        source : str, optional
            Whose prices alone are taken.

        Raises
        ------
        PriceError
            If two sources say different prices of one time, and none is named.
        """
        expect(asset, Asset, "asset", "name one: native('eth') or token(...)")
        code = currency_code(currency)
        mine = pl.col("contract").eq_missing(pl.lit(asset.contract, pl.Binary))
        rows = self.frame.filter((pl.col("chain") == asset.chain) & (pl.col("currency") == code))
        rows = rows.filter(mine)
        if source is not None:
            rows = rows.filter(pl.col("source") == source)
        moment = ["granularity", "time"]
        odd = rows.filter(pl.col("price").n_unique().over(moment) > 1).sort(*moment, "source")
        if odd.height:
            first, second = odd["source"].unique(maintain_order=True)[:2]
            raise PriceError(
                f"{quoted(first)} and {quoted(second)} name different prices of {asset.symbol} in"
                f" {code} for the {odd['granularity'][0]} of {odd['time'][0]:%Y-%m-%d %H:%M}",
                remedy="name one of them as source",
            )
        return rows.sort("source").unique(moment, keep="first").sort(moment)

    def of_rows(
        self, rows: pl.DataFrame, asset: Asset, currency: str, *, time: str = "time",
        amount: str = "amount", source: str | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Return rows with the columns ``PRICED``: the price of each, of what, whose, and worth.

        Parameters
        ----------
        rows : polars.DataFrame
            Amounts of one asset, each with its time.
        asset : Asset
            What the amounts are of; its decimals say how many base units one coin has.
        currency, source : str
            As of :meth:`of`.
        time, amount : str
            The columns with the time and the amount in base units; a null in either has no value.

        Raises
        ------
        PriceError
            As of :meth:`of`, or if a value is wider than 38 digits.
        """
        known = self.of(asset, currency, source=source)
        made = rows
        for name, step in GRANULARITIES.items():
            found = known.filter(granularity=name).select(
                pl.col("time").alias("_time"), pl.col("price").alias(f"_{name}"),
                pl.col("source").alias(f"_source_{name}"),
            )  # fmt: skip
            made = made.with_columns(pl.col(time).cast(TIME).dt.truncate(step).alias("_time"))
            made = made.join(found, on="_time", how="left", maintain_order="left").drop("_time")
        per = pl.coalesce(*(_if(name, pl.lit(name)) for name in GRANULARITIES))
        made = made.with_columns(
            pl.coalesce(*(f"_{name}" for name in GRANULARITIES)).alias("price"),
            per.alias("price_per"),
            pl.coalesce(*(_if(name, pl.col(f"_source_{name}")) for name in GRANULARITIES))
            .alias("price_source"),
        )  # fmt: skip
        value = _values(made[amount], made["price"], asset.decimals, minor_digits(currency))
        return made.select(*rows.columns, "price", "price_per", "price_source").with_columns(value)

    def total(
        self, rows: pl.DataFrame, asset: Asset, currency: str, *, time: str = "time",
        amount: str = "amount", source: str | None = None,
    ) -> Value:  # fmt: skip
        """Return what rows were worth together: summed exactly, and rounded once if at all.

        Parameters are those of :meth:`of_rows`.
        """
        priced = self.of_rows(rows, asset, currency, time=time, amount=amount, source=source)
        pairs = priced.select(amount, "price").iter_rows()
        return add_up((worth(one, price, asset.decimals) for one, price in pairs), currency)

    def __add__(self, other: Prices) -> Prices:
        """Return both together; two prices of one key must agree."""
        if not isinstance(other, Prices):
            return NotImplemented
        return merge_prices(self, other)

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        kinds = self.frame.group_by("chain", "contract", "currency", "granularity").len()
        return (
            f"Prices({counted(len(self), 'price', 'prices')} in"
            f" {counted(kinds.height, 'series', 'series')})"
        )


def _if(name: str, said: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(f"_{name}").is_not_null()).then(said)


@recorded
def prices_of(ledger: Ledger) -> Prices:
    """Return the prices that are kept with a ledger, whatever the span."""
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    return make_prices(ledger.history.prices.collect())


@recorded
def merge_prices(first: Prices, second: Prices) -> Prices:
    """Return two sets of prices as one.

    Raises
    ------
    PriceError
        If one source names two prices of one asset, currency and time.
    """
    return make_prices(pl.concat([first.frame, second.frame]), (*first.notes, *second.notes))


def make_prices(frame: pl.DataFrame, notes: Iterable[str] = ()) -> Prices:
    """Return rows of ``schema.PRICES`` as ``Prices``: sorted, equal rows once.

    Raises
    ------
    PriceError
        If a price is none, does not begin with its day or hour, or a key has two.
    """
    rows = PRICES.conform(frame).unique().sort(PRICES.key, nulls_last=False)
    for row in rows.iter_rows(named=True):
        check_price(row["price"])
        currency_code(row["currency"])
        chain_of(row["chain"])
        check_moment(row["time"], row["granularity"])
    twice = rows.filter(pl.struct(PRICES.key).is_duplicated())
    if twice.height:
        first = twice.row(0, named=True)
        raise PriceError(
            f"{quoted(first['source'])} names two prices in {first['currency']} for the"
            f" {first['granularity']} of {first['time']:%Y-%m-%d %H:%M}:"
            f" {twice['price'][0]} and {twice['price'][1]}",
            remedy="find out which is right, and leave out the other",
        )
    return Prices(rows, tuple(notes))


def check_price(text: str) -> str:
    """Return a price in its one plain form.

    Raises
    ------
    PriceError
        If it is none: not above zero, or not written plainly.
    """
    if len(text) > LONGEST_PRICE or not _PRICE.fullmatch(text) or text == "0":
        raise PriceError(
            f"{quoted(text)} is no price in its plain form",
            remedy="write digits and a point, above zero; leave the row out where none is known",
        )
    return text


def check_moment(time: datetime, granularity: str) -> None:
    """Refuse a price whose time is not the start of the day or hour that it is of.

    Raises
    ------
    PriceError
        If it is not, or the granularity is no known one.
    """
    if granularity not in GRANULARITIES:
        raise PriceError(f"{quoted(granularity)} is no granularity", remedy="write day or hour")
    span = "a day" if granularity == DAY else "an hour"
    rest = (time.minute, time.second, time.microsecond, time.hour if granularity == DAY else 0)
    if any(rest):
        raise PriceError(
            f"{time:%Y-%m-%d %H:%M:%S} is not the start of {span} in UTC",
            remedy="give the time at which the span begins that the price holds for",
        )


def currency_code(text: str) -> str:
    """Return an ISO 4217 code in capitals.

    Raises
    ------
    PriceError
        If it is none.
    """
    expect(text, str, "currency", "write its code, such as 'EUR'")
    if not text.isascii() or text.upper() not in CODES:
        raise PriceError(
            f"{quoted(text)} is no currency", remedy="write its ISO 4217 code, such as EUR"
        )
    return text.upper()


def minor_digits(currency: str) -> int:
    """Return the digits of the minor unit of a currency: 2 for EUR, 0 for JPY (ISO 4217)."""
    return UNLIKE_HUNDREDTHS.get(currency_code(currency), 2)


def worth(amount: int | None, price: str | None, decimals: int) -> Fraction | None:
    """Return what an amount in base units was worth, exactly; None where either is not known."""
    if amount is None or price is None:
        return None
    coins: Fraction = Fraction(int(amount)) * Fraction(price) / 10**decimals
    return coins


def add_up(values: Iterable[Fraction | None], currency: str) -> Value:
    """Return the exact sum of the values that are known, and how many are not."""
    known: list[Fraction] = []
    unpriced = 0
    for one in values:
        if one is None:
            unpriced += 1
        else:
            known.append(one)
    return Value(sum(known, Fraction(0)), unpriced, currency_code(currency))


def _values(amounts: pl.Series, prices: pl.Series, decimals: int, digits: int) -> pl.Series:
    """Return what amounts were worth in minor units, rounded down; null where either is not known.

    Raises
    ------
    PriceError
        If a value is wider than 38 digits.
    """
    scales = {price: Fraction(price) for price in prices.drop_nulls().unique().to_list()}
    parts = {
        price: (one.numerator * 10**digits, one.denominator * 10**decimals)
        for price, one in scales.items()
    }
    found: list[Decimal | None] = []
    for amount, price in zip(amounts.to_list(), prices.to_list(), strict=True):
        if amount is None or price is None:
            found.append(None)
            continue
        above, below = parts[price]
        found.append(Decimal(int(amount) * above // below))
    widest = max((one for one in found if one is not None), default=Decimal(0))
    if widest > LARGEST_AMOUNT:
        raise PriceError(
            "an amount is worth more than 38 digits hold", remedy="correct the price or the asset"
        )
    # Of integers polars takes none wider than the first: these are decimals.
    return pl.Series("value", found, AMOUNT)
