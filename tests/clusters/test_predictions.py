"""What rests on links falls into doubt with them: change on its inputs, predictions on all."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.recipe import Recipe
from chainwatch.clusters.rounds import change_rounds
from chainwatch.heuristics import change
from chainwatch.heuristics.link_rules import AFTER

CHAIN = "btc-regtest"
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
    back = {named(letter): letter for letter in "ABCDEFMPQRSUVWZ"}

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


def test_it_is_counted_how_many_predictions_fell_open(found, small_ledger, txid):
    told = "1 prediction fell open and is not made again,"
    kept = found.links.frame.filter(pl.col("txid") != txid("x"))
    cuts = [
        found.cut(tx=txid("x")), found.cut(rule="co_spend"), found.at(1.0, unmeasured=True),
        found.update(type(found.links)(kept)),
    ]  # fmt: skip
    for left in cuts:
        assert left.opened == 1
        assert told in repr(left)
    for whole in (found, found.update(found.links), found.at(0.0, unmeasured=True)):
        assert whole.opened == 0
        assert "fell open" not in repr(whole)
    again = cuts[0].cut(rule="co_spend")
    assert again.opened == 1, "it fell open once"
    assert found.cut(rule=AFTER).opened == 0, "it was rejected itself"


def test_what_takes_no_evidence_away_leaves_it_as_it_is(found, owners):
    assert owners(found.update(found.links)) == owners(found)
    assert owners(found.cut(rule=AFTER)) == {"MP", "UV"}


CHAINED = """
    x: P=1000 M=1000 -> Z=1900
    t1: P=9000 -> M=4000 Q=5000
    t2: P=9000 -> Q=3000 R=5000
    t3: P=9000 -> R=4000 S=5000
    t4: P=9000 -> S=3000 V=5000
"""
"""By x and t1 Q is a payee, so that t2 leaves R; so t3 pays S, and t4 leaves V."""


def without(text, name):
    return "\n".join(line for line in text.strip().splitlines() if f"{name}:" not in line)


@pytest.mark.parametrize("gone", ["x", "t1", "t2", "t3"])
def test_a_prediction_falls_with_what_it_was_made_of(small_ledger, owners, txid, gone):
    """Links that joined, earlier predictions, and payments that are no links at all."""
    found = cw.owners(small_ledger(CHAINED), recipe=RECIPE)
    assert owners(found) == {"MPRV"}
    left = owners(found.cut(tx=txid(gone)))
    never_read = owners(cw.owners(small_ledger(without(CHAINED, gone)), recipe=RECIPE))
    assert left == never_read - {"MPR"} | ({"MP"} if gone != "x" else set())
    assert cluster(found.links.without([txid(gone)])).frame.equals(found.cut(tx=txid(gone)).frame)


CHANGED = "t: A=5000 B=6000 -> D=7000 E=3900"
LATER = CHANGED + "\ny: A=3000 D=3000 -> Z=5900"


def test_evidence_that_comes_contradicts_a_prediction(small_ledger, owners):
    """By y the payee D is the payer's own, so that E is no change: that was said without y."""
    grown = small_ledger(LATER)
    before = cw.owners(small_ledger(CHANGED), recipe=RECIPE)
    anew = cw.owners(grown, recipe=RECIPE)
    assert (owners(before), owners(anew)) == ({"ABE"}, {"ABD"})
    assert owners(before.update(before.links + cw.co_spends(grown))) == {"ABD"}
    assert owners(before.update(anew.links)) == {"ABD"}
    assert owners(before.update(before.links + cw.co_spends(small_ledger(CHANGED)))) == {"ABE"}


