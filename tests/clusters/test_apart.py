"""What must stay apart: refused in the order of the forest, reported, and said by ``why``."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.clusters.apart import APART, Apart, keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.forest import ACTOR, CLAIM, PAIR
from chainwatch.errors import AddressError, ArgumentError, InputError


@pytest.fixture
def pair(hand):
    return lambda a, b, reason="stated": keep_apart(
        [(hand.chain, hand.letter(a), hand.chain, hand.letter(b))], reason=reason
    )


@pytest.fixture
def tags(hand):
    class Tagging:
        def __init__(self, rows):
            self.frame = pl.DataFrame(
                [(hand.chain, hand.letter(name), actor, "label") for name, actor in rows],
                schema={"chain": pl.String, "address": pl.Binary, "actor": pl.String,
                        "label": pl.String},
                orient="row",
            )  # fmt: skip

    return Tagging


def refused(hand, clusters):
    rows = clusters.refused.select("a", "b", "tx", "reason", "detail", "pair").iter_rows()
    return [(hand.name(a), hand.name(b), *rest) for a, b, *rest in rows]


def test_the_link_that_would_join_them_is_refused_and_the_rest_joins(hand, pair):
    links = hand.links("A-B 1 0.9\nC-D 2 0.9\nB-C 3 0.5\nD-E 4 0.5")
    clusters = cluster(links, apart=pair("A", "D", "predicted payment"))
    assert hand.groups(clusters) == {frozenset("AB"), frozenset("CDE")}
    assert refused(hand, clusters) == [("B", "C", 3, PAIR, "predicted payment", 0)]
    assert "1 contested link" in repr(clusters)


@pytest.mark.parametrize(
    ("rates", "groups"),
    [(("0.9", "0.5"), {"AB", "C"}), (("0.5", "0.9"), {"BC", "A"}), (("?", "0.1"), {"BC", "A"}),
     (("0.5", "0.5"), {"AB", "C"}), (("?", "?"), {"AB", "C"})],
)  # fmt: skip
def test_the_order_of_the_forest_decides_who_gets_the_middle(hand, pair, rates, groups):
    """The stronger link joins first; of equals the earlier transaction."""
    links = hand.links(f"A-B 1 {rates[0]}\nB-C 2 {rates[1]}")
    clusters = cluster(links, apart=pair("A", "C"))
    assert hand.groups(clusters) == {frozenset(group) for group in groups if len(group) > 1}
    assert [a + b for a, b, *_ in refused(hand, clusters)] == ["BC" if "AB" in groups else "AB"]


def test_every_link_between_the_two_sides_is_refused(hand, pair):
    links = hand.links("A-B 1 0.9\nC-D 2 0.9\nB-C 3 ?\nA-D 4 ?\nA-C 5 0.1")
    clusters = cluster(links, apart=pair("A", "D"))
    assert [row[2] for row in refused(hand, clusters)] == [3, 4, 5]


def test_of_several_pairs_the_first_is_named(hand, pair):
    links = hand.links("A-B 1 0.9\nC-D 2 0.9\nB-C 3 ?")
    apart = pair("B", "D", "second") + pair("A", "C", "first")
    assert refused(hand, cluster(links, apart=apart)) == [("B", "C", 3, PAIR, "first", 0)]
    assert apart.record.step == "both_apart"


@pytest.mark.parametrize("ends", ["AB", "AC", "BC", "CA"])
def test_a_claim_is_refused_as_a_whole_whatever_the_bytes(small_ledger, named, ends):
    """One transaction spends A, B and C: that two of them are one owner's is what it claims."""
    ledger = small_ledger("t: A=100 B=100 C=100 -> D=290")
    apart = keep_apart([("btc-regtest", named(ends[0]), "btc-regtest", named(ends[1]))])
    clusters = cw.owners(ledger, apart=apart)
    assert clusters.frame.is_empty()
    assert clusters.refused.height == 2
    assert PAIR in clusters.refused["reason"].to_list()
    assert set(clusters.refused["reason"]) <= {PAIR, CLAIM}
    why = str(clusters.why(named(ends[0]), named(ends[1]), "btc-regtest"))
    assert "must stay apart" in why


def test_tags_contradict_a_claim_as_well(hand, tags):
    links = hand.links("A-B 1 0.9\nA-C 1 0.9\nC-D 2 0.5")
    given = tags([("B", "north"), ("C", "south")])
    clusters = cluster(links, apart=keep_apart(tags=given))
    assert hand.groups(clusters) == {frozenset("CD")}
    assert refused(hand, clusters) == [
        ("A", "B", 1, ACTOR, "north; south", None), ("A", "C", 1, ACTOR, "north; south", None),
    ]  # fmt: skip


