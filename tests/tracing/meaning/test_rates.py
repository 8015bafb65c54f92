"""Rates of meanings: counted, exact, and said on the page as counted."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import InputError
from chainwatch.simulate.swaps.simulation import simulate_swaps
from chainwatch.simulate.swaps.world import MEANINGS
from chainwatch.tracing.meaning.rates import MeaningRates, meaning_rates

ROOT = Path(__file__).parents[3]
HONEST, HOSTILE = (f"simulated swaps, {kind} (test part)" for kind in ("honest", "adversarial"))


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "meanings.py"))["page"].__globals__


@pytest.fixture(scope="module")
def found(tool: dict[str, Any]) -> MeaningRates:
    made: MeaningRates = tool["rates"]()
    return made


def test_the_page_says_what_is_counted(tool: dict[str, Any], found: MeaningRates) -> None:
    assert tool["PAGE"].read_text("utf-8") == tool["page"](found), "run: tools/meanings.py"


def test_on_honest_chains_nothing_that_is_said_is_wrong(found: MeaningRates) -> None:
    for meaning in MEANINGS:
        wrong = found.share("wrong", basis=HONEST, meaning=meaning)
        assert wrong.count == 0, meaning
    swaps = found.share("found", basis=HONEST, meaning="swap")
    assert 0.85 < (swaps.rate or 0) < 1, "those with a reward beside are undecided"


def test_who_paid_whom_among_others_is_never_said(found: MeaningRates) -> None:
    for basis in (HONEST, HOSTILE):
        told = found.share("found", basis=basis, meaning="paid among others")
        assert (told.count, told.of > 100) == (0, True)


def test_only_swaps_err_where_somebody_makes_a_pool_of_his_own(found: MeaningRates) -> None:
    wrong = found.frame.filter(pl.col("wrong") > 0)
    assert wrong.select("basis", "meaning").rows() == [(HOSTILE, "swap")]
    share = found.share("wrong", basis=HOSTILE, meaning="swap")
    assert 0 < (share.rate or 0) < 0.2


def test_worlds_add_up() -> None:
    made = [simulate_swaps(seed, part="fit", deeds=60, people=10) for seed in (0, 1)]
    both, single = meaning_rates(made), [meaning_rates([one]) for one in made]
    for name in ("said", "wrong", "true", "found"):
        parts = sum((one.frame[name] for one in single[1:]), single[0].frame[name])
        assert both.frame[name].to_list() == parts.to_list(), name


def test_a_higher_bar_for_pools_says_less() -> None:
    made = [simulate_swaps(0, part="fit", adversarial=True)]
    low, high = (meaning_rates(made, min_traders=n).frame.filter(meaning="swap") for n in (3, 6))
    assert high["said"][0] <= low["said"][0]
    assert high["wrong"][0] == 0 < low["wrong"][0]


def test_what_was_not_measured_is_refused(found: MeaningRates) -> None:
    with pytest.raises(InputError, match="was measured on"):
        found.share("wrong", basis="nowhere", meaning="swap")
    with pytest.raises(InputError, match="no world"):
        meaning_rates([])
