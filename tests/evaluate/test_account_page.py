"""The page of rules on accounts says what was counted, and counting again gives the same."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.simulated_accounts import HONEST, simulated_account_worlds
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.rates import MEASURED, Rate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "account_owners.py"))["page"].__globals__  # type: ignore[no-any-return]


def test_the_page_is_what_was_counted(tool: dict[str, Any]) -> None:
    found, stated, _ = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](found, stated)


def test_counting_the_first_chain_again_gives_the_same(tool: dict[str, Any]) -> None:
    """Whoever changes a rule or the simulator runs the tool again."""
    *_, first = tool["counted"]()
    assert tool["first"]().rules.equals(first)


def test_every_rule_has_a_rate_on_its_own_terms() -> None:
    for make in ACCOUNT_RULES:
        rule = make()
        rate = MEASURED.by_rule[rule.name]
        assert rate.made == rule.made(), "run tools/account_owners.py rates"
        assert "fit part" in rate.basis
        assert MEASURED.confidence(rule.name, rule.made()) is not None


@pytest.mark.parametrize(("right", "of", "cases"), [(0, 9, 9), (9, 9, 3), (8, 9, 4), (1, 9, 1)])
def test_what_a_rate_reaches_is_the_end_of_its_interval(right: int, of: int, cases: int) -> None:
    for rate in (Rate(right, of, cases, "made up"), *MEASURED.by_rule.values()):
        interval = Share(rate.right, rate.of, rate.cases).interval
        assert interval is not None
        assert rate.at_least == pytest.approx(interval.low, abs=1e-12)


def test_another_parameter_has_no_rate() -> None:
    for make in ACCOUNT_RULES:
        rule = make()
        name, value = next(pair for pair in rule.params if type(pair[1]) is int)
        assert MEASURED.confidence(rule.name, make(**{name: value + 1}).made()) is None


def test_a_world_says_where_it_is_from() -> None:
    (world,) = simulated_account_worlds([0], part="fit", days=20, people=20)
    assert world.truth.basis == f"{HONEST} (fit part)"
    assert world.ledger.tags.collect().height == 8  # two concepts of four hot wallets
    assert set(world.truth.frame["chain"]) == {"eip155:1"}
