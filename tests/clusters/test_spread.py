"""A tag is spread where its publisher says so, with the weakest link, and never past a contest."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.attribution.resolve import clustered, statements_of
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.tagged.spread import ALONE, SEVERAL, UNSTATED, spread_tags
from chainwatch.errors import ArgumentError
from chainwatch.ledger.schema import TAGS

LINE = "A-B 1 0.9\nB-C 2 0.5\nC-D 3 0.8\nD-E 4 ?\nX-Y 5 0.9"


def tags(hand, *rows) -> Tags:
    """Return tags: ``(letter, actor, definer)``, and a concept if there is one more."""
    return make_tags(
        pl.DataFrame(
            [
                {
                    "chain": hand.chain, "address": hand.letter(name), "label": f"{actor} wallet",
                    "concept": concept, "actor": actor, "source": "a source", "confidence":
                    "forensic", "level": 50, "pack": "p", "definer": definer,
                }
                for name, actor, definer, *more in rows
                for concept in (more or [None])
            ],
            schema=TAGS.schema,
        )
    )  # fmt: skip


def told(hand, spread) -> dict[str, tuple[str, float | None, int]]:
    """Return for each other address the tagged one, the weakest link and its transaction."""
    rows = spread.frame.select("address", "tagged", "weakest", "txid").iter_rows()
    return {
        hand.name(address): (hand.name(tagged), weakest, int.from_bytes(txid, "big"))
        for address, tagged, weakest, txid in rows
    }


def test_the_weakest_link_stands_beside_each_address(hand) -> None:
    clusters = cluster(hand.links(LINE))
    spread = spread_tags(tags(hand, ("A", "shop", True)), clusters)
    assert told(hand, spread) == {
        "B": ("A", 0.9, 1), "C": ("A", 0.5, 2), "D": ("A", 0.5, 2), "E": ("A", None, 4),
    }  # fmt: skip
    assert spread.frame["stated"].all()
    assert repr(spread) == (
        "SpreadTags(4 other addresses named; 0 rows of tags not spread;"
        " 0 contested links not passed)"
    )


def test_of_several_tagged_addresses_the_one_most_surely_tied_counts(hand) -> None:
    clusters = cluster(hand.links(LINE))
    spread = spread_tags(tags(hand, ("A", "shop", True), ("D", "shop", True)), clusters)
    assert told(hand, spread) == {"B": ("A", 0.9, 1), "C": ("D", 0.8, 3), "E": ("A", None, 4)}


@pytest.mark.parametrize("ask", [False, True])
def test_where_the_publisher_says_no_it_is_never_spread(hand, ask: bool) -> None:
    clusters = cluster(hand.links(LINE))
    spread = spread_tags(tags(hand, ("A", "shop", False)), clusters, spread_unstated=ask)
    assert spread.frame.is_empty()
    assert spread.left["reason"].to_list() == [ALONE]
    assert spread.unstated == 0


def test_where_nothing_is_said_it_is_spread_on_request_and_counted(hand) -> None:
    clusters, silent = cluster(hand.links(LINE)), tags(hand, ("A", "shop", None))
    without, asked = (spread_tags(silent, clusters, spread_unstated=ask) for ask in (False, True))
    assert without.frame.is_empty()
    assert without.left["reason"].to_list() == [UNSTATED]
    assert len(told(hand, asked)) == 4
    assert not asked.frame["stated"].any()
    assert without.unstated == asked.unstated == 1
    assert asked.record is not None
    assert asked.record.params["spread_unstated"] is True
    assert "those of which nothing is said as well" in repr(asked)


def test_tags_of_several_say_nothing_of_the_others(hand) -> None:
    clusters = cluster(hand.links(LINE))
    every = tags(hand, ("A", "shop", True), ("D", "kelp", True), ("X", "seal", True))
    spread = spread_tags(every, clusters)
    assert told(hand, spread) == {"Y": ("X", 0.9, 5)}
    assert spread.left["reason"].to_list() == [SEVERAL, SEVERAL]


@pytest.mark.parametrize("veto", ["refused", "undecided"])
def test_no_tag_passes_a_contested_link(hand, veto: str) -> None:
    clusters = cluster(hand.links(f"A-B 1 0.9\nB-C 2 0.99 {veto}\nC-D 3 0.8"))
    spread = spread_tags(tags(hand, ("A", "shop", True)), clusters)
    assert told(hand, spread) == {"B": ("A", 0.9, 1)}
    assert spread.contested == 1
    assert "1 contested link not passed" in repr(spread)


def test_no_tag_passes_what_must_stay_apart(hand) -> None:
    both = (hand.chain, hand.letter("A"), hand.chain, hand.letter("C"))
    clusters = cluster(hand.links("A-B 1 0.9\nB-C 2 0.5\nC-D 3 0.8"), apart=keep_apart([both]))
    spread = spread_tags(tags(hand, ("A", "shop", True)), clusters)
    assert told(hand, spread) == {"B": ("A", 0.9, 1)}
    assert spread.contested == 1


def test_concepts_of_one_tag_are_rows(hand) -> None:
    clusters = cluster(hand.links("A-B 1 0.9"))
    spread = spread_tags(tags(hand, ("A", "shop", True, "exchange", "hot_wallet")), clusters)
    assert spread.frame["concept"].to_list() == ["exchange", "hot_wallet"]


def test_other_things_are_refused_and_nothing_is_nothing(hand) -> None:
    clusters = cluster(hand.links("A-B 1 0.9"))
    with pytest.raises(ArgumentError, match="clusters"):
        spread_tags(tags(hand, ("A", "shop", True)), "clusters")
    empty = spread_tags(make_tags(TAGS.empty()), clusters)
    assert empty.frame.is_empty()
    assert spread_tags(tags(hand, ("Z", "shop", True)), clusters).left.is_empty()


EDGES = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 9), st.integers(1, 5), st.sampled_from([None, 0.5, 0.9])
    ).filter(lambda edge: edge[0] != edge[1]),
    max_size=15,
    unique=True,
)
TAGGED = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["a", "a", "b"]), st.sampled_from([True, None])),
    max_size=4,
    unique=True,
)


@given(EDGES, TAGGED, st.booleans())
def test_it_is_what_traces_do_and_the_weakest_link_is_that_of_why(hand, edges, tagged, ask) -> None:
    clusters = cluster(hand.numbered(edges))
    every = tags(hand, *((f"n{n:03}", actor, said) for n, actor, said in tagged))
    spread = spread_tags(every, clusters, spread_unstated=ask)
    sayings = statements_of(every.frame, hand.chain)
    reached = clustered(sayings, clusters, hand.chain, spread_unstated=ask)
    wanted = {
        (address, one.label)
        for address, rows in reached.items()
        for one in rows
        if one not in sayings.get(address, ())
    }
    assert set(spread.frame.select("address", "label").iter_rows()) == wanted
    for row in spread.frame.iter_rows(named=True):
        origins = [
            address
            for address, rows in sayings.items()
            if any(one.label == row["label"] and one.definer == (row["stated"] or None)
                   for one in rows)
            and clusters.of(address, hand.chain) == row["cluster"]
        ]  # fmt: skip
        ways = {one: clusters.why(one, row["address"], hand.chain) for one in origins}
        least = {one: _weakest(way) for one, way in ways.items()}
        assert row["tagged"] in origins
        assert _rank(row["weakest"]) == max(least.values())
        assert least[row["tagged"]] == max(least.values())


def _rank(confidence: float | None) -> float:
    return -1.0 if confidence is None else confidence


def _weakest(way) -> float:
    return min(_rank(one) for one in way.frame["confidence"])
