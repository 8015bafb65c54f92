"""Who paid for advertisements: daily habits are told from chance, and chance claims nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import plain_shapes as plain
import polars as pl
import pytest

from chainwatch import typologies as typ
from chainwatch.typologies.facts import Facts, make_facts
from chainwatch.typologies.flows import Flows

START = datetime(1970, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = 86_400, 3_600, 60
PRICES = (5, 8, 12)


def drawn(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same each time


def ads(times: list[int], regions: int = 1, prices: list[int] | None = None) -> Facts:
    return make_facts(listings=pl.DataFrame({
        "place": "board", "kind": "advertisement",
        "time": [START + timedelta(seconds=one) for one in times],
        "price": prices or [PRICES[n % 3] for n in range(len(times))],
        "region": [f"town {n % regions}" for n in range(len(times))]}))  # fmt: skip


def board(pays: list[tuple[str, int, int]], facts: Facts) -> Flows:
    """Return payments ``(who, second, price)`` to a site, and two that mark the span read."""
    ends = [("x", 0, 1), ("x", 120 * DAY, 1)]
    made = [
        plain.Pay(n, who, "board", price, second, n, n)
        for n, (who, second, price) in enumerate(sorted([*pays, *ends], key=lambda one: one[1]))
    ]
    return plain.flows_of(made, 1, facts=facts)


def others(seed: int, count: int, hours: tuple[int, int] = (0, 24)) -> list[tuple[str, int, int]]:
    """Return payments of the same prices by others, at some hours of the day."""
    rng = drawn(seed)
    return [
        (f"o{rng.randrange(12)}", rng.randrange(120) * DAY
         + rng.randrange(hours[0] * HOUR, hours[1] * HOUR), PRICES[rng.randrange(3)])
        for _ in range(count)
    ]  # fmt: skip


def names(flows: Flows, found: Any) -> list[str]:
    return [flows.parties[one.party][1:].strip(b".").decode() for one in found.claims]


def test_who_pays_minutes_before_each_day_is_found_among_others_of_the_same_hour() -> None:
    times = [day * DAY + 10 * HOUR + 7 * (day % 11) * MINUTE for day in range(2, 60, 2)]
    facts = ads(times)
    mine = [("daily", one - 12 * MINUTE, PRICES[n % 3]) for n, one in enumerate(times)]
    flows = board([*mine, *others(1, 300, (9, 13))], facts)
    assert names(flows, typ.ad_payments().find(flows)) == ["daily"]


@pytest.mark.parametrize("hours", [(0, 24), (9, 12)])
def test_of_advertisements_of_nobody_chance_alone_is_claimed_no_more_often_than_it_says(
    hours: tuple[int, int],
) -> None:
    """In 80 months of a busy site: with 39 shifts one in forty is claimed at most."""
    claimed = 0
    for seed in range(80):
        rng = drawn(500 + seed)
        times = [rng.randrange(120) * DAY + rng.randrange(hours[0] * HOUR, hours[1] * HOUR)
                 for _ in range(40)]  # fmt: skip
        flows = board(others(seed, 600, hours), ads(times))
        claimed += bool(typ.ad_payments(ads=2).find(flows).claims)
    assert claimed <= 6  # 2 are expected at most; 7 of 80 would be seen one time in 200


def test_minutes_prices_and_the_least_number_bound_what_is_claimed() -> None:
    times = [day * DAY + (day * 37 % 24) * HOUR for day in range(3, 63, 12)]
    facts = ads(times, prices=[1_000] * 5)

    def found(late: int, price: int = 1_000, count: int = 5) -> int:
        flows = board([("one", when - late, price) for when in times[:count]], facts)
        return len(typ.ad_payments().find(flows).claims)

    assert found(30 * MINUTE)
    assert not found(30 * MINUTE + 1)
    assert found(0)
    assert not found(-1)
    assert found(0, 1_005)
    assert found(0, 995)
    assert not found(0, 1_006)
    assert not found(0, count=4)


def test_many_ads_are_in_several_towns_within_days() -> None:
    times = [20 * DAY + n * 40 * HOUR for n in range(9)]  # the last is 320 hours behind the first
    pays = [("agency", one - MINUTE, PRICES[n % 3]) for n, one in enumerate(times)]

    def found(regions: int, **numbers: int) -> int:
        flows = board(pays, ads(times, regions))
        return len(typ.many_ads(**numbers).find(flows).claims)

    assert found(3)
    assert not found(2)
    assert found(3, ads=9)
    assert not found(3, ads=10)
    assert not found(3, days=11)


def test_where_time_is_too_short_nothing_is_judged_and_it_is_said() -> None:
    times = [DAY + n * HOUR for n in range(6)]
    facts = ads(times, prices=[9] * 6)
    made = [plain.Pay(n, "one", "board", 9, one - MINUTE, n, n) for n, one in enumerate(times)]
    flows = plain.flows_of(made, 1, facts=facts)
    found = typ.ad_payments().find(flows)
    assert not found.claims
    assert [one.number for one in found.not_judged] == [1]
