"""Relays: parties that are paid, and pay most of it on soon after; and which payment is which.

A relay is somebody's throwaway account, so that a party with many payments is none: it is left out
and counted, however the shape goes on through it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, Lists, Rows, in_band, running, spread_out

BUSY = "parties with more payments than a relay may have"


class Passes(NamedTuple):
    """Payments into a relay, each with one that may be what it passed on.

    Attributes
    ----------
    into, out : array of int64
        The payment that came, and the one that went.
    """

    into: Rows
    out: Rows


def quiet(flows: Flows, most: int) -> NDArray[np.bool_]:
    """Return which parties are paid and pay, in so many payments at most, and are no service."""
    into, out = flows.into.sizes, flows.out_of.sizes
    return (into > 0) & (out > 0) & (into + out <= most) & ~flows.services


def too_busy(flows: Flows, most: int) -> int:
    """Return how many parties that are paid and pay have more payments than so many."""
    into, out = flows.into.sizes, flows.out_of.sizes
    return int(((into > 0) & (out > 0) & (into + out > most) & ~flows.services).sum())


def once(flows: Flows, able: NDArray[np.bool_], span: int, passed_on: int) -> NDArray[np.bool_]:
    """Return which parties are paid first and pay then, most of it, within a span in all.

    Parameters
    ----------
    flows : Flows
        The payments.
    able : array of bool
        Parties that are paid and pay, among whom to look.
    span : int
        From a party's first payment to its last, both ends included, microseconds.
    passed_on : int
        It pays at least so many percent of what it was paid, and no more than all.
    """
    found, who = np.zeros(len(able), np.bool_), np.flatnonzero(able)
    if not len(who):
        return found
    into, out = flows.into, flows.out_of
    first_in, last_in = into.rows[into.ptr[who]], into.rows[into.ptr[who + 1] - 1]
    first_out, last_out = out.rows[out.ptr[who]], out.rows[out.ptr[who + 1] - 1]
    came, went = totals(flows, into)[who], totals(flows, out)[who]
    found[who] = (
        (flows.order[last_in] < flows.order[first_out])
        & (flows.clock[last_out] - flows.clock[first_in] <= span)
        & in_band(went, came, passed_on, 100)
    )
    return found


def totals(flows: Flows, lists: Lists) -> NDArray[Any]:
    """Return what the payments of each party add up to, exactly."""
    sums = running(flows.amount[lists.rows])
    found: NDArray[Any] = sums[lists.ptr[1:]] - sums[lists.ptr[:-1]]
    return found


def passes(flows: Flows, relay: NDArray[np.bool_], span: int, least: int, most: int) -> Passes:
    """Return the payments that relays may have passed on.

    Parameters
    ----------
    flows : Flows
        The payments.
    relay : array of bool
        Which parties may be relays.
    span : int
        What went is certainly later than what came, and at most so much later.
    least, most : int
        What went is of what came at least and at most so many percent.
    """
    came = np.flatnonzero(relay[flows.payee] & (flows.payer != NOBODY))
    begin, end = flows.out_of.between(
        flows.payee[came], flows.later(came), flows.within(came, span)
    )
    runs, places = spread_out(begin, end)
    into, out = came[runs], flows.out_of.rows[places]
    fits = in_band(flows.amount[out], flows.amount[into], least, most)
    return Passes(into[fits], out[fits])


__all__ = ["BUSY", "Passes", "once", "passes", "quiet", "too_busy", "totals"]
