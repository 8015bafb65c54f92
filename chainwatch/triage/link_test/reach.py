"""What of each payment could have reached a network, by payments each later than the one before.

One scan backwards from the network answers for every party at once. It goes a hop back at a time:
what a payment could have brought there is its part of what its receiver paid on afterwards. A route
ends at whoever holds the money of many: control ends there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.flows import SECOND, Flows
from chainwatch.typologies.lists import NOBODY, Lists, Rows, lists_of, running

DAY = 86_400 * SECOND
"""Microseconds of a day."""

WEEK = 7 * DAY

BILLION = 1_000_000_000
"""Shares are whole billionths, rounded down once."""

FINE = 1_000_000_000_000
"""Parts in which it is held, rounded down, what share of somebody's money a payment is."""

Mask = NDArray[np.bool_]
Amounts = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Reach:
    """What of each payment could have reached the network.

    Attributes
    ----------
    flows : Flows
        The payments.
    network, stopping : array of bool
        Which parties are the network, and at which routes end.
    levels : tuple of array
        Of each payment the base units that could have reached the network by at most one payment,
        itself; by at most two; and so on.
    span : int
        Microseconds that may lie between a payment and the next.
    """

    flows: Flows
    network: Mask
    stopping: Mask
    levels: tuple[Amounts, ...]
    span: int

    @property
    def value(self) -> Amounts:
        """Of each payment what could have reached the network by all hops allowed."""
        return self.levels[-1]

    @cached_property
    def reached(self) -> Amounts:
        """Of each party what of its payments could have reached the network, base units."""
        return summed(self.flows.out_of, self.value)

    @cached_property
    def paid(self) -> Amounts:
        """Of each party what it paid out, base units."""
        return summed(self.flows.out_of, self.flows.amount)

    @cached_property
    def again(self) -> Amounts:
        """Of each party what could have reached the network, its best week left out, base units.

        One payment reaches a network by chance now and then, and as easily by an error. Left out
        are the seven days that bring most, wherever they begin; what remains came again.
        """
        flows = self.flows
        brings = np.where(self.value > 0, flows.payer, NOBODY).astype(np.int32)
        lists = lists_of(brings, len(flows.parties))
        payer = flows.payer[lists.rows]
        places = lists.between(payer, lists.rows, flows.within(lists.rows, WEEK - 1))
        best = np.zeros(len(flows.parties), self.value.dtype)
        np.maximum.at(best, payer, _between(lists, self.value, places))
        found: Amounts = self.reached - best
        return found

    @cached_property
    def shares(self) -> NDArray[np.int64]:
        """Of each party what reached again as a share of what it paid: what is tested."""
        return billionths(self.again, self.paid)


def reach(flows: Flows, network: Mask, stopping: Mask, *, hops: int = 3, days: int = 7) -> Reach:
    """Return what of each payment could have reached a network.

    Who is paid has its own payments afterwards, within some days, to bring on what it got. The
    haircut is taken both ways, and the smaller counts: what came is spread over all that was then
    paid, and what is paid is taken from all that was held, in proportion. So no coin is counted for
    more than itself. What the receiver paid before, later than that, or in no known order counts
    for nothing, and so does what its payer is not known to have wanted: see :func:`wanted`.

    Parameters
    ----------
    flows : Flows
        Payments.
    network : array of bool
        Which parties are the network: a payment to one of them has reached it.
    stopping : array of bool
        Parties at which routes end, such as services.
    hops : int
        The most payments of a route, the last one with them.
    days : int
        The most days from one payment of a route to the next.

    Fails when
    ----------
    Money goes over another chain, or by a party whose payments were not read: no route is there,
    and none is claimed to be absent. Who keeps money for longer than ``days`` is not followed.

    References
    ----------
    Möser, Böhme and Breuker, "Towards Risk Scoring of Bitcoin Transactions", 2014 (haircut).
    """
    span = days * DAY
    reaching = network[flows.payee] & ~_at(network, flows.payer) & wanted(flows)
    direct = np.where(reaching, flows.amount, 0)
    levels = [direct]
    for _ in range(hops - 1):
        levels.append(_one_hop_back(flows, levels[-1], direct, network | stopping, span))
    return Reach(flows, network, stopping, tuple(levels), span)


