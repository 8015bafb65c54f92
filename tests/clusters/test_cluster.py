"""Clusters: components, their names, their alarms; the same whatever the order of the links."""

from __future__ import annotations

import networkx as nx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import LARGE, cluster
from chainwatch.clusters.forest import BOTH_LARGE, OTHER_ACTORS
from chainwatch.errors import AddressError, ArgumentError, InputError
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.kernels import intern, run

EDGES = st.lists(
    st.tuples(
        st.integers(0, 12), st.integers(0, 12), st.integers(1, 6), st.sampled_from([None, 0.5, 0.9])
    ).filter(lambda edge: edge[0] != edge[1]),
    max_size=25,
    unique=True,
)


class Tagging:
    """Tags, as far as clusters read them."""

    def __init__(self, hand, **actors):
        self.frame = pl.DataFrame(
            [
                (hand.chain, hand.letter(name), actor, f"{actor} wallet" if actor else "unnamed")
                for name, actors_of in actors.items()
                for actor in actors_of
            ],
            schema={"chain": pl.String, "address": pl.Binary, "actor": pl.String,
                    "label": pl.String},
            orient="row",
        )  # fmt: skip


def chain_of(prefix, count, tx):
    """Return links of a group: its addresses one after the other."""
    return [f"{prefix}{n:03}-{prefix}{n + 1:03} {tx} ?" for n in range(count - 1)]


def test_links_that_touch_make_one_cluster(hand):
    clusters = cluster(hand.links("A-B 1 ?\nB-C 2 ?\nD-E 3 ?"))
    assert hand.groups(clusters) == {frozenset("ABC"), frozenset("DE")}
    assert clusters.sizes()["addresses"].to_list() == [3, 2]


def test_a_cluster_is_named_by_its_smallest_address(hand):
    clusters = cluster(hand.links("C-D 1 ?\nB-D 2 ?\nE-B 3 ?"))
    for name in "BCDE":
        assert clusters.of(hand.letter(name)) == hand.letter("B")
    assert clusters.members(hand.letter("E")) == [hand.letter(name) for name in "BCDE"]


def test_an_address_that_nothing_joins_is_its_own(hand):
    clusters = cluster(hand.links("A-B 1 ?\nY-Z 2 ? refused"))
    for name in "YZ":
        assert clusters.of(hand.letter(name)) == hand.letter(name)
        assert clusters.members(hand.letter(name)) == [hand.letter(name)]


@pytest.mark.parametrize("veto", ["refused", "undecided"])
def test_a_veto_stops_the_join_and_keeps_the_link(hand, veto):
    clusters = cluster(hand.links(f"A-B 1 ?\nB-C 2 ? {veto}\nC-D 3 ?"))
    assert hand.groups(clusters) == {frozenset("AB"), frozenset("CD")}
    assert clusters.links.contested["tx"].to_list() == [2]
    assert clusters.links.counts()[veto] == 1


def test_another_transaction_may_join_what_one_may_not(hand):
    clusters = cluster(hand.links("A-B 1 ? refused\nA-B 2 ?"))
    assert hand.groups(clusters) == {frozenset("AB")}


def test_cutting_a_transaction_takes_apart_what_only_it_joined(hand):
    links = hand.links("A-B 1 ?\nB-C 2 ?\nC-D 3 ?\nB-C 4 ?\nD-E 5 ?")
    assert hand.groups(cluster(links)) == {frozenset("ABCDE")}
    without = {
        tx: hand.groups(cluster(Links(links.frame.filter(pl.col("tx") != tx))))
        for tx in range(1, 6)
    }
    assert without == {
        1: {frozenset("BCDE")},
        2: {frozenset("ABCDE")},  # transaction 4 joins the same
        3: {frozenset("ABC"), frozenset("DE")},
        4: {frozenset("ABCDE")},
        5: {frozenset("ABCD")},
    }


