"""Rules measured on simulated owners: read as any chain is, and better where more is known."""

from __future__ import annotations

import pytest

from chainwatch.errors import ArgumentError
from chainwatch.evaluate.evaluation import evaluate
from chainwatch.evaluate.every_rule import change_rules, every_link, every_rule
from chainwatch.evaluate.recipes import RECIPES
from chainwatch.evaluate.simulated import simulated_worlds

BASIS = "simulated owners, honest (fit part)"


@pytest.fixture(scope="module")
def found():
    return evaluate(simulated_worlds([3], part="fit", blocks=12), RECIPES)


def test_the_default_merges_fewer_strangers_than_others_do(found):
    merged = {name: found.share("owners_merged", basis=BASIS, recipe=name) for name in RECIPES}
    assert merged["default"].count < merged["GraphSense-style"].count
    assert merged["GraphSense-style"].count <= merged["plain multi-input"].count
    assert merged["GraphSense-style"].count <= merged["BlockSci-style"].count


def test_mixes_are_what_plain_multi_input_gets_wrong(found):
    wrong = found.wrong.filter(recipe="plain multi-input", rule="co_spend")
    assert any(kind.startswith("coinjoin: ") for kind in wrong["kind"])
    spared = found.wrong.filter(recipe="default", rule="co_spend")["kind"]
    assert not [kind for kind in spared if kind in ("coinjoin: wasabi2", "coinjoin: whirlpool")]


def test_every_rule_on_change_is_measured():
    for world in simulated_worlds([5], part="fit", blocks=12):
        rules = set(every_link(world.ledger).frame["rule"])
        told = evaluate([world], {"every": every_rule})
        assert rules == set(told.rules["rule"])
        asked = {f"change: {rule}" for rule in change_rules()}
        assert len(rules & asked) > len(asked) // 2
        assert rules - asked >= {"co_spend"}


def test_a_seed_of_the_other_part_is_refused():
    with pytest.raises(ArgumentError, match="seed 1000 is none of the part fit"):
        next(simulated_worlds([1_000], part="fit"))
