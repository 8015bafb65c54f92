"""The page of rules on keys that change says what was counted; counted again it is the same."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from chainwatch.evaluate.every_rule import terms
from chainwatch.evaluate.simulated_signers import (
    HONEST,
    SAFES,
    key_terms,
    key_worlds,
    simulated_safe_worlds,
    simulated_signer_worlds,
)
from chainwatch.heuristics.rates import MEASURED

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "key_sets.py"))["page"].__globals__  # type: ignore[no-any-return]


def test_the_page_is_what_was_counted(tool: dict[str, Any]) -> None:
    found, stated, _ = tool["counted"]()
    assert tool["PAGE"].read_text("utf-8") == tool["page"](found, stated)


def test_counting_the_first_chains_again_gives_the_same(tool: dict[str, Any]) -> None:
    """Whoever changes a rule or the simulator runs the tool again."""
    *_, first = tool["counted"]()
    assert tool["again"]().equals(first)


def test_every_rule_has_a_rate_on_its_own_terms() -> None:
    assert set(key_terms()) == {"key_set_change", "safe_key_change", "safe_owner"}
    for rule, made in key_terms().items():
        rate = MEASURED.by_rule[rule]
        assert rate.made == made == terms()[rule], "run tools/key_sets.py rates"
        assert "fit part" in rate.basis


def test_none_is_shown_to_be_right_nine_times_in_ten_on_the_test_part(
    tool: dict[str, Any],
) -> None:
    """Which is why none joins by default; whoever changes that reads this first."""
    _, stated, _ = tool["counted"]()
    for _, _, share in stated.observed():
        assert share.interval.low < 0.9


def test_worlds_say_where_they_are_from() -> None:
    (world,) = simulated_safe_worlds([0], part="fit", events=20)
    assert world.truth.basis == f"{SAFES} (fit part)"
    for coins in simulated_signer_worlds([0], part="fit", blocks=1, per_block=1):
        assert coins.truth.basis == f"{HONEST} (fit part)"
        assert coins.ledger.chains[0].alias == "btc-regtest"
    first = next(key_worlds([1_000], "test"))
    assert first.truth.basis == f"{HONEST} (test part)"
