"""Figures of rates: numbers beside points, words for who cannot see them, the same bytes twice."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.errors import ArgumentError
from chainwatch.evaluate.calibration import CALIBRATION, Calibration
from chainwatch.evaluate.evaluation import RECIPE_RATES, RULE_RATES, Evaluation
from chainwatch.figures import rates, reliability
from chainwatch.figures.style import save_figure

BASIS = "simulated owners, honest"


@pytest.fixture
def evaluation() -> Evaluation:
    counted = {
        "owners_merged": 2, "owners_merged_of": 80, "owners": 80, "worlds": 4, "basis": BASIS,
        "recipe": "default",
    }  # fmt: skip
    row = [counted.get(name, 0) for name in RECIPE_RATES.names]
    rules = [(BASIS, "default", "change", *[0] * 10),
             (BASIS, "default", "co_spend", 70, 2, *[0] * 5, 80, 2, 72)]  # fmt: skip
    return Evaluation(RECIPE_RATES.frame([row]), RULE_RATES.frame(rules))


@pytest.fixture
def calibration() -> Calibration:
    rows = [("change", 0.95, 9, 9, 9), ("co_spend", 0.999, 80, 78, 80),
            ("statement", None, 1, 1, 1)]  # fmt: skip
    return Calibration(CALIBRATION.frame(rows), BASIS)


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def test_every_row_says_its_numbers(evaluation):
    ax = rates(evaluation)
    assert {"default", "  links by change", "  links by co_spend", BASIS} <= set(texts(ax))
    assert "2 of 80; 0.688 to 8.66 %" in texts(ax)
    assert "not testable" in texts(ax)
    assert "default: 2 of 80 (2.50 %, 95 % interval 0.69 to 8.66 %)." in ax.get_label()


def test_a_confidence_that_nobody_stated_is_not_drawn(calibration):
    ax = reliability(calibration)
    assert texts(ax) == ["1 change", "2 co_spend"]
    assert "co_spend: stated 0.9990, right 78 of 80" in ax.get_label()


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
