"""Amounts of a price list at night, month by month: paid by many to one. Amount and time only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainwatch.typologies.bursts import DAY, HOUR, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="patterns",
    benign="A subscription is paid monthly and at one price, at all hours of the day.",
    refs=("doj2019", "chainalysis2026"),
)
def night_amounts(
    flows: Flows, payers: int = 10, share: int = 40, night: int = 50, from_hour: int = 23,
    to_hour: int = 5, ahead: int = 0, returning: int = 30, least_days: int = 25,
    most_days: int = 35,
) -> Iterator[Answer]:  # fmt: skip
    """Many pay one party the same amount, most of them at night, and many come again by the month.

    It is what payments for abuse material have in common, by amounts and times alone: what was paid
    for, no chain shows and nothing here looks at. It accuses none of those who paid.

    Parameters
    ----------
    payers : int
        Different payers of the most common amount, at least.
    share : int
        So many percent of the payments to the party are of that amount, to the base unit, at least.
    night : int
        So many percent of these are made at night, at least.
    from_hour : int
        Night begins with this hour of the day.
    to_hour : int
        And ends before this one.
    ahead : int
        By how many hours the clock of those who pay is ahead of UTC.
    returning : int
        So many percent of the payers of that amount pay it again after a month, at least.
    least_days : int
        A month has so many days, at least.
    most_days : int
        And at most so many.

    Fails when
    ----------
    Payers live in many zones, so that it is always night somewhere; prices are in a currency, so
    that amounts differ each day; each payer is given an address of his own and nothing joins these;
    a lawful service is used at night.

    References
    ----------
    United States Department of Justice, 2019, for a site that was paid so; Chainalysis, 2026, for
    the sizes. The numbers are of practice, and no source measured them.
    """
    able = flows.payers >= max(payers, 1)
    yield from services_left_out(flows, able)
    for party in np.flatnonzero(able & ~flows.services).tolist():
        came = flows.into.of(party)
        same = came[_most_common(flows, came)]
        dark = _at_night(flows, same, from_hour, to_hour, ahead)
        if not part_of(len(same), len(came), share) or not part_of(dark, len(same), night):
            continue
        people = len(np.unique(flows.payer[same][flows.payer[same] != NOBODY]))
        back = _returning(flows, same, least_days * DAY, most_days * DAY)
        if people >= payers and part_of(back, people, returning):
            yield Claim(
                party,
                f"{people} others paid it one and the same amount, {len(same)} of {len(came)}"
                f" payments, {dark} of them at night; {back} paid again after a month",
                {"same amount": same},
                unknown=flows.lacking(party),
            )


def _most_common(flows: Flows, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which payments are of the most common amount; of several the smallest."""
    amounts = flows.amount[rows]
    values, counts = np.unique(amounts, return_counts=True)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = amounts == values[np.argmax(counts)]
    return found


def _at_night(flows: Flows, rows: Rows, begin: int, end: int, ahead: int) -> int:
    hours = (flows.time[rows] // HOUR + ahead) % 24
    inside = (hours >= begin) & (hours < end)
    if begin > end:
        inside = (hours >= begin) | (hours < end)
    return int(inside.sum())


def _returning(flows: Flows, rows: Rows, least: int, most: int) -> int:
    """Return how many payers pay again so much later as a month is long."""
    known = rows[flows.payer[rows] != NOBODY]
    order = known[np.lexsort((known, flows.payer[known]))]
    who, clock = flows.payer[order], flows.clock[order]
    found: set[int] = set()
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    for some in np.split(np.arange(len(order)), starts[1:]):
        times = clock[some]
        begin = np.searchsorted(times, times + least)
        end = np.searchsorted(times, times + most, side="right")
        if len(some) and (end > begin).any():
            found.add(int(who[some[0]]))
    return len(found)