def test_change_is_as_sure_as_its_inputs_are(small_ledger, owners):
    ledger = small_ledger(CHANGED)
    found = cw.owners(ledger, recipe=RECIPE)
    spends, change_of = cw.co_spends(ledger), cw.change_links(ledger, change.optimal_change())
    assert owners(found) == owners(cluster(spends + change_of)) == {"ABE"}
    assert owners(found.cut(rule="co_spend")) == set()
    for links in (found.links, spends + change_of):
        assert links.without(rules=["co_spend"]).joining.is_empty()
    weak = spends.frame.with_columns(pl.lit(0.5).alias("confidence"))
    sure = change_of.frame.with_columns(pl.lit(0.9).alias("confidence"))
    both = type(spends)(weak) + type(spends)(sure)
    assert owners(cluster(both).at(0.5)) == {"ABE"}
    assert owners(cluster(both).at(0.9)) == set()
    open_ = spends.frame.with_columns(pl.lit(None, pl.Boolean).alias("veto"))
    assert (type(spends)(open_) + change_of).joining.is_empty()
    rounds = change_rounds(ledger, cw.same_key(ledger), change.optimal_change())
    assert rounds.links.joining.is_empty(), "nothing among the links joins A and B"


def test_what_is_stated_afterwards_shakes_what_was_predicted(small_ledger, owners, named):
    ledger = small_ledger(CHAINED)
    stated = keep_apart([(CHAIN, named("P"), CHAIN, named("M"))])
    anew = cw.owners(ledger, recipe=RECIPE, apart=stated)
    found = cw.owners(ledger, recipe=RECIPE)
    assert owners(anew) == owners(cluster(found.links, apart=stated)) == set()
    other = keep_apart([(CHAIN, named("U"), CHAIN, named("W"))])
    assert owners(cluster(found.links, apart=other)) == {"MPRV"}
    late = keep_apart([(CHAIN, named("P"), CHAIN, named("R"))])
    assert owners(cluster(found.links, apart=late)) == {"MP"}
    assert owners(cluster(cw.owners(ledger, recipe=RECIPE, apart=late).links)) == {"MP"}


def test_without_a_tag_that_kept_apart_nothing_is_predicted_as_with_it(
    small_ledger, owners, named, tmp_path
):
    listed = tmp_path / "tags.csv"
    rows = [f"{text(named(n), CHAIN)},{who},{who}" for n, who in (("A", "ann"), ("D", "bob"))]
    listed.write_text("\n".join(["address,label,actor", *rows]), encoding="utf-8")
    tags = cw.read_tags([listed], chain=CHAIN)
    ledger = small_ledger(LATER)
    found = cw.owners(ledger, recipe=RECIPE, apart=keep_apart(tags=tags))
    assert owners(found) == {"ABE"}
    assert owners(found.cut(tag="bob")) == owners(cw.owners(ledger, recipe=RECIPE)) == {"ABD"}


def test_a_reading_that_knows_more_outweighs_one_that_knows_less(small_ledger):
    """Before flags were read A and B were joined; one of them leaves room for others."""
    read = cw.co_spends(small_ledger("t: A=5000 B=6000 C=7000 -> D=9000"))
    frame = read.frame.with_columns(pl.lit("co_spend_unread_flags").alias("rule"))
    unread = type(read)(frame)
    parted = frame.with_columns(
        pl.lit("partial_signing").alias("rule"), pl.lit(None, pl.Boolean).alias("veto")
    )[:1]
    both = unread + type(unread)(pl.concat([parted, read.frame[1:]]))
    assert both.joining["rule"].to_list() == ["co_spend"]
    mixed = type(unread)(frame.with_columns(pl.lit(True).alias("veto")))
    assert (unread + mixed).joining.is_empty()


def test_a_threshold_keeps_what_is_in_doubt(small_ledger, named):
    """Two equal outputs may be a mix of two: that stays said, whatever is asked of links."""
    ledger = small_ledger("m: A=50000000 B=50000000 -> C=49999000 D=49999000")
    found = cw.owners(ledger)
    for clusters in (found, found.at(0.99)):
        why = str(clusters.why(named("A"), named("B"), CHAIN))
        assert "1 undecided" in why
