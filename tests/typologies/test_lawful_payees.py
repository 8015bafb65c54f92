"""Plain lawful business that pays as crime does: typologies are silent there, or say it first."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import polars as pl
import pytest
from few_payments import DAY, HOUR, Paid, claims, found, rotated
from plain_shapes import key

from chainwatch import typologies as typ
from chainwatch.errors import RuleError
from chainwatch.typologies.catalogue import DEFAULT
from chainwatch.typologies.facts import Facts, make_facts
from chainwatch.typologies.rates import IN_TOWNS
from chainwatch.typologies.typology import WEAK

ROOT = Path(__file__).resolve().parents[2]


def in_order(rows: list[Paid]) -> list[Paid]:
    return sorted(rows, key=lambda one: one[1])


def subscribers() -> list[Paid]:
    """Return readers in New York who pay by the month, most of them from 18 to 24 there."""
    rng = Random(3)  # noqa: S311 - the same each time
    rows: list[Paid] = []
    for n in range(40):
        for month in range(6):
            evening = rng.random() < 0.65
            hour = rng.choice([23, 0, 1, 2, 3, 4]) if evening else rng.randrange(5, 23)
            second = (month * 30 + n % 20) * DAY + hour * HOUR + rng.randrange(HOUR)
            rows.append((f"reader{n}>paper:9990000", second))
    return in_order(rows)


def test_whose_night_it_is_has_to_be_said() -> None:
    asked = found(typ.night_amounts(), subscribers())
    assert not asked.claims
    assert asked.lacking[0].what == "the time zone of those who pay, such as zone=UTC-5"
    assert not claims(typ.night_amounts(zone="UTC-5"), subscribers())
    (claim,) = claims(typ.night_amounts(zone="UTC"), subscribers())
    assert "at night by the clock of UTC;" in claim.why


@pytest.mark.parametrize(
    "zone", ["EST", "5", "UTC5", "UTC+15", "UTC-12:30", "UTC-13", "UTC+5:60", "utc", "UTC+5:3"]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(RuleError, match="is no time zone"):
        found(typ.night_amounts(zone=zone), subscribers())


@pytest.mark.parametrize(("zone", "night"), [("UTC+5:30", True), ("UTC+5:15", False)])
def test_a_zone_may_have_minutes(zone: str, night: bool) -> None:
    """Between 17:30 and 23:29 UTC it is night in India, and not a quarter of an hour west of it."""
    rows: list[Paid] = [
        (f"p{n}>site:100", (n + 30 * month) * DAY + (17 + hour) * HOUR + (31 + n) * 60)
        for n in range(12) for month, hour in enumerate((n % 4, n % 3))
    ]  # fmt: skip
    one = typ.night_amounts(zone=zone, night=90)
    assert bool(claims(one, in_order(rows))) is night


@pytest.mark.parametrize("spread", [1, 14 * 60 // 29])
def test_standing_orders_just_after_midnight_are_no_night(spread: int) -> None:
    """All in one minute, or within a quarter of an hour, as blocks take them up."""
    rows = in_order([
        (f"m{n}>gym:2990", month * 30 * DAY + 300 + n * spread)
        for n in range(30) for month in range(4)
    ])  # fmt: skip
    asked = found(typ.night_amounts(zone="UTC"), rows)
    assert not asked.claims
    assert [(one.number, "standing orders" in one.why) for one in asked.not_judged] == [(1, True)]
    assert claims(typ.night_amounts(zone="UTC", scheduled=100), rows)


def test_standing_orders_about_midnight_are_none_either() -> None:
    rows = in_order([
        (f"m{n}>gym:2990", (1 + month * 30) * DAY - 420 + n * 28)
        for n in range(30) for month in range(4)
    ])  # fmt: skip
    assert not claims(typ.night_amounts(zone="UTC"), rows)


def test_standing_orders_at_one_minute_of_several_hours_are_none() -> None:
    rows = in_order([
        (f"m{n}>gym:2990", month * 30 * DAY + n % 5 * HOUR + 300 + n)
        for n in range(30) for month in range(4)
    ])  # fmt: skip
    assert not claims(typ.night_amounts(zone="UTC"), rows)


def test_members_who_pay_by_day_do_not_hide_standing_orders() -> None:
    """Most of all payments are of no one minute, and most of those at night are."""
    rows: list[Paid] = [
        (f"m{n}>gym:2990", month * 30 * DAY + (300 if n % 20 < 10 else n * 1_900))
        for n in range(40) for month in range(4)
    ]  # fmt: skip
    assert not claims(typ.night_amounts(zone="UTC", night=50), in_order(rows))


def published(name: str) -> Facts:
    return make_facts(published=pl.DataFrame({"chain": ["btc"], "address": [key(name)]}))


def shop() -> list[Paid]:
    """Return a shop with a new address each month, each paid by eight who come once."""
    return [(text.replace("turn", "till"), at) for text, at in rotated(5, 8, gap=30)]


def test_a_shop_with_new_addresses_is_no_appeal() -> None:
    one = typ.rotating_addresses()
    asked = found(one, shop())
    assert not asked.claims
    assert asked.lacking[0].what == "published addresses, or tags of donation"
    assert not claims(one, shop(), facts=published("elsewhere"))
    assert not claims(one, [*shop(), ("x>turn0:5", 0)])  # another one is tagged so
    (claim,) = claims(one, shop(), facts=published("till3"))
    assert "1 of the parties are known to ask for gifts" in claim.why
    assert claims(one, rotated(5, 8, gap=30))  # the first is tagged so


def test_a_firm_that_changes_cash_and_pays_contractors_is_accused_of_nothing() -> None:
    rows: list[Paid] = [(f"desk>firm:{50_000}", n * 20 * DAY) for n in range(3)]
    rows += [(f"firm>contractor{n}:3000", (n * 3 + 21) * DAY) for n in range(9)]
    one = typ.changer_funded_payouts(units=1)
    (claim,) = claims(one, in_order(rows))
    assert one.strength == WEAK
    assert claim.why.startswith("as a firm pays contractors: it paid 9 others")
    assert "recruit" not in f"{one.name} {one.benign} {claim.why}"
    earlier: list[Paid] = [(f"customer>contractor{n}:900", n * DAY) for n in range(4)]
    assert not claims(one, in_order([*rows, *earlier]))


def test_what_fires_on_its_twin_says_that_it_is_weak() -> None:
    """By what was counted on the test part: precision below half, or half of a lawful twin."""
    kept = json.loads((ROOT / "docs" / "figures" / "typologies.json").read_text("utf-8"))
    unsure = {
        row[1] for row in kept["rates"] if row[10] and 2 * row[6] < row[5]
    } | {
        row[1] for row in kept["campaigns"]
        if row[2] != "bystander" and not row[4] and not row[5] and 2 * row[8] >= row[7]
    }  # fmt: skip
    assert len(unsure) > 9
    assert unsure <= {one.name for one in DEFAULT if one.strength == WEAK}


def test_of_towns_all_is_asked_by_their_clock() -> None:
    assert [one.name for one in IN_TOWNS] == [one.name for one in DEFAULT]
    different = [one.name for one, other in zip(IN_TOWNS, DEFAULT, strict=True) if one != other]
    assert different == ["night_amounts"]
