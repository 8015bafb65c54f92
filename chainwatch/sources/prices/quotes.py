"""What servers of prices answer, as exact prices by day or hour; their refusals are heard.

A number of JSON is never a float here: the digits that the server wrote are the price. A price
counts for the day or hour (UTC) in which its time lies. Of several in one the first stands, for it
is the one nearest to the beginning of the span, and the others are counted.

References
----------
CoinGecko API v3, ``/coins/{id}/market_chart/range`` (times in milliseconds); Kraken REST API,
``/0/public/OHLC`` (prices as texts, the last row of a time that goes on, 720 rows at most).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

from chainwatch.errors import InputError, PriceError, SourceError
from chainwatch.ledger.schema import DAY
from chainwatch.net.client import Answer, Refused
from chainwatch.sanitize import clipped
from chainwatch.sources.prices.read import price_text

Api = Literal["coingecko", "kraken"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REFUSAL = 8_192
_RATE = re.compile(r"rate ?limit|too many|throttl|busy|unavailable", re.IGNORECASE)
_COIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_PAIR = re.compile(r"[A-Z0-9]{5,20}")
LIAR = "ask another server; if it stays, tell its operator"


class Quote(NamedTuple):
    """A price and its time; None where the server says that it has none."""

    time: datetime
    price: str | None


@dataclass(frozen=True)
class Asked:
    """One question to a server.

    Attributes
    ----------
    name : str
        What the server calls that of which the prices are.
    currency : str
        ISO 4217 code.
    granularity : str
        ``day`` or ``hour``.
    first, until : datetime
        From when, and until before when.
    """

    name: str
    currency: str
    granularity: str
    first: datetime
    until: datetime


class Way(NamedTuple):
    """How one API is asked, and how its answers are read."""

    publisher: str
    days: Mapping[str, int]
    """Days of one question, by granularity."""
    check: Callable[[str, str], None]
    path: Callable[[Asked], str]
    query: Callable[[Asked], dict[str, str | int]]
    quotes: Callable[[Answer, str], list[Quote]]
    open_end: bool = False
    """It is told from when on, and not until when."""


def judge(status: int, body: bytes) -> Refused | None:
    """Find a refusal in the body of an answer, whatever its status.

    CoinGecko says ``{"status": {"error_code": 429, ...}}`` or ``{"error": ...}``, Kraken answers
    200 with a list ``error`` that is not empty.
    """
    if len(body) > _REFUSAL:
        return None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    said = _refusal(value) if isinstance(value, dict) else ""
    if not said:
        return None
    if status == 429 or _RATE.search(said):
        return Refused(said, "ask more slowly, or with a key")
    return Refused(said, "check what was asked, and the key where one is needed",
                   again=status >= 500)  # fmt: skip


def _refusal(value: Mapping[str, Any]) -> str:
    told = value.get("status")
    if isinstance(told, dict) and told.get("error_code"):
        return f"{told['error_code']}: {told.get('error_message', '')}"
    error = value.get("error")
    if isinstance(error, list):
        return "; ".join(map(str, error))
    return str(error) if error else ""


def at_start(quotes: Iterable[Quote], asked: Asked, where: str) -> tuple[dict[datetime, str], int]:
    """Return the price of each day or hour, and how many more lay in one of them.

    Raises
    ------
    SourceError
        If a price lies outside of what was asked, or two of one time differ.
    """
    found: dict[datetime, str] = {}
    seen: dict[datetime, str | None] = {}
    more = 0
    for quote in sorted(quotes, key=lambda one: one.time):
        if not asked.first <= quote.time < asked.until:
            raise SourceError(
                f"a price of {quote.time:%Y-%m-%d %H:%M:%S}, which lies outside of what was asked",
                where=where, remedy=LIAR,
            )  # fmt: skip
        if quote.time in seen:
            if seen[quote.time] != quote.price:
                raise SourceError(
                    f"two prices of {quote.time:%Y-%m-%d %H:%M:%S}: {seen[quote.time]} and"
                    f" {quote.price}", where=where, remedy=LIAR,
                )  # fmt: skip
            continue
        seen[quote.time] = quote.price
        if quote.price is None:
            continue
        start = quote.time.replace(minute=0, second=0, microsecond=0)
        start = start.replace(hour=0) if asked.granularity == DAY else start
        more += start in found
        found.setdefault(start, quote.price)
    return found, more


def _exact(value: Any, where: str) -> str | None:
    """Return a price as its digits; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise SourceError(f"{clipped(value, 40)!r} is no price", where=where, remedy=LIAR)
    try:
        return price_text(str(value))
    except PriceError as error:
        raise SourceError(error.what, where=where, remedy=LIAR) from None


