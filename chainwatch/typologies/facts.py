"""``Facts``: what is known from outside of a chain, and typologies of crimes ask for.

Reviews of vendors, listings with their prices, the days on which markets closed, and addresses that
were published. A chain shows none of it: where it was not given, what needs it is *not observable*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse_series
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import InputError, expect
from chainwatch.ledger.dates import moment
from chainwatch.ledger.prices import currency_code, minor_digits
from chainwatch.ledger.schema import TIME
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.units import counted

ADVERTISEMENT, GOODS = "advertisement", "goods"
"""Kinds of listings: one that somebody paid for to appear, and a thing or service for sale."""

MOST_PRICE = 10**18
"""No list price is higher, in minor units of its currency or base units of the asset."""

_PRICE = (
    Column.number(
        "price",
        "kept in minor units of the currency, or base units of the asset; it is given in"
        " whole units, as 49.90 with EUR",
    ),
    Column.text("currency", "ISO 4217 code; null where the price is in base units of the asset"),
)
_WHEN = Column("time", TIME, Privacy.TIME, "when")

REVIEWS = Table(
    "reviews",
    ("vendor", "review"),
    "Reviews of sales, each with its time and the price of what was sold.",
    (
        Column.text("vendor", "who is reviewed, as the market names it"),
        Column.text("review", "the review, by a name of its own"),
        _WHEN,
        *_PRICE,
    ),
)

LISTINGS = Table(
    "listings",
    ("place", "listing"),
    "Advertisements, with the price of having them appear, and goods with their list prices.",
    (
        Column.text("place", "the market or site, as tags name its actor"),
        Column.text("listing", "the listing, by a name of its own"),
        Column.word("kind", "advertisement or goods"),
        Column("time", TIME, Privacy.TIME, "when it first appeared", nullable=True),
        *_PRICE,
        Column.text("region", "the place that it is for; null where it names none"),
    ),
)

CLOSURES = Table(
    "closures",
    ("market", "time"),
    "When markets closed.",
    (Column.text("market", "the market, as tags name its actor"), _WHEN),
)

PUBLISHED = Table(
    "published",
    ("chain", "address"),
    "Addresses that a page, a channel or a leaflet asks to pay to.",
    (
        Column("chain", pl.String, Privacy.SIDE, "CAIP-2 id of the network"),
        Column.party("address", "the address"),
        Column.text("source", "where it was published"),
    ),
)

TABLES = (REVIEWS, LISTINGS, CLOSURES, PUBLISHED)
_MAY_LACK = {"review", "listing", "region", "currency", "source"}


@dataclass(frozen=True, repr=False, eq=False)
class Facts(Result):
    """What is known from outside; made by :func:`make_facts` or :func:`read_facts`.

    Attributes
    ----------
    reviews, listings, closures, published : polars.DataFrame
        Rows in ``REVIEWS``, ``LISTINGS``, ``CLOSURES`` and ``PUBLISHED``.
    """

    reviews: pl.DataFrame
    listings: pl.DataFrame
    closures: pl.DataFrame
    published: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {one.name: one.rows(getattr(self, one.name)) for one in TABLES}

    def given(self) -> dict[str, bool]:
        """Return which facts are there, as typologies name what they need."""
        return {
            "reviews": self.reviews.height > 0,
            "advertisements": self.of_kind(ADVERTISEMENT).height > 0,
            "list prices": self.of_kind(GOODS).height > 0,
            "closures": self.closures.height > 0,
            "published addresses": self.published.height > 0,
        }

    def of_kind(self, kind: str) -> pl.DataFrame:
        """Return the listings of a kind; advertisements are those with a time."""
        rows = self.listings.filter(pl.col("kind") == kind)
        return rows if kind == GOODS else rows.filter(pl.col("time").is_not_null())

    def __repr__(self) -> str:
        return (
            f"Facts({counted(self.reviews.height, 'review', 'reviews')},"
            f" {counted(self.listings.height, 'listing', 'listings')},"
            f" {counted(self.closures.height, 'closure', 'closures')},"
            f" {counted(self.published.height, 'published address', 'published addresses')})"
        )


@recorded
def make_facts(
    *, reviews: pl.DataFrame | None = None, listings: pl.DataFrame | None = None,
    closures: pl.DataFrame | None = None, published: pl.DataFrame | None = None,
) -> Facts:  # fmt: skip
    """Return what is known from outside of a chain, in the tables that typologies ask.

    Prices are texts or whole numbers: in whole units of ``currency``, such as ``49.90``, or, where
    there is none, in base units of the asset. Times are texts, dates or datetimes, UTC where they
    name no zone. Further columns are refused; equal rows without a name of their own are different.

    Parameters
    ----------
    reviews : polars.DataFrame, optional
        ``vendor, time, price`` and perhaps ``review, currency``.
    listings : polars.DataFrame, optional
        ``place, kind, time, price`` and perhaps ``listing, currency, region``; ``kind`` is
        *advertisement* or *goods*, ``time`` is when it first appeared, null of goods.
    closures : polars.DataFrame, optional
        ``market, time``: the actor as tags name it, and when it closed.
    published : polars.DataFrame, optional
        ``chain, address`` and perhaps ``source``.

    Raises
    ------
    InputError
        If a column lacks or is unknown, a price or a time is none, or a name stands twice.
    AddressError
        If what is published is no address of its chain.

    Fails when
    ----------
    A price is that of a listing and not of the sale: of several pieces, or without its postage.
    """
    return Facts(
        _rows(REVIEWS, reviews), _rows(LISTINGS, listings), _rows(CLOSURES, closures),
        _rows(PUBLISHED, published),
    )  # fmt: skip


@recorded
def read_facts(folder: Path | str) -> Facts:
    """Read facts out of a folder: ``reviews.csv``, ``listings.csv``, ``closures.csv`` and
    ``published.csv``, those that are there, with a header.

    Parameters
    ----------
    folder : path
        It holds one of the files at least. The columns are those of :func:`make_facts`.

    Raises
    ------
    InputError
        If there is no such folder, none of the files is in it, or one cannot be read.

    Fails when
    ----------
    As :func:`make_facts`.
    """
    given = {
        one.name: _read(path)
        for one in TABLES
        if (path := Path(folder) / f"{one.name}.csv").is_file()
    }
    if not given:
        names = ", ".join(f"{one.name}.csv" for one in TABLES)
        raise InputError("there are no facts in the folder", where=str(folder),
                         remedy=f"put one of {names} into it")  # fmt: skip
    return make_facts(**given)


def _read(path: Path) -> pl.DataFrame:
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"the table cannot be read ({str(error).splitlines()[0]})", where=str(path),
            remedy="write it as CSV in UTF-8 with a header",
        ) from error  # fmt: skip
    return rows.with_columns(pl.col(pl.String).str.strip_chars().replace("", None))


def _rows(table: Table, rows: pl.DataFrame | None) -> pl.DataFrame:
    expect(rows, (pl.DataFrame, type(None)), table.name, "pass a polars.DataFrame")
    if rows is None:
        return table.empty()
    unknown = sorted(set(rows.columns) - set(table.names))
    lacking = sorted(set(table.names) - set(rows.columns) - _MAY_LACK)
    if unknown or lacking:
        said = f"no column {unknown[0]!r:.40}" if unknown else f"a column {lacking[0]!r}"
        raise InputError(
            f"a table of {table.name} has {said}", remedy=f"name them {', '.join(table.names)}"
        )
    made = [_row(table, one, place) for place, one in enumerate(rows.iter_rows(named=True), 1)]
    frame = pl.DataFrame(made, schema=_plain(table), orient="row")
    return _named(table, _placed(table, frame)).select(table.names).sort(table.key)


def _plain(table: Table) -> dict[str, Any]:
    """Return the schema of a table before its addresses are read."""
    return {**table.schema, **({"address": pl.Object} if table is PUBLISHED else {})}


def _row(table: Table, row: dict[str, Any], place: int) -> list[Any]:
    where = f"{table.name}, row {place}"
    cells = {name: row.get(name) for name in table.names}
    if "price" in cells:
        currency = cells["currency"]
        cells["currency"] = None if currency is None else currency_code(currency)
        cells["price"] = _price(cells["price"], cells["currency"], where)
    if "time" in cells:
        cells["time"] = _time(cells["time"], where, empty=cells.get("kind") == GOODS)
    if "kind" in cells and cells["kind"] not in (ADVERTISEMENT, GOODS):
        raise InputError(f"{cells['kind']!r:.40} is no kind of a listing", where=where,
                         remedy=f"write {ADVERTISEMENT} or {GOODS}")  # fmt: skip
    needed = {"vendor", "place", "market", "chain", "address"}
    if empty := sorted(name for name in needed & set(cells) if not cells[name]):
        raise InputError(f"{empty[0]} is empty", where=where, remedy="fill it or leave the row out")
    return list(cells.values())


def _price(said: object, currency: str | None, where: str) -> int:
    digits = 0 if currency is None else minor_digits(currency)
    try:
        if isinstance(said, (bool, float)) or not isinstance(said, (int, str, Decimal)):
            raise InvalidOperation
        number = Decimal(said)
        minor = int(number.scaleb(digits)) if number.is_finite() and abs(number) < MOST_PRICE else 0
        if not 0 < minor <= MOST_PRICE or Decimal(minor) != number.scaleb(digits):
            raise InvalidOperation
    except InvalidOperation as error:
        raise InputError(
            f"{said!r:.40} is no price in {currency or 'base units'}", where=where,
            remedy=f"write a number above zero with at most {digits} digits behind the point",
        ) from error  # fmt: skip
    return minor


def _time(said: object, where: str, *, empty: bool) -> datetime | None:
    if said is None and empty:
        return None
    if not isinstance(said, (str, date)):
        raise InputError(f"{said!r:.40} is no time", where=where,
                         remedy="write it as 2023-06-01T12:30")  # fmt: skip
    return moment(said)


def _placed(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with canonical addresses and chains, where the table is of addresses."""
    if table is not PUBLISHED:
        return rows
    chains = [find_chain(one).id for one in rows["chain"]]
    read = [
        one if isinstance(one, bytes) else parse_series(pl.Series([str(one)]), on)[0]
        for one, on in zip(rows["address"].to_list(), chains, strict=True)
    ]
    return rows.with_columns(
        pl.Series("chain", chains, pl.String), pl.Series("address", read, pl.Binary)
    ).unique(table.key, keep="first", maintain_order=True)


