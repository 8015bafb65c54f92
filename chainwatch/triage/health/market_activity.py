"""``market_activity``: how many owners paid sellers of what, week by week; exact, for the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

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
from chainwatch.triage.health.unread_weeks import UNREAD_WEEKS, by_blocks, unread_weeks
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
        Mondays of all weeks that were asked for.
    unread : polars.DataFrame
        Rows in ``UNREAD_WEEKS``: those of the weeks that were not read whole. They have no row in
        ``frame``, whatever was read of them, and are not zero.
    by_blocks : bool
        Whether blocks were read whole. If not, nothing tells what is lacking between the addresses
        or rows that were read.
    """

    frame: pl.DataFrame
    asset: Asset
    by: tuple[str, ...]
    weeks: tuple[date, ...]
    unread: pl.DataFrame
    by_blocks: bool

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the digest is of."""
        named = ACTIVITY.pick(*self.frame.columns, key=self.by)
        return {
            "market_activity": named.rows(self.frame),
            "unread_weeks": UNREAD_WEEKS.rows(self.unread),
        }

    def words(self) -> Mapping[str, Any]:
        """Return by what it is known which weeks were read."""
        return {"by_blocks": self.by_blocks}

    def __repr__(self) -> str:
        cells = counted(self.frame.height, "cell", "cells")
        weeks = counted(len(self.weeks), "week", "weeks")
        said = (
            f"MarketActivity({cells} with payments by {', '.join(self.by)}, {weeks} from"
            f" {self.weeks[0]}; exact, for the desk alone: outside it publish a health_release)"
        )
        if self.unread.height:
            said += (
                f"\n  unread: {counted(self.unread.height, 'week', 'weeks')}, which are not zero"
            )
        if not self.by_blocks:
            said += "\n  no block was read whole: nothing tells whether a week was read"
        return said


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
        A row per cell in which somebody paid; weeks that were not read whole stand in a table of
        their own.

    Raises
    ------
    InputError
        If what is asked has no meaning, or none of the weeks was read.

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
    unread = unread_weeks(ledger, what.chain, weeks)
    if len(unread) == len(weeks):
        check_read(ledger, what.chain, weeks)
    units = owners(ledger) if clusters is None else clusters
    flows = flows_of(ledger, what, units, tags)
    rows = seller_payments(flows, tags, units, weeks)
    whole = rows.filter(~pl.col(WEEK).is_in([one.week for one in unread]))
    return MarketActivity(
        _counted(whole, flows, named), what, named, weeks, UNREAD_WEEKS.frame(unread),
        by_blocks(ledger, what.chain),
    )  # fmt: skip


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
