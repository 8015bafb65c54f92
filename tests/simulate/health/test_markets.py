"""Simulated markets: the same again, parts that never meet, harms begin when they are said to."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from chainwatch.attribution.contact import SUBSTANCES
from chainwatch.errors import ArgumentError
from chainwatch.simulate.health.harms import BULLETIN, FIRST_BUYERS, reported, spread
from chainwatch.simulate.health.markets import CLASSES, KNOWN, WEEKS, simulate_market


def test_the_same_seed_makes_the_same_market_and_another_makes_another() -> None:
    one, again, other = (simulate_market(seed, part="fit") for seed in (3, 3, 4))
    assert one.purchases.equals(again.purchases)
    assert one.listings.equals(again.listings)
    assert one.harms == again.harms
    assert not one.purchases.equals(other.purchases)


def test_the_parts_share_no_seed_and_no_week() -> None:
    fit, test = simulate_market(0, part="fit"), simulate_market(1_000, part="test")
    assert fit.weeks[0] == date(2022, 1, 3)
    assert max(fit.weeks) + timedelta(weeks=1) == min(test.weeks) == date(2024, 1, 1)
    assert all(one.weekday() == 0 for one in (*fit.weeks, *test.weeks))
    for seed, part in ((1_000, "fit"), (0, "test"), (0, "both")):
        with pytest.raises(ArgumentError):
            simulate_market(seed, part=part)


def test_classes_are_those_of_the_taxonomy() -> None:
    assert set(CLASSES) <= set(SUBSTANCES)
    assert list(CLASSES) == sorted(CLASSES)


@pytest.mark.parametrize("seed", range(6))
def test_a_new_class_is_not_bought_before_it_begins_and_every_report_comes_after(seed: int) -> None:
    made = simulate_market(seed, part="fit")
    assert 1 <= len(made.harms) <= 2
    for one in made.harms:
        bought = made.purchases.filter(pl.col("substance") == one.substance)
        assert bought.height > 50
        if not one.before:
            assert bought["week"].min() >= one.first  # type: ignore[operator]
        assert one.reported is None or one.first < one.reported < WEEKS
    assert made.purchases["substance"].n_unique() in (KNOWN, KNOWN + 1, KNOWN + 2)


def test_a_purchase_is_of_one_buyer_of_one_class() -> None:
    rows = simulate_market(1, part="fit").purchases
    assert rows["payment"].n_unique() == rows.height
    assert rows.select("payer", "substance").unique()["payer"].n_unique() >= 500


def test_a_substance_spreads_from_a_few_and_levels_off() -> None:
    for seed in range(20):
        means = spread(np.random.RandomState(seed), 10, 300)
        assert (means[:10] == 0).all()
        assert means[10] == pytest.approx(FIRST_BUYERS)
        assert (np.diff(means[10:]) >= 0).all()
        assert 39 < means[-1] < 121


def test_a_report_waits_for_seizures_or_for_a_bulletin_with_enough_cases() -> None:
    draw = np.random.RandomState(0)
    assert reported(draw, np.zeros(60, int)) is None
    many = np.zeros(60, int)
    many[5] = 20_000
    found = reported(draw, many)
    assert found is not None
    assert 5 < found <= 5 + 2 * BULLETIN
    late = np.zeros(60, int)
    late[59] = 20_000
    assert reported(draw, late) is None
