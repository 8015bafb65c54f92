"""A model as a rule: links, rounds and reasons, by a tree that can be followed by hand.

The tree calls an output change where the spender has the same version and no locktime differs.
"""

from __future__ import annotations

import change_cases
import narwhals.stable.v2 as nw
import polars as pl
import pytest

from chainwatch.change_models.features import NAMES, expressions
from chainwatch.change_models.measure import MEASURED
from chainwatch.change_models.model import TERMS, ChangeModel
from chainwatch.change_models.trees import LEAF, WHOLE, Thresholds, Trees, rows_of
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.recipe import Recipe, owners
from chainwatch.clusters.rounds import change_rounds
from chainwatch.errors import ArgumentError, InputError, RuleError
from chainwatch.heuristics.ask import ask
from chainwatch.heuristics.change import change_links, optimal_change
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.rule import VERDICT, apply
from chainwatch.ledger.features import outputs

VERSION, LOCKTIME = NAMES.index("version_agrees"), NAMES.index("locktime_agrees")


def leaf(share: int):
    return (LEAF, 0, LEAF, LEAF, share)


TREE = [(VERSION, 0, 1, 2, 0), leaf(0), (LOCKTIME, 0, 3, 4, 0), leaf(3_000), leaf(WHOLE)]

PAY = "pay: A=90 -> B=50 C=30"
SPENT = f"{PAY}\none: pay/0 -> D=40\ntwo: pay/1 -> E=20"


@pytest.fixture
def model() -> ChangeModel:
    terms = dict.fromkeys(TERMS, "a test") | {"features": list(NAMES)}
    return ChangeModel(MEASURED.empty(), Trees(rows_of([TREE])), Thresholds(9_000, 2_000), terms)


@pytest.fixture
def read(small_ledger):
    return lambda text: change_cases.ledger_with(small_ledger, text)


def verdicts(ledger, rule) -> list[bool | None]:
    return apply(outputs(ledger), rule).filter(pl.col("tx") // (1 << 24) == 1)[VERDICT].to_list()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SPENT, [True, True]),
        (f"{SPENT}\n! one version=1", [False, True]),
        (f"{SPENT}\n! one version=1\n! two locktime=5", [False, None]),
        (f"{PAY}\none: pay/0 -> D=40", [True, None]),  # the other is not spent: nobody knows
        (f"{PAY}\none: pay/0 -> D=40\n! one version=1", [False, None]),
    ],
)
def test_each_output_is_judged_by_its_score(model, read, text, said):
    assert verdicts(read(text), model.rule()) == said


def test_what_is_no_payment_is_ruled_out_and_what_may_be_of_several_unknown(model, read):
    assert verdicts(read("pay: A=90 -> data=0 C=30"), model.rule()) == [False, None]
    assert verdicts(read("new: coinbase -> A=50"), model.rule()) == [False]


def test_it_makes_links_like_any_rule(model, read, named):
    ledger = read(f"{SPENT}\n! one version=1")
    links = change_links(ledger, model.rule(), unless=None)
    (row,) = links.frame.iter_rows(named=True)
    assert {row["a"], row["b"]} == {named("A"), named("C")}
    assert row["rule"] == f"change: {model.rule()}"
    assert (row["veto"], row["confidence"]) == (False, None)
    undecided = change_links(read(f"{PAY}\none: pay/0 -> D=40"), model.rule(), unless=None)
    assert undecided.counts()["undecided"] == 1
    assert f"sha256:{model.digest}"[:23] in f"sha256:{model.rule().params[0][1]}"
    assert links.lineage().count(model.digest[:16]) == 1


def test_it_joins_with_other_rules(model, read):
    ledger = read("pay: A=90 Z=40 -> B=50 C=30\none: pay/0 -> D=40\ntwo: pay/1 -> E=20")
    assert verdicts(ledger, model.rule() & optimal_change()) == [False, True]
    assert verdicts(ledger, ~model.rule()) == [False, False]
    told = ask(ledger, model.rule())
    assert told.counts() == {"yes": 2, "no": 0, "unknown": 2}


def test_a_frame_that_is_not_in_memory_is_refused(model, read):
    with pytest.raises(RuleError, match="collect it first"):
        apply(outputs(read(SPENT)).lazy(), model.rule())
    with pytest.raises(RuleError, match="a column that is not there"):
        apply(outputs(read(SPENT)).drop("spent"), model.rule())


