"""Prices held to those that a ledger has: one publisher names one price of a day or hour."""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.addresses.diagnose import quoted
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import PriceError
from chainwatch.ingest.protocol import Reader
from chainwatch.ledger.schema import DAY, PRICES


def check_held(rows: pl.DataFrame, reader: Reader, where: str) -> None:
    """Refuse prices that differ from those that were read before.

    Raises
    ------
    PriceError
        Naming the asset, the day or hour, and both prices.
    """
    key = list(PRICES.key)
    held = reader.scan("prices").select(*key, pl.col("price").alias("held")).collect()
    both = rows.join(held, on=key, nulls_equal=True)
    odd = both.filter(pl.col("price") != pl.col("held")).sort("time")
    if not odd.height:
        return
    first = odd.row(0, named=True)
    network = chain_of(first["chain"])
    asset = network.symbol if first["contract"] is None else text(first["contract"], network)
    when = f"{first['time']:%Y-%m-%d}" if first["granularity"] == DAY else (
        f"{first['time']:%Y-%m-%d %H:%M}"
    )  # fmt: skip
    raise PriceError(
        f"{quoted(first['source'])} names the price {first['price']} {first['currency']} of"
        f" {asset} for the {first['granularity']} of {when}, and {first['held']} was read of it"
        " before",
        where=where, remedy="find out which is right, and leave out the other",
    )  # fmt: skip