def _moment(value: Any, where: str, *, per: int) -> datetime:
    """Return a time that is given as a whole number of parts of a second."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**36 * per:
        raise SourceError(f"{clipped(value, 40)!r} is no time", where=where, remedy=LIAR)
    return _EPOCH + timedelta(microseconds=value * 1_000_000 // per)


def _form(what: str, where: str) -> SourceError:
    return SourceError(
        f"the answer has not the form of a list of prices: {what}", where=where,
        remedy="check the address and which API it is of",
    )  # fmt: skip


def _rows(value: Any, name: str, width: int, where: str) -> list[list[Any]]:
    rows = value.get(name) if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise _form(f"there is no {name}", where)
    if any(not isinstance(row, list) or len(row) < width for row in rows):
        raise _form(f"a row of {name} has not {width} values", where)
    return rows


def _coin(name: str, currency: str) -> None:
    if not _COIN.fullmatch(name):
        raise InputError(
            f"{clipped(name, 40)!r} is no id of CoinGecko", remedy="give its API id, such as tether"
        )


def _coingecko(answer: Answer, where: str) -> list[Quote]:
    rows = _rows(answer.value, "prices", 2, where)
    return [Quote(_moment(row[0], where, per=1000), _exact(row[1], where)) for row in rows]


def _pair(name: str, currency: str) -> None:
    if not _PAIR.fullmatch(name) or not name.endswith(currency):
        raise InputError(
            f"{clipped(name, 40)!r} is no pair in {currency}",
            remedy=f"give a pair that ends with the currency, such as XBT{currency}",
        )


def _kraken(answer: Answer, where: str) -> list[Quote]:
    """Return the mean of each span, weighted by volume; of one without trade there is none."""
    result = answer.value.get("result") if isinstance(answer.value, dict) else None
    names = [name for name in result if name != "last"] if isinstance(result, dict) else []
    if len(names) != 1:
        raise _form("there is not one pair", where)
    return [
        Quote(_moment(row[0], where, per=1), _exact(row[5] if row[7] else None, where))
        for row in _rows(result, names[0], 8, where)
    ]


def _seconds(time: datetime) -> int:
    return int(time.timestamp())


WAYS: dict[str, Way] = {
    "coingecko": Way(
        "CoinGecko", {"day": 365, "hour": 90}, _coin,
        lambda asked: f"/coins/{asked.name}/market_chart/range",
        lambda asked: {
            "vs_currency": asked.currency.lower(), "from": _seconds(asked.first),
            "to": _seconds(asked.until) - 1, "precision": "full",
            "interval": "daily" if asked.granularity == DAY else "hourly",
        },
        _coingecko,
    ),
    "kraken": Way(
        "Kraken, mean by volume", {"day": 720, "hour": 30}, _pair,
        lambda _: "/0/public/OHLC",
        lambda asked: {
            "pair": asked.name, "interval": 1440 if asked.granularity == DAY else 60,
            "since": _seconds(asked.first) - 1,
        },
        _kraken, open_end=True,
    ),
}  # fmt: skip
"""Every API that is known."""
