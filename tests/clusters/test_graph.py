"""The part of the graph one looks at: exact flows where one cluster alone can have paid."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.canonical import text
from chainwatch.clusters.cluster import cluster
from chainwatch.errors import AddressError, ArgumentError
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.privacy.edition import WORKING
from chainwatch.privacy.session import Desk
from chainwatch.results.mask import show_by

PAYMENTS = """
    join: A=600 B=500 -> C=1000 A=50
    back: C=900 -> A=300 D=550
    shared: A=400 D=500 -> E=700 F=100
    far: F=90 -> E=80
"""


@pytest.fixture
def graph(small_ledger, named):
    ledger = small_ledger(PAYMENTS)
    frame = co_spends(ledger, unless=None).frame
    owners = cluster(type(co_spends(ledger))(frame.filter(pl.col("b") == named("B"))))
    return owners, ledger, owners.graph(ledger, named("B"))


def flows(found, named):
    names = {named(letter): letter for letter in "ABCDEF"}
    rows = found.frame.select("source", "target", "transactions", "unknown", "amount").iter_rows()
    return {
        (names.get(source), names.get(target)): (count, unknown, amount and int(amount))
        for source, target, count, unknown, amount in rows
    }


def test_flows_are_exact_where_one_cluster_paid_and_unknown_where_several_may(graph, named):
    _, _, found = graph
    assert flows(found, named) == {
        ("A", "C"): (1, 0, 1000),
        ("A", "A"): (1, 0, 50),  # change
        ("C", "A"): (1, 0, 300),
        ("A", "E"): (1, 1, None),  # D may have paid it
        ("A", "F"): (1, 1, None),
    }
    assert repr(found) == "ClusterGraph(1 cluster looked at, 3 others, 5 flows)"


def test_the_nodes_and_members_are_those_one_looks_at(graph, named):
    _, _, found = graph
    rows = {row[1]: row[2:] for row in found.nodes.rows()}
    assert rows == {named("A"): (2, True)} | {named(one): (1, False) for one in "CEF"}
    assert found.members["address"].to_list() == sorted(map(named, "AB"))
    assert set(found.members["cluster"]) == {named("A")}


def test_an_input_that_was_not_read_is_a_payer_whom_nobody_knows(small_ledger, named):
    ledger = small_ledger("part: A=600 lost/0 -> C=1000")
    owners = cluster(co_spends(ledger))
    found = flows(owners.graph(ledger, named("A"), "btc-regtest"), named)
    assert found == {("A", "C"): (1, 1, None)}
    found = flows(owners.graph(ledger, named("C"), "btc-regtest"), named)
    assert found == {("A", "C"): (1, 1, None), (None, "C"): (1, 1, None)}


@pytest.fixture
def working():
    before = show_by(Desk(WORKING))
    yield
    show_by(before)


def test_networkx_has_flows_with_whole_amounts(graph, named, working):
    _, _, found = graph
    drawn = found.to_networkx()
    a, b, c, e = (text(named(letter), found.nodes["chain"][0]) for letter in "ABCE")
    (flow,) = drawn.get_edge_data(a, c).values()
    assert (flow["table"], flow["amount"], flow["transactions"]) == ("flows", 1000, "1")
    assert isinstance(flow["amount"], int)
    (unknown,) = drawn.get_edge_data(a, e).values()
    assert "amount" not in unknown
    assert unknown["unknown"] == "1"
    (member,) = drawn.get_edge_data(b, a).values()
    assert member["table"] == "members"


def test_everything_the_looked_at_clusters_moved_is_there(otter_case):
    """Over all flows out of one owner, the known amounts are what its own transactions paid."""
    owners = cluster(co_spends(otter_case.ledger))
    head = owners.sizes()["cluster"][0]
    found = owners.graph(otter_case.ledger, head)
    mine = owners.members(head)
    inputs = otter_case.ledger.inputs.collect()
    alone = (
        inputs.group_by("tx").agg(pl.col("address").is_in(mine).fill_null(False).all().alias("mine"))
        .filter("mine")["tx"]
    )  # fmt: skip
    paid = otter_case.ledger.outputs.filter(pl.col("tx").is_in(alone.implode())).collect()
    out = found.frame.filter(pl.col("source") == head)
    assert int(out["amount"].sum()) == paid["value"].sum()
    assert not paid.is_empty()


def test_what_is_no_address_or_no_ledger_is_refused(graph, named):
    owners, ledger, _ = graph
    with pytest.raises(AddressError):
        owners.graph(ledger, b"short")
    with pytest.raises(ArgumentError, match="ledger is of type DataFrame"):
        owners.graph(owners.frame, named("A"))
