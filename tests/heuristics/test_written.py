"""Rules as people write them: read as they print themselves, and nothing else is run."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.clusters.recipe import WITH_CHANGE
from chainwatch.errors import ChainwatchError, InputError
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES, DEFAULT
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.coinjoin import DETECTORS, JOINT
from chainwatch.heuristics.rule import Rule
from chainwatch.heuristics.written import account_rule_written, rule_written, rules_on

PLAIN = [
    make()
    for make in RULES
    if all(one.default is not one.empty for one in inspect.signature(make).parameters.values())
]


@pytest.mark.parametrize("rule", [*PLAIN, JOINT, WITH_CHANGE.change, *DETECTORS.values()], ids=str)
def test_what_prints_itself_is_read_again(rule: Rule) -> None:
    assert rule_written(str(rule), on=rule.on) == rule


@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=6), st.data())
def test_any_combination_is_read_again(rules: list[Rule], data: st.DataObject) -> None:
    first, *others = [one for one in rules if one.on == rules[0].on]
    made = first
    for other in others:
        turned = ~other if data.draw(st.booleans()) else other
        made = made & turned if data.draw(st.booleans()) else made | turned
    assert rule_written(str(made)) == made


def test_names_alone_have_their_usual_numbers() -> None:
    assert rule_written("equal_outputs | JOINT") == rule_written("equal_outputs()") | JOINT
    assert rule_written("since(height=7)").params == (("height", 7),)
    assert account_rule_written("first_funder(funded=9)").params[0] == ("funded", 9)
    for rule in DEFAULT:
        assert account_rule_written(str(rule)) == rule
        assert account_rule_written(rule.name) == rule
    assert len(ACCOUNT_RULES) > len(DEFAULT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('true')", "is no name of one with parameters by name"),
        ("open('x')", "with parameters by name"),
        ("fresh", "'fresh' is no rule; write one of"),
        ("since", "the parameters of since do not fit; it takes height"),
        ("since(h=1)", "it takes height"),
        ("since(height=open('x'))", "no plain value"),
        ("since(**{'height': 1})", "has no name"),
        ("equal_outputs() and JOINT", "with parameters by name"),
        ("(((", "is no rule"),
        ("~" * 5000 + "JOINT", "no rule|too deep"),
        ("JOINT" * 2000, "too long"),
        ("fresh_address() & JOINT", "conditions on outputs and on transactions"),
        ("", "is no rule"),
    ],
)
def test_what_is_none_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ChainwatchError, match=said) as caught:
        rule_written(text)
    assert len(str(caught.value)) < 1200


def test_a_rule_on_other_features_is_refused() -> None:
    with pytest.raises(InputError, match="is on transactions, not on outputs; write one of addr"):
        rule_written("JOINT", on="outputs")
    assert "fresh_address" in rules_on("outputs")
    assert "since" not in rules_on("transactions")
