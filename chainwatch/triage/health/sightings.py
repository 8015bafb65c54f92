"""When a substance or a vendor was seen: on the day of a listing, a seizure or a report.

The day on which a tag was written says when somebody sat down to write it: a pack of one afternoon
would look like an outbreak. So a sighting has a day of its own, which the context of a tag says
under ``listed``, ``seized`` or ``reported``; of an order of seizure it is the first day of the tag.
Without one it is *undated*, is counted so, and warns of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import polars as pl

from chainwatch.attribution.contact import substances_of
from chainwatch.attribution.context import texts, told
from chainwatch.attribution.resolve import Framed
from chainwatch.attribution.taxonomy import descendants
from chainwatch.errors import InputError
from chainwatch.triage.health.seller_payments import monday_of

LISTING, SEIZURE, REPORT, PAYMENT = "listing", "seizure", "report", "payment"
DATED_BY = (LISTING, SEIZURE, REPORT, PAYMENT)
"""By what a count can be dated: a payment by its block, the others by what happened."""

KEYS = {"listed": LISTING, "seized": SEIZURE, "reported": REPORT}
"""Keys of a tag's context that say a day, or a list of days."""

ORDERED = ("seizure_order",)

WRITTEN = "only the day on which the tag was written is known"
NO_DAY = "no day is known"


class Sighting(NamedTuple):
    """One thing that was seen: what, in which week, by what it is dated, and of whom."""

    group: str
    week: date
    dated_by: str
    address: bytes


class Undated(NamedTuple):
    """What was said without a day of its own, and why it does not count."""

    group: str
    why: str


def sightings(tags: Framed, by: str) -> tuple[list[Sighting], list[Undated]]:
    """Return what tags saw of substances or vendor groups, and what is undated.

    Parameters
    ----------
    tags : Tags
        Whose context says substances.
    by : {"substance", "actor"}
        What is one group.

    Raises
    ------
    InputError
        If tags are to be grouped by something else.
    """
    if by not in ("substance", "actor"):
        raise InputError("tags are seen by substance or by actor", remedy="pass by='substance'")
    columns = ("address", "actor", "concept", "context", "first_day", "as_of")
    dated: set[Sighting] = set()
    without: set[tuple[Undated, bytes]] = set()
    orders = {one for name in ORDERED for one in (name, *descendants(name))}
    for address, actor, concept, context, first, as_of in tags.frame.select(columns).iter_rows():
        sold = substances_of(context)
        groups = sold if by == "substance" else ((actor,) if actor and sold else ())
        days = set(_days(context))
        if concept in orders and first is not None:
            days.add((first, SEIZURE))
        for group in groups:
            dated |= {Sighting(group, monday_of(day), how, address) for day, how in days}
            if not days:
                why = NO_DAY if as_of is None and first is None else WRITTEN
                without.add((Undated(group, why), address))
    # A tag has a row for each concept: one that is dated speaks for the others of its address.
    known = {(one.group, one.address) for one in dated}
    left = [one for one, address in without if (one.group, address) not in known]
    return sorted(dated), sorted(left)


def _days(context: str | None) -> Iterator[tuple[date, str]]:
    """Yield the days that a context says, and what happened on each; what is no day says none."""
    said = told(context)
    for key, how in KEYS.items():
        for text in texts(said, key):
            try:
                yield date.fromisoformat(text.strip()), how
            except ValueError:
                continue


def weekly_frame(seen: list[Sighting]) -> pl.DataFrame:
    """Return how many different addresses a group was seen at in each week, and how it is dated."""
    schema = {"group": pl.String, "week": pl.Date, "dated_by": pl.String, "address": pl.Binary}
    rows = pl.DataFrame(list(seen), schema=schema, orient="row")
    return (
        rows.group_by("group", "week")
        .agg(
            pl.col("address").n_unique().cast(pl.Int64).alias("count"),
            pl.col("dated_by").unique().sort().str.join("; "),
            pl.col("address").bin.encode("hex").unique().sort().str.join(",").alias("behind"),
        )
        .sort("group", "week")
    )


__all__ = [
    "DATED_BY", "KEYS", "LISTING", "NO_DAY", "PAYMENT", "REPORT", "SEIZURE", "WRITTEN", "Sighting",
    "Undated", "sightings", "weekly_frame",
]  # fmt: skip
