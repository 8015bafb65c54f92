"""A shared service never links its customers: others who deal with it change no claim, and stand in
none.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from account_chains import DAY
from crime_cases import CRIMES, MARKET, ON, Case, M

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.typologies.catalogue import DEFAULT

TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
SERVICES = ("market", "other", "shop", "desk", "vouch", "e1", "e2", "e3")
TAGGED = {name: case for name, case in CRIMES.items() if "tags" in case.given}


def customers(count: int = 12) -> list[Any]:
    """Return customers of every service, who pay it and are paid by it once each."""
    return [
        one
        for service in SERVICES
        for n in range(count)
        for one in (
            (f"{service}c{n}>{service}:{(40 + 13 * n) * M}", n * DAY + 7),
            (f"{service}>{service}c{n}:{(20 + 7 * n) * M}", n * DAY + 90),
        )
    ]


def asked(case: Case, payments: list[Any]) -> cw.Alerts:
    rows = sorted(payments, key=lambda one: one[1])
    return cw.alerts(ON.ledger(rows), TOKEN, [case.typology], **case.given)


def names_in(found: cw.Alerts) -> set[str]:
    return {ON.name(one) for side in ("payer", "payee") for one in found.evidence[side]}


@pytest.mark.parametrize("name", TAGGED)
def test_other_customers_change_no_claim_and_stand_in_none(name: str) -> None:
    case = TAGGED[name]
    alone, crowded = asked(case, case.shape), asked(case, case.shape + customers())
    said = ["entity", "why", "amount", "payments", "first", "last", "verdict", "behind"]
    assert alone.frame.height > 0
    assert crowded.frame.select(said).equals(alone.frame.select(said))
    assert names_in(crowded) == names_in(alone)


def test_nobody_is_claimed_for_being_a_customer() -> None:
    given = {"tags": MARKET}
    found = cw.alerts(ON.ledger(sorted(customers(30), key=lambda one: one[1])), TOKEN, **given)
    crimes = found.frame.filter(pl.col("typology").is_in(list(CRIMES)))
    assert crimes.is_empty()


def test_a_service_is_never_whom_a_typology_of_crimes_claims() -> None:
    services = {ON(one) for one in SERVICES}
    for case in TAGGED.values():
        found = cw.alerts(ON.ledger(sorted(case.shape + customers(), key=lambda one: one[1])),
                          TOKEN, [one for one in DEFAULT if one.name in CRIMES],
                          **case.given)  # fmt: skip
        assert not services & set(found.frame["entity"])
