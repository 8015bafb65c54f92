"""What the ends of a case were worth, where prices were read: by hour or day of each payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.prices import prices_of
from chainwatch.results.result import Finding
from chainwatch.results.table import BEHIND, Column, Privacy, Table, behind
from chainwatch.tracing.ends.fiat import PLACES, Worth
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import counted

KEY = ("reason", "service", "currency", "publisher")

WORTH = Table(
    "worth",
    (),
    "What the ends of the trace were worth when they were paid, by reason and service.",
    (
        ENDS["reason"],
        ENDS["service"],
        Column.word("currency", "ISO 4217 code"),
        Column.text("publisher", "who published the prices"),
        Column(
            "value", pl.Decimal(38, PLACES), Privacy.NUMBER,
            "worth of what has a price, rounded down",
            "currency", nullable=True,
        ),
        Column.count("by_hour", "ends priced by their hour"),
        Column.count("by_day", "ends priced by their day"),
        Column.count("unpriced", "ends of whose hour and day no price was read: in no value"),
        BEHIND,
    ),
)  # fmt: skip


def worth_finding(followed: Trace, ledger: Ledger) -> Finding | None:
    """Return what the ends of a trace were worth; None where no price of its asset was read.

    Parameters
    ----------
    followed : Trace
        What was followed.
    ledger : Ledger
        It holds the prices. Each currency and each publisher has rows of its own: nothing is
        chosen, and nothing is added up across them.
    """
    asset = followed.asset
    held = prices_of(ledger).frame.filter(
        pl.col("chain") == asset.chain,
        pl.col("contract").eq_missing(pl.lit(asset.contract, pl.Binary)),
    )
    series = held.select("currency", "source").unique().sort("currency", "source")
    ends = followed.ends
    if not series.height or not ends.height:
        return None
    read = [Worth.read(ledger, asset, *one) for one in series.iter_rows()]
    rows = pl.concat([_rows(ends, one) for one in read])
    said = tuple(_said(one) for one in read)
    return Finding(
        "What the ends were worth",
        (
            "Each end at the price of its own time, in the column of its reason. Prices are"
            " somebody's: trade elsewhere had others.", *said,
        ),
        WORTH.rows(rows.sort(KEY, nulls_last=True)),
        asset,
    )  # fmt: skip


def _said(prices: Worth) -> str:
    return (
        f"In {prices.currency} by {prices.source}: the price of the {prices.spans.rstrip(',')} of"
        f" each payment, of {counted(len(prices.by_hour), 'hour', 'hours')} and"
        f" {counted(len(prices.by_day), 'day', 'days')} that were read; of no other."
    )


def _rows(ends: pl.DataFrame, prices: Worth) -> pl.DataFrame:
    """Return the rows of one currency and publisher."""
    sums: dict[tuple[Any, ...], Fraction | None] = {}
    spans: dict[tuple[Any, ...], dict[str, int]] = defaultdict(
        lambda: {"by_hour": 0, "by_day": 0, "unpriced": 0}
    )
    for reason, service, amount, time in ends.select(
        "reason", "service", "amount", "time"
    ).iter_rows():
        key = (reason, service)
        value = prices.value(int(amount), time)
        spans[key][_by(prices, time, value)] += 1
        sums[key] = _added(sums.get(key), value)
    whom = ends.group_by("reason", "service").agg(behind("address"))
    made = [_row(key, value, spans[key], prices) for key, value in sums.items()]
    frame = pl.DataFrame(made, schema={name: WORTH.schema[name] for name in WORTH.names[:-1]})
    joined = frame.join(whom, on=["reason", "service"], how="left", nulls_equal=True)
    return joined.select(WORTH.names)


def _by(prices: Worth, time: datetime | None, value: Fraction | None) -> str:
    """Return of what the price of an end is."""
    if value is None or time is None:
        return "unpriced"
    hour = time.replace(minute=0, second=0, microsecond=0)
    return "by_hour" if hour in prices.by_hour else "by_day"


def _added(before: Fraction | None, value: Fraction | None) -> Fraction | None:
    return before if value is None else (before or Fraction(0)) + value


def _row(
    key: Iterable[str | None], value: Fraction | None, spans: Mapping[str, int], prices: Worth
) -> dict[str, Any]:
    return {
        **dict(zip(KEY[:2], key, strict=True)), "currency": prices.currency,
        "publisher": prices.source, "value": None if value is None else prices.shown(value),
        **spans,
    }  # fmt: skip
