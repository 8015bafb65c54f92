"""Worth in a currency where prices were read, jurisdictions where tags say one; else *not read*."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native, token
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import TraceError
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.exposure import Exposure, exposure
from chainwatch.tracing.trace import trace

TEN = datetime(2023, 6, 1, tzinfo=UTC)
MOVES = [("o", "v", 90, 0), ("v", "s", 30, 10), ("v", "d", 20, 70), ("v", "s", 5, 130)]
"""Two payments to s and one to d, in the first, second and third hour; 35 stay."""


def with_prices(
    desk: Any, ledger: Ledger, *rows: tuple[int, str, str], currency: str = "USD"
) -> Ledger:
    """Add prices ``(hour, price, source)`` of a whole coin in a currency."""
    prices = pl.DataFrame(
        [{"chain": desk.asset.chain, "contract": desk.asset.contract, "currency": currency,
          "granularity": "hour", "time": TEN.replace(hour=hour), "price": price, "source": source}
         for hour, price, source in rows],
        schema=schema.PRICES.schema, orient="row",
    )  # fmt: skip
    return Ledger.from_tables({**ledger.frames, "prices": prices})


def asked(desk: Any, *prices: tuple[int, str, str], **more: Any) -> Exposure:
    ledger = with_prices(desk, desk.paid(MOVES, read="ov"), *prices)
    tags = desk.tags(
        ("s", "shop", "exchange", {"context": '{"jurisdiction": "FR"}'}), ("d", "den"),
        chain=desk.asset.chain,
    )  # fmt: skip
    found = trace(ledger, desk.account("v"), policy="fifo", stop=tags, asset=desk.asset)
    return exposure(found, tags, **{"ledger": ledger, "currency": "USD", **more})


def told(found: Exposure) -> dict[str | None, tuple[Any, ...]]:
    names = ("entity", "fiat", "currency", "unpriced")
    return {row[0]: row[1:] for row in found.categories.select(*names).iter_rows()}


def test_each_payment_is_worth_the_price_of_its_hour(desk: Any) -> None:
    """30 at 1.005 and 5 at 3; 20 at 0.1; what stays was last paid in the first hour."""
    found = asked(desk, (0, "1.005", "m"), (1, "0.1", "m"), (2, "3", "m"))
    assert told(found) == {
        "shop": (Decimal("45.15"), "USD", 0), "den": (Decimal("2.00"), "USD", 0),
        None: (Decimal("35.17"), "USD", 0),
    }  # fmt: skip
    assert "Worth is in USD by m, at the hour of each payment." in found.not_read()


def test_a_sum_is_rounded_once_and_down(desk: Any) -> None:
    """30 at 0.0005 and 5 at 0.001 are 0.02; each alone would be 0.01 and 0."""
    found = asked(desk, (0, "0.0005", "m"), (2, "0.001", "m"))
    assert told(found)["shop"][0] == Decimal("0.02")


@pytest.mark.parametrize(
    ("currency", "worth"), [("USD", "0.37"), ("JPY", "0"), ("KWD", "0.379"), ("CLF", "0.3795")]
)
def test_a_sum_is_rounded_to_the_minor_unit_of_its_currency(
    desk: Any, currency: str, worth: str
) -> None:
    """Yen have none, dinars three digits, the unidad de fomento four."""
    ledger = desk.paid(MOVES, read="ov")
    priced = with_prices(desk, ledger, (1, "0.018976", "m"), currency=currency)
    found = asked(desk, ledger=priced, currency=currency)
    assert told(found)["den"][0] == Decimal(worth)


def test_an_hour_without_a_price_is_never_filled_from_its_neighbour(desk: Any) -> None:
    found = asked(desk, (0, "1", "m"), (2, "3", "m"))
    assert told(found) == {
        "shop": (Decimal("45.00"), "USD", 0), "den": (None, None, 20), None: (35, "USD", 0),
    }  # fmt: skip
    assert any("of some payments that price was not read" in said for said in found.not_read())
    some = asked(desk, (2, "3", "m"))
    assert told(some)["shop"] == (Decimal("15.00"), "USD", 30)


def test_where_an_hour_has_no_price_its_day_has(desk: Any) -> None:
    ledger = with_prices(desk, desk.paid(MOVES, read="ov"), (0, "1", "m"))
    assert ledger.frames is not None
    daily = ledger.frames["prices"].with_columns(granularity=pl.lit("day"), price=pl.lit("0.5"))
    both = pl.concat([ledger.frames["prices"], daily])
    found = asked(desk, ledger=Ledger.from_tables({**ledger.frames, "prices": both}))
    assert told(found)["shop"] == (Decimal("32.50"), "USD", 0)
    assert told(found)["den"] == (Decimal("10.00"), "USD", 0)
    said = "Worth is in USD by m, at the hour, or else the day, of each payment."
    assert said in found.not_read()


def test_prices_that_were_not_read_are_not_zero(desk: Any) -> None:
    found = asked(desk)
    assert set(told(found).values()) == {
        (None, None, 35), (None, None, 20),
    }  # fmt: skip
    said = "Prices of TOK in USD were not read: nothing has a worth."
    assert said in found.not_read()
    assert said in found.findings(pl.DataFrame())[0].text


def test_not_asked_is_not_said(desk: Any) -> None:
    found = asked(desk, (0, "1", "m"), ledger=None, currency=None)
    assert set(told(found).values()) == {(None, None, None)}
    assert not any("rice" in said for said in found.not_read())


def test_several_sources_are_never_mixed(desk: Any) -> None:
    rows = ((0, "1", "m"), (0, "2", "k"), (2, "9", "k"))
    with pytest.raises(TraceError, match="2 sources price TOK in USD: k, m") as raised:
        asked(desk, *rows)
    assert "price_source=" in str(raised.value)
    assert told(asked(desk, *rows, price_source="m"))["shop"] == (30, "USD", 5)
    with pytest.raises(TraceError, match="no prices of TOK in USD by 'z' were read"):
        asked(desk, *rows, price_source="z")


def test_a_currency_needs_a_ledger_and_a_ledger_a_currency(desk: Any) -> None:
    with pytest.raises(TraceError, match="without a ledger"):
        asked(desk, ledger=None)
    with pytest.raises(TraceError, match="without a currency"):
        asked(desk, currency=None)


class TestJurisdiction:
    def test_where_no_tag_says_one_it_is_said(self, desk: Any) -> None:
        found = asked(desk)
        assert dict(found.categories.select("entity", "jurisdiction").iter_rows()) == {
            "shop": "FR", "den": None, None: None,
        }  # fmt: skip
        assert ("Of some parties no tag says in which jurisdiction they are: that is not known."
                in found.not_read())  # fmt: skip

    @pytest.mark.parametrize(
        ("others", "place"), [(("FR",), "FR"), (("FR", "DE"), "DE or FR"), ((), None)]
    )
    def test_an_actor_has_that_of_its_other_tags(
        self, desk: Any, others: tuple[str, ...], place: str | None
    ) -> None:
        """Of the address itself nothing is said; of others of the actor it is."""
        more = [
            (name, "shop", "exchange", {"context": f'{{"jurisdiction": "{one}"}}'})
            for name, one in zip("xy", others, strict=False)
        ]
        tags = desk.tags(("s", "shop"), *more, chain=desk.asset.chain)
        ledger = desk.paid(MOVES, read="ov")
        found = trace(ledger, desk.account("v"), policy="fifo", stop=tags, asset=desk.asset)
        rows = exposure(found, tags).categories.filter(entity="shop")
        assert rows["jurisdiction"].to_list() == [place]


def test_ids_of_assets_are_caip_19() -> None:
    usdt = token("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6)
    assert usdt.caip19 == "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7"
    tether = token("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", 6)
    assert tether.caip19 == "tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    assert native("btc").caip19 == "bip122:000000000019d6689c085ae165831e93/slip44:0"
    assert native("btc-regtest").caip19 is None


def test_coins_of_value_have_a_number_of_their_own() -> None:
    """SLIP-44: no two coins have one, whatever chains they are of; those of test networks none."""
    coins = {(one.symbol, one.coin_type) for one in all_chains() if one.mainnet}
    numbers = [number for _, number in coins]
    assert len({symbol for symbol, _ in coins}) == len(set(numbers)) == len(coins)
    assert None not in numbers
    assert native("base").caip19 == "eip155:8453/slip44:60"
    assert {one.coin_type for one in all_chains() if not one.mainnet} == {None}
