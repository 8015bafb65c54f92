"""The page of change says what was counted, and nothing else."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "change.py"))["page"].__globals__


def test_the_page_says_what_was_counted(tool: dict[str, Any]) -> None:
    said = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](said), "run: python tools/change.py page"


def test_every_rule_stands_in_it_with_its_numbers(tool: dict[str, Any]) -> None:
    said = tool["counted"]()
    for basis, rule, _, right, wrong, _, change, *_ in said["rates"]:
        (line,) = [one for one in tool["page"](said).splitlines()
                   if one.startswith(f"| {basis} | {rule} |")]  # fmt: skip
        told = f"{wrong:,} of {right + wrong:,} (" if right + wrong else "not testable"
        assert line.split(" | ")[2].startswith(told)
        assert f"{right:,} of {change:,} (" in line
    rules = {row[1] for row in said["rates"]}
    assert rules == {tool["MODEL"], tool["RECIPE"], *(f"`{one}`" for one in tool["change_rules"]())}
    assert {row[0] for row in said["rates"]} == {
        f"simulated owners, {kind} (test part)" for kind in ("honest", "adversarial")
    }


def test_the_model_of_the_page_reads_the_features_of_today(tool: dict[str, Any]) -> None:
    from chainwatch.change_models.features import NAMES

    assert tuple(tool["counted"]()["terms"]["features"]) == NAMES
