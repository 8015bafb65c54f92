"""Scatter-gather: one party pays several, and each pays as much on to one and the same other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainwatch.typologies.bursts import HOUR
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import Rows
from chainwatch.typologies.shapes import relays as relays_file
from chainwatch.typologies.shapes.left_out import ENDS
from chainwatch.typologies.shapes.relays import BUSY, Passes, passes, quiet, too_busy
from chainwatch.typologies.typology import Answer, Claim, NotJudged, typology


@typology(
    fatf="patterns",
    benign="One household is paid by one employer and pays one landlord, each from his own wallet.",
    refs=("amlsim", "fatf2020"),
    rests_on=(relays_file,),
)
def scatter_gather(
    flows: Flows, relays: int = 3, dwell_hours: int = 72, hours: int = 168, passed_on: int = 80,
    most: int = 50,
) -> Iterator[Answer]:  # fmt: skip
    """One party pays several relays, and each pays most of it on, soon, to the same other party.

    Each relay pays certainly later than it is paid. Where the one who pays first or is paid last is
    a service, nothing is claimed: many customers of one pay another.

    Parameters
    ----------
    relays : int
        Different relays, at least.
    dwell_hours : int
        A relay pays on at most so much later, both ends included.
    hours : int
        All relays are paid within so much time.
    passed_on : int
        A relay pays on at least so many percent of what it was paid, and no more than all.
    most : int
        A party with more payments is no relay.

    Fails when
    ----------
    Relays split what they pass on into several payments; a service that no tag names pays several
    people, who pay one shop all they were paid.

    References
    ----------
    AMLSim, for the shape; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are
    of practice, and no source measured them.
    """
    if busy := too_busy(flows, most):
        yield NotJudged(BUSY, busy)
    found = passes(flows, quiet(flows, most), dwell_hours * HOUR, passed_on, 100)
    ends = flows.services[flows.payer[found.into]] | flows.services[flows.payee[found.out]]
    if ends.any():
        yield NotJudged(ENDS, int(ends.sum()))
    kept = ~ends & (flows.payer[found.into] != flows.payee[found.out])
    for group in _by_ends(flows, Passes(found.into[kept], found.out[kept])):
        for some in _windows(flows, group, relays, hours * HOUR):
            yield _claim(flows, some)


Pass = tuple[int, int]
"""A payment into a relay, and the one out of it."""


def _by_ends(flows: Flows, found: Passes) -> Iterator[list[Pass]]:
    """Yield the passes from one party to one other, in order."""
    first, last = flows.payer[found.into], flows.payee[found.out]
    order = np.lexsort((found.out, found.into, last, first))
    keys = first.astype(np.int64) * max(len(flows.parties), 1) + last
    begins = np.flatnonzero(np.diff(keys[order], prepend=-1))
    for some in np.split(order, begins[1:]) if len(order) else ():
        yield list(zip(found.into[some].tolist(), found.out[some].tolist(), strict=True))


def _windows(flows: Flows, group: Sequence[Pass], relays: int, span: int) -> Iterator[list[Pass]]:
    """Yield one pass of each relay in windows with enough of them; windows do not overlap."""
    if len({int(flows.payee[into]) for into, _ in group}) < max(relays, 1):
        return
    at = 0
    while at < len(group):
        until = flows.clock[group[at][0]] + span
        by_relay: dict[int, Pass] = {}
        behind = at
        while behind < len(group) and flows.clock[group[behind][0]] <= until:
            by_relay.setdefault(int(flows.payee[group[behind][0]]), group[behind])
            behind += 1
        if len(by_relay) >= relays:
            yield list(by_relay.values())
            at = behind
        else:
            at += 1


def _claim(flows: Flows, some: list[Pass]) -> Claim:
    into, out = (np.array(side, np.int64) for side in zip(*some, strict=True))
    return Claim(
        int(flows.payer[into[0]]),
        f"it paid {len(some)} relays, and each paid most of it on to one and the same other",
        {"scatter": into, "gather": out},
        ("scatter",),
        unread_relays(flows, into),
    )


def unread_relays(flows: Flows, into: Rows) -> str:
    """Say of how many relays, by the payments into them, not all payments were read."""
    every = sorted({int(one) for one in flows.payee[into]})
    lacking = [one for one in every if flows.lacking(one)]
    if not lacking:
        return ""
    return f"of {len(lacking)} of {len(every)} relays not every payment is known"


__all__ = ["scatter_gather", "unread_relays"]
