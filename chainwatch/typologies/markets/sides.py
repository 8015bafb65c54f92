"""Payments into and out of markets that tags name, and who deals with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY

WEEK = 7 * DAY


def paid_by(flows: Flows, concept: str) -> NDArray[np.bool_]:
    """Return which payments somebody made whom tags name with a concept, to who is no service."""
    found: NDArray[np.bool_] = flows.named("payer", concept) & ~flows.services[flows.payee]
    return found


def paid_to(flows: Flows, concept: str) -> NDArray[np.bool_]:
    """Return which payments were made to whom tags name with a concept, by who is no service."""
    who = flows.payer
    found: NDArray[np.bool_] = flows.named("payee", concept) & (who != NOBODY)
    return found & ~flows.services[who]


def often(flows: Flows, who: NDArray[np.int32], rows: NDArray[np.bool_], least: int) -> list[int]:
    """Return the parties that have so many of some payments, in order."""
    counts = np.bincount(who[rows], minlength=len(flows.parties))
    return np.flatnonzero(counts >= max(least, 1)).tolist()


def weeks(flows: Flows, rows: Rows) -> int:
    """Return in how many weeks some payments were made; they begin with the first Thursday of
    1970."""
    return len(np.unique(flows.clock[rows] // WEEK))


def deeds(flows: Flows, rows: Rows) -> int:
    """Return in how many transactions some payments were made."""
    return len(np.unique(flows.deed[rows]))


def total(flows: Flows, rows: Rows) -> int:
    """Return what some payments add up to."""
    return flows.total(rows)


def at_name(flows: Flows, side: str, rows: Rows) -> list[Any]:
    """Return the actor whom tags name at one side of payments, or None."""
    names = flows.payer_name if side == "payer" else flows.payee_name
    return [flows.names[one].actor if one != NOBODY else None for one in names[rows].tolist()]


__all__ = ["WEEK", "at_name", "deeds", "often", "paid_by", "paid_to", "total", "weeks"]
