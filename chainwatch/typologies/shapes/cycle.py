"""Cycle: money goes from party to party and comes back to the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.bursts import HOUR
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, Rows, in_band, spread_out
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, NotJudged, typology

AT_ONCE = 4_096
"""Payments from which cycles are looked for together, so that no search holds too much."""

CAPPED = "payments from which more ways lead than are followed"
WIDE = "parties that pay more often than is followed"


@typology(
    fatf="patterns",
    benign="Firms trade in a ring, friends settle who owes whom, somebody tests his own wallets.",
    refs=("amlsim", "fatf2020"),
)
def cycle(
    flows: Flows, shortest: int = 3, longest: int = 8, hours: int = 168, returned: int = 50,
    busy: int = 1_000, ways: int = 200,
) -> Iterator[Answer]:  # fmt: skip
    """Payments lead from a party over others, each certainly later than the last, back to it.

    No party stands in it twice, and each payment is of at least ``returned`` percent of the first
    and no more than the first. Of cycles that share a payment the one that ends first is taken.

    Parameters
    ----------
    shortest : int
        Payments of a cycle, at least; two are a refund.
    longest : int
        Payments of a cycle, at most.
    hours : int
        From the first to the last at most, both ends included.
    returned : int
        Each payment is of at least so many percent of the first.
    busy : int
        No cycle is followed through a party that pays more often, nor through a service.
    ways : int
        From one payment at most so many ways are followed at a time; where there are more, no
        cycle that begins with it is claimed.

    Fails when
    ----------
    What comes back was split, or went through a service; trade in a ring is as real as any.

    References
    ----------
    AMLSim, for the shape; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are
    of practice, and no source measured them.
    """
    many = (flows.out_of.sizes > busy) & (flows.into.sizes > 0)
    if (count := int((many & ~flows.services).sum())) > 0:
        yield NotJudged(WIDE, count)
    yield from services_left_out(flows, (flows.into.sizes > 0) & (flows.out_of.sizes > 0))
    able = _ringed(flows, ~many & ~flows.services)
    starts, found, capped = np.flatnonzero(able), list[tuple[int, ...]](), 0
    search = _Search(flows, able, shortest, longest, hours * HOUR, returned, ways)
    for begin in range(0, len(starts), AT_ONCE):
        rings, over = search.from_(starts[begin : begin + AT_ONCE])
        found += rings
        capped += over
    if capped:
        yield NotJudged(CAPPED, capped)
    yield from (_claim(flows, ring) for ring in _apart(found))


def _ringed(flows: Flows, parties: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the payments between parties that are paid and pay: no cycle has another."""
    able = np.asarray(parties[flows.payee] & (flows.payer != NOBODY), np.bool_)
    able[able] = parties[flows.payer[able]]
    while True:
        pays, paid = (np.zeros(len(flows.parties), np.bool_) for _ in range(2))
        pays[flows.payer[able]], paid[flows.payee[able]] = True, True
        kept = able.copy()
        kept[able] = paid[flows.payer[able]] & pays[flows.payee[able]]
        if int(kept.sum()) == int(able.sum()):
            return able
        able = kept


class _Ways(NamedTuple):
    """Ways that are followed: their payments, one row each, and the parties on them."""

    rows: NDArray[np.int64]
    parties: NDArray[np.int32]


class _Search:
    """Ways from payments, one payment longer at a time."""

    def __init__(
        self, flows: Flows, able: NDArray[np.bool_], shortest: int, longest: int, span: int,
        returned: int, most: int,
    ) -> None:  # fmt: skip
        self._flows, self._able, self._span, self._returned = flows, able, span, returned
        self._shortest, self._longest, self._most = shortest, longest, most

    def from_(self, starts: Rows) -> tuple[list[tuple[int, ...]], int]:
        """Return the cycles that begin with some payments, and how many were left as too wide."""
        flows = self._flows
        parties = np.stack([flows.payer[starts], flows.payee[starts]], axis=1)
        ways, found, over = _Ways(starts[:, None], parties), list[tuple[int, ...]](), set[int]()
        for length in range(2, self._longest + 1):
            ways = self._longer(ways)
            closed = flows.payee[ways.rows[:, -1]] == ways.parties[:, 0]
            if length >= self._shortest:
                found += [tuple(ring) for ring in ways.rows[closed].tolist()]
            ways, wide = self._narrow(self._onward(ways, ~closed))
            over |= wide
            if not len(ways.rows):
                break
        return [ring for ring in found if ring[0] not in over], len(over)

    def _longer(self, ways: _Ways) -> _Ways:
        """Return every way with one more payment that may follow."""
        flows, last, start = self._flows, ways.rows[:, -1], ways.rows[:, 0]
        begin, end = flows.out_of.between(
            flows.payee[last], flows.later(last), flows.within(start, self._span)
        )
        runs, places = spread_out(begin, end)
        following = flows.out_of.rows[places]
        fits = self._able[following] & in_band(
            flows.amount[following], flows.amount[start[runs]], self._returned, 100
        )
        runs, following = runs[fits], following[fits]
        return _Ways(
            np.concatenate([ways.rows[runs], following[:, None]], axis=1), ways.parties[runs]
        )

    def _onward(self, ways: _Ways, kept: NDArray[np.bool_]) -> _Ways:
        """Return the ways that came to a party that is not on them yet, with it."""
        new = self._flows.payee[ways.rows[:, -1]]
        kept = kept & (ways.parties != new[:, None]).all(axis=1)
        return _Ways(
            ways.rows[kept], np.concatenate([ways.parties[kept], new[kept][:, None]], axis=1)
        )

    def _narrow(self, ways: _Ways) -> tuple[_Ways, set[int]]:
        """Return the ways from payments with few of them, and the payments with too many."""
        starts, inverse, counts = np.unique(
            ways.rows[:, 0], return_inverse=True, return_counts=True
        )
        wide = counts > self._most
        kept = ~wide[inverse]
        return _Ways(ways.rows[kept], ways.parties[kept]), set(starts[wide].tolist())


def _apart(rings: list[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Yield cycles that share no payment, the one that ends first before others."""
    used: set[int] = set()
    for ring in sorted(rings, key=lambda one: (one[-1], len(one), one)):
        if used.isdisjoint(ring):
            used.update(ring)
            yield ring


def _claim(flows: Flows, ring: tuple[int, ...]) -> Claim:
    return Claim(
        int(flows.payer[ring[0]]),
        f"what it paid came back to it over {len(ring) - 1} others",
        {"cycle": np.array(ring, np.int64)},
    )
