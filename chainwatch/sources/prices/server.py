"""Prices from a server into a ledger: by day or hour, asked for in spans that are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, SourceError
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.rows.evidence import answers_frame, coverage_frame
from chainwatch.ledger import schema
from chainwatch.ledger.prices import GRANULARITIES, currency_code
from chainwatch.net.client import Answer, Client
from chainwatch.net.hosts import split_url
from chainwatch.net.policy import is_own_host
from chainwatch.sources.parameters import (
    Argument,
    Asked,
    AtLeast,
    OnlyInPython,
    Option,
    Secret,
)
from chainwatch.sources.prices.held import check_held
from chainwatch.sources.prices.quotes import WAYS, Api, at_start, judge
from chainwatch.sources.prices.quotes import Asked as Question
from chainwatch.sources.prices.read import Granularity
from chainwatch.units import counted

if TYPE_CHECKING:
    import httpx2


class PriceServer:
    """A server of fiat prices as a source.

    Parameters
    ----------
    url : str
        Base of the API, such as https://api.coingecko.com/api/v3 or https://api.kraken.com.
    asset : str
        What the server calls it: an id of CoinGecko (bitcoin), a pair of Kraken (XBTEUR).
    chain : str
        Chain whose coin or token that is.
    currency : str
        ISO 4217 code of the prices.
    first, until : str
        Days (UTC), as in 2023-06-01: from the first until before the second, which must be over.
    contract : str, optional
        The token that the prices are of; else they are of the coin of the chain.
    granularity : {"day", "hour"}
        How long each price holds for.
    api : {"coingecko", "kraken"}
        Whose interface it is.
    headers : mapping of str to str, optional
        Header fields with a key in them; their values are shown nowhere.
    own : bool, optional
        The server is one's own; by default if its host is a private or loopback address.
    keep_raw : bool
        Keep the answers in ``answers``.
    per_second : float, optional
        Requests a second; no limit for your own server, else 4.
    timeout : float
        Seconds for one read.
    attempts : int
        Attempts at one request.
    now : datetime, optional
        What counts as now, for what is over.
    transport
        As for :class:`chainwatch.net.client.Client`.

    Notes
    -----
    A stranger's server learns of what, and of which days, you ask for prices. The price of a day or
    hour is the first that the server has of it; of Kraken, the mean of all its trades by volume. A
    day or hour without a price has none.

    Examples
    --------
    chainwatch pull price-server https://api.coingecko.com/api/v3 --asset bitcoin --chain btc
    --currency EUR --first 2026-06-01 --until 2026-07-01 --ledger ledger

    Fails when
    ----------
    The name is that of another asset: no answer says of which contract it is. Servers correct their
    prices in silence; one that is read stays, and another one of the same day or hour is refused.
    Kraken answers with the last 720 days or hours alone: of what lies before, no price is read.
    """

    def __init__(
        self, url: Annotated[str, Argument(), Asked()], asset: str, chain: Chain | str,
        currency: str, first: str, until: str, *, contract: str | None = None,
        granularity: Granularity = "day", api: Api = "coingecko",
        headers: Annotated[Mapping[str, str] | None, Option("--header"), Secret()] = None,
        own: bool | None = None, keep_raw: bool = True, per_second: float | None = None,
        timeout: float = 30.0, attempts: Annotated[int, AtLeast(1)] = 5,
        now: Annotated[datetime | None, OnlyInPython()] = None,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        if api not in WAYS or granularity not in GRANULARITIES:
            raise InputError(
                f"{api!r} by {granularity!r} is nothing that can be asked for",
                remedy=f"give {' or '.join(WAYS)}, and day or hour",
            )
        self._chain, self.way, self.keep_raw = chain_of(chain), WAYS[api], keep_raw
        self.contract = canonical.parse(contract, self._chain) if contract is not None else None
        self.currency, self.asset, self.granularity = currency_code(currency), asset, granularity
        self.way.check(asset, self.currency)
        self.first, self.until = _days(first, until, now or datetime.now(UTC))
        self._client = Client(
            url, source=self.name, own=own if own is not None
            else is_own_host(split_url(url, self.name).hostname or ""), per_second=per_second,
            headers=headers, timeout=timeout, attempts=attempts, judge=judge, transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"PriceServer({self._client.host!r}, {self.asset!r}, chain={self._chain.alias!r})"

    @property
    def name(self) -> str:
        """Name of the source: who publishes the prices."""
        return self.way.publisher

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self._chain.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch for each question: as many days as the server answers at once.

        Raises
        ------
        SourceError
            If an answer is wrong in any way that can be seen, or has no price at all.
        NetworkRefused
            If the policy of the process forbids to ask.
        """
        held = read_units(reader, self.chain)
        with self._client as client:
            for asked in self._questions():
                what = f"{self.asset} in {asked.currency}, {asked.first:%Y-%m-%d}"
                what += f" to {asked.until - timedelta(days=1):%Y-%m-%d}"
                if self._unit(asked) in held:
                    yield Batch({}, (self._unit(asked),), f"{what}, read before")
                    continue
                answer = client.get(self.way.path(asked), self.way.query(asked))
                batch = self._batch(asked, answer, what)
                check_held(batch.tables["prices"], reader, f"{answer.host}, {answer.request}")
                yield batch

    def _questions(self) -> Iterator[Question]:
        """Yield the spans to ask for, one after the other."""
        step = timedelta(days=self.way.days[self.granularity])
        begin = self.first
        while begin < self.until:
            end = min(begin + step, self.until)
            yield Question(self.asset, self.currency, self.granularity, begin, end)
            begin = end

    def _unit(self, asked: Question) -> str:
        whose = self.contract.hex() if self.contract else "coin"
        told = f"{self.way.publisher}/{asked.name}/{whose}/{asked.currency}/{asked.granularity}"
        return f"prices/{told}/{asked.first:%Y-%m-%d}/{asked.until:%Y-%m-%d}"

    def _batch(self, asked: Question, answer: Answer, what: str) -> Batch:
        where = f"{answer.host}, {answer.request}"
        quotes = self.way.quotes(answer, where)
        if self.way.open_end:
            quotes = [one for one in quotes if one.time < asked.until]
        found, more = at_start(quotes, asked, where)
        if not found:
            raise SourceError(
                f"the server has no price of {what}", where=where,
                remedy="check the name, and ask for days of which it has prices",
            )  # fmt: skip
        rows = [
            {"chain": self.chain, "contract": self.contract, "currency": asked.currency,
             "granularity": asked.granularity, "time": time, "price": price, "source": self.name}
            for time, price in found.items()
        ]  # fmt: skip
        unit = self._unit(asked)
        row = {"chain": self.chain, "unit": unit, "kind": "prices", "source": self.name,
               "answer": answer.digest}  # fmt: skip
        tables = {
            "prices": pl.DataFrame(rows, schema=schema.PRICES.schema, orient="row"),
            "coverage": coverage_frame([row]),
            "answers": answers_frame([answer.row(self.name, keep=self.keep_raw)]),
        }
        return Batch(tables, (unit,), what, notes=_notes(asked, len(found), more, what))


