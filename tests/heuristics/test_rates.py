"""Measured rates: read whole, refused where they are none, no better than trials can show."""

from __future__ import annotations

import json

import polars as pl
import pytest

from chainwatch.clusters.rounds import change_rounds
from chainwatch.errors import InputError
from chainwatch.evaluate.every_rule import terms
from chainwatch.heuristics.change import change_links, optimal_change, power_of_ten
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT, equal_outputs
from chainwatch.heuristics.rates import MEASURED, Rate, Rates, made_by
from chainwatch.heuristics.statements import stated_links


@pytest.fixture
def write(tmp_path):
    def make(said: object) -> Rates:
        path = tmp_path / "rates.json"
        path.write_text(said if isinstance(said, str) else json.dumps(said))
        return Rates(path)

    return make


def one(**changed):
    return {
        "rules": {"co_spend": {"right": 9, "of": 10, "cases": 10, "basis": "a test", **changed}}
    }


@pytest.mark.parametrize(
    ("right", "of", "confidence"),
    [(50, 100, 0.5), (99, 100, 0.97), (100, 100, 0.97), (97, 100, 0.97), (96, 100, 0.96),
     (2, 2, 0.0), (0, 9, 0.0), (30_000, 30_000, 0.9999)],
)  # fmt: skip
def test_no_error_in_few_trials_shows_little(right, of, confidence):
    assert Rate(right, of, of, "a test").confidence == pytest.approx(confidence, abs=1e-12)


def test_many_links_of_few_owners_show_little():
    assert Rate(1_000, 1_000, 10, "a test").confidence == pytest.approx(0.7, abs=1e-12)
    assert Rate(500, 1_000, 10, "a test").confidence == 0.5


def test_more_right_is_never_worse():
    found = [Rate(right, 200, 200, "a test").confidence for right in range(201)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "no JSON"),
        ([], "nothing else"),
        ({"rules": {}, "more": 1}, "nothing else"),
        ({"rules": []}, "named"),
        ({"rules": {"co_spend": {"right": 1}}}, "needs"),
        (one(more=1), "needs"),
        (one(right=11), "no rate"),
        (one(of=0, right=0), "no rate"),
        (one(right=0.5), "no rate"),
        (one(right=True, of=True), "no rate"),
        (one(right=-1), "no rate"),
        (one(cases=11), "no rate"),
        (one(cases=0), "no rate"),
        (one(basis=" "), "basis"),
        (one(basis=None), "basis"),
    ],
)
def test_what_is_no_rate_is_refused(write, said, why):
    with pytest.raises(InputError, match=why):
        _ = write(said).by_rule


def test_a_rule_that_nobody_measured_has_no_confidence(write):
    rates = write(one())
    assert rates.confidence("co_spend") == 0.7
    assert rates.confidence("another") is None
    frame = pl.DataFrame({"rule": ["another", "co_spend"]})
    assert frame.select(rates.column().alias("c"))["c"].to_list() == [None, 0.7]
    assert write({"rules": {}}).confidence("co_spend") is None


def test_the_digest_is_of_what_they_say(write):
    first = write(one()).identity()
    assert write(json.dumps(one(), indent=4)).identity() == first
    assert write(one(right=8)).identity() != first


def test_what_comes_with_the_package_can_be_read():
    for rule, rate in MEASURED.by_rule.items():
        assert MEASURED.confidence(rule) == rate.confidence
    assert MEASURED.identity()["rates"].startswith("sha256:")


def test_a_rate_says_nothing_of_links_that_were_made_otherwise(write):
    rates = write(one(made=made_by(JOINT)))
    assert rates.confidence("co_spend", made_by(JOINT)) == 0.7
    assert rates.confidence("co_spend", made_by(None)) is None
    assert rates.confidence("co_spend", made_by(equal_outputs())) is None
    assert write(one()).confidence("co_spend", made_by(None)) == 0.7, "it names no terms"
    assert made_by(JOINT, power_of_ten(digits=6)) != made_by(JOINT, power_of_ten(digits=3))


def test_the_rates_of_the_package_name_the_terms_on_which_they_are_measured():
    said = terms()
    assert {rule: rate.made for rule, rate in MEASURED.by_rule.items()} == {
        rule: said.get(rule, "") for rule in MEASURED.by_rule
    }


def test_links_made_otherwise_have_no_confidence(small_ledger):
    ledger = small_ledger("t: A=5000 B=6000 -> D=7000 E=3900")
    rule = optimal_change()

    def found(links):
        (rate,) = set(links.frame["confidence"])
        return rate

    assert found(co_spends(ledger)) == MEASURED.confidence("co_spend")
    assert found(co_spends(ledger, unless=None)) is None
    assert found(change_links(ledger, rule)) == MEASURED.confidence(f"change: {rule}")
    assert found(change_links(ledger, rule, unless=None)) is None
    assert found(change_links(ledger, rule, name="change: legacy()")) is None
    rounds = change_rounds(ledger, co_spends(ledger), rule)
    assert found(rounds.links) is None, "another rule's predictions were measured"
    for taken in ("co_spend", "change", "change after clusters", "no_key", "same_key", " "):
        with pytest.raises(InputError, match="cannot be called"):
            change_links(ledger, rule, name=taken)
    with pytest.raises(InputError, match="does not rest on 'co_spend'"):
        stated_links([], rule="co_spend")
