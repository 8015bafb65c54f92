"""Structuring: several payments to one payee in a day, each just below a threshold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.ledger.prices import minor_digits
from chainwatch.typologies.bursts import HOUR
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, Rows
from chainwatch.typologies.typology import WEAK, Answer, Claim, Lacking, NotJudged, typology


class _Deeds(NamedTuple):
    """What one transaction paid from one party to one other, added up: one row each, in order.

    ``rows`` are the payments by pair and transaction, those of deed k from ``ptr[k]`` on; ``pair``
    is one number for payer and payee, and ``worth`` in the unit of the threshold, -1 where unknown.
    """

    rows: Rows
    ptr: Rows
    pair: NDArray[np.int64]
    clock: NDArray[np.int64]
    worth: NDArray[Any]


@typology(
    fatf="transactions",
    benign="Somebody buys the same dear thing several times a day, or pays by a limit of his app.",
    strength=WEAK,
    refs=("fatf2020", "travel-rule"),
)
def structuring(
    flows: Flows, threshold: int = 1_000, currency: str = "EUR", units: int = 0, near: int = 80,
    times: int = 3, hours: int = 24,
) -> Iterator[Answer]:  # fmt: skip
    """One party pays one other several times within a day, each time just below a threshold.

    What one transaction pays them is one payment. Windows begin at a payment and last ``hours``,
    both ends included; they do not overlap. **It is weak**: whoever pays by a limit of his app pays
    so, and means nothing by it.

    Parameters
    ----------
    threshold : int
        Reporting threshold in whole units of the currency; 1,000 is that of the travel rule.
    currency : str
        Its ISO 4217 code: prices are then needed.
    units : int
        The threshold in base units of the asset instead; 0 takes the one in the currency.
    near : int
        Each payment is of at least so many percent of the threshold, and below it.
    times : int
        Payments, at least; together they reach the threshold.
    hours : int
        How long a window lasts.

    Fails when
    ----------
    The payments go to several payees, or come from several payers of one hand; the price of a day
    is far from that of the minute; payments without a price are not judged, and counted.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020; the threshold is that of FATF's
    Recommendation 16 for virtual assets. The share and the count are of practice.
    """
    if not units and flows.prices is None:
        yield Lacking(f"prices in {currency}, or a threshold in base units")
        return
    limit = units or threshold * 10 ** minor_digits(currency)
    known = flows.payer != NOBODY
    if (count := int((known & flows.services[flows.payer]).sum())) > 0:
        yield NotJudged("payments that a service made", count)
    deeds = _deeds(flows, np.flatnonzero(known & ~flows.services[flows.payer]),
                   "" if units else currency)  # fmt: skip
    if (count := int((deeds.worth < 0).sum())) > 0:
        yield NotJudged(f"payments without a price in {currency}", count)
    fits = (deeds.worth < limit) & (100 * deeds.worth >= near * limit)
    for some in _windows(deeds, fits.astype(np.bool_), limit, times, hours * HOUR):
        yield _claim(flows, deeds, some, near)


def _deeds(flows: Flows, rows: Rows, currency: str) -> _Deeds:
    """Return what each transaction paid of each pair, with what it was worth."""
    pair = flows.payer[rows].astype(np.int64) * max(len(flows.parties), 1) + flows.payee[rows]
    order = np.lexsort((rows, flows.deed[rows], pair))
    rows, pair = rows[order], pair[order]
    deed = flows.deed[rows]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (pair[1:] != pair[:-1]) | (deed[1:] != deed[:-1])
    begins = np.flatnonzero(new)
    amounts = flows.amount[rows]
    summed = np.add.reduceat(amounts, begins) if len(rows) else amounts
    first = rows[begins]
    by_time = np.lexsort((first, pair[begins]))
    worth = flows.worth(currency, summed, first) if currency else summed
    ptr = np.append(begins, len(rows))
    sizes = np.diff(ptr)[by_time]
    starts = np.append(0, np.cumsum(sizes))
    moved = np.concatenate(
        [rows[ptr[k] : ptr[k + 1]] for k in by_time.tolist()] or [np.empty(0, np.int64)]
    )
    return _Deeds(moved, starts, pair[begins][by_time], flows.clock[first][by_time],
                  worth[by_time])  # fmt: skip


def _windows(
    deeds: _Deeds, fits: NDArray[np.bool_], limit: int, times: int, span: int
) -> Iterator[list[int]]:
    """Yield the deeds of each window of one pair that are enough, and reach the limit."""
    able = np.flatnonzero(fits)
    pair, clock = deeds.pair[able], deeds.clock[able]
    # Behind the last of the same pair that is within the span: pairs stand one behind the other.
    ends = np.searchsorted(pair, pair, side="right").tolist()
    sums = [0, *accumulate(int(one) for one in deeds.worth[able].tolist())]
    at = 0
    while at < len(able):
        stop = ends[at]
        behind = at + int(np.searchsorted(clock[at:stop], clock[at] + span, side="right"))
        if behind - at >= max(times, 1) and sums[behind] - sums[at] >= limit:
            yield able[at:behind].tolist()
            at = behind
        else:
            at += 1


def _claim(flows: Flows, deeds: _Deeds, some: list[int], near: int) -> Claim:
    rows = np.concatenate([deeds.rows[deeds.ptr[k] : deeds.ptr[k + 1]] for k in some])
    return Claim(
        int(flows.payer[rows[0]]),
        f"as by a limit of an app: it paid one payee in {len(some)} transactions, each of {near}"
        " percent of the threshold or more, and below it",
        {"below": rows},
    )
