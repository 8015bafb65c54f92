"""Gather-scatter: many pay one party, which then pays as much on to many, in two phases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainwatch.typologies import bursts
from chainwatch.typologies.bursts import HOUR, Burst, Side, part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import Rows, running
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology


@typology(
    fatf="patterns",
    benign="A club gathers dues and pays its suppliers, a payroll firm passes wages on.",
    strength=WEAK,
    refs=("amlsim", "fatf2020"),
    rests_on=(bursts,),
)
def gather_scatter(
    flows: Flows, senders: int = 5, receivers: int = 5, hours: int = 168, passed_on: int = 80
) -> Iterator[Answer]:
    """Many different payers pay one party, and after the last of them it pays many in turn.

    What comes in must end before the rest begins to go out: the out-phase begins behind the last
    payment of a burst into the party and ends where the party is paid again, or after ``hours``.
    Who is paid and pays in turns, as in trade, has no such phases. **It is weak**: charities and
    clubs are paid and pay so.

    Parameters
    ----------
    senders : int
        Different payers within ``hours``, at least.
    receivers : int
        Different payees in the out-phase, at least.
    hours : int
        How long each phase lasts at most, both ends included.
    passed_on : int
        The out-phase pays at least so many percent of what came in.

    Fails when
    ----------
    A single payment comes in during the out-phase: it then ends there. Change that nothing joins to
    its owner counts among the payees.

    References
    ----------
    AMLSim, for the shape; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are
    of practice, and no source measured them.
    """
    side = Side.of(flows, "payee", hours * HOUR)
    able = (side.others >= senders) & (side.others > 0) & (flows.out_of.sizes >= max(receivers, 1))
    yield from services_left_out(flows, able)
    for party in (able & ~flows.services).nonzero()[0].tolist():
        out = _OutPhase(flows, party, hours * HOUR)
        came = running(flows.amount[side.lists.of(party)])

        def fits(one: Burst, out: _OutPhase = out, came: Any = came) -> bool:
            phase = out.behind(one.end - 1)
            paid = int(came[one.end] - came[one.begin])
            enough = phase.payees >= max(receivers, 1)
            return enough and part_of(phase.total, paid, passed_on)

        for burst in side.bursts(party, max(senders, 1), fits):
            phase = out.behind(burst.end - 1)
            yield Claim(
                party,
                f"as a club gathers and spends: {burst.different} payers paid it, and"
                f" after the last of them it paid {phase.payees} payees",
                {"in": burst.rows, "out": phase.rows},
                ("in",),
                flows.lacking(party),
            )


class _Phase(NamedTuple):
    """What a party paid behind one of its receipts: the payments, how many payees, how much."""

    rows: Rows
    payees: int
    total: int


class _OutPhase:
    """What a party paid between each of its receipts and the next: each payment is looked at once.

    A payment is behind a receipt if it is certainly later, and before the next if it is certainly
    earlier.
    """

    def __init__(self, flows: Flows, party: int, span: int) -> None:
        self._into, self._out = flows.into.of(party), flows.out_of.of(party)
        self._flows, self._span = flows, span
        self._phases: dict[int, _Phase] = {}

    def behind(self, place: int) -> _Phase:
        """Return the payments out of the party behind its receipt at a place among all."""
        if place not in self._phases:
            rows = self._rows(place)
            payees = len(set(self._flows.payee[rows].tolist()))
            self._phases[place] = _Phase(rows, payees, self._flows.total(rows))
        return self._phases[place]

    def _rows(self, place: int) -> Rows:
        last = self._into[place : place + 1]
        first = int(self._flows.later(last)[0])
        end = int(self._flows.within(last, self._span)[0])
        if place + 1 < len(self._into):
            following = self._flows.order[self._into[place + 1]]
            end = min(end, int(np.searchsorted(self._flows.order, following, side="left")))
        begin, stop = np.searchsorted(self._out, [first, end])
        return self._out[begin:stop]
