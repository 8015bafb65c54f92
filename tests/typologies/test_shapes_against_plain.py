"""Every shape as fast code finds it is what a slow search finds, on random payments.

Amounts are tried at 64 bits and far beyond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import plain_shapes as plain
import pytest

from chainwatch import typologies as typ
from chainwatch.typologies.typology import Typology

FANS = {"hours": 12, "spread": 60, "of_all": 40, "again": 50}

Slow = Callable[[list[plain.Pay]], Iterable[plain.Answer]]

PAIRS: dict[str, tuple[Callable[[int], Typology], Slow, dict[str, Any]]] = {
    "fan_in": (
        lambda _: typ.fan_in(senders=3, **FANS),
        lambda some: plain.fan(some, "payee", 3, 12, 60, 40, 50), {},
    ),
    "fan_out": (
        lambda _: typ.fan_out(receivers=3, **FANS),
        lambda some: plain.fan(some, "payer", 3, 12, 60, 40, 50), {},
    ),
    "gather_scatter": (
        lambda _: typ.gather_scatter(senders=2, receivers=2, hours=10, passed_on=70),
        lambda some: plain.gather_scatter(some, 2, 2, 10, 70), {"size": 25},
    ),
    "scatter_gather": (
        lambda _: typ.scatter_gather(relays=2, dwell_hours=9, hours=12, passed_on=50, most=12),
        lambda some: plain.scatter_gather(some, 2, 9, 12, 50, 12), {},
    ),
    "cycle": (
        lambda _: typ.cycle(longest=5, hours=20, returned=50, ways=10_000),
        lambda some: plain.cycles(some, 3, 5, 20, 50), {},
    ),
    "layering": (
        lambda _: typ.layering(wide=2, hours=20, passed_on=20, most=12),
        lambda some: plain.layers(some, 2, 20, 20, 12), {"parties": 9, "sinks": 3, "hours": 20},
    ),
    "structuring": (
        lambda wide: typ.structuring(units=101 * wide, near=80, times=2, hours=9),
        lambda some: plain.structured(some, 101, 80, 2, 9), {"parties": 4},
    ),
    "rapid_movement": (
        lambda _: typ.rapid_movement(times=2, minutes=180, passed_on=80, at_most=120, payees=1),
        lambda some: plain.moved_on(some, 2, 180, 80, 120, 1), {"hours": 12},
    ),
    "round_amounts": (
        lambda wide: typ.round_amounts(payees=3, share=60, units=50 * wide),
        lambda some: plain.rounded(some, 3, 60, 50), {},
    ),
    "dormant_reactivation": (
        lambda _: typ.dormant_reactivation(idle_days=1, hours=4, moved=50),
        lambda some: plain.awoken(some, plain.DAY, 4, 50), {"hours": 80, "size": 30},
    ),
    "pass_through": (
        lambda _: typ.pass_through(
            days=1, passed_on=50, receipts=2, payers=1, payees=1, quiet_days=0
        ),
        lambda some: plain.passing(some, plain.DAY, 50, 2, 1, 1, 0), {"size": 20},
    ),
    "consolidation": (
        lambda _: typ.consolidation(wallets=2, hours=20, emptied=20, of_all=50),
        lambda some: plain.consolidated(some, 2, 20, 20, 50),
        {"parties": 12, "sinks": 1, "size": 24},
    ),
}  # fmt: skip


def found(make: Typology, payments: list[plain.Pay], wide: int) -> list[Any]:
    flows = plain.flows_of(payments, wide)
    said = [
        (flows.parties[claim.party][1:].strip(b".").decode(), _by_row(flows, claim.rows))
        for claim in make.find(flows).claims
    ]
    return sorted(said, key=repr)


def _by_row(flows: Any, roles: dict[str, Any]) -> dict[str, list[int]]:
    """Return the payments of each role by their rows as they were made: their places."""
    return {role: sorted(flows.place[list(some)].tolist()) for role, some in roles.items()}


@pytest.mark.parametrize("name", PAIRS)
def test_the_fast_search_finds_what_the_slow_one_finds(name: str) -> None:
    make, slow, how = PAIRS[name]
    hits = 0
    for seed in range(60):
        payments = plain.random_payments(seed, **how)
        expected = sorted(slow(payments), key=repr)
        assert found(make(1), payments, 1) == expected, seed
        hits += len(expected)
        if seed < 6:
            assert found(make(10**24), payments, 10**24) == expected, seed
    assert hits > 8, hits
