"""Typologies of crimes as fast code finds them are what a slow search finds, on random trade."""

from __future__ import annotations

from typing import Any

import plain_crimes as plain
import pytest
from plain_shapes import DAY, random_payments

from chainwatch import typologies as typ
from chainwatch.typologies.typology import Typology

PAIRS: dict[str, tuple[Typology, plain.Slow, dict[str, Any]]] = {
    "vendor_income": (
        typ.vendor_income(payouts=2, active_weeks=2, of_all=30, paid_in=60, cashed=30),
        lambda some: plain.vendor_income(some, 2, 2, 30, 60, 30), {},
    ),
    "direct_trade": (
        typ.direct_trade(times=2, sales=1, days=2),
        lambda some: plain.direct_trade(some, 2, 1, 2), {"people": 4},
    ),
    "night_amounts": (
        typ.night_amounts(payers=2, share=30, night=40, returning=30, least_days=3, most_days=20,
                          zone="UTC", scheduled=100),
        lambda some: plain.night_amounts(some, 2, 30, 40, 30, 3 * DAY, 20 * DAY), {},
    ),
    "night_amounts at minutes": (
        typ.night_amounts(payers=2, share=30, night=40, returning=30, least_days=3, most_days=20,
                          zone="UTC", scheduled=55),
        lambda some: plain.night_amounts(some, 2, 30, 40, 30, 3 * DAY, 20 * DAY, 55),
        {"minutes": True},
    ),
    "rotating_addresses": (
        typ.rotating_addresses(addresses=1, payers=1, emptied_to=20, again=60, payees=4,
                               overlap=100),
        lambda some: plain.rotating(some, 1, 1, 20, 60, 4, 100), {"people": 8, "size": 24},
    ),
    "otc_cash_out": (
        typ.otc_cash_out(times=1, least=10, currency="JPY", units=1, hours=96, passed_on=30,
                         of_all=10),
        lambda some: plain.otc(some, 1, 10, 96, 30, 10), {"people": 4},
    ),
    "many_services": (
        typ.many_services(services=2, least=10, currency="JPY", units=1, hours=120, passed_on=50),
        lambda some: plain.many_services(some, 2, 10, 120, 50), {"people": 4},
    ),
}  # fmt: skip


def found(one: Typology, payments: list[Any]) -> list[Any]:
    flows = plain.flows_of(payments)
    said = [
        (flows.parties[claim.party][1:].strip(b".").decode(),
         {role: sorted(flows.place[list(some)].tolist()) for role, some in claim.rows.items()})
        for claim in one.find(flows).claims
    ]  # fmt: skip
    return sorted(said, key=repr)


@pytest.mark.parametrize("name", PAIRS)
def test_a_slow_search_finds_the_same(name: str) -> None:
    one, slow, more = PAIRS[name]
    times = 0
    for seed in range(60):
        payments = plain.random_trade(seed, **more)
        expected = sorted(slow(payments), key=repr)
        assert found(one, payments) == expected, seed
        times += bool(expected)
    assert times > 4, "too few random trades have it"


def test_shapes_without_names_are_found_too() -> None:
    one, slow, _ = PAIRS["rotating_addresses"]
    for seed in range(30):
        payments = random_payments(seed, parties=9, sinks=1, size=20)
        kept = [pay._replace(rank=pay.row) for pay in payments]
        assert found(one, kept) == sorted(slow(kept), key=repr)
