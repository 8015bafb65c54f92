"""Figures of rates: numbers beside points, words for who cannot see them, the same bytes twice."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import polars as pl
import pytest

from chainwatch.errors import ArgumentError
from chainwatch.evaluate.calibration import CALIBRATION, Calibration
from chainwatch.evaluate.evaluation import RECIPE_RATES, RULE_RATES, Evaluation
from chainwatch.figures import rates, reliability
from chainwatch.figures.charts.rates_figure import APART, _spread_out
from chainwatch.figures.style import save_figure, settings

BASIS = "simulated owners, honest"


@pytest.fixture
def evaluation() -> Evaluation:
    counted = {
        "owners_merged": 2, "owners_merged_of": 80, "owners": 80, "worlds": 4, "basis": BASIS,
        "recipe": "default",
    }  # fmt: skip
    frame = [
        [(counted | {"recipe": recipe}).get(name, 0) for name in RECIPE_RATES.names]
        for recipe in ("default", "with change", "plain")
    ]
    wrong = (78, 2, *[0] * 5, 80, 2, 80)
    rules = [(BASIS, "default", "change", *[0] * 10), (BASIS, "default", "co_spend", *wrong),
             (BASIS, "with change", "co_spend", *wrong),
             (BASIS, "plain", "co_spend", 80, 0, *[0] * 5, 80, 0, 80)]  # fmt: skip
    return Evaluation(RECIPE_RATES.frame(frame), RULE_RATES.frame(rules))


@pytest.fixture
def calibration() -> Calibration:
    rows = [("change", 0.95, 9, 9, 9), ("co_spend", 0.999, 80, 78, 80),
            ("statement", None, 1, 1, 1)]  # fmt: skip
    return Calibration(CALIBRATION.frame(rows), BASIS)


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def test_every_row_says_its_numbers_to_one_decimal(evaluation):
    ax = rates(evaluation)
    assert {"co_spend: default, with change", "co_spend: plain", BASIS} <= set(texts(ax))
    assert "2 of 80: 2.5 % (0.7 to 8.7)" in texts(ax)
    assert "0 of 80: 0.0 % (at most 3.8)" in texts(ax)
    assert "co_spend: default, with change: 2 of 80 (2.50 %, 95 % " in ax.get_label()
    assert ax.figure.get_label() == "Links that join two owners, by rule"


def test_rules_that_join_nobody_have_no_row_and_are_named(evaluation):
    told = texts(rates(evaluation))
    assert "not testable" not in told
    assert not any(item.startswith("change") for item in told)
    assert "Left out, as they join nobody: change." in told


def test_the_scale_ends_at_a_round_figure_and_the_marks_are_told(evaluation):
    told = texts(rates(evaluation))
    ticks = [item for item in told if re.fullmatch(r"[\d.]+ %", item)]
    assert ticks == ["0 %", "2 %", "4 %", "6 %", "8 %", "10 %"]
    said = " ".join(told)
    assert "the share of a rule's links that join two owners" in said
    assert "○ counted without an error; the line through it is the interval of 95 %" in said


def test_a_confidence_that_nobody_stated_is_not_drawn(calibration):
    ax = reliability(calibration)
    told = texts(ax)
    assert {"1", "2", "change", "co_spend", "0.950, 1.000", "0.999, 0.975"} <= set(told)
    assert "statement" not in told
    assert "co_spend: stated 0.9990, right 78 of 80" in ax.get_label()


def crowded() -> Calibration:
    """Return eighteen rules of long names, most of them of nearly the same confidence."""
    rows = [(f"change: a_rule_of_a_long_name_{n}(days=7)", 0.75 + n / 1000, 900, 700, 9_000)
            for n in range(15)]  # fmt: skip
    rows += [(f"sure_{n}", 1 - n / 10_000, 99, 99, 99) for n in range(3)]
    return Calibration(CALIBRATION.frame(rows), "; ".join([f"{BASIS} of many parts"] * 4))


@pytest.mark.parametrize("which", ["rates", "reliability"])
def test_no_text_lies_over_another_or_leaves_the_figure(which, evaluation):
    ax = rates(evaluation) if which == "rates" else reliability(crowded())
    with settings():
        ax.figure.canvas.draw()
        page = ax.figure.bbox
        boxes = [(item.get_text(), item.get_window_extent().padded(-0.7)) for item in ax.texts]
    for text, box in boxes:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)


def test_the_title_is_broken_and_not_cut():
    told = texts(reliability(crowded()))
    title = "Stated confidence of links, and the share that was right, on "
    assert " ".join(told[:3]).startswith(f"{title}{BASIS} of many parts; {BASIS}")


@pytest.mark.parametrize("wanted", [[5.0, 5.0, 5.0], [0.0, 99.0, 100.0], [50.0] * 30, []])
def test_numbers_stand_apart_and_inside(wanted):
    places = _spread_out(wanted, 0.0, 100.0)
    gap = min(APART, 100.0 / max(len(wanted) - 1, 1))
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(places))
    assert all(-1e-9 <= place <= 100.0 + 1e-9 for place in places)


def test_the_same_bytes_twice(evaluation, calibration, tmp_path):
    for draw, result in ((rates, evaluation), (reliability, calibration)):
        once, again = (
            save_figure(draw(result).figure, tmp_path / f"{draw.__name__}{number}")
            for number in (1, 2)
        )
        assert once == again


@pytest.mark.parametrize("draw", [rates, reliability])
def test_another_thing_is_refused(draw):
    with pytest.raises(ArgumentError, match="pass what"):
        draw(pl.DataFrame())
