"""What is covered, and what chance covers: against a slow search, and where nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import plain_shapes as plain
import polars as pl
import pytest

from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.outside.coverage import (
    Box,
    Coverage,
    coverers,
    of_known_payers,
    shifts_of,
)

START = datetime(1970, 1, 1, tzinfo=UTC)


def things(seed: int, count: int, days: int) -> pl.DataFrame:
    rng = Random(seed)  # noqa: S311 - the same each time
    return pl.DataFrame({
        "time": [START + timedelta(seconds=rng.randrange(days * 86_400)) for _ in range(count)],
        "price": [rng.randrange(1, 100) for _ in range(count)],
        "currency": pl.Series([None] * count, dtype=pl.String),
    }).sort("time").with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))  # fmt: skip


def slow(flows: Flows, side: str, told: pl.DataFrame, box: Box, shift: int) -> set[tuple[int, int]]:
    """Return the pairs of a thing and a party that covers it: every payment looked at."""
    first, last = int(flows.clock[0]), int(flows.clock[-1])
    found = set()
    for n, (time, price, _) in enumerate(told.rows()):
        micros = int((time - START).total_seconds()) * 1_000_000
        when = first + (micros - first + shift) % (last - first) if shift else micros
        for row in range(len(flows)):
            near = 1_000 * abs(int(flows.amount[row]) - price) <= box.per_mille * price
            if near and 0 <= when - int(flows.clock[row]) <= box.span:
                found.add((n, int((flows.payee if side == "payee" else flows.payer)[row])))
    return found - {(n, NOBODY) for n in range(told.height)}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("side", ["payee", "payer"])
def test_covers_are_those_of_a_slow_search(seed: int, side: str) -> None:
    flows = plain.flows_of(plain.random_payments(seed, hours=24 * 60, size=60), 1)
    told = things(seed, 30, 60)
    box = Box(3 * DAY, 80)
    inside = told.filter(
        pl.col("time")
        .dt.epoch("us")
        .is_between(int(flows.clock[0]), int(flows.clock[-1]) + box.span)
    )
    among = of_known_payers(flows) if side == "payer" else np.ones(len(flows), np.bool_)
    found = Coverage.of(flows, side, told, box, 9, among, jitter=(0, 3_600_000_000))
    assert len(found.time) == inside.height
    for shift, covers in zip((0, *found.shifts), (found.seen, *found.moved), strict=True):
        fast = set(zip(covers.thing.tolist(), covers.party.tolist(), strict=True))
        assert fast == slow(flows, side, inside, box, shift)
        best = covers.among(np.ones(inside.height, np.bool_)).max(initial=0)
        if shift:
            assert best <= found.chance(np.ones(inside.height, np.bool_)).most


def test_shifts_are_further_than_a_span_either_way_and_different() -> None:
    for read, tries in ((60 * DAY, 20), (400 * DAY, 39)):
        found = shifts_of(read, 3 * DAY, tries, (0,))
        assert len(set(found)) == tries
        assert min(found) > 3 * DAY
        assert max(found) < read - 3 * DAY
    assert shifts_of(20 * DAY, 3 * DAY, 39, (0,)) == ()
    assert shifts_of(400 * DAY, 3 * DAY, 0, (0,)) == ()


def _market(seed: int, busy: int) -> Flows:
    """Return payments of a busy place to few parties, at prices that everybody asks."""
    rng = Random(seed)  # noqa: S311 - the same each time
    pays = [
        plain.Pay(n, f"p{rng.randrange(90)}", "abcdefgh"[rng.randrange(8)], rng.randrange(1, 100),
                  n * 120 * 86_400 // busy, n, n)
        for n in range(busy)
    ]  # fmt: skip
    return plain.flows_of(pays, 1)


def test_chance_alone_is_claimed_no_more_often_than_it_says() -> None:
    """Reviews of nobody, in 120 markets: with 19 shifts one in twenty is claimed at most."""
    claimed = 0
    for seed in range(120):
        flows, told = _market(seed, 400), things(1_000 + seed, 40, 110)
        found = Coverage.of(flows, "payee", told, Box(5 * DAY, 20), 19, of_known_payers(flows))
        claimed += bool(list(coverers(found, 3, greedy=True)))
    assert claimed <= 12  # 6 are expected at most; 13 of 120 would be seen one time in 100


def test_greedy_takes_the_best_and_then_the_best_of_the_rest() -> None:
    sales = [(day, 50 + 7 * n % 40 + n) for n, day in enumerate(range(20, 100, 2))]
    pays = [
        plain.Pay(n, f"b{n}", "first" if n % 3 else "second", price, day * 86_400, n, n)
        for n, (day, price) in enumerate(sales)
    ]
    ends = [plain.Pay(98, "x", "y", 1, 0, -1, 98), plain.Pay(99, "x", "y", 1, 200 * 86_400, 99, 99)]
    flows = plain.flows_of(sorted([*pays, *ends], key=lambda one: one.rank), 1)
    told = pl.DataFrame({
        "time": [START + timedelta(days=day + 1) for day, _ in sales],
        "price": [price for _, price in sales], "currency": pl.Series([None] * 40, dtype=pl.String),
    }).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))  # fmt: skip
    found = Coverage.of(flows, "payee", told, Box(2 * DAY, 0), 39, of_known_payers(flows))
    taken: list[Any] = [
        (flows.parties[party][1:].strip(b".").decode(), int(left.sum()))
        for party, left, _ in coverers(found, 5, greedy=True)
    ]
    assert taken == [("first", 40), ("second", 14)]
