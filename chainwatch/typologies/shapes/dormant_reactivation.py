"""Dormant reactivation: what lay still for a year leaves within days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.bursts import DAY, HOUR
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import Rows, least_of, running
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="transactions",
    benign="A saver sells after years, finds his old wallet, or moves it to a new one.",
    refs=("fatf2020",),
)
def dormant_reactivation(
    flows: Flows, idle_days: int = 365, hours: int = 48, moved: int = 50
) -> Iterator[Answer]:
    """A party that paid nobody for a year pays most of what lay with it within days.

    What lay with it is what it was paid at least ``idle_days`` before, less all that it paid
    earlier. What it is paid meanwhile changes nothing: anybody can send dust to anybody.

    Parameters
    ----------
    idle_days : int
        Before the first payment it paid nobody for at least so many days, and was paid what it
        holds at least so long before.
    hours : int
        From the first payment on, both ends included.
    moved : int
        In these it pays at least so many percent of what lay with it.

    Fails when
    ----------
    The owner moved his coins to himself, and nothing joins the two addresses; the asset moves
    without transfers, so that nobody knows what lay there.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice, and no
    source measured them.
    """
    first = _wakings(flows, idle_days * DAY)
    party = flows.payer[first]
    held = _held(flows, first, idle_days * DAY)
    went = _paid(flows, first, hours * HOUR)
    fits = np.asarray((held > 0) & (went >= least_of(held, moved)), np.bool_)
    able = np.zeros(len(flows.parties), np.bool_)
    able[party[fits]] = True
    yield from services_left_out(flows, able)
    for place in np.flatnonzero(fits & ~flows.services[party]).tolist():
        yield _claim(flows, int(first[place]), idle_days, hours)


def _wakings(flows: Flows, idle: int) -> Rows:
    """Return the payments before which their payer paid nobody for so long, or ever."""
    rows = flows.out_of.rows
    new = np.ones(len(rows), np.bool_)
    same = flows.payer[rows[1:]] == flows.payer[rows[:-1]]
    new[1:] = ~same | (flows.clock[rows[1:]] - flows.clock[rows[:-1]] >= idle)
    return rows[new]


def _held(flows: Flows, first: Rows, idle: int) -> NDArray[Any]:
    """Return what lay with the payer of each payment so long before it, by what was read."""
    party, zero = flows.payer[first], np.zeros(len(first), np.int64)
    before = np.searchsorted(flows.clock, flows.clock[first] - idle, side="right")
    came, went = (running(flows.amount[side.rows]) for side in (flows.into, flows.out_of))
    begin, end = flows.into.between(party, zero, before)
    start, stop = flows.out_of.between(party, zero, first)
    found: NDArray[Any] = came[end] - came[begin] - (went[stop] - went[start])
    return found


def _paid(flows: Flows, first: Rows, span: int) -> NDArray[Any]:
    """Return what the payer of each payment pays from it on, within a span."""
    begin, end = flows.out_of.between(flows.payer[first], first, flows.within(first, span))
    went = running(flows.amount[flows.out_of.rows])
    found: NDArray[Any] = went[end] - went[begin]
    return found


def _claim(flows: Flows, first: int, idle_days: int, hours: int) -> Claim:
    party, one = int(flows.payer[first]), np.array([first], np.int64)
    out = flows.out_of.of(party)
    begin, end = np.searchsorted(out, [first, int(flows.within(one, hours * HOUR)[0])])
    return Claim(
        party,
        f"it paid nobody for {idle_days} days or more, and most of what lay with it within {hours}"
        f" hours, in {end - begin} payments",
        {"out": out[begin:end]},
        unknown=flows.lacking(party),
    )
