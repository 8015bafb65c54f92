"""``market_activity``: how many owners paid sellers of what, week by week; exact, for the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.validity import day_of
from chainwatch.clusters.recipe import owners
from chainwatch.errors import InputError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import BEHIND, Column, Privacy, Rows, Table
from chainwatch.triage.health.cells import checked_dimensions
from chainwatch.triage.health.health_release import asset_of, check_read
from chainwatch.triage.health.seller_payments import (
    ACTOR,
    CHANNEL,
    DIMENSIONS,
    REGION,
    SUBSTANCE,
    WEEK,
    seller_payments,
    weeks_between,
)
from chainwatch.typologies.alerts import flows_of
from chainwatch.typologies.flows import Flows
from chainwatch.units import counted

ACTIVITY = Table(
    "market_activity",
    (),
    "Payments to sellers and owners who made them, by what tags say of the sellers, week by week."
    " Exact: for the desk, and for nobody outside it.",
    (
        Column.text(ACTOR, "the group of vendors, as tags name it"),
        Column.kind(SUBSTANCE, "class of substances that a tag says of the seller"),
        Column.kind(CHANNEL, "how buyers and seller meet"),
        Column.kind(REGION, "jurisdiction that a tag says of the seller"),
        Column(WEEK, pl.Date, Privacy.TIME, "Monday of the week"),
        Column.count("payments", "payments whose payer is known"),
        Column.count("payers", "owners who made them"),
        BEHIND,
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class MarketActivity(Result):
    """Who bought how often, in exact numbers: what only the desk sees.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``ACTIVITY``, of the dimensions that were asked for; cells without a payment have
        no row.
    asset : Asset
        What was paid with.
    by : tuple of str
        The dimensions.
    weeks : tuple of date
        Mondays of all weeks that were looked at.
    """

    frame: pl.DataFrame
    asset: Asset
    by: tuple[str, ...]
    weeks: tuple[date, ...]

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the digest is of."""
        named = ACTIVITY.pick(*self.frame.columns, key=self.by)
        return {"market_activity": named.rows(self.frame)}

    def __repr__(self) -> str:
        cells = counted(self.frame.height, "cell", "cells")
        weeks = counted(len(self.weeks), "week", "weeks")
        return (
            f"MarketActivity({cells} with payments by {', '.join(self.by)}, {weeks} from"
            f" {self.weeks[0]}; exact, for the desk alone: outside it publish a health_release)"
        )


@recorded
def market_activity(
    ledger: Ledger, tags: Framed, *, since: date | str, until: date | str,
    by: Sequence[str] = (SUBSTANCE, WEEK), clusters: Framed | None = None,
    asset: Asset | None = None,
) -> MarketActivity:  # fmt: skip
    """Count payments to tagged sellers of substances, and the owners who made them; exactly.

    It is what :func:`early_warning` reads at the desk. Outside the desk the disclosure edition
    rounds cells of few, and :func:`health_release` is what can be published.

    Parameters
    ----------
    ledger, tags, clusters, asset, since, until
        As :func:`health_release` takes them.
    by : sequence of str
        ``week``, and some of ``substance, channel, region``, or ``actor``: the group of vendors.

    Returns
    -------
    MarketActivity
        A row per cell in which somebody paid.

    Raises
    ------
    InputError
        If what is asked has no meaning, or the weeks were not read.

    Fails when
    ----------
    Sellers are tagged late: what was sold before, under addresses that no tag names, is in no
    count, and looks as if it had begun with the first tagged address.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, Framed, "tags", "pass tags, as read_tags returns them")
    named = checked_dimensions(by, (ACTOR, *DIMENSIONS))
    if WEEK not in named:
        raise InputError("activity without weeks", remedy="name 'week' in by")
    what, weeks = asset_of(ledger, asset), weeks_between(day_of(since), day_of(until))
    check_read(ledger, what.chain, weeks)
    units = owners(ledger) if clusters is None else clusters
    flows = flows_of(ledger, what, units, tags)
    rows = seller_payments(flows, tags, units, weeks)
    return MarketActivity(_counted(rows, flows, named), what, named, weeks)


def _counted(rows: pl.DataFrame, flows: Flows, by: Sequence[str]) -> pl.DataFrame:
    """Return payments and payers of each cell, with the payers behind it."""
    ids = pl.Series(flows.parties).bin.encode("hex")
    once = rows.select(*by, "payment", "payer").unique()
    named = once.with_columns(who=ids.gather(once["payer"].cast(pl.Int64)))
    return (
        named.group_by(by)
        .agg(
            pl.col("payment").n_unique().cast(pl.Int64).alias("payments"),
            pl.col("payer").n_unique().cast(pl.Int64).alias("payers"),
            pl.col("who").unique().sort().str.join(",").alias(BEHIND.name),
        )
        .sort(by)
    )


__all__ = ["ACTIVITY", "MarketActivity", "market_activity"]
