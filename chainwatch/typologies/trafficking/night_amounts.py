"""Amounts of a price list at night, month by month: paid by many to one. Amount and time only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.errors import RuleError
from chainwatch.typologies import bursts
from chainwatch.typologies.bursts import DAY, HOUR, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import WEAK, Answer, Claim, Lacking, NotJudged, typology

MINUTE = HOUR // 60
QUARTER = 15 * MINUTE
SCHEDULED = "parties whose payments at night are of one minute or quarter hour, as standing orders"
_ZONE = re.compile(r"UTC(?:([+-])(\d{1,2})(?::([0-5]\d))?)?")
_EAST, _WEST = 14 * HOUR, 12 * HOUR
"""No clock of the world is further ahead of UTC, or further behind it."""


@typology(
    fatf="patterns",
    benign="A game or a stream that is used in the evening is paid monthly and at one price.",
    strength=WEAK,
    refs=("doj2019", "chainalysis2026"),
    rests_on=(bursts,),
)
def night_amounts(
    flows: Flows, payers: int = 10, share: int = 40, night: int = 50, from_hour: int = 23,
    to_hour: int = 5, zone: str = "", scheduled: int = 50, returning: int = 30,
    least_days: int = 25, most_days: int = 35,
) -> Iterator[Answer]:  # fmt: skip
    """Many pay one party the same amount, most of them at night, and many come again by the month.

    It is what payments for abuse material have in common, by amounts and times alone: what was paid
    for, no chain shows and nothing here looks at. It accuses none of those who paid. **It is
    weak**: lawful subscriptions are paid so too. When it is night no chain shows: without the time
    zone of those who pay it is *not observable*.

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
    zone : str
        The clock of those who pay, as it stands to UTC: such as ``UTC-5``, ``UTC+5:30`` or ``UTC``.
        Who asks has to know it; there is none by itself.
    scheduled : int
        If more than so many percent of the payments at night are of one minute of the hour, or lie
        within one quarter of an hour of the day, a machine makes them, and it is no night.
    returning : int
        So many percent of the payers of that amount pay it again after a month, at least.
    least_days : int
        A month has so many days, at least.
    most_days : int
        And at most so many.

    Fails when
    ----------
    Payers live in many zones, or put their clocks forward in summer, so that their night is
    another; standing orders run at several times of the night; prices are in a currency, so
    that amounts differ each day; each payer is given an address of his own and nothing joins these;
    a lawful service is used at night.

    References
    ----------
    United States Department of Justice, 2019, for a site that was paid so; Chainalysis, 2026, for
    the sizes. The numbers are of practice, and no source measured them.
    """
    if not zone:
        yield Lacking("the time zone of those who pay, such as zone=UTC-5")
        return
    yield from _asked(flows, _Asked(payers, share, night, (from_hour, to_hour), zone, scheduled,
                                    returning, (least_days, most_days)))  # fmt: skip


class _Asked(NamedTuple):
    """The numbers of a question, as :func:`night_amounts` says."""

    payers: int
    share: int
    night: int
    hours: tuple[int, int]
    zone: str
    scheduled: int
    returning: int
    days: tuple[int, int]


def _asked(flows: Flows, one: _Asked) -> Iterator[Answer]:
    ahead, machines = _ahead(one.zone), 0
    able = flows.payers >= max(one.payers, 1)
    yield from services_left_out(flows, able)
    for party in np.flatnonzero(able & ~flows.services).tolist():
        came = flows.into.of(party)
        same = came[_most_common(flows, came)]
        dark = _at_night(flows, same, *one.hours, ahead)
        if not part_of(len(same), len(came), one.share) or not part_of(
            len(dark), len(same), one.night
        ):
            continue
        people = len(np.unique(flows.payer[same][flows.payer[same] != NOBODY]))
        back = _returning(flows, same, *(days * DAY for days in one.days))
        if people < one.payers or not part_of(back, people, one.returning):
            continue
        if 100 * _at_once(dark) > one.scheduled * len(dark):
            machines += 1
            continue
        yield Claim(
            party,
            f"as subscriptions are paid: {people} others paid it one and the same amount,"
            f" {len(same)} of {len(came)} payments, {len(dark)} of them at night by the clock of"
            f" {one.zone}; {back} paid again after a month",
            {"same amount": same},
            unknown=flows.lacking(party),
        )
    if machines:
        yield NotJudged(SCHEDULED, machines)


def _most_common(flows: Flows, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which payments are of the most common amount; of several the smallest."""
    amounts = flows.amount[rows]
    values, counts = np.unique(amounts, return_counts=True)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = amounts == values[np.argmax(counts)]
    return found


def _ahead(zone: str) -> int:
    """Return by how much a clock is ahead of UTC, in microseconds; below zero, behind it."""
    found = _ZONE.fullmatch(zone)
    ahead = 0
    if found is not None:
        ahead = int(found[2] or 0) * HOUR + int(found[3] or 0) * MINUTE
        ahead = -ahead if found[1] == "-" else ahead
    if found is None or not -_WEST <= ahead <= _EAST:
        raise RuleError(
            f"zone {zone!r:.40} of typology night_amounts is no time zone",
            remedy="write how its clock stands to UTC: UTC, UTC-5, UTC+5:30",
        )
    return ahead


def _at_night(flows: Flows, rows: Rows, begin: int, end: int, ahead: int) -> NDArray[np.int64]:
    """Return the times of day of the payments at night, in microseconds of the payers' clock."""
    times = (flows.time[rows] + ahead) % DAY
    hours = times // HOUR
    inside = (hours >= begin) & (hours < end)
    if begin > end:
        inside = (hours >= begin) | (hours < end)
    found: NDArray[np.int64] = times[inside]
    return found


def _at_once(times: NDArray[np.int64]) -> int:
    """Return how many times of day are of one minute of the hour, or within one quarter hour."""
    if not len(times):
        return 0
    minutes = np.unique(times % HOUR // MINUTE, return_counts=True)[1]
    # a night goes past midnight: each time stands a second time a day later
    order = np.sort(times)
    twice = np.concatenate([order, order + DAY])
    ends = np.searchsorted(twice, order + QUARTER, side="right")
    return max(int(minutes.max()), int((ends - np.arange(len(order))).max()))


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


__all__ = ["SCHEDULED", "night_amounts"]