def _notes(asked: Question, found: int, more: int, what: str) -> tuple[str, ...]:
    """Return what a reading left open: spans without a price, and prices beside the first."""
    span = timedelta(days=1) if asked.granularity == "day" else timedelta(hours=1)
    whole = (asked.until - asked.first) // span
    one, notes = asked.granularity, []
    if found < whole:
        of = counted(whole, one, f"{one}s")
        notes.append(f"{what}: {whole - found:,} of {of} have no price")
    if more:
        told = counted(more, "price", "prices")
        notes.append(f"{what}: {told} left out, beside the first of the same {one}")
    return tuple(notes)


def _days(first: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    """Return a span of days as the moments at which it begins and ends.

    Raises
    ------
    InputError
        If it is none, or not over yet.
    """
    try:
        begin, end = (
            datetime.strptime(one, "%Y-%m-%d").replace(tzinfo=UTC) for one in (first, until)
        )
    except (TypeError, ValueError):
        raise InputError(
            f"{first!r} to {until!r} are no days", remedy="write them as 2023-06-01"
        ) from None
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if end <= begin:
        raise InputError(
            f"there are no days from {first} until before {until}",
            remedy="give the earlier day first; the second is not included",
        )
    if end > today:
        raise InputError(
            f"the day before {until} is not over", remedy=f"end with {today:%Y-%m-%d} at the latest"
        )
    return begin, end
