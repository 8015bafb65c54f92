"""Prices: read exactly, joined on the very hour or day, and never guessed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.errors import PriceError
from chainwatch.ledger.currencies import CODES, UNLIKE_HUNDREDTHS
from chainwatch.ledger.prices import Prices, make_prices, minor_digits
from chainwatch.ledger.schema import PRICES

BTC = cw.native("btc")
USDT = cw.token("eth", "0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6)
LOOKALIKE = cw.token("eth", "0x" + "11" * 20, "USDT", 6)


def written(folder: Path, *lines: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moved(*rows: tuple[str | None, int | None]) -> pl.DataFrame:
    times = [None if time is None else at(time) for time, _ in rows]
    schema = {"time": pl.Datetime("us", "UTC"), "amount": pl.Decimal(38, 0)}
    return pl.DataFrame(
        {"time": times, "amount": [one if one is None else Decimal(one) for _, one in rows]},
        schema=schema,
    )


def daily(folder: Path, *lines: str, **said: str) -> Prices:
    path = written(folder, "time,price", *lines)
    given = {"currency": "EUR", "source": "a bank", **said}
    return cw.read_prices(path, asset=BTC, **given)  # type: ignore[arg-type]  # words of ours


def test_an_hour_before_its_day_and_never_a_neighbour(tmp_path: Path) -> None:
    prices = daily(tmp_path, "2023-06-01,10", "2023-06-03,30")
    hours = written(tmp_path, "time,price,granularity", "2023-06-01 12:00:00,11.5,hour", name="h")
    prices += cw.read_prices(hours, asset=BTC, currency="EUR", source="a bank")
    rows = moved(
        ("2023-06-01 12:59:59", 10**8), ("2023-06-01 13:00:00", 10**8), ("2023-06-02 23:59", 10**8),
        ("2023-06-03 00:00", 10**8), (None, 10**8), ("2023-06-01 00:00", None),
    )  # fmt: skip
    priced = prices.of_rows(rows, BTC, "eur")
    assert priced["price"].to_list() == ["11.5", "10", None, "30", None, "10"]
    assert priced["price_per"].to_list() == ["hour", "day", None, "day", None, "day"]
    assert priced["value"].to_list() == [1150, 1000, None, 3000, None, None]
    assert priced["price_source"][0] == "a bank"
    total = prices.total(rows, BTC, "EUR")
    assert (total.known, total.unpriced, total.minor) == (Fraction(103, 2), 3, 5150)


def test_the_join_agrees_with_looking_each_up(tmp_path: Path) -> None:
    """The slow way: for each moment every price is looked at."""
    start = at("2023-06-01")
    lines = [
        f"{start + timedelta(hours=k):%Y-%m-%d %H:%M},{k + 1}.{k}1,hour" for k in range(0, 72, 5)
    ]
    lines += [f"{start + timedelta(days=k):%Y-%m-%d},{k + 100},day" for k in (0, 2)]
    path = written(tmp_path, "time,price,granularity", *lines)
    prices = cw.read_prices(path, asset=BTC, currency="EUR", source="x")
    rows = moved(
        *((str((start + timedelta(minutes=17 * k)).replace(tzinfo=None)), 7**k) for k in range(40))
    )
    spans = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
    for row in prices.of_rows(rows, BTC, "EUR").iter_rows(named=True):
        held = [
            one
            for name, one in itertools.product(spans, prices.frame.rows(named=True))
            if one["granularity"] == name and one["time"] <= row["time"] < one["time"] + spans[name]
        ]
        assert row["price"] == (held[0]["price"] if held else None)
        if held:
            exact = int(row["amount"]) * Fraction(held[0]["price"]) * 100 / 10**8
            assert row["value"] == int(exact)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("25000.10", "25000.1"), ("1.5e-05", "0.000015"), ("1E3", "1000"), ("007", "7"),
        ("0.1234567890123456789012345", "0.1234567890123456789012345"),
    ],
)  # fmt: skip
def test_a_price_is_exact(tmp_path: Path, text: str, price: str) -> None:
    assert daily(tmp_path, f"2023-06-01,{text}").frame["price"].to_list() == [price]


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.00",
        "-1",
        "inf",
        "1e999999999",
        "1_000",
        "=1+1",
        "\u0661",
        "<b>1</b>",
        "1" * 61,
        "$5",
    ],
)
def test_what_is_no_price_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(PriceError, match=r"is no price.*prices.csv line 3"):
        daily(tmp_path, "2023-06-01,1", f"2023-06-02,{text}")


def test_a_row_without_a_price_is_counted_and_no_price(tmp_path: Path) -> None:
    prices = daily(tmp_path, "2023-06-01,1", "2023-06-02,", "2023-06-03,NaN")
    assert (len(prices), prices.notes) == (1, ("2 rows have no price",))


@pytest.mark.parametrize(
    ("head", "line", "told"),
    [
        ("time,price,source", "2023-06-01,1,x", "nothing says the currency"),
        ("time,price,currency", "2023-06-01,1,EUR", "nothing says the source"),
        ("day,price,currency,source", "2023-06-01,1,EUR,x", "nothing says the time"),
        ("time,price,currency,source", "2023-06-01,1,euro,x", "is no currency"),
        ("time,price,currency,source", "2023-06-01,1,UDS,x", "'UDS' is no currency"),
        ("time,price,currency,source", "2023-06-01,1,XXQ,x", "'XXQ' is no currency"),
        ("time,price,currency,source", "2023-06-01 00:00,1,EUR,x", "of a day or of an hour"),
        ("time,price,currency,source,granularity", "2023-06-01 01:00,1,EUR,x,day", "not the start"),
        ("time,price,currency,source,granularity", "2023-06-01 01:30,1,EUR,x,hour", "start of an"),
        ("time,price,currency,source,granularity", "2023-06-01 01:30,1,EUR,x,week", "granularity"),
        ("time,price,currency,source", "2023-06-01,1,EUR,", "who published"),
    ],
)  # fmt: skip
def test_what_a_table_leaves_open_is_asked(tmp_path: Path, head: str, line: str, told: str) -> None:
    with pytest.raises(PriceError, match=told):
        cw.read_prices(written(tmp_path, head, line), asset=BTC)


def test_what_is_of_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "time,price,currency,source", "2023-06-01,1,EUR,x")
    with pytest.raises(PriceError, match="nothing says the asset"):
        cw.read_prices(path)


def test_two_prices_of_one_day(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="two prices in EUR for the day of 2023-06-01"):
        daily(tmp_path, "2023-06-01,1", "2023-06-01,2")
    one, other = daily(tmp_path, "2023-06-01,1"), daily(tmp_path, "2023-06-01,2", source="b")
    both = one + other
    with pytest.raises(PriceError, match="name different prices of BTC"):
        both.of(BTC, "EUR")
    assert both.of(BTC, "EUR", source="b")["price"].to_list() == ["2"]
    assert (one + one).digest == one.digest


def test_a_symbol_is_no_identity(tmp_path: Path) -> None:
    path = written(
        tmp_path, "chain,contract,time,price,currency,source",
        "eth,0xdac17f958d2ee523a2206206994597c13d831ec7,2023-06-01,0.9,EUR,x",
        "eth,,2023-06-01,1700,EUR,x", "btc,,2023-06-01,25000,EUR,x",
    )  # fmt: skip
    prices = cw.read_prices(path)
    rows = moved(("2023-06-01 12:00", 2**80))

    def value(asset: Asset) -> int | None:
        return prices.of_rows(rows, asset, "EUR")["value"][0]  # type: ignore[no-any-return]

    assert value(USDT) == 2**80 * 9 * 100 // 10 // 10**6
    assert value(cw.native("eth")) == 2**80 * 1700 * 100 // 10**18
    assert value(LOOKALIKE) is None


def test_currencies_are_those_of_the_standard() -> None:
    """One that was withdrawn since the first price stays: an old price is in it."""
    assert all(len(one) == 3 and one.isalpha() and one.isupper() for one in CODES)
    assert {"EUR", "USD", "JPY", "XAF", "HRK", "BGN"} <= CODES
    assert not {"UDS", "XXQ", "XXX", "XTS", "BTC", "DEM"} & CODES
    assert UNLIKE_HUNDREDTHS.keys() <= CODES
    assert [minor_digits(one) for one in ("eur", "JPY", "TND", "CLF")] == [2, 0, 3, 4]


def test_minor_units_are_those_of_the_currency(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "time,price,currency",
        *(f"2023-06-01,1.23456,{one}" for one in ("EUR", "JPY", "KWD")),
    )
    prices = cw.read_prices(path, asset=BTC, source="x")
    rows = moved(("2023-06-01 12:00", 10**8))
    found = [prices.of_rows(rows, BTC, one)["value"][0] for one in ("EUR", "JPY", "KWD")]
    assert found == [123, 1, 1234]


def test_a_value_too_wide_is_told(tmp_path: Path) -> None:
    prices = daily(tmp_path, "2023-06-01,1" + "0" * 20)
    with pytest.raises(PriceError, match="38 digits"):
        prices.of_rows(moved(("2023-06-01 12:00", 10**37)), BTC, "EUR")


def test_parquet_and_a_feed_with_names_of_its_own(tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "snapped_at": [at("2023-06-01"), at("2023-06-02")], "price": [0.1 + 0.2, 3.0],
    })  # fmt: skip
    frame.write_parquet(tmp_path / "feed.parquet")
    prices = cw.read_prices(
        tmp_path / "feed.parquet", asset=BTC, currency="USD", granularity="day", source="feed",
        columns={"time": "snapped_at"},
    )  # fmt: skip
    assert prices.frame["price"].to_list() == ["0.30000000000000004", "3"]


def test_a_pull_keeps_them_with_the_ledger(tmp_path: Path) -> None:
    path = written(
        tmp_path, "chain,time,price,currency", "btc,2023-06-01,5,EUR", "ltc,2023-06-01,1,EUR"
    )
    source = cw.PriceTable(path, "btc", publisher="a bank", acquired=at("2024-01-01"))
    report = cw.pull(tmp_path / "ledger", source)
    assert report.notes == ("1 price of other chains left out",)
    assert cw.pull(tmp_path / "ledger", source).rows("prices") == 0
    ledger = cw.open_ledger(tmp_path / "ledger")
    assert cw.prices_of(ledger.between("2023-06-01 10:00", None)).frame["price"].to_list() == ["5"]
    assert not ledger.coverage.filter(kind="dump").collect().height
    other = written(tmp_path, "time,price,currency", "2023-06-01,6,EUR", name="other.csv")
    with pytest.raises(
        cw.ChainwatchError,
        match="names the price 6 EUR of BTC for the day of 2023-06-01, and 5 was read",
    ):
        cw.pull(tmp_path / "ledger", cw.PriceTable(other, "btc", publisher="a bank"))


def test_rows_made_by_hand_are_held_to_the_same() -> None:
    row = {
        "chain": BTC.chain, "currency": "EUR", "granularity": "day", "time": at("2023-06-01"),
        "price": "01", "source": "x",
    }  # fmt: skip
    with pytest.raises(PriceError, match="plain form"):
        make_prices(pl.DataFrame([row], schema=PRICES.schema, orient="row"))