def test_one_address_text_on_two_chains_is_two(hand):
    frame = hand.links("A-B 1 ?").frame
    mainnet = "bip122:000000000019d6689c085ae165831e93"
    other = hand.links("B-C 1 ?").frame.with_columns(pl.lit(mainnet).alias("chain"))
    clusters = cluster(Links(pl.concat([frame, other])))
    assert clusters.of(hand.letter("B"), hand.chain) == hand.letter("A")
    assert clusters.of(hand.letter("C"), "btc") == hand.letter("B")
    with pytest.raises(InputError, match="chain of the address is not clear"):
        clusters.of(hand.letter("B"))


def test_no_links_no_clusters(hand):
    clusters = cluster(Links(pl.DataFrame(schema=LINKS.schema)))
    full = cluster(hand.links("A-B 1 ?"))
    for table in ("frame", "forest", "alarms", "collapses"):
        assert getattr(clusters, table).schema == getattr(full, table).schema
    assert clusters.of(hand.letter("A"), "btc-regtest") == hand.letter("A")


def test_what_is_no_address_is_an_error(hand):
    clusters = cluster(hand.links("A-B 1 ?"))
    for wrong in (b"", b"\x03short", "bcrt1qqq", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"):
        with pytest.raises(AddressError):
            clusters.of(wrong)


@given(edges=EDGES)
def test_components_and_forest_are_those_of_networkx(hand, edges):
    clusters = cluster(hand.numbered(edges))
    graph = nx.Graph([(f"n{a:03}", f"n{b:03}") for a, b, *_ in edges])
    assert hand.groups(clusters) == {frozenset(part) for part in nx.connected_components(graph)}
    assert clusters.forest.height == len(graph) - nx.number_connected_components(graph)
    for (_, smallest), group in clusters.frame.group_by("chain", "cluster"):
        assert smallest == group["address"].min()


@given(edges=EDGES, data=st.data())
def test_order_and_repeats_of_links_make_no_difference(hand, edges, data):
    links = hand.numbered(edges)
    order = data.draw(st.permutations(range(links.frame.height)))
    one, other = cluster(links), cluster(Links(links.frame[order]))
    assert other.frame.equals(one.frame)
    assert other.forest.equals(one.forest)
    assert other.collapses.equals(one.collapses)
    assert other.record.content == one.record.content
    twice = cluster(Links(pl.concat([links.frame, links.frame])))
    assert twice.record.content == one.record.content


def test_forest_prefers_the_stronger_then_the_earlier(hand):
    links = hand.links("A-B 1 0.5\nA-B 2 0.9\nA-C 3 0.9\nA-C 4 ?\nB-C 5 0.9\nC-D 6 ?\nC-D 7 ?")
    assert sorted(cluster(links).forest["tx"].to_list()) == [2, 3, 6]


def test_a_link_that_nobody_measured_is_the_weakest(hand):
    assert cluster(hand.links("A-B 1 ?\nA-B 2 0.0")).forest["tx"].to_list() == [2]


def test_two_large_groups_that_meet_raise_an_alarm(hand):
    lines = chain_of("a", 100, 1) + chain_of("b", 100, 2) + ["a050-b050 3 ?"]
    clusters = cluster(hand.links("\n".join(lines)))
    columns = ["tx", "txid", "addresses_a", "addresses_b", "reason"]
    assert clusters.collapses.select(columns).rows() == [(3, hand.txid(3), 100, 100, BOTH_LARGE)]
    assert LARGE == 100


def test_a_group_made_of_groups_counts_as_their_sum(hand):
    lines = [line for n, prefix in enumerate("abcd") for line in chain_of(prefix, 50, n + 1)]
    lines += ["a000-b000 5 ?", "c000-d000 6 ?", "b000-c000 7 ?"]
    clusters = cluster(hand.links("\n".join(lines)))
    assert clusters.collapses.select("tx", "addresses_a", "addresses_b").rows() == [(7, 100, 100)]


def test_one_group_that_is_just_too_small_raises_none(hand):
    lines = chain_of("a", 99, 1) + chain_of("b", 200, 2) + ["a050-b050 3 ?"]
    links = hand.links("\n".join(lines))
    assert cluster(links).collapses.is_empty()
    assert cluster(links, large=99).collapses["tx"].to_list() == [3]


def test_a_group_that_grows_one_by_one_raises_none(hand):
    links = hand.links("\n".join(f"hub-x{n:03} {n + 1} ?" for n in range(300)))
    assert cluster(links).collapses.is_empty()


def test_the_alarm_counts_each_side_as_the_link_names_it(hand):
    links = hand.links("A-B 1 ?\nA-C 2 ?\nX-Y 3 ?\nX-B 4 ?")
    row = cluster(links, large=2).collapses.row(0, named=True)
    assert (hand.name(row["a"]), hand.name(row["b"])) == ("X", "B")
    assert (row["addresses_a"], row["addresses_b"]) == (2, 3)


def pools(prefix, count, size):
    """Return links of a service that pools deposits, and then spends the pools one by one."""
    lines = [line for n in range(count) for line in chain_of(f"{prefix}{n:02}", size, n + 1)]
    return lines + [f"{prefix}00000-{prefix}{n:02}000 {100 + n} ?" for n in range(1, count)]


def test_a_service_that_grows_pool_by_pool_raises_few(hand):
    """Each pool is large; only while it is a tenth of the whole or more is it worth a look."""
    clusters = cluster(hand.links("\n".join(pools("p", 40, 5))), large=5)
    assert clusters.sizes()["addresses"].to_list() == [200]
    assert clusters.collapses["addresses_a"].to_list() == [5 * n for n in range(1, 10)]


def test_what_is_very_large_by_itself_is_always_worth_a_look(hand):
    lines = chain_of("a", 200, 1) + pools("b", 24, 100) + ["a100-b00000 500 ?"]
    clusters = cluster(hand.links("\n".join(lines)), large=2)
    assert clusters.collapses.row(-1, named=True)["tx"] == 500
    assert cluster(hand.links("\n".join(lines)), large=3).collapses["tx"].max() < 500


@pytest.mark.parametrize("large", [1, 0, -1])
def test_every_join_would_be_large(hand, large):
    with pytest.raises(InputError, match="is not large"):
        cluster(hand.links("A-B 1 ?"), large=large)


def test_groups_of_different_actors_that_meet_raise_an_alarm(hand):
    tags = Tagging(hand, A=["north"], D=["south"], Z=["alone"])
    clusters = cluster(hand.links("A-B 1 ?\nC-D 2 ?\nB-C 3 ?\nD-E 4 ?"), tags=tags)
    assert clusters.collapses.select("tx", "reason").rows() == [(3, OTHER_ACTORS)]
    row = clusters.alarms.row(0, named=True)
    assert (hand.name(row["cluster"]), row["addresses"], row["actors"]) == ("A", 2, "north; south")


def test_one_actor_everywhere_raises_none(hand):
    tags = Tagging(hand, A=["north"], B=["north"], C=["north"])
    clusters = cluster(hand.links("A-B 1 ?\nC-D 2 ?\nB-C 3 ?"), tags=tags)
    assert clusters.collapses.is_empty()
    assert clusters.alarms.is_empty()


def test_one_address_with_two_actors_is_an_alarm_of_its_cluster(hand):
    clusters = cluster(hand.links("A-B 1 ?"), tags=Tagging(hand, A=["north", "south"]))
    assert clusters.alarms["actors"].to_list() == ["north; south"]
    assert clusters.collapses.is_empty()  # no join brought them together


def test_a_tag_without_actor_speaks_by_its_label(hand):
    tags = Tagging(hand, A=[None], B=["south"])
    tags.frame = tags.frame.with_columns(pl.lit(None, pl.String).alias("actor"))
    clusters = cluster(hand.links("A-B 1 ?"), tags=tags)
    assert clusters.alarms["actors"].to_list() == ["south wallet; unnamed"]
    assert clusters.collapses["tx"].to_list() == [1]


def test_a_label_beside_an_actor_and_capitals_raise_no_alarm(hand):
    for sides in ({"A": [None], "B": ["south"]}, {"A": ["South"], "B": [" south"]}):
        clusters = cluster(hand.links("A-B 1 ?"), tags=Tagging(hand, **sides))
        assert clusters.alarms.is_empty()
        assert clusters.collapses.is_empty()


def test_tags_never_join(hand):
    clusters = cluster(hand.links("A-B 1 ?\nC-D 2 ?"), tags=Tagging(hand, A=["x"], C=["x"]))
    assert hand.groups(clusters) == {frozenset("AB"), frozenset("CD")}


def test_without_compiled_loops_the_result_is_the_same(hand, monkeypatch):
    tags = Tagging(hand, A=["north"], D=["south"])
    links = hand.links("A-B 1 0.9\nC-D 2 ?\nB-C 3 0.5\nX-Y 4 ?\nY-Z 4 ?\nA-D 5 ? refused")

    def answers():
        clusters = cluster(links, tags=tags, large=2, apart=keep_apart(tags=tags))
        why = clusters.why(hand.letter("X"), hand.letter("Z"))
        return clusters.digest, why.digest, clusters.fragility(hand.letter("X")).digest

    compiled = answers()
    for module in (run, intern):
        monkeypatch.setattr(module, "available", lambda: False)
    assert answers() == compiled


def test_the_links_given_are_not_changed(hand):
    links = hand.links("B-C 2 0.5\nA-B 1 ?")
    before = links.frame.clone()
    cluster(links)
    assert links.frame.equals(before)


def test_it_prints_no_address(hand):
    clusters = cluster(hand.links("A-B 1 ?\nB-C 2 ? refused"))
    assert repr(clusters) == (
        "Clusters(1 of two or more addresses, 2 addresses, 1 contested link,"
        " 0 with tags of several actors, 0 joins to look at)"
    )
    assert "bcrt1" not in clusters._repr_html_()
    assert clusters.lineage().startswith("cluster(links=sha256:")


def test_addresses_can_be_had_as_text(hand):
    clusters = cluster(hand.links("B-A 1 0.9\nX-Z 2 0.5"))
    names = [(text(hand.letter(a), hand.chain), text(hand.letter(c), hand.chain))
             for a, c in ("AA", "BA", "XX", "ZX")]  # fmt: skip
    assert clusters.plain().rows() == [("btc-regtest", *pair) for pair in names]
    assert clusters.plain(hand.letter("Z")).rows() == clusters.plain().rows()[2:]
    assert clusters.plain(names[0][0]).rows() == clusters.plain().rows()[:2]
    assert clusters.plain(hand.letter("Q")).height == 0
    assert cluster(hand.links("A-B 1 ? refused")).plain().columns == ["chain", "address", "cluster"]


def test_text_is_of_the_chain_of_each_row(hand):
    rows = [row for chain in ("btc", "ltc") for row in hand.links("A-B 1 ?").frame
            .with_columns(chain=pl.lit(find_chain(chain).id)).rows()]  # fmt: skip
    clusters = cluster(hand.of(rows))
    assert {(row[0], row[1].partition("1")[0]) for row in clusters.plain().rows()} == {
        ("btc", "bc"), ("ltc", "ltc"),
    }  # fmt: skip
    with pytest.raises(InputError, match="there are links of btc, ltc; pass chain='btc'"):
        clusters.plain(hand.letter("A"))
    assert clusters.plain(hand.letter("A"), "ltc").height == 2


def test_the_wrong_thing_is_named(hand):
    links = hand.links("A-B 1 ?")
    clusters = cluster(links)
    for call, words in (
        (lambda: cluster(clusters), "links is of type Clusters; pass links, as co_spends"),
        (lambda: cluster(links, tags=clusters), "tags is of type Clusters; pass tags"),
        (lambda: cluster(links, large="3"), "large is a text"),
        (lambda: clusters.members(123), "an address is a whole number"),
        (lambda: clusters.of(None), "an address is None"),
        (lambda: clusters.why(hand.letter("A"), clusters.frame), "an address is of type DataFrame"),
        (lambda: clusters.why(clusters.frame["address"], "x"), "an address is of type Series"),
    ):
        with pytest.raises(ArgumentError, match=words):
            call()
