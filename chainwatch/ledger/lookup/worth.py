"""What an address received and spent was worth, where prices were read: said with granularity."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.summaries import AddressSummary
from chainwatch.ledger.prices import Prices, add_up, minor_digits, prices_of
from chainwatch.ledger.prices import worth as worth_of
from chainwatch.ledger.schema import DAY, HOUR
from chainwatch.units import counted, to_text


def worth_told(ledger: Ledger, found: AddressSummary) -> tuple[str, ...]:
    """Return in sentences what an address received and spent was worth when it moved.

    One for each asset, way, currency and publisher of prices; nothing where no prices were read.
    What took no effect was worth nothing; what has no price of its hour or day is counted.
    """
    prices = prices_of(ledger)
    kinds = prices.frame.filter(chain=found.chain.id)
    if not kinds.height:
        return ()
    series = kinds.select("contract", "currency", "source").unique().sort(pl.all(), nulls_last=True)
    told: list[str] = []
    for contract, currency, source in series.iter_rows():
        for way, rows, asset in _moved(found, contract):
            told += _told(prices, rows, asset, currency, source, way)
    return tuple(told)


def _moved(
    found: AddressSummary, contract: bytes | None
) -> Iterator[tuple[str, pl.DataFrame, Asset]]:
    """Yield what an address received and spent of an asset: rows with ``time, amount``."""
    coins = found.chain.family == "utxo"
    if coins:
        for way in ("received", "spent"):
            rows = found.history.select("time", pl.col(way).alias("amount"))
            yield way, rows.filter(pl.col("amount") > 0), native(found.chain.id)
        return
    mine = found.history.filter(
        pl.col("contract").eq_missing(pl.lit(contract, pl.Binary)),
        pl.col("token_id").is_null(), pl.col("success").ne_missing(pl.lit(value=False)),
    )  # fmt: skip
    known = mine["decimals"].drop_nulls().unique()
    if contract is not None and len(known) != 1:
        return
    asset = native(found.chain.id) if contract is None else Asset(
        found.chain.id, contract, text(contract, found.chain), int(known[0])
    )  # fmt: skip
    for way, side in (("received", "in"), ("spent", "out")):
        yield way, mine.filter(direction=side).select("time", "amount"), asset


def _told(
    prices: Prices, rows: pl.DataFrame, asset: Asset, currency: str, source: str, way: str
) -> Iterator[str]:
    if not rows.height:
        return
    priced = prices.of_rows(rows, asset, currency, source=source)
    pairs = priced.select("amount", "price").iter_rows()
    value = add_up((worth_of(one, price, asset.decimals) for one, price in pairs), currency)
    by = {one: int((priced["price_per"] == one).sum()) for one in (HOUR, DAY)}
    spans = " and ".join(f"the {one} of {count:,}" for one, count in by.items() if count)
    if not spans:
        yield f"of the {asset.symbol} {way}, no payment has a price in {currency} by {source}"
        return
    much = f"{to_text(value.minor, minor_digits(currency), group=True)} {currency}"
    said = f"{asset.symbol} {way} was worth {much} by {source}, at the price of {spans}"
    said += f" {'payment' if sum(by.values()) == 1 else 'payments'}"
    if value.unpriced:
        said += f"; {counted(value.unpriced, 'payment has', 'payments have')} no price"
    yield said
