"""The page of rates and its figures say what was counted, and nothing else."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from chainwatch.evaluate.calibration import CALIBRATION, Calibration
from chainwatch.evaluate.evaluation import RECIPE_RATES, RULE_RATES, Evaluation

ROOT = Path(__file__).parents[2]
BASIS = "simulated owners, honest (test part)"


@pytest.fixture
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "evaluation.py"))["page"].__globals__


def counted() -> tuple[Evaluation, Calibration]:
    numbers = {
        "basis": BASIS, "recipe": "default", "worlds": 6, "owners": 2_210, "owners_merged": 417,
        "owners_merged_of": 2_210, "pairs_right": 9, "pairs_right_of": 10, "pairs_found": 1,
        "pairs_found_of": 4, "alarms": 3, "clusters": 1_200, "v_measure": 0.7727, "largest": 87,
        "largest_owners": 1,
    }  # fmt: skip
    recipes = RECIPE_RATES.frame([[numbers.get(name, 0) for name in RECIPE_RATES.names]])
    rules = RULE_RATES.frame([(BASIS, "default", "co_spend", 78, 2, *[0] * 5, 80, 2, 80)])
    return Evaluation(recipes, rules), Calibration(
        CALIBRATION.frame([("co_spend", 0.95, 80, 78, 80)]), BASIS
    )


def test_merged_owners_are_a_count_and_no_rate(tool: dict[str, Any]) -> None:
    """The longer a chain, the more owners are merged: a percentage would say nothing of a rule."""
    said = tool["page"](*counted())
    assert f"| {BASIS} | default | 417 of 2,210 | 9 of 10 (90.00 %) | 1 of 4 (25.00 %) |" in said
    told = " ".join(said.split())
    assert "it grows with every transaction, and so with the length of a chain." in told
    assert "Owners merged, pairs and V-measure have no interval" in told
    assert "| co_spend | 2 of 80 (2.50 %, 95 % interval 0.69 to 8.66 %) | 0, 0 |" in said
    assert re.findall(r"!\[.+?\]\((.+?)\)", said) == [
        "figures/rates.svg",
        "figures/reliability.svg",
    ]


def test_what_is_kept_is_what_was_counted(tool: dict[str, Any], tmp_path: Path) -> None:
    found, alone = counted()
    tool["COUNTED"] = tmp_path / "counted.json"
    tool["keep"](found, alone)
    again, aside = tool["counted"]()
    assert (again.digest, aside.digest) == (found.digest, alone.digest)
    assert tool["page"](again, aside) == tool["page"](found, alone)
    assert tool["figures"](again, aside) == tool["figures"](found, alone)


def test_the_page_and_its_figures_say_what_was_counted(tool: dict[str, Any]) -> None:
    made = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](*made), (
        "run: python tools/evaluation.py page"
    )
    for name, text in tool["figures"](*made).items():
        assert (tool["FIGURES"] / name).read_text("utf-8") == text, name
