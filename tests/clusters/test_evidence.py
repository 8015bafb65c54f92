"""Worked cases: what is left without evidence, at a threshold, and on what a cluster rests."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.canonical import txid_text
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import InputError
from chainwatch.figures.evidence.cluster_evidence import evidence_text
from chainwatch.heuristics.statements import stated_links


def found(hand, fragile):
    rows = fragile.frame.select("tx", "parts", "largest", "split_off").rows()
    names = fragile.parts.select("evidence", "cluster", "addresses").iter_rows()
    return rows, [(evidence, hand.name(part), size) for evidence, part, size in names]


def test_a_cluster_falls_apart_without_the_transaction_between_its_halves(hand):
    links = hand.links("A-B 1 ?\nA-B 2 ?\nB-C 3 ?\nC-D 4 ?\nC-D 5 ?\nC-E 4 ?")
    fragile = cluster(links).fragility(hand.letter("D"))
    rows, parts = found(hand, fragile)
    assert rows == [(3, 2, 3, 2), (4, 2, 4, 1)]
    assert parts == [(1, "C", 3), (1, "A", 2), (2, "A", 4), (2, "E", 1)]
    assert repr(fragile) == (
        "Fragility(5 addresses tied by 5 pieces of evidence;"
        " without any one of 2 they fall apart, by up to 2)"
    )


def test_a_link_of_the_forest_that_another_can_replace_is_not_fragile(hand):
    fragile = cluster(hand.links("A-B 1 0.9\nB-C 2 0.9\nA-C 3 0.9")).fragility(hand.letter("A"))
    assert fragile.frame.is_empty()
    assert (fragile.addresses, fragile.evidence) == (3, 3)


def test_one_transaction_that_ties_several_is_one_piece(hand):
    rows, parts = found(hand, cluster(hand.links("A-B 1 ?\nA-C 1 ?\nA-D 1 ?")).fragility(
        hand.letter("C")))  # fmt: skip
    assert rows == [(1, 4, 1, 3)]
    assert [size for *_, size in parts] == [1, 1, 1, 1]


def test_a_transaction_that_ties_two_sets_falls_with_both(hand):
    """Transaction 1 ties A to B and C to D, and not the one to the other."""
    links = hand.links("A-B 1 ?\nC-D 1 ?\nA-C 2 ?\nB-D 3 ?")
    rows, _ = found(hand, cluster(links).fragility(hand.letter("A")))
    assert rows == [(1, 2, 2, 2)]


def test_two_rules_on_one_transaction_are_one_piece(hand):
    frame = hand.links("A-B 1 ?\nA-C 1 ?").frame
    both = frame.with_columns(
        pl.when(pl.col("b") == hand.letter("C")).then(pl.lit("change")).otherwise(pl.col("rule"))
        .alias("rule")
    )  # fmt: skip
    fragile = cluster(hand.of(both.rows())).fragility(hand.letter("A"))
    assert fragile.frame["rules"].to_list() == ["change, co_spend"]
    assert fragile.evidence == 1


def test_an_address_that_nothing_joins_rests_on_nothing(hand):
    fragile = cluster(hand.links("A-B 1 ?")).fragility(hand.letter("Q"))
    assert (fragile.addresses, fragile.evidence) == (1, 0)
    assert fragile.frame.is_empty()


def test_a_cut_names_what_it_cuts_and_leaves_the_rest(hand):
    links = hand.links("A-B 1 ?\nB-C 2 ?\nX-Y 3 ?")
    clusters = cluster(links)
    for tx in (hand.txid(2), txid_text(hand.txid(2), hand.chain)):
        left = clusters.cut(tx=tx)
        assert hand.groups(left) == {frozenset("AB"), frozenset("XY")}
    assert left.digest == cluster(links.without([hand.txid(2)])).digest
    assert left.record.step == "cut"
    assert clusters.record in left.record.inputs
    assert clusters.cut(rule="co_spend").frame.is_empty()


def test_a_cut_lets_join_what_was_refused_before(hand):
    """Without transaction 1 A no longer stands between B and C."""
    apart = keep_apart([(hand.chain, hand.letter("A"), hand.chain, hand.letter("C"))])
    links = hand.links("A-B 1 0.9\nB-C 2 0.5")
    left = cluster(links, apart=apart).cut(tx=hand.txid(1))
    assert hand.groups(left) == {frozenset("BC")}
    assert left.refused.is_empty()


def test_nothing_to_cut_is_an_error(hand):
    clusters = cluster(hand.links("A-B 1 ?"))
    for cut, words in (
        ({}, "nothing is cut"),
        ({"tag": "north"}, "no tag names such an actor"),
        ({"rule": "change"}, "no link has such a rule"),
        ({"tx": bytes(32)}, "no link has such a txid"),
    ):
        with pytest.raises(InputError, match=words):
            clusters.cut(**cut)


def test_a_threshold_is_of_each_link(hand):
    links = hand.links("A-B 1 0.9\nB-C 2 0.5\nC-D 3 ?\nX-Y 4 0.5")
    clusters = cluster(links)
    assert hand.groups(clusters.at(0.6)) == {frozenset("AB")}
    assert hand.groups(clusters.at(0.5)) == {frozenset("ABC"), frozenset("XY")}
    assert hand.groups(clusters.at(0)) == {frozenset("ABC"), frozenset("XY")}
    assert hand.groups(clusters.at(0.6, unmeasured=True)) == {frozenset("AB"), frozenset("CD")}
    assert clusters.at(0.5).digest == cluster(links.at_least(0.5)).digest
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="is no share"):
            clusters.at(wrong)


def test_the_weakest_link_and_the_bound(hand):
    why = cluster(hand.links("A-B 1 0.9\nB-C 2 0.8\nC-D 3 0.95")).why(
        hand.letter("A"), hand.letter("D"))  # fmt: skip
    assert (why.length, why.weakest, why.bound) == (3, 2, 0.65)
    assert why.strength.row(0) == (3, 0, 2, 0.8, 0.65)
    assert repr(why).splitlines()[-3:] == [
        "Weakest link: step 2 of 3 (confidence 0.800).",
        " ".join(
            f"What {rate} of co_spend was counted on is not known."
            for rate in ("0.800", "0.900", "0.950")
        ),
        "In at least 0.650 of such cases all 3 links are right (1, less the share in which each"
        " link by itself is wrong). Neither figure says how probable one owner is: other links may"
        " join the two as well, and one wrong link may not matter.",
    ]


def test_the_bound_is_never_below_nothing_and_never_guessed(hand):
    weak = cluster(hand.links("A-B 1 0.4\nB-C 2 0.3")).why(hand.letter("A"), hand.letter("C"))
    assert (weak.bound, weak.weakest) == (0.0, 2)
    unknown = cluster(hand.links("A-B 1 0.4\nB-C 2 ?")).why(hand.letter("A"), hand.letter("C"))
    assert (unknown.bound, unknown.weakest) == (None, 1)
    assert unknown.strength.row(0) == (2, 1, 1, 0.4, None)
    apart = cluster(hand.links("A-B 1 0.4\nX-Y 2 ?")).why(hand.letter("A"), hand.letter("Y"))
    assert (apart.bound, apart.weakest, apart.strength.height) == (None, None, 0)


def test_a_long_path_is_told_by_its_ends_and_its_weakest_link(hand):
    links = hand.links("\n".join(
        f"n{n:03}-n{n + 1:03} {n + 1} {0.5 if n == 29 else 0.9}" for n in range(60)
    ))  # fmt: skip
    lines = repr(cluster(links).why(hand.letter("n000"), hand.letter("n060"))).splitlines()
    assert len(lines) == 1 + 20 + 3 + 20 + 3
    assert [line for line in lines if line.startswith("...")] == [
        "... 9 more steps; .frame holds them all", "... 10 more steps; .frame holds them all",
    ]  # fmt: skip
    assert any(line.startswith("30. ") for line in lines)


def test_a_statement_is_a_link_and_says_that_it_rests_on_no_transaction(hand):
    pair = (hand.chain, hand.letter("B"), hand.chain, hand.letter("C"))
    links = hand.links("A-B 1 0.9\nC-D 2 0.9") + stated_links([pair], rule="register")
    clusters = cluster(links)
    why = clusters.why(hand.letter("A"), hand.letter("D"))
    assert why.frame["tx"].to_list() == [1, None, 2]
    assert "register, on no transaction (confidence not measured)" in repr(why)
    assert "1 rest on no transaction" in repr(links)
    rows, _ = found(hand, clusters.fragility(hand.letter("A")))
    assert rows[0] == (None, 2, 2, 2)
    assert hand.groups(clusters.cut(rule="register")) == {frozenset("AB"), frozenset("CD")}


def test_a_statement_comes_after_transactions_of_the_same_confidence(hand):
    pair = (hand.chain, hand.letter("A"), hand.chain, hand.letter("B"))
    links = hand.links("A-B 9 ?") + stated_links([pair])
    assert cluster(links).forest["tx"].to_list() == [9]
    surer = hand.links("A-B 9 ?") + stated_links([pair], confidence=0.1)
    assert cluster(surer).forest["tx"].to_list() == [None]


def test_what_nobody_measured_is_not_called_the_weakest(hand):
    some = cluster(hand.links("A-B 1 0.9\nB-C 2 ?\nC-D 3 0.8")).why(
        hand.letter("A"), hand.letter("D"))  # fmt: skip
    assert some.strength.row(0) == (3, 1, 3, 0.8, None)
    assert "Of the 2 measured links the weakest: step 3 of 3 (confidence 0.800)." in repr(some)
    none = cluster(hand.links("A-B 1 ?")).why(hand.letter("A"), hand.letter("B"))
    assert none.strength.row(0) == (1, 1, None, None, None)
    assert "eakest" not in repr(none)
    assert "How often the link is right is not known: it was not measured." in repr(none)
    with_none = evidence_text(none)
    assert "eakest" not in with_none
    assert "Each confidence" not in with_none
    assert "weakest of those measured" in evidence_text(some)
    assert "Each confidence" in evidence_text(some)
