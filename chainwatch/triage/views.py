"""Payments seen otherwise: until a day, with known payers alone, or as if time ran backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.flows import NOBODY, Flows, Unlocked

_BY_PAYMENT = (
    "payer", "payee", "amount", "clock", "time", "order", "tx", "place", "deed", "agreed",
    "payer_name", "payee_name",
)  # fmt: skip


def until(flows: Flows, now: int) -> Flows:
    """Return the payments until a time, microseconds since 1970; all where none is later.

    What was known then: a ranking of a past day is found again.
    """
    count = int(np.searchsorted(flows.clock, now, side="right"))
    return flows if count == len(flows) else _taken(flows, np.arange(count))


def known(flows: Flows) -> Flows:
    """Return the payments whose payer is known: others come from nobody and go back to none."""
    return _taken(flows, np.flatnonzero(flows.payer != NOBODY))


def backwards(flows: Flows) -> Flows:
    """Return the payments as if time ran the other way: who was paid pays, the last one first.

    What came from a party is then what reaches it.
    """
    turned = _taken(flows, np.arange(len(flows))[::-1])
    return replace(
        turned, payer=turned.payee, payee=turned.payer, payer_name=turned.payee_name,
        payee_name=turned.payer_name, clock=-turned.clock, order=-turned.order,
    )  # fmt: skip


def merged(flows: Flows, groups: Mapping[int, Sequence[int]]) -> Flows:
    """Return the payments with some parties as one, by the first of each group.

    What parties of a group pay each other is no payment.
    """
    if not groups:
        return flows
    one = np.arange(len(flows.parties) + 1, dtype=np.int32)
    one[-1] = NOBODY  # the place of nobody, counted from behind
    for first, group in groups.items():
        one[list(group)] = first
    payer, payee = one[flows.payer], one[flows.payee]
    rows = np.flatnonzero(payer != payee)
    return replace(_taken(flows, rows), payer=payer[rows], payee=payee[rows])


def _taken(flows: Flows, rows: NDArray[np.int64]) -> Flows:
    """Return some payments; ids and keys are asked for by their place in all."""
    ids, unlocking = flows.txids, flows.unlocking
    taken: dict[str, Any] = {name: getattr(flows, name)[rows] for name in _BY_PAYMENT}

    def unlocked() -> Unlocked | None:
        told = unlocking()
        if told is None:
            return None
        return Unlocked(told.quorum[rows], told.quorums, lambda some: told.keys(rows[some]))

    return replace(flows, **taken, txids=lambda some: ids(rows[some]), unlocking=unlocked)
