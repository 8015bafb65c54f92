"""Rapid movement: what a party is paid leaves it within the hour, time and again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainwatch.typologies.flows import SECOND, Flows
from chainwatch.typologies.lists import Rows, least_of, running
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, typology

MINUTE = 60 * SECOND


class _Asked(NamedTuple):
    """What is called a movement on: see the parameters of the typology."""

    span: int
    passed_on: int
    at_most: int


@typology(
    fatf="transactions",
    benign="A payment processor passes on at once, a shop's wallet is swept after every sale.",
    refs=("fatf2020",),
)
def rapid_movement(
    flows: Flows, times: int = 3, minutes: int = 60, passed_on: int = 90, at_most: int = 110,
    payees: int = 2,
) -> Iterator[Answer]:  # fmt: skip
    """Most of what a party is paid is certainly later, and soon, paid on; and that several times.

    Receipts are gone through in order. Each takes the next payments out of the party that no
    earlier receipt took, until they reach the share. Whoever sends all to one place is left alone:
    so are deposit addresses of exchanges swept.

    Parameters
    ----------
    times : int
        Receipts that are paid on, at least.
    minutes : int
        Payments on are at most so much later, both ends included.
    passed_on : int
        They are together at least so many percent of the receipt.
    at_most : int
        And at most so many percent: more is not of this receipt.
    payees : int
        Different payees of what is paid on, at least.

    Fails when
    ----------
    A mule sends all to one place, as he was told; receipts wait beside other money, so that what
    goes out is another's. A market maker that no tag names does nothing else all day.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice, and no
    source measured them.
    """
    asked = _Asked(minutes * MINUTE, passed_on, at_most)
    able = _able(flows, asked, max(times, 1))
    yield from services_left_out(flows, able)
    for party in np.flatnonzero(able & ~flows.services).tolist():
        into, out = _moved(flows, party, asked)
        if len(into) >= times and len(set(flows.payee[out].tolist())) >= payees and len(into):
            yield Claim(
                party,
                f"{len(into)} times most of what it was paid went on within {minutes} minutes",
                {"in": into, "out": out},
                ("in",),
                flows.lacking(party),
            )


def _able(flows: Flows, asked: _Asked, times: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return the parties with so many receipts behind which enough goes out, whosoever it is."""
    every = np.arange(len(flows), dtype=np.int64)
    begin, end = flows.out_of.between(
        flows.payee, flows.later(every), flows.within(every, asked.span)
    )
    sums = running(flows.amount[flows.out_of.rows])
    wanted = least_of(flows.amount, asked.passed_on)
    enough = np.asarray(sums[end] - sums[begin] >= wanted, np.bool_)
    counts = np.bincount(flows.payee[enough], minlength=len(flows.parties))
    return np.asarray(counts >= times, np.bool_)


def _moved(flows: Flows, party: int, asked: _Asked) -> tuple[Rows, Rows]:
    """Return the receipts of a party that were paid on, and the payments that did."""
    into, out = flows.into.of(party), flows.out_of.of(party)
    sums = [int(one) for one in running(flows.amount[out]).tolist()]
    firsts = np.searchsorted(out, flows.later(into)).tolist()
    stops = np.searchsorted(out, flows.within(into, asked.span)).tolist()
    free, came, went = 0, [], list[int]()
    for row, first, stop in zip(into.tolist(), firsts, stops, strict=True):
        begin, amount = max(first, free), int(flows.amount[row])
        wanted = sums[begin] + -(-amount * asked.passed_on // 100)
        end = max(bisect_left(sums, wanted, begin), begin + 1)
        if end <= stop and 100 * (sums[end] - sums[begin]) <= asked.at_most * amount:
            free = end
            came.append(row)
            went += range(begin, end)
    return np.array(came, np.int64), out[np.array(went, np.int64)]
