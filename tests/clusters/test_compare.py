"""Two groupings: pairs counted exactly, merges and splits named, V-measure as it was defined."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import log

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.compare import compare
from chainwatch.errors import ArgumentError, InputError
from chainwatch.heuristics.statements import stated_links

GROUPINGS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9
)  # fmt: skip


def frame(hand, groups: str) -> pl.DataFrame:
    rows = [(hand.chain, hand.letter(name), group) for group in groups.split() for name in group]
    schema = {"chain": pl.String, "address": pl.Binary, "cluster": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_merge_and_a_split_are_named(hand):
    found = compare(frame(hand, "ABC DE F"), frame(hand, "AB CDE F"))
    assert found.frame.row(0)[:5] == (6, 2, 2, 2, 9)
    assert found.rand == Fraction(11, 15)
    merges, splits = (
        [(hand.name(row[1]), *row[2:]) for row in table.rows()]
        for table in (found.merges, found.splits)
    )
    assert merges == [("A", 3, 2, 2)]
    assert splits == [("C", 3, 2, 2)]
    assert repr(found) == (
        "Comparison(6 addresses: 1 merge, 1 split; Rand index 0.733333, V-measure 0.685331)"
    )


def test_clusters_are_compared_with_known_owners(hand):
    clusters = cluster(hand.links("A-B 1 ?\nB-C 2 ?"))
    found = compare(clusters, frame(hand, "AB CD"))
    assert found.frame.row(0)[:5] == (4, 1, 2, 1, 2)
    assert compare(clusters, clusters).rand == 1
    assert compare(clusters, clusters.cut(tx=hand.txid(2))).merges.height == 1


def test_over_more_addresses_only_pairs_that_nobody_joins_are_added(hand):
    one, other = frame(hand, "AB"), frame(hand, "BC")
    more = frame(hand, "A B C D E").select("chain", "address")
    few, many = compare(one, other), compare(one, other, over=more)
    assert few.frame.row(0)[:5] == (3, 0, 1, 1, 1)
    assert many.frame.row(0)[:5] == (5, 0, 1, 1, 8)
    assert many.merges.equals(few.merges)


@given(GROUPINGS)
def test_pairs_and_measures_are_those_of_the_definition(hand, labels):
    names = [chr(65 + n) for n in range(len(labels))]
    one, other = (
        pl.DataFrame({"chain": [hand.chain] * len(names),
                      "address": [hand.letter(name) for name in names],
                      "cluster": [label[side] for label in labels]})
        for side in (0, 1)
    )  # fmt: skip
    row = compare(one, other).frame.row(0, named=True)
    pairs = [(x[0] == y[0], x[1] == y[1]) for x, y in combinations(labels, 2)]
    assert [row["both"], row["only_one"], row["only_other"], row["neither"]] == [
        pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)),
        pairs.count((False, False)),
    ]  # fmt: skip
    homogeneity, completeness = (lacking(labels, side) for side in (0, 1))
    assert row["homogeneity"] == pytest.approx(homogeneity)
    assert row["completeness"] == pytest.approx(completeness)
    total = homogeneity + completeness
    expected = 2 * homogeneity * completeness / total if total else 0
    assert row["v_measure"] == pytest.approx(expected)


def lacking(labels, side: int) -> float:
    """Return 1 - H(other | this) / H(other), straight from the definition."""
    count = len(labels)
    others = [label[1 - side] for label in labels]
    whole = -sum(others.count(x) / count * log(others.count(x) / count) for x in set(others))
    if not whole:
        return 1.0
    rest = 0.0
    for mine in {label[side] for label in labels}:
        inside = [label[1 - side] for label in labels if label[side] == mine]
        rest -= sum(inside.count(x) / count * log(inside.count(x) / len(inside))
                    for x in set(inside))  # fmt: skip
    return 1 - rest / whole


def test_an_address_in_two_clusters_is_refused(hand):
    with pytest.raises(InputError, match="stands in two clusters of one grouping"):
        compare(frame(hand, "AB AC"), frame(hand, "AB"))
    with pytest.raises(ArgumentError, match="other is of type DataFrame"):
        compare(frame(hand, "AB"), frame(hand, "AB").drop("cluster"))


def test_nothing_and_one_address_have_no_pair(hand):
    for groups in ("", "A"):
        found = compare(frame(hand, groups), frame(hand, groups))
        assert found.rand is None
        assert found.v_measure == 1.0
        assert "no pair" in repr(found)


def test_an_owner_of_two_chains_is_one_group(hand):
    """A on one chain and B on another are stated to be one owner's: one merge of two clusters."""
    a, b = (hand.chain, hand.letter("A")), ("ltc", hand.letter("B"))
    others = [(hand.chain, hand.letter("A"), hand.chain, hand.letter("C")),
              ("ltc", hand.letter("B"), "ltc", hand.letter("A"))]  # fmt: skip
    joined = cluster(stated_links([(*a, *b), *others]))
    apart = cluster(stated_links(others))
    assert joined.owners.height == 2
    found = compare(joined, apart)
    assert found.frame.row(0)[:5] == (4, 2, 4, 0, 0)
    assert found.merges.select("addresses", "parts", "largest").rows() == [(4, 2, 2)]
    assert compare(apart, joined).splits.height == 1
    assert compare(joined, joined).rand == 1
    lonely = cluster(stated_links([(*a, *b)]))
    assert lonely.frame.height == 2, "each is a cluster of its chain"
    told = compare(lonely, lonely.cut(rule="statement"))
    assert told.frame.row(0)[:5] == (2, 0, 1, 0, 0)
    names = joined.frame.with_columns(pl.lit("ann").alias("cluster"))
    assert compare(joined, names).v_measure == 1


def test_bytes_alike_on_two_chains_are_two_groups(hand):
    both = cluster(stated_links([(chain, hand.letter("A"), chain, hand.letter("B"))
                                 for chain in (hand.chain, "ltc")]))  # fmt: skip
    assert compare(both, both.cut(rule="statement")).frame.row(0)[:5] == (4, 0, 2, 0, 4)
