"""Payments until a time: what was known then, so that a ranking of a past day is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainwatch.typologies.flows import Flows

_BY_PAYMENT = (
    "payer", "payee", "amount", "clock", "time", "order", "tx", "place", "deed", "agreed",
    "payer_name", "payee_name",
)  # fmt: skip


def until(flows: Flows, now: int) -> Flows:
    """Return the payments until a time, microseconds since 1970; all where none is later."""
    count = int(np.searchsorted(flows.clock, now, side="right"))
    if count == len(flows):
        return flows
    return replace(flows, **{name: getattr(flows, name)[:count] for name in _BY_PAYMENT})
