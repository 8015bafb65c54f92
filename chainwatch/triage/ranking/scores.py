"""The parts of a score, each a whole number per mille, and the score that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.ranking.dangers import Dangers
from chainwatch.triage.ranking.reasons import Reason
from chainwatch.triage.ranking.weights import FULL, Weights, can_freeze

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Score:
    """The parts of one party's score; ``reachable`` is None where it is not known."""

    party: int
    reasons: tuple[Reason, ...]
    rows: NDArray[np.int64]
    amount: int
    danger: int
    evidence: int
    value: int
    recency: int
    reachable: int | None
    unknown: str

    def bounds(self, weights: Weights) -> tuple[int, int]:
        """Return the score where what is not known counts for nothing, and where it counts in full.

        Rounded down, per mille.
        """
        parts: Mapping[str, int | None] = {
            "danger": self.danger, "evidence": self.evidence, "value": self.value,
            "recency": self.recency, "reachable": self.reachable,
        }  # fmt: skip
        whole = sum(weights.parts.values())
        low, high = (
            sum(
                weights.parts[name] * (missing if part is None else part)
                for name, part in parts.items()
            )
            // whole
            for missing in (0, FULL)
        )
        return low, high


def scores_of(dangers: Dangers, reasons: Sequence[Reason], now: int) -> list[Score]:
    """Return the parts of the score of each party that has a reason, in no order.

    Parameters
    ----------
    dangers : Dangers
        Payments and services.
    reasons : sequence of Reason
        Why parties are looked at, by party.
    now : int
        Day of the ranking, microseconds since 1970: what is later does not count.
    """
    by_party: dict[int, list[Reason]] = {}
    for one in reasons:
        by_party.setdefault(one.party, []).append(one)
    rows = {
        party: np.unique(np.concatenate([one.rows for one in own]))
        for party, own in by_party.items()
    }
    amounts = {party: dangers.flows.total(some) for party, some in rows.items()}
    ranked = np.sort(np.array(list(amounts.values()), object))
    return [
        _score(dangers, party, tuple(own), rows[party], amounts[party], ranked, now)
        for party, own in by_party.items()
    ]


def _score(
    dangers: Dangers, party: int, reasons: tuple[Reason, ...], rows: NDArray[np.int64],
    amount: int, ranked: NDArray[np.object_], now: int,
) -> Score:  # fmt: skip
    unknown = dangers.flows.lacking(party)
    # Danger and evidence are those of one reason: a weak tag of a great danger borrows no proof,
    # and three weak signs are no strong one.
    parts = dangers.weights.parts
    worst = max(
        reasons,
        key=lambda one: (
            parts["danger"] * one.danger + parts["evidence"] * one.evidence, one.danger,
        ),
    )  # fmt: skip
    no_more = int(np.searchsorted(ranked, amount, side="right"))
    return Score(
        party, reasons, rows, amount,
        worst.danger,
        worst.evidence,
        FULL * no_more // len(ranked),
        _recency(dangers, party, rows, now),
        None if unknown else _reachable(dangers, party, now),
        unknown,
    )  # fmt: skip


def _recency(dangers: Dangers, party: int, rows: NDArray[np.int64], now: int) -> int:
    """Return how fresh the last is of what it paid and of its reasons: nothing when it has faded.

    What others send it does not count: a stranger's dust would make it fresh.
    """
    flows = dangers.flows
    lists = (rows, flows.out_of.of(party))
    days = (now - max(int(flows.clock[some].max()) for some in lists if len(some))) // DAY
    fading = dangers.weights.fading
    return FULL * max(0, fading - max(0, days)) // fading


def _reachable(dangers: Dangers, party: int, now: int) -> int:
    """Return the share of what came in that an order may still reach, per mille.

    What a service that holds accounts was paid of late stands on one of somebody whom it knows.
    What was not paid on can be frozen where the issuer of the token has said that it can; else
    nobody can without the keys.
    """
    flows = dangers.flows
    got = flows.total(flows.into.of(party))
    if not got:
        return 0
    out = flows.out_of.of(party)
    late = out[flows.clock[out] >= now - dangers.weights.within * DAY]
    at_services = flows.total(late[dangers.holders[flows.payee[late]]])
    kept = got - flows.total(out) if can_freeze(flows.asset) else 0
    return min(FULL, FULL * (at_services + max(0, kept)) // got)
