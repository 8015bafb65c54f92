"""Why two addresses are one owner: the strongest path, in walking order, without bystanders."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import networkx as nx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.links import Links
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.mask_tables import mask_tables
from chainwatch.results.mask import show_by
from chainwatch.results.roles import SUBJECT

EDGES = st.lists(
    st.tuples(
        st.integers(0, 7), st.integers(0, 7), st.integers(1, 9),
        st.sampled_from([None, 0.25, 0.5, 0.75, 0.9]),
    ).filter(lambda edge: edge[0] != edge[1]),
    min_size=1, max_size=16, unique=True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nobody_registered():
    before = show_by(None)
    yield
    show_by(before)


@pytest.fixture
def walk(hand) -> Clusters:
    return cluster(hand.links("B-A 1 0.9\nB-C 2 0.5\nD-C 3 ?\nA-Z 4 ? refused\nX-Z 5 ?"))


def strength(confidence: float | None) -> float:
    return -inf if confidence is None else confidence


def widest(edges, a: int, b: int) -> float | None:
    """Return the strength of the strongest path by trying all paths; None where there is none."""
    graph = nx.MultiGraph()
    for left, right, _, rate in edges:
        graph.add_edge(left, right, strength=strength(rate))
    if a not in graph or b not in graph:
        return None
    paths = nx.all_simple_edge_paths(graph, a, b)
    weakest = [min(graph.edges[edge]["strength"] for edge in path) for path in paths]
    return max(weakest, default=None)


@given(edges=EDGES, ends=st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_the_weakest_link_is_as_strong_as_on_any_path(hand, edges, ends):
    a, b = sorted(ends)
    if a == b:
        return
    clusters = cluster(hand.numbered(edges))
    why = clusters.why(hand.letter(f"n{a:03}"), hand.letter(f"n{b:03}"))
    best = widest(edges, a, b)
    assert why.joined is (best is not None)
    if best is None:
        assert why.frame.is_empty()
    else:
        assert min(map(strength, why.frame["confidence"])) == best


@given(edges=EDGES, ends=st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_steps_walk_from_one_to_the_other_over_given_links(hand, edges, ends):
    a, b = (hand.letter(f"n{end:03}") for end in ends)
    why = cluster(hand.numbered(edges)).why(a, b)
    steps = why.frame.select("a", "b").rows()
    if not steps:
        return
    assert steps[0][0] == a
    assert steps[-1][1] == b
    assert all(before[1] == after[0] for before, after in pairwise(steps))
    assert len({step[0] for step in steps} | {b}) == len(steps) + 1, "an address twice"
    given_links = {(f"n{x:03}", f"n{y:03}", tx, rate) for x, y, tx, rate in edges}
    for left, right, tx, rate in why.frame.select("a", "b", "tx", "confidence").iter_rows():
        pair = hand.name(left), hand.name(right)
        assert {(*pair, tx, rate), (*pair[::-1], tx, rate)} & given_links


def test_steps_read_in_walking_order_both_ways(hand, walk):
    forth = hand.steps(walk.why(hand.letter("A"), hand.letter("D")))
    back = hand.steps(walk.why(hand.letter("D"), hand.letter("A")))
    assert forth == [("A", "B", 1), ("B", "C", 2), ("C", "D", 3)]
    assert back == [("D", "C", 3), ("C", "B", 2), ("B", "A", 1)]


def test_answers_do_not_depend_on_what_was_asked_before(hand, walk):
    first = walk.why(hand.letter("A"), hand.letter("D"))
    walk.why(hand.letter("X"), hand.letter("Z"))
    assert walk.why(hand.letter("A"), hand.letter("D")).frame.equals(first.frame)


def test_evidence_is_that_of_one_cluster(hand, walk):
    for name, members in (("C", "ABCD"), ("X", "XZ"), ("Q", "Q")):
        assert walk.members(hand.letter(name)) == list(map(hand.letter, members))
    assert walk.path(hand.chain, hand.letter("X"), hand.chain, hand.letter("A")).is_empty()


def test_it_takes_text_too(hand, walk):
    a, d = (text(hand.letter(name), "btc-regtest") for name in "AD")
    assert walk.why(a, d).frame.equals(walk.why(hand.letter("A"), hand.letter("D")).frame)


@pytest.mark.parametrize(("a", "b"), ["AX", "AQ", "QA"])
def test_nothing_joins(hand, walk, a, b):
    why = walk.why(hand.letter(a), hand.letter(b))
    assert not why.joined
    assert why.frame.is_empty()
    assert repr(why).startswith("Nothing joins bcrt1")


def test_contested_links_at_the_two_are_told(hand, walk):
    refused = walk.why(hand.letter("A"), hand.letter("X"))
    assert repr(refused).endswith("Links at them that join nothing: 1 refused, 0 undecided.")
    joined = walk.why(hand.letter("A"), hand.letter("B"))
    assert repr(joined).endswith("Links at them that join nothing: 1 refused, 0 undecided.")
    assert repr(walk.why(hand.letter("B"), hand.letter("X"))).endswith(
        "No link at them was refused or is undecided."
    )


def test_an_address_and_itself(hand, walk):
    why = walk.why(hand.letter("A"), hand.letter("A"))
    assert why.joined
    assert repr(why) == f"{text(hand.letter('A'), hand.chain)} is one address."


def test_by_default_it_prints_only_who_was_asked_for(hand, walk):
    why = walk.why(hand.letter("A"), hand.letter("D"))
    a, d = (text(hand.letter(name), hand.chain) for name in "AD")
    assert repr(why).splitlines() == [
        f"{a} and {d} are consistent with one owner, by 3 steps:",
        f"1. {a} and another address (1 of 2): co_spend in withheld (2023-06; confidence 0.900)",
        "2. another address (1 of 2) and another address (2 of 2): co_spend in withheld"
        " (2023-06; confidence 0.500)",
        f"3. another address (2 of 2) and {d}: co_spend in withheld (2023-06;"
        " confidence not measured)",
        "Of the 2 measured links the weakest: step 2 of 3 (confidence 0.500).",
        "What 0.500 of co_spend was counted on is not known. What 0.900 of co_spend was counted on"
        " is not known.",
        "How often all 3 links are right together is not known: of 1 link it was not measured."
        " Neither figure says how probable one owner is: other links may join the two as well, and"
        " one wrong link may not matter.",
        "Links at them that join nothing: 1 refused, 0 undecided.",
    ]
    leaks = [text(hand.letter(name), hand.chain) for name in "BCZ"]
    leaks += [txid_text(hand.txid(tx), hand.chain) for tx in range(1, 6)]
    assert not [leak for leak in leaks if leak in repr(why) + why._repr_html_() + why.lineage()]


def test_the_frame_holds_all(hand, walk):
    frame = walk.why(hand.letter("A"), hand.letter("D")).frame
    assert frame["txid"].to_list() == [hand.txid(tx) for tx in (1, 2, 3)]
    assert frame["b"].to_list() == [hand.letter(name) for name in "BCD"]


def test_an_edition_decides_who_else_is_printed(hand, walk):
    why = walk.why(hand.letter("A"), hand.letter("D"))
    names = [text(hand.letter(name), hand.chain) for name in "BC"]
    show_by(Edition(WORKING, bytes(16)))
    assert all(name in repr(why) for name in names)
    assert txid_text(hand.txid(2), hand.chain) in repr(why)
    assert "2023-06-01T02:00:00Z" in repr(why)
    show_by(Edition(DISCLOSURE, bytes(16), {(hand.chain, hand.letter("B")): SUBJECT}))
    assert names[0] in repr(why)
    assert names[1] not in repr(why)
    shown = {tx: txid_text(hand.txid(tx), hand.chain) in repr(why) for tx in (1, 2, 3)}
    assert shown == {1: True, 2: False, 3: False}


def test_its_tables_can_be_shown_in_an_edition(hand, walk):
    """C is masked, so every row it stands in loses its transaction."""
    why = walk.why(hand.letter("A"), hand.letter("D"))
    roles = {(hand.chain, hand.letter(name)): SUBJECT for name in "ABD"}
    steps = mask_tables(why, Edition(DISCLOSURE, bytes(16), roles))["steps"].frame.sort("step")
    assert steps["txid"].to_list() == [txid_text(hand.txid(1), hand.chain), "withheld", "withheld"]
    assert steps["b"].to_list()[1].startswith("masked-")


def test_html_is_escaped(hand):
    frame = hand.links("A-B 1 ?").frame.with_columns(pl.lit("<script>").alias("rule"))
    html = cluster(Links(frame)).why(hand.letter("A"), hand.letter("B"))._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_it_is_recorded(hand, walk):
    why = walk.why(hand.letter("A"), hand.letter("D"))
    assert [record.step for record in (why.record, *why.record.inputs)] == ["explain", "cluster"]
    assert why.record.content == walk.why(hand.letter("A"), hand.letter("D")).record.content
    assert why.record.content != walk.why(hand.letter("A"), hand.letter("C")).record.content
    assert set(why.record.params) == {"clusters", "chain", "a", "b", "chain_b"}


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0.9", "In at least 0.900 of such cases the link is right (1, less"),
        ("?", "How often the link is right is not known: it was not measured."),
    ],
)
def test_one_link_is_spoken_of_as_one(hand, rate, said):
    clusters = cluster(hand.links(f"A-B 1 {rate}"))
    assert said in str(clusters.why(hand.letter("A"), hand.letter("B")))
    assert "without one of them they fall apart" in repr(clusters.fragility(hand.letter("A")))