def _named(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with a name for each that has none, whatever their order; none stands twice."""
    name = {"reviews": "review", "listings": "listing"}.get(table.name)
    if name is None:
        return rows.unique(table.key)
    rows = rows.sort([table.key[0], "time", "price", "currency", *_rest(table)], nulls_last=True)
    number = pl.int_range(1, pl.len() + 1).over(table.key[0]).cast(pl.String)
    rows = rows.with_columns(pl.coalesce(name, pl.lit("no name, ") + number).alias(name))
    if twice := rows.filter(pl.struct(table.key).is_duplicated())[name].to_list():
        raise InputError(f"the {name} {twice[0]!r:.40} stands twice in {table.name}",
                         remedy="give each a name of its own, or leave the column out")  # fmt: skip
    return rows


def _rest(table: Table) -> list[str]:
    return ["region", "kind"] if table is LISTINGS else ["review"]


NO_FACTS = Facts(*(one.empty() for one in TABLES))
"""What is known where nobody gave anything."""


__all__ = [
    "ADVERTISEMENT",
    "CLOSURES",
    "GOODS",
    "LISTINGS",
    "NO_FACTS",
    "PUBLISHED",
    "REVIEWS",
    "TABLES",
    "Facts",
    "make_facts",
    "read_facts",
]
