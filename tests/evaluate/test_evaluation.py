"""``evaluate``: worlds of one basis are added up, and every figure says its numbers."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from chainwatch.clusters.cluster import cluster
from chainwatch.errors import InputError
from chainwatch.evaluate.calibration import calibrate
from chainwatch.evaluate.evaluation import World, evaluate
from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.links import Links

HONEST, HOSTILE = "made-up honest worlds", "made-up hostile worlds"


@pytest.fixture(scope="module")
def found(owners):
    worlds = [
        World("one", owners.links("A-B co_spend\nC-D co_spend"), owners.truth("n:AB s:CD", HONEST)),
        World("two", owners.links("A-B co_spend\nB-C change"), owners.truth("n:AB s:C", HONEST)),
        World("bad", owners.links("A-B co_spend ?"), owners.truth("n:AB", HOSTILE)),
    ]
    # The "ledger" of these worlds is their links: a recipe may take what it likes.
    return evaluate(worlds, {"all": cluster, "co-spend": _without_change})


def _without_change(links: Links):
    return cluster(links.without(rules=["change"]) if "change" in links.frame["rule"] else links)


def test_worlds_of_one_basis_are_added_up(found):
    assert found.frame.select("basis", "recipe", "worlds", "owners").rows() == [
        (HONEST, "all", 2, 4), (HONEST, "co-spend", 2, 4),
        (HOSTILE, "all", 1, 1), (HOSTILE, "co-spend", 1, 1),
    ]  # fmt: skip
    assert found.share("owners_merged", basis=HONEST, recipe="all") == Share(2, 4)
    assert found.share("owners_merged", basis=HONEST, recipe="co-spend") == Share(0, 4)
    assert found.share("owners_whole", basis=HOSTILE, recipe="all") == Share(0, 1)


def test_rules_are_told_apart(found):
    assert found.wrong_links("co_spend", basis=HONEST, recipe="all") == Share(0, 3, 3)
    assert found.wrong_links("change", basis=HONEST, recipe="all") == Share(1, 1, 1)
    assert found.wrong_links("co_spend", basis=HOSTILE, recipe="all") == Share(0, 0, 0)
    undecided = found.rules.filter(basis=HOSTILE, recipe="all")["undecided_right"].to_list()
    assert undecided == [1]


def test_every_figure_prints_its_numbers(found):
    told = repr(found)
    assert f"all on {HONEST} (2 worlds):" in told
    assert "owners merged with another: 2 of 4, a count that grows with the length" in told
    assert "co_spend: links that join two owners not testable" in told


def test_the_order_of_worlds_changes_nothing(found, owners):
    worlds = [
        World("two", owners.links("A-B co_spend\nB-C change"), owners.truth("n:AB s:C", HONEST)),
        World("bad", owners.links("A-B co_spend ?"), owners.truth("n:AB", HOSTILE)),
        World("one", owners.links("A-B co_spend\nC-D co_spend"), owners.truth("n:AB s:CD", HONEST)),
    ]
    assert evaluate(worlds, {"all": cluster, "co-spend": _without_change}).digest == found.digest


def test_nothing_to_evaluate_is_refused(owners):
    with pytest.raises(InputError, match="there is no world to evaluate on"):
        evaluate([], {"all": cluster})
    with pytest.raises(InputError, match="there is no recipe to evaluate"):
        evaluate([World("one", owners.links("A-B r"), owners.truth("n:AB", HONEST))], {})


def test_nothing_is_judged_by_owners_that_were_inferred(owners):
    links = owners.links("A-B co_spend")
    inferred = replace(owners.truth("north:AB"), inferred_from="shared spending")
    with pytest.raises(InputError, match="recipes for owners cannot be judged by owners inferred"):
        evaluate([World("one", None, inferred)], {"all": lambda _: cluster(links)})
    with pytest.raises(InputError, match="confidences cannot be judged by owners inferred"):
        calibrate([(links, inferred)])


def test_what_was_not_measured_is_not_told(found):
    with pytest.raises(InputError, match="no owners_merged of 'none' was measured"):
        found.share("owners_merged", basis=HONEST, recipe="none")


def test_confidences_are_held_against_what_came_true(owners):
    stated = owners.links("A-B co_spend\nC-D co_spend\nA-E change\nB-X change ?")
    rates = {"co_spend": 0.9, "change": None}
    frame = stated.frame.with_columns(
        pl.col("rule").replace_strict(rates, return_dtype=pl.Float64).alias("confidence")
    )
    found = calibrate([(Links(frame), owners.truth("n:AB s:CD e:E", HONEST))] * 2)
    assert found.observed() == [("change", None, Share(0, 2, 2)), ("co_spend", 0.9, Share(4, 4, 4))]
    assert found.outside() == []
    assert "co_spend: stated 0.9000, right 4 of 4" in repr(found)
    wrong = Links(frame.with_columns(confidence=pl.lit(0.99)))
    assert calibrate([(wrong, owners.truth("n:AC s:BD", HONEST))] * 200).outside() == ["co_spend"]


def test_wrong_links_are_told_by_what_the_transaction_is(owners):
    links = owners.links("A-C co_spend\nA-B co_spend\nB-D co_spend\nA-D change")
    known = owners.truth("n:AB s:CD", HONEST)
    kinds = pl.DataFrame({
        "chain": [owners.chain] * 2, "txid": [tx.to_bytes(32, "big") for tx in (1, 2)],
        "kind": ["token sale", "payment"],
    })  # fmt: skip
    found = evaluate([World("one", links, Truth(known.frame, HONEST, kinds))] * 2, {"all": cluster})
    assert found.wrong.drop("basis", "recipe").rows() == [
        ("change", "not told", 2, 2), ("co_spend", "not told", 2, 2),
        ("co_spend", "token sale", 2, 2),
    ]  # fmt: skip
    assert "        of these by not told 2, token sale 2" in repr(found)
