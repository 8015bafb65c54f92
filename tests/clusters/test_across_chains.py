"""Links of two chains: they join, each chain keeps ids of its own, and no edition mixes them up."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest

from chainwatch.addresses.canonical import parse, text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.clusters.apart import keep_apart
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.forest import PAIR
from chainwatch.errors import AddressError, ArgumentError, InputError
from chainwatch.heuristics.links import BOTH_ENDS, LINKS, Links
from chainwatch.heuristics.statements import stated_links
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.mask_tables import mask_tables
from chainwatch.privacy.session import Desk
from chainwatch.results.graph import Shown, graph_of, graphml_of
from chainwatch.results.mask import show_by
from chainwatch.results.roles import SUBJECT

ETH = chain_of("eth").id


def account(number: int) -> bytes:
    return parse(f"0x{number:040x}", "eth")


@pytest.fixture
def said(hand):
    """Return links of A, B and C, D on one chain, and of B and D with accounts on another."""
    register = stated_links(
        [(hand.chain, hand.letter("B"), "eth", account(1)),
         ("eth", account(2), hand.chain, hand.letter("C")),
         ("eth", text(account(1), "eth"), "eth", account(2))],
        rule="register", confidence=0.8,
    )  # fmt: skip
    return hand.links("A-B 1 0.9\nC-D 2 0.9\nX-Y 3 ?") + register


def tagged(*rows):
    """Return tags of which each row is ``(chain, address, actor, label)``."""
    frame = pl.DataFrame(rows, schema=["chain", "address", "actor", "label"], orient="row")
    return SimpleNamespace(frame=frame)


def test_tags_of_one_owner_contradict_each_other_whatever_their_chain(hand, said):
    """The owner has an address of ann on one chain and of bob on the other."""
    btc, letter = hand.chain, hand.letter
    both = tagged((btc, letter("A"), "ann", "x"), (ETH, account(1), "bob", "x"))
    assert cluster(said, tags=both).alarms.rows() == [
        (btc, letter("A"), 2, "ann; bob"), (ETH, account(1), 2, "ann; bob"),
    ]  # fmt: skip
    same = tagged((btc, letter("A"), "ann", "x"), (ETH, account(1), "ann", "y"))
    assert cluster(said, tags=same).alarms.is_empty()
    others = tagged((btc, letter("X"), "ann", "x"), (ETH, account(1), "bob", "x"))
    assert cluster(said, tags=others).alarms.is_empty()
    label = tagged((btc, letter("A"), None, "shop"), (ETH, account(1), "bob", "x"))
    assert cluster(said, tags=label).alarms.is_empty(), "a label beside an actor says nothing"


def test_an_alarm_goes_when_the_owner_falls_apart(hand, said):
    both = tagged((hand.chain, hand.letter("A"), "ann", "x"), (ETH, account(1), "bob", "x"))
    assert cluster(said, tags=both).cut(rule="register").alarms.is_empty()


def test_they_say_so(said):
    assert repr(said) == (
        "Links(6 join, 0 refused, 0 undecided, 3 rest on no transaction, 2 of two chains)"
    )
    assert dict(said.frame.schema) == BOTH_ENDS.schema
    assert dict(said.without(rules=["register"]).frame.schema) == LINKS.schema


def test_an_owner_has_a_cluster_on_each_chain(hand, said):
    clusters = cluster(said)
    assert clusters.of(hand.letter("D"), "btc-regtest") == hand.letter("A")
    assert clusters.of(account(2), "eth") == account(1)
    assert clusters.members(account(2), "eth") == [account(1), account(2)]
    assert clusters.owners.rows() == [
        (1, hand.chain, hand.letter("A")), (1, ETH, account(1)),
    ]  # fmt: skip
    assert "1 owner on several chains" in repr(clusters)
    assert clusters.plain(account(1), "eth")["cluster"].to_list() == [text(account(1), "eth")] * 2


def test_why_walks_over_both(hand, said):
    why = cluster(said).why(hand.letter("A"), account(2), "btc-regtest", "eth")
    assert why.joined
    assert why.frame.select("chain", "chain_b").rows() == [
        (hand.chain, hand.chain), (hand.chain, ETH), (ETH, ETH),
    ]  # fmt: skip
    assert repr(why).startswith(f"{text(hand.letter('A'), hand.chain)} and 0x")
    back = cluster(said).why(hand.letter("A"), hand.letter("D"), "btc-regtest")
    assert back.frame["chain"].to_list() == [hand.chain, hand.chain, ETH, ETH, hand.chain]


def test_each_row_that_is_told_is_of_one_chain(hand, said):
    """An edition looks a party up under the chain of its row."""
    for result in (said, cluster(said), cluster(said).why(hand.letter("A"), account(2),
                                                          "btc-regtest", "eth")):  # fmt: skip
        for rows in result.tables().values():
            if "across" not in rows.frame.columns:
                continue
            ends = rows.frame.drop_nulls("across")
            assert (ends["a"].is_null() ^ ends["b"].is_null()).all()
            assert ends.group_by("across").len()["len"].to_list() == [2] * (ends.height // 2)
            for chain, a, b in ends.select("chain", "a", "b").iter_rows():
                assert text(a or b, chain)


def test_an_edition_shows_whom_it_may_on_either_chain(hand, said):
    roles = {(hand.chain, hand.letter(name)): SUBJECT for name in "ABCDXY"}
    roles[ETH, account(1)] = SUBJECT
    shown = mask_tables(said, Edition(DISCLOSURE, bytes(16), roles))["links"].frame
    told = shown.write_csv()
    assert text(account(1), "eth") in told
    assert text(account(2), "eth") not in told
    assert text(hand.letter("C"), hand.chain) in told


def test_a_link_of_two_chains_is_one_edge_between_the_two(hand, said):
    """Its two rows, each with one end, made two edges to nobody."""
    name = {letter: f"btc-regtest:{text(hand.letter(letter), hand.chain)}" for letter in "BCD"}
    one, two = (f"eth:{text(account(number), 'eth')}" for number in (1, 2))
    before = show_by(Desk(WORKING))
    for result in (said, cluster(said)):
        graph = result.to_networkx()
        assert "no address" not in graph
        pairs = sorted(map(sorted, graph.edges()))
        assert len(pairs) == 6
        assert pairs.count(sorted([name["B"], one])) == 1
        assert pairs.count(sorted([name["C"], two])) == 1
        (edge,) = [data for a, b, data in graph.edges(data=True) if {a, b} == {name["B"], one}]
        assert (edge["rule"], edge["confidence"]) == ("register", "0.8")
        assert {edge["chain"], edge["chain_b"]} == {hand.chain, ETH}
        assert "across" not in edge
    show_by(before)


def test_where_one_end_is_masked_the_edge_leads_to_nobody_in_particular(hand, said):
    roles = {(hand.chain, hand.letter(letter)): SUBJECT for letter in "ABCDXY"}
    roles[ETH, account(1)] = SUBJECT
    shown = mask_tables(said, Edition(DISCLOSURE, bytes(16), roles))["links"].frame
    table = said.tables()["links"].table
    graph = graph_of(said.edges(), {"links": Shown(shown, table)}, None, {})
    named = f"btc-regtest:{text(hand.letter('C'), hand.chain)}"
    assert "masked" in set(graph.successors(named)) | set(graph.predecessors(named))
    assert text(account(2), "eth") not in graphml_of(graph).decode()


def test_a_pair_of_two_chains_can_be_kept_apart(hand, said):
    """Two statements of the register would join them together: neither does. C and 2 stay one."""
    apart = keep_apart([("eth", account(2), hand.chain, hand.letter("A"))], reason="two people")
    clusters = cluster(said, apart=apart)
    assert [clusters.of(hand.letter(name), "btc-regtest") for name in "BD"] == [
        hand.letter("A"), hand.letter("C"),
    ]  # fmt: skip
    rows = clusters.refused.select("reason", "detail", "chain", "chain_b").rows()
    assert rows == [(PAIR, "two people", hand.chain, ETH), (PAIR, "two people", ETH, ETH)]
    why = clusters.why(hand.letter("A"), hand.letter("D"), "btc-regtest")
    assert not why.joined
    assert why.refused.height == 2


def test_cut_and_update_are_joining_anew(hand, said):
    clusters = cluster(said)
    for left, links in (
        (clusters.cut(rule="register"), said.without(rules=["register"])),
        (clusters.cut(tx=hand.txid(1)), said.without([hand.txid(1)])),
        (cluster(said.without(rules=["register"])).update(said), said),
    ):
        assert left.digest == cluster(links).digest
    assert clusters.cut(rule="register").owners.is_empty()


def test_on_what_such_an_owner_rests(hand, said):
    fragile = cluster(said).fragility(account(1), "eth")
    assert (fragile.addresses, fragile.frame.height) == (6, 5)
    assert sorted(fragile.frame["split_off"].to_list()) == [1, 1, 2, 2, 3]
    parts = fragile.parts.filter(pl.col("evidence") == 1)
    assert parts["addresses"].to_list() == [3, 3]
    assert parts["cluster"].to_list() == [hand.letter("A"), hand.letter("C")]


def test_statements_that_make_no_sense_are_refused(hand):
    letter = hand.letter("A")
    with pytest.raises(InputError, match="joins an address to itself"):
        stated_links([(hand.chain, letter, "btc-regtest", letter)])
    with pytest.raises(AddressError):
        stated_links([("eth", "0x1", hand.chain, letter)])
    with pytest.raises(ArgumentError, match="a pair"):
        stated_links([["eth", account(1), "eth", account(2)]])
    with pytest.raises(InputError, match="3 parts"):
        stated_links([("eth", account(1), account(2))])
    with pytest.raises(InputError, match="tx of a link is null and its txid is not"):
        Links(hand.links("A-B 1 ?").frame.with_columns(tx=None).cast({"tx": LINKS.schema["tx"]}))
    assert stated_links([]).frame.is_empty()


def test_bytes_alike_on_two_chains_are_two_addresses(hand):
    """A hash of a key is an address on each chain that descends from Bitcoin."""
    key = hand.letter("A")
    links = stated_links([("btc", key, "ltc", key)], rule="register")
    clusters = cluster(links)
    assert clusters.frame.height == 2
    assert clusters.why(key, key, "btc", "ltc").length == 1
    assert clusters.why(key, key, "btc").length == 0
