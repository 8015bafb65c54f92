"""The parts of a score, each a whole number per mille, and the score that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.ranking.dangers import Dangers
from chainwatch.triage.ranking.reasons import Reason
from chainwatch.triage.ranking.weights import FULL, Weights

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
    no_more = int(np.searchsorted(ranked, amount, side="right"))
    return Score(
        party, reasons, rows, amount,
        # The worst reason and the surest evidence count once: three weak signs are no strong one.
        max(one.danger for one in reasons),
        max(one.evidence for one in reasons),
        FULL * no_more // len(ranked),
        _recency(dangers, party, now),
        None if unknown else _reachable(dangers, party, now),
        unknown,
    )  # fmt: skip


def _recency(dangers: Dangers, party: int, now: int) -> int:
    """Return how fresh a party's last payment is: all on the day, nothing when it has faded."""
    flows = dangers.flows
    lists = (flows.into.of(party), flows.out_of.of(party))
    days = (now - max(int(flows.clock[rows].max()) for rows in lists if len(rows))) // DAY
    fading = dangers.weights.fading
    return FULL * max(0, fading - max(0, days)) // fading


def _reachable(dangers: Dangers, party: int, now: int) -> int:
    """Return the share of what came in that an order may still reach, per mille.

    What a service was paid of late stands on an account of somebody whom it knows. What was not
    paid on can be frozen by the issuer of a token; of a coin nobody can freeze it without the keys.
    """
    flows = dangers.flows
    got = flows.total(flows.into.of(party))
    if not got:
        return 0
    out = flows.out_of.of(party)
    late = out[flows.clock[out] >= now - dangers.weights.within * DAY]
    at_services = flows.total(late[dangers.services[flows.payee[late]]])
    kept = got - flows.total(out) if flows.asset.contract is not None else 0
    return min(FULL, FULL * (at_services + max(0, kept)) // got)
