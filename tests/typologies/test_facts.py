"""Facts from outside: what is taken, what is refused and where; order says nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.errors import AddressError, ArgumentError, ChainwatchError, InputError
from chainwatch.typologies.facts import NO_FACTS

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def reviews(**columns: Any) -> pl.DataFrame:
    rows = {"vendor": ["kelp"], "time": ["2024-03-01"], "price": ["49.90"], "currency": ["EUR"]}
    return pl.DataFrame(rows | columns)


def test_prices_are_whole_minor_units_and_times_are_utc() -> None:
    row = cw.make_facts(reviews=reviews(time=["2024-03-01T12:00+02:00"])).reviews.row(0, named=True)
    assert (row["price"], row["currency"]) == (4_990, "EUR")
    assert row["time"] == datetime(2024, 3, 1, 10, tzinfo=UTC)
    yen = cw.make_facts(reviews=reviews(price=["7"], currency=["jpy"])).reviews
    assert yen.row(0)[3:] == (7, "JPY")
    base = cw.make_facts(reviews=reviews(price=[123_456], currency=[None])).reviews
    assert base.row(0)[3:] == (123_456, None)


@pytest.mark.parametrize(
    "price", ["0", "-1", "1.005", "nan", "inf", "1e40", "1e-999999", "x", "", 1.5, None, True]
)
def test_what_is_no_price_is_refused(price: object) -> None:
    rows = reviews().with_columns(price=pl.lit(None)) if price is None else reviews(price=[price])
    with pytest.raises(InputError, match="is no price in EUR"):
        cw.make_facts(reviews=rows)


def test_decimals_are_taken_to_the_last_digit() -> None:
    assert cw.make_facts(reviews=reviews(price=[Decimal("12.30")])).reviews["price"][0] == 1_230


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reviews": reviews(luck=[1])}, "has no column 'luck'"),
        ({"reviews": reviews().drop("price")}, "a column 'price'"),
        ({"reviews": reviews(time=["yesterday"])}, "is no time"),
        ({"reviews": reviews(time=[5])}, "is no time"),
        ({"reviews": reviews(vendor=[""])}, "vendor is empty"),
        ({"reviews": pl.concat([reviews(review=["a"])] * 2)}, "stands twice in reviews"),
        ({"listings": pl.DataFrame({"place": ["x"], "kind": ["car"], "time": ["2024-01-01"],
                                    "price": [1]})}, "no kind of a listing"),
        ({"listings": pl.DataFrame({"place": ["x"], "kind": ["advertisement"],
                                    "time": pl.Series([None], dtype=pl.String), "price": [1]})},
         "is no time"),
    ],
)  # fmt: skip
def test_a_row_that_is_wrong_is_told(given: dict[str, pl.DataFrame], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cw.make_facts(**given)


def test_addresses_are_read_and_what_is_none_is_refused() -> None:
    made = cw.make_facts(published=pl.DataFrame({"chain": ["btc"] * 2, "address": [GENESIS] * 2}))
    assert made.published.height == 1
    assert made.published["address"].to_list() == [parse(GENESIS, "btc")]
    with pytest.raises(AddressError):
        cw.make_facts(published=pl.DataFrame({"chain": ["btc"], "address": ["1nonsense"]}))
    with pytest.raises(ChainwatchError):
        cw.make_facts(published=pl.DataFrame({"chain": ["nowhere"], "address": [GENESIS]}))
    with pytest.raises(ArgumentError):
        cw.make_facts(published=[GENESIS])  # type: ignore[arg-type]


def test_the_order_of_rows_says_nothing() -> None:
    rows = pl.concat([reviews(), reviews(), reviews(price=["3"]), reviews(vendor=["crab"])])
    one, other = (cw.make_facts(reviews=some) for some in (rows, rows.reverse()))
    assert one.digest == other.digest
    assert one.reviews.height == 4


def test_facts_out_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text(
        "vendor,time,price,currency\nkelp,2024-03-01,49.90,EUR\nkelp,2024-03-02,7,\n", "utf-8"
    )
    (tmp_path / "closures.csv").write_text("market,time\nbazaar,2024-05-01\n", "utf-8")
    made = cw.read_facts(tmp_path)
    assert repr(made) == "Facts(2 reviews, 0 listings, 1 closure, 0 published addresses)"
    assert made.reviews["price"].to_list() == [4_990, 7]
    assert made.given()["reviews"]
    assert not made.given()["list prices"]
    for bad in (b"\xff\xfe\x00", b'vendor\n"x'):
        (tmp_path / "reviews.csv").write_bytes(bad)
        with pytest.raises(InputError):
            cw.read_facts(tmp_path)
    with pytest.raises(InputError, match="there are no facts"):
        cw.read_facts(tmp_path / "nowhere")


def test_what_was_not_given_is_there_for_nobody() -> None:
    assert set(NO_FACTS.given().values()) == {False}
    listed = cw.make_facts(listings=pl.DataFrame({
        "place": "x", "kind": ["goods", "advertisement"], "time": [None, date(2024, 1, 1)],
        "price": [1, 1]}))  # fmt: skip
    assert listed.given()["list prices"]
    assert listed.given()["advertisements"]