def test_two_models_are_two_rules(model):
    terms = dict(model.terms) | {"source": "another"}
    other = ChangeModel(model.frame, model.trees, model.chosen, terms)
    assert other.digest != model.digest
    assert other.rule() != model.rule()
    assert model.rule() == model.rule()
    assert "Fails when" in model.rule().spec.doc


def test_payer_and_payee_of_a_prediction_are_not_joined_by_another(model, read, named):
    """``again`` would call B change of A, and B was paid by A before."""
    text = f"{SPENT}\nagain: A=60 -> B=40 F=10\nthree: again/0 -> G=30\nfour: again/1 -> H=5"
    ledger = read(f"{text}\n! one version=1\n! four version=1")
    rounds = change_rounds(ledger, co_spends(ledger, unless=None), model.rule(), unless=None)
    pairs = {frozenset(pair) for pair in rounds.payments.select("a", "b").iter_rows()}
    assert frozenset({named("A"), named("B")}) in pairs
    found = owners(ledger, recipe=Recipe(change=model.rule(), unless=None))
    assert found.why(named("A"), named("C")).joined
    assert not found.why(named("A"), named("B")).joined


def test_why_says_the_votes_and_what_each_feature_is_worth(model, read, txid):
    ledger = read(f"{SPENT}\n! one version=1")
    said = model.why(ledger, txid("pay"))
    columns = ("n", "verdict", "votes_low", "votes_high", "score_low", "score_high")
    assert said.frame.select(columns).rows() == [
        (0, False, 0, 0, 0, 0), (1, True, 1, 1, WHOLE, WHOLE),
    ]  # fmt: skip
    assert said.reasons.height == 2 * len(NAMES)
    version = said.reasons.filter(feature="version_agrees")
    assert version.select("feature_value", "without_low", "without_high").rows() == [
        (0, 0, WHOLE), (1, 0, WHOLE),
    ]  # fmt: skip
    assert said.reasons.filter(feature="zeros", n=1)["without_low"].to_list() == [WHOLE]
    assert "output 1: change; 1 of 1 trees, score 10,000 (change from 9,000 on" in repr(said)
    assert model.why(ledger, txid("pay")[::-1].hex()).digest == said.digest
    with pytest.raises(InputError, match="just one transaction"):
        model.why(ledger, bytes(32))


def test_why_of_a_path_says_the_votes_of_its_predictions(model, read, named, txid):
    """A, and Z that spends beside it, are joined to C by one prediction."""
    ledger = read(f"{SPENT}\nboth: A=9 Z=9 -> data=0\n! one version=1")
    found = owners(ledger, recipe=Recipe(change=model.rule(), unless=None))
    path = found.why(named("Z"), named("C"))
    assert path.length == 2
    (votes,) = model.on_path(ledger, path)
    assert votes.digest == model.why(ledger, txid("pay")).digest
    assert model.on_path(ledger, found.why(named("Z"), named("A"))) == []
    alone = change_links(ledger, model.rule(), unless=None)
    (votes,) = model.on_path(ledger, cluster(alone).why(named("A"), named("C")))
    assert votes.frame["verdict"].to_list() == [False, True]
    with pytest.raises(ArgumentError, match="explanation"):
        model.on_path(ledger, found)


def test_features_of_a_transaction_worked_out_by_hand(read):
    text = """
        old: X=9_000 -> B=1_000 K=5
        pay: A=90_000 Z=70_000 -> B=50_000 C=60_500
        one: pay/0 A=5 -> D=40_000
        two: pay/1 -> E=20_000
        ! one version=1
        ! one locktime=7
    """
    rows = outputs(read(text)).filter(pl.col("tx") // (1 << 24) == 2)
    told = nw.from_native(rows).with_columns(**expressions()).to_native().select("n", *NAMES)
    first, second = told.drop("n").iter_rows(named=True)
    assert first == {
        "smaller_than_inputs": 1, "fresh": 0, "others_fresh": 1, "zeros": 4, "smallest": 1,
        "kind_agrees": 1, "last": 0, "inputs": 2, "version_agrees": 0, "locktime_agrees": 0,
        "sequence_agrees": 1, "fee_agrees": 0,
    }  # fmt: skip
    assert second == {
        "smaller_than_inputs": 1, "fresh": 1, "others_fresh": 0, "zeros": 2, "smallest": 0,
        "kind_agrees": 1, "last": 1, "inputs": 2, "version_agrees": 1, "locktime_agrees": 1,
        "sequence_agrees": 1, "fee_agrees": 0,
    }  # fmt: skip