def wanted(flows: Flows) -> Mask:
    """Return which payments count: those that their payers are known to have wanted.

    Where nothing was read that tells it of any, as in a table of transfers alone, all count.
    """
    return flows.agreed if tells_wish(flows) else np.ones(len(flows), np.bool_)


def tells_wish(flows: Flows) -> bool:
    """Tell whether anything was read that says of a payment that its payer wanted it."""
    return bool(flows.agreed.any())


def _at(mask: Mask, parties: NDArray[np.int32]) -> Mask:
    """Return whether each party is one of those marked; nobody is none."""
    found: Mask = mask[parties] & (parties != NOBODY)
    return found


def _one_hop_back(flows: Flows, behind: Amounts, direct: Amounts, ends: Mask, span: int) -> Amounts:
    """Return what could have reached by one payment more than ``behind`` tells."""
    on = np.flatnonzero((behind > 0) & (flows.payer != NOBODY))
    carrying = np.zeros(len(flows.parties), np.bool_)
    carrying[flows.payer[on]] = True
    rows = np.flatnonzero((carrying & ~ends)[flows.payee] & wanted(flows))
    of_held = np.zeros(len(behind), np.int64)
    of_held[on] = part_of(np.full(len(on), FINE, np.int64), behind[on], held(flows, on))
    passed, paid, share = after(flows, (behind, flows.amount, of_held), rows, span)
    amount, one = flows.amount[rows], np.full(len(rows), FINE, np.int64)
    # What came is spread over what was paid afterwards, and what is paid comes from all that was
    # held: neither may be more than the whole, and the smaller counts.
    found = direct.copy()
    spread = part_of(amount, passed, np.maximum(paid, amount))
    found[rows] = np.minimum(spread, part_of(amount, np.minimum(share, FINE), one))
    return found


def held(flows: Flows, rows: Rows) -> Amounts:
    """Return what the payer of each payment held before it: what came less what went, at least it.

    Coins that came before everything that was read are not known, and not counted.
    """
    before = np.searchsorted(flows.order, flows.order[rows], side="left")
    payer, first = flows.payer[rows], np.zeros(len(rows), np.int64)
    came, went = (
        _between(lists, flows.amount, lists.between(payer, first, before))
        for lists in (flows.into, flows.out_of)
    )
    found: Amounts = np.maximum(came - went, flows.amount[rows])
    return found


def after(flows: Flows, of: Sequence[Amounts], rows: Rows, span: int) -> tuple[Amounts, ...]:
    """Return what the receiver of each payment paid later, within a span, added up per column."""
    lists = flows.out_of
    first, last = lists.between(flows.payee[rows], flows.later(rows), flows.within(rows, span))
    return tuple(_between(lists, one, (first, last)) for one in of)


def _between(lists: Lists, amounts: Amounts, places: tuple[Rows, Rows]) -> Amounts:
    """Return what the payments from one place of lists until before another add up to."""
    totals = running(amounts[lists.rows])
    found: Amounts = totals[places[1]] - totals[places[0]]
    return found


def weeks(flows: Flows) -> NDArray[np.int64]:
    """Return in which week each payment was made, from the first one on."""
    found: NDArray[np.int64] = (flows.clock - int(flows.clock[0] if len(flows) else 0)) // WEEK
    return found


def summed(lists: Lists, amounts: Amounts) -> Amounts:
    """Return what the payments of each party add up to, exactly."""
    found: Amounts = np.diff(running(amounts[lists.rows])[lists.ptr])
    return found


def part_of(amount: Amounts, part: Amounts, whole: Amounts) -> Amounts:
    """Return ``amount * part / whole``, rounded down, exactly; nothing of a whole of nothing."""
    found = np.zeros(len(amount), amount.dtype)
    some = np.flatnonzero((part > 0) & (whole > 0))
    wide = (one[some].astype(object) for one in (amount, part, whole))
    one, two, three = wide
    found[some] = (one * two // three).astype(found.dtype)
    return found


def billionths(part: Amounts, whole: Amounts) -> NDArray[np.int64]:
    """Return shares in whole billionths, rounded down; of nothing nothing."""
    return part_of(np.full(len(part), BILLION, np.int64), part, whole)


__all__ = [
    "BILLION",
    "DAY",
    "WEEK",
    "Amounts",
    "Mask",
    "Reach",
    "after",
    "billionths",
    "held",
    "part_of",
    "reach",
    "summed",
    "tells_wish",
    "wanted",
    "weeks",
]
