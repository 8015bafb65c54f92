"""Prices from a server: exact, by day or hour, each question over, and refusals heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import polars as pl
import pytest
import stamina
from price_site import DAY, HOUR, TOO_OFTEN, PriceSite, price, served

import chainwatch as cw
from chainwatch.errors import (
    InputError,
    NetworkRefused,
    NoAnswer,
    PriceError,
    SourceError,
)
from chainwatch.net.policy import use_network

NOW = datetime(2024, 3, 1, 15, tzinfo=UTC)
FIRST = datetime(2023, 6, 1, tzinfo=UTC)
BEGIN = int(FIRST.timestamp())


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def source(url: str, **given: Any) -> cw.PriceServer:
    said = {"asset": "bitcoin", "chain": "btc", "currency": "EUR", "first": "2023-06-01",
            "until": "2023-06-04", "now": NOW}  # fmt: skip
    return cw.PriceServer(url, **(said | given))


def site(**given: Any) -> PriceSite:
    return PriceSite(int(NOW.timestamp()), **given)


def kept(folder: Path) -> pl.DataFrame:
    return cw.prices_of(cw.open_ledger(folder)).frame


def digits(time: int) -> str:
    return price(time).rstrip("0")


def test_days_exactly_as_the_server_wrote_them(tmp_path: Path) -> None:
    with served(site()) as url:
        report = cw.pull(tmp_path / "l", source(url))
    rows = kept(tmp_path / "l")
    assert rows["price"].to_list() == [digits(BEGIN + k * DAY) for k in range(3)]
    assert len(rows["price"][0]) > 20  # more than a double holds
    assert rows["time"].to_list() == [FIRST + timedelta(days=k) for k in range(3)]
    assert set(rows["granularity"]) == {"day"}
    assert set(rows["source"]) == {"CoinGecko"}
    assert report.notes == ()


def test_hours_are_another_key_and_come_first(tmp_path: Path) -> None:
    with served(site(late=41_331)) as url:
        cw.pull(tmp_path / "l", source(url, granularity="hour"))
        cw.pull(tmp_path / "l", source(url))
    rows = kept(tmp_path / "l")
    assert rows.group_by("granularity").len().sort("granularity").rows() == [
        ("day", 3), ("hour", 72)
    ]  # fmt: skip
    prices = cw.prices_of(cw.open_ledger(tmp_path / "l"))
    when = FIRST + timedelta(hours=5, minutes=59)
    moved = pl.DataFrame({"time": [when], "amount": [10**8]})
    priced = prices.of_rows(moved, cw.native("btc"), "EUR")
    assert priced["price"].to_list() == [digits(BEGIN + 5 * HOUR)]
    assert priced["price_per"].to_list() == ["hour"]
    assert priced["price_source"].to_list() == ["CoinGecko"]


def test_what_is_missing_has_no_price_and_is_told(tmp_path: Path) -> None:
    with served(site(missing=frozenset({BEGIN + DAY}))) as url:
        report = cw.pull(tmp_path / "l", source(url))
    assert kept(tmp_path / "l")["time"].to_list() == [FIRST, FIRST + timedelta(days=2)]
    assert [str(note) for note in report.notes] == [
        "bitcoin in EUR, 2023-06-01 to 2023-06-03: 1 of 3 days have no price"
    ]


def test_the_first_price_of_a_day_stands(tmp_path: Path) -> None:
    def more(text: str) -> str:
        return text.replace(
            f"[{(BEGIN + DAY) * 1000},", f"[{(BEGIN + 7) * 1000},1],[{(BEGIN + DAY) * 1000},"
        )

    with served(site(change=more)) as url:
        report = cw.pull(tmp_path / "l", source(url))
    assert kept(tmp_path / "l")["price"][0] == digits(BEGIN)
    assert "1 price left out, beside the first of the same day" in str(report.notes[0])


def test_a_long_span_is_asked_for_in_parts_and_each_part_once(tmp_path: Path) -> None:
    place = site()
    with served(place) as url:
        asked = source(url, granularity="hour", until="2023-12-01")
        cw.pull(tmp_path / "l", asked)
        assert len(place.asked) == 3
        assert kept(tmp_path / "l").height == 183 * 24
        again = cw.pull(tmp_path / "l", source(url, granularity="hour", until="2023-12-01"))
    assert (again.units, len(place.asked)) == (0, 3)


def test_a_token_is_by_contract(tmp_path: Path) -> None:
    usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    with served(site()) as url:
        cw.pull(tmp_path / "l", source(url, asset="tether", chain="tron", contract=usdt))
    assert cw.prices_of(cw.open_ledger(tmp_path / "l")).of(
        cw.token("tron", usdt, "USDT", 6), "EUR"
    ).height == 3  # fmt: skip


def test_kraken(tmp_path: Path) -> None:
    with served(site(missing=frozenset({BEGIN + HOUR}))) as url:
        asked = source(url, asset="XBTEUR", api="kraken", now=FIRST + timedelta(days=20))
        cw.pull(tmp_path / "days", asked)
        hourly = source(url, asset="XBTEUR", api="kraken", granularity="hour",
                        first="2024-02-25", until="2024-02-27")  # fmt: skip
        cw.pull(tmp_path / "hours", hourly)
    assert kept(tmp_path / "days")["price"].to_list() == [digits(BEGIN + k * DAY) for k in range(3)]
    assert kept(tmp_path / "hours").height == 48
    assert set(kept(tmp_path / "hours")["source"]) == {"Kraken, mean by volume"}


def test_hours_without_trade_have_no_mean(tmp_path: Path) -> None:
    late = int(datetime(2024, 2, 26, tzinfo=UTC).timestamp())
    with served(site(missing=frozenset({late}))) as url:
        report = cw.pull(tmp_path / "l", source(
            url, asset="XBTEUR", api="kraken", granularity="hour", first="2024-02-25",
            until="2024-02-27"))  # fmt: skip
    assert kept(tmp_path / "l").height == 47
    assert "1 of 48 hours have no price" in str(report.notes[0])


def test_what_kraken_no_longer_has_is_not_filled(tmp_path: Path) -> None:
    with served(site()) as url, pytest.raises(SourceError, match="has no price of XBTEUR in EUR"):
        cw.pull(tmp_path / "l", source(url, asset="XBTEUR", api="kraken", granularity="hour"))


REFUSALS: dict[str, dict[str, Any]] = {
    "status 429": {"status": 429, "body": TOO_OFTEN},
    "a body with 200": {"status": 200, "body": TOO_OFTEN},
    "Kraken, with 200": {"status": 200, "body": {"error": ["EGeneral:Too many requests"]}},
    "status 503": {"status": 503, "body": {"error": "Service unavailable"}},
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_asked_too_often_is_asked_again(tmp_path: Path, kind: str) -> None:
    with served(site(refuse=2, **REFUSALS[kind])) as url:
        cw.pull(tmp_path / "l", source(url))
    assert kept(tmp_path / "l").height == 3


@pytest.mark.parametrize("kind", REFUSALS)
def test_asked_too_often_and_it_stays_so(tmp_path: Path, kind: str) -> None:
    with served(site(refuse=99, **REFUSALS[kind])) as url, pytest.raises(NoAnswer) as raised:
        cw.pull(tmp_path / "l", source(url))
    assert "127.0.0.1" in str(raised.value)
    assert not (tmp_path / "l" / "prices" / "_delta_log" / "00000000000000000001.json").exists()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, {"error": "coin not found"}, "coin not found"),
        (401, {"status": {"error_code": 10012, "error_message": "past 365 days"}}, "past 365"),
        (200, {"error": ["EQuery:Unknown asset pair"]}, "Unknown asset pair"),
    ],
)
def test_a_refusal_that_stays_is_not_asked_again(
    tmp_path: Path, status: int, body: Any, told: str
) -> None:
    place = site(refuse=99, status=status, body=body)
    with served(place) as url, pytest.raises(SourceError, match=told):
        cw.pull(tmp_path / "l", source(url))
    assert len(place.asked) == 1


def rows(change: Callable[[list[Any]], Any]) -> Callable[[str], str]:
    """Return a change of the rows of an answer."""

    def spoil(text: str) -> str:
        made = json.loads(text)
        return json.dumps({**made, "prices": change(made["prices"])})

    return spoil


LIES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "of the future": (rows(lambda one: [*one, [4_000_000_000_000, 1.5]]), "outside of what was"),
    "of before": (rows(lambda one: [[1_000, 1.5], *one]), "outside of what was asked"),
    "two of one time": (rows(lambda one: [*one, [one[0][0], 1.5]]), "two prices of 2023-06-01"),
    "zero": (rows(lambda one: [[one[0][0], 0]]), "'0' is no price"),
    "below zero": (rows(lambda one: [[one[0][0], -1.5]]), "is no price"),
    "a truth": (rows(lambda one: [[one[0][0], True]]), "is no price"),
    "a list": (rows(lambda one: [[one[0][0], [1]]]), "is no price"),
    "a time with a point": (rows(lambda one: [[1.5, 1]]), "is no time"),
    "a time of ages": (rows(lambda one: [[10**20, 1]]), "is no time"),
    "no rows": (rows(lambda one: []), "has no price of bitcoin"),
    "no list": (rows(lambda one: None), "there is no prices"),
    "short rows": (rows(lambda one: [[1]]), "has not 2 values"),
    "another thing": (lambda text: '{"bitcoin": 5}', "there is no prices"),
    "cut": (lambda text: text[:-5], "no JSON"),
    "nan": (lambda text: text.replace(price(BEGIN), "NaN"), "no JSON"),
    "a page": (lambda text: "<html>", "no JSON"),
}


@pytest.mark.fault
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_an_error_and_no_price(tmp_path: Path, lie: str) -> None:
    change, told = LIES[lie]
    with served(site(change=change)) as url, pytest.raises(SourceError, match=told):
        cw.pull(tmp_path / "l", source(url))
    assert not (tmp_path / "l" / "commits").exists() or not kept(tmp_path / "l").height


def test_another_answer_to_the_same_question_is_refused(tmp_path: Path) -> None:
    with served(site()) as url:
        cw.pull(tmp_path / "l", source(url))
    other = site(change=rows(lambda one: [[time, 7] for time, _ in one]))
    told = f"names the price 7 EUR of BTC for the day of 2023-06-01, and {digits(BEGIN)} was read"
    with served(other) as url, pytest.raises(PriceError, match=told):
        cw.pull(tmp_path / "l", source(url, until="2023-06-05"))
    assert kept(tmp_path / "l").height == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"first": "1 June"}, "are no days"), ({"until": "2023-06-01"}, "there are no days"),
        ({"until": "2024-03-02"}, "is not over"), ({"asset": "../x"}, "no id of CoinGecko"),
        ({"asset": "XBTUSD", "api": "kraken"}, "no pair in EUR"), ({"api": "x"}, "be asked for"),
        ({"granularity": "week"}, "be asked for"), ({"currency": "EURO"}, "no currency"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(given: dict[str, Any], told: str) -> None:
    with pytest.raises(cw.ChainwatchError, match=told):
        source("https://prices.example", **given)


def test_nobody_is_asked_without_leave_and_every_question_is_logged(tmp_path: Path) -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        status, text = site().answer(request.url.raw_path.decode())
        return httpx2.Response(status, text=text)

    given = {"transport": httpx2.MockTransport(handle), "headers": {"x-cg-demo-api-key": "KEYKEY"}}
    asked = source("https://prices.example/api/v3", **given)
    with use_network(offline=True), pytest.raises(NetworkRefused):
        cw.pull(tmp_path / "l", asked)
    log = tmp_path / "log"
    with use_network(only_hosts=["prices.example"], log_file=log):
        cw.pull(tmp_path / "l", asked)
    said = log.read_text()
    assert "/coins/bitcoin/market_chart/range" in said
    assert "KEYKEY" not in said
    answers = cw.open_ledger(tmp_path / "l").answers.collect()
    assert answers.select("source", "host").rows() == [("CoinGecko", "prices.example")]


def test_a_question_needs_a_day_that_is_over() -> None:
    with pytest.raises(InputError, match="end with 2024-03-01 at the latest"):
        source("https://prices.example", until="2024-06-01")
