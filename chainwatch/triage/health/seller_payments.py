"""Payments to tagged sellers of substances: who paid, in which week, and what the tags say.

A seller is somebody whom a tag calls a vendor, a market or a shop and of whom its context says a
class of substances. A payment counts where its payer is known, on days on which the tag holds. One
that tags put into two cells, such as two classes, is one row in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from chainwatch.attribution.contact import channels_of, substances_of
from chainwatch.attribution.context import JURISDICTION, texts, told
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.taxonomy import descendants
from chainwatch.errors import InputError
from chainwatch.ledger.schema import TIME
from chainwatch.typologies.flows import NOBODY, Flows

SELLERS = ("vendor", "market", "shop", "shop_owner")
"""Concepts of those who sell; the narrower ones count too."""

SUBSTANCE, CHANNEL, REGION, WEEK = "substance", "channel", "region", "week"
DIMENSIONS = (SUBSTANCE, CHANNEL, REGION, WEEK)
"""By what payments are counted; ``region`` is the jurisdiction that a tag's context says."""

ACTOR = "actor"
"""The group of vendors, as tags name it: by that the desk counts, and nothing is released."""

NOT_SAID = "not_said"
"""Stands where a tag says no channel, no region or no group."""

DAYS = 7


def weeks_between(since: date, until: date) -> tuple[date, ...]:
    """Return the whole weeks of a period, by their Mondays.

    Raises
    ------
    InputError
        If no whole week lies in it.
    """
    first = since + timedelta(days=-since.weekday() % DAYS)
    count = (until - first).days // DAYS
    if count < 1:
        raise InputError(
            f"no whole week from Monday to Sunday lies from {since} until {until}",
            remedy="ask for a longer period",
        )
    return tuple(first + timedelta(days=DAYS * n) for n in range(count))


def monday_of(day: date) -> date:
    """Return the Monday of the week of a day."""
    return day - timedelta(days=day.weekday())


def sellers(tags: Framed) -> pl.DataFrame:
    """Return what tags say of sellers: a row per address, class, channel and region.

    Returns
    -------
    polars.DataFrame
        ``chain, address, actor, substance, channel, region, first_day, last_day, as_of, context``.
    """
    wanted = {one for broad in SELLERS for one in (broad, *descendants(broad))}
    rows = tags.frame.filter(pl.col("concept").is_in(sorted(wanted)))
    said = {one: _said(one) for one in rows["context"].unique().to_list()}
    lists = [said[one] for one in rows["context"].to_list()]
    columns = {
        name: pl.Series(name, [one[at] for one in lists], pl.List(pl.String))
        for at, name in enumerate((SUBSTANCE, CHANNEL, REGION))
    }
    kept = ("chain", "address", "actor", "first_day", "last_day", "as_of", "context")
    named = rows.select(kept).with_columns(**columns)
    for name in columns:
        named = named.explode(name)
    return named.filter(pl.col(SUBSTANCE).is_not_null())


def _said(context: str | None) -> tuple[list[str], list[str], list[str]]:
    """Return the classes, channels and regions that a context says, each at least one word."""
    regions = sorted({one.strip().upper() for one in texts(told(context), JURISDICTION)} - {""})
    return (
        list(substances_of(context)),
        list(channels_of(context)) or [NOT_SAID],
        regions or [NOT_SAID],
    )


def seller_payments(
    flows: Flows, tags: Framed, clusters: Framed | None, weeks: Sequence[date]
) -> pl.DataFrame:
    """Return the payments to sellers in some weeks.

    Returns
    -------
    polars.DataFrame
        ``payer, payee`` (numbers of parties), ``payment``, ``actor``, and the dimensions.
    """
    of = _parties(flows, sellers(tags), clusters)
    whole = pl.DataFrame(
        {
            "payer": pl.Series(flows.payer, dtype=pl.Int32),
            "payee": pl.Series(flows.payee, dtype=pl.Int32),
            "day": pl.Series(flows.time, dtype=pl.Int64).cast(TIME).dt.date(),
        }
    ).with_row_index("payment")
    paid = whole.filter(
        pl.col("payer") != NOBODY, pl.col("payer") != pl.col("payee"),
        pl.col("day") >= weeks[0], pl.col("day") < weeks[-1] + timedelta(days=DAYS),
    )  # fmt: skip
    begun = pl.col("first_day").is_null() | (pl.col("first_day") <= pl.col("day"))
    lasts = pl.col("last_day").is_null() | (pl.col("last_day") >= pl.col("day"))
    found = paid.join(of, on="payee").filter(begun, lasts)
    monday = pl.col("day").dt.truncate("1w").alias(WEEK)
    return found.select("payer", "payee", "payment", ACTOR, *DIMENSIONS[:3], monday).unique()


def _parties(flows: Flows, said: pl.DataFrame, clusters: Framed | None) -> pl.DataFrame:
    """Return what is said of sellers by the number of their party: of an owner, by any address."""
    here = said.filter(pl.col("chain") == flows.asset.chain)
    owner = pl.col("address")
    if clusters is not None:
        joined = clusters.frame.filter(pl.col("chain") == flows.asset.chain)
        here = here.join(joined.select("address", "cluster"), on="address", how="left")
        owner = pl.coalesce("cluster", "address")
    numbers = pl.DataFrame({"party": flows.parties}).with_row_index("payee")
    return (
        here.with_columns(party=owner, actor=pl.col(ACTOR).fill_null(NOT_SAID))
        .join(numbers.with_columns(pl.col("payee").cast(pl.Int32)), on="party")
        .select("payee", ACTOR, *DIMENSIONS[:3], "first_day", "last_day")
        .unique()
    )


__all__ = [
    "ACTOR", "CHANNEL", "DIMENSIONS", "NOT_SAID", "REGION", "SELLERS", "SUBSTANCE", "WEEK",
    "monday_of", "seller_payments", "sellers", "weeks_between",
]  # fmt: skip
