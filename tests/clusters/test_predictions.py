"""What was predicted from clusters falls into doubt with the links that joined them."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.clusters.recipe import Recipe
from chainwatch.heuristics import change
from chainwatch.heuristics.predicted import AFTER

RECIPE = Recipe(change=change.optimal_change())
TEXT = """
    x: P=1000 M=1000 -> Z=1900
    t1: P=9000 -> M=4000 Q=5000
    t2: P=9000 -> Q=3000 R=5000
    y: U=5 V=5 -> W=9
"""


@pytest.fixture
def found(small_ledger):
    return cw.owners(small_ledger(TEXT), recipe=RECIPE)


@pytest.fixture
def owners(named):
    back = {named(letter): letter for letter in "MPQRUVWZ"}

    def read(clusters):
        rows = clusters.frame.group_by("cluster").agg("address")["address"]
        return {"".join(sorted(back[one] for one in group)) for group in rows}

    return read


def test_a_payee_is_told_by_what_co_spending_joined(found, owners, named):
    """By x M is the payer's, so that t1 pays Q, and t2 leaves R: no rule says so by itself."""
    assert owners(found) == {"MPR", "UV"}
    why = str(found.why(named("P"), named("R"), "btc-regtest"))
    assert AFTER in why
    assert "predicted from all that joined its clusters" in why


def test_without_the_evidence_nothing_is_predicted_from_it(found, owners, small_ledger, txid):
    left = found.cut(tx=txid("x"))
    lines = [line for line in TEXT.strip().splitlines() if "x:" not in line]
    never_read = cw.owners(small_ledger("\n".join(lines)), recipe=RECIPE)
    assert owners(left) == owners(never_read) == {"UV"}
    (row,) = left.links.frame.filter(rule=AFTER).to_dicts()
    assert row["veto"] is None, "it is kept, and nobody knows"


def test_every_way_of_leaving_evidence_out_leaves_the_prediction_open(found, owners, txid):
    for links in (found.links.without([txid("x")]), found.links.without(rules=["co_spend"])):
        assert links.frame.filter(rule=AFTER)["veto"].to_list() == [None]
    assert owners(found.cut(rule="co_spend")) == set()
    assert owners(found.at(1.0, unmeasured=True)) == set()
    assert owners(found.at(0.0, unmeasured=True)) == owners(found)
    kept = found.links.frame.filter(pl.col("txid") != txid("x"))
    assert owners(found.update(type(found.links)(kept))) == {"UV"}


def test_what_takes_no_evidence_away_leaves_it_as_it_is(found, owners):
    assert owners(found.update(found.links)) == owners(found)
    assert owners(found.cut(rule=AFTER)) == {"MP", "UV"}