def test_a_contradicted_claim_makes_room_for_later_links(hand, pair):
    """Without the claim of the first transaction, C is free to join what A and B are not."""
    links = hand.links("A-B 1 0.9\nA-C 1 0.9\nA-D 2 0.5\nC-E 3 0.5\nD-F 4 0.2")
    clusters = cluster(links, apart=pair("B", "C"))
    assert hand.groups(clusters) == {frozenset("ADF"), frozenset("CE")}
    assert clusters.cut(tx=hand.txid(1)).refused.is_empty()


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from("ABCDEFGH"), min_size=2, max_size=4, unique=True)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.tuples(*[st.sampled_from("ABCDEFGH")] * 2).filter(lambda x: x[0] != x[1]),
             min_size=1, max_size=3),
    st.permutations("ABCDEFGH"),
)  # fmt: skip
def test_no_other_names_of_the_addresses_make_other_owners(hand, spends, pairs, names):
    """Owners are the same whatever the bytes of addresses, and no claim is kept by half."""
    other = dict(zip("ABCDEFGH", names, strict=True))

    def grouped(called):
        rows = [
            hand.row(*sorted((min(called[n] for n in one), called[m])), tx, 0.9)
            for tx, (one,) in enumerate(spends, 1)
            for m in one
            if called[m] != min(called[n] for n in one)
        ]
        apart = keep_apart([(hand.chain, hand.letter(called[a]), hand.chain, hand.letter(called[b]))
                            for a, b in pairs])  # fmt: skip
        return cluster(hand.of(rows), apart=apart)

    same = {name: name for name in "ABCDEFGH"}
    one, two = grouped(same), grouped(other)
    assert {frozenset(other[n] for n in group) for group in hand.groups(one)} == hand.groups(two)
    for found in (one, two):
        assert not set(found.refused["tx"]) & set(found.forest["tx"])


def test_tags_of_different_actors_keep_apart(hand, tags):
    given = tags([("A", "north"), ("D", "south")])
    links = hand.links("A-B 1 ?\nC-D 2 ?\nB-C 3 ?")
    clusters = cluster(links, tags=given, apart=keep_apart(tags=given))
    assert hand.groups(clusters) == {frozenset("AB"), frozenset("CD")}
    assert refused(hand, clusters) == [("B", "C", 3, ACTOR, "north; south", None)]
    assert clusters.collapses.is_empty()
    assert clusters.alarms.is_empty()
    assert not cluster(links, tags=given).alarms.is_empty()


def test_an_address_with_two_actors_keeps_nothing_apart(hand, tags):
    given = tags([("A", "north"), ("A", "south"), ("D", "south")])
    clusters = cluster(
        hand.links("A-D 1 ?"), tags=given, apart=keep_apart(tags=given)
    )  # fmt: skip
    assert hand.groups(clusters) == {frozenset("AD")}
    assert clusters.alarms["actors"].to_list() == ["north; south"]


def test_why_says_that_a_pair_stands_between_them(hand, pair, tags):
    links = hand.links("A-B 1 0.9\nC-D 2 0.9\nB-C 3 0.5")
    why = cluster(links, apart=pair("A", "D")).why(hand.letter("B"), hand.letter("C"))
    assert not why.joined
    assert "between their clusters: 1 link because a pair of theirs must stay apart." in repr(why)
    assert why.refused["tx"].to_list() == [3]
    given = tags([("A", "north"), ("D", "south")])
    why = cluster(links, apart=keep_apart(tags=given)).why(hand.letter("A"), hand.letter("D"))
    assert "between their clusters: 1 link because tags name different actors." in repr(why)
    assert "north" not in repr(why)


def test_the_order_of_pairs_and_links_makes_no_difference(hand):
    names = [("A", "D"), ("B", "E"), ("C", "D")]
    pairs = [(hand.chain, hand.letter(a), hand.chain, hand.letter(b)) for a, b in names]
    links = hand.links("A-B 1 0.9\nC-D 2 0.9\nB-C 3 ?\nD-E 4 ?\nA-E 5 0.9")
    one = cluster(links, apart=keep_apart(pairs))
    turned = [(chain, b, chain, a) for chain, a, _, b in reversed(pairs)]
    other = cluster(type(links)(links.frame[::-1]), apart=keep_apart(turned + pairs))
    assert one.record.content == other.record.content


def test_pairs_that_no_link_touches_change_nothing(hand, pair):
    links = hand.links("A-B 1 0.9\nB-C 3 0.5")
    clusters = cluster(links, apart=pair("X", "Y") + pair("A", "Z"))
    assert clusters.digest == cluster(links).digest


def test_what_makes_no_sense_is_refused(hand, pair):
    letter = hand.letter("A")
    with pytest.raises(InputError, match="kept apart from itself"):
        keep_apart([(hand.chain, letter, hand.chain, letter)])
    with pytest.raises(AddressError):
        keep_apart([(hand.chain, b"", hand.chain, letter)])
    with pytest.raises(ArgumentError, match="apart is of type DataFrame"):
        cluster(hand.links("A-B 1 ?"), apart=pair("A", "B").frame)
    with pytest.raises(ArgumentError, match="tags is of type Links"):
        keep_apart(tags=hand.links("A-B 1 ?"))
    with pytest.raises(InputError, match="frame of what is kept apart has the columns"):
        Apart(APART.empty().drop("reason"))
    with pytest.raises(InputError, match="holds a null"):
        Apart(pair("A", "B").frame.with_columns(pl.lit(None, pl.String).alias("reason")))
    with pytest.raises(ArgumentError, match="what is added"):
        pair("A", "B") + None


def test_its_record_names_no_address(hand, pair):
    apart = pair("A", "B", "predicted payment")
    assert hand.letter("A").hex() not in apart.lineage()
    assert apart.lineage().startswith("stand_apart(pairs=sha256:")
