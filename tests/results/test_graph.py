"""Results as graphs: every amount exact, every name as the edition of the desk shows it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError, OutputExists
from chainwatch.results.graph import Edges, Shown, facts_of_asset, graph_of, graphml_of
from chainwatch.results.table import CHAIN, DIRECTION, TXID, Column, Table
from chainwatch.units import total

MOVED = Table(
    "moved", (), "Movements.",
    (Column.party("source", "from"), Column.party("target", "to"), DIRECTION,
     Column.amount("amount", "how much"), Column.kind("why", "a reason"),
     Column.text("note", "n"), CHAIN, TXID),
)  # fmt: skip
LARGE = 10**37


@pytest.fixture(scope="module")
def followed(otter_case: Any) -> cw.Trace:
    tags = otter_case.tags
    owners = cw.cluster(cw.co_spends(otter_case.ledger), tags=tags)
    vendors = tags.where(concept="vendor").addresses()
    stop = tags.where(concept="service")
    return cw.trace(otter_case.ledger, vendors, policy="fifo", stop=stop, clusters=owners)


def edges(graph: nx.MultiDiGraph, **fits: object) -> list[tuple[str, str, dict[str, Any]]]:
    return [edge for edge in graph.edges(data=True) if fits.items() <= edge[2].items()]


def test_an_edge_is_a_row_and_says_what_it_knows() -> None:
    rows = pl.DataFrame(
        [("a", "b", "out", 5, "paid", "x\u202e", "c", None), ("a", None, "in", None, None, None,
         "c", "id")],
        schema=["source", "target", "direction", "amount", "why", "note", "chain", "txid"],
        orient="row",
    )  # fmt: skip
    asset = Asset(native("eth").chain, b"\x10" + bytes(20), "T\x01K", 1)
    graph = graph_of(
        (Edges("moved", "source", "target", turned="direction"), Edges("moved", "source", "why")),
        {"moved": Shown(rows, MOVED)}, asset, facts_of_asset(asset),
    )  # fmt: skip
    assert dict(graph.nodes(data="kind")) == {
        "a": "party", "b": "party", "no address": "no address", "moved: paid": "moved",
        "moved: not known": "moved",
    }  # fmt: skip
    (row,) = (data for _, end, data in graph.edges(data=True) if end == "b")
    assert row == {
        "table": "moved", "direction": "out", "amount": 5, "amount_coins": "0.5", "why": "paid",
        "note": "x‹U+202E›", "chain": "c",
    }  # fmt: skip
    assert ("no address", "a") in graph.edges(), "what came in goes the other way"
    assert graph.graph == {
        "chain": "eth", "asset": "T‹U+0001›K", "decimals": 1, "unit": "base units",
        "contract": "0x" + "0" * 40,
    }  # fmt: skip


def test_every_unit_of_a_trace_stands_in_its_graph(followed: cw.Trace, working: None) -> None:
    graph = followed.to_networkx()
    for table in ("origins", "steps", "ends"):
        frame = followed.tables()[table].frame
        assert sum(data["amount"] for *_, data in edges(graph, table=table)) == total(
            frame["amount"]
        )
        assert len(edges(graph, table=table)) == frame.height
    assert all(isinstance(data["amount"], int) for *_, data in graph.edges(data=True))
    step = followed.steps.row(0, named=True)
    chain = followed.asset.chain
    (found,) = edges(graph, table="steps", txid=step["txid"][::-1].hex(), n=step["n"],
                     subject=text(step["subject"], chain))  # fmt: skip
    assert found[:2] == (text(step["source"], chain), text(step["target"], chain))
    assert found[2]["amount_coins"] == followed.asset.shown(step["amount"], symbol=False)
    assert (graph.graph["asset"], graph.graph["decimals"]) == ("rBTC", 8)
    assert (graph.graph["edition"], graph.graph["digest"]) == ("working", followed.digest)


def test_a_node_says_why_value_ends_there_and_what_its_edges_bring(
    followed: cw.Trace, working: None
) -> None:
    """The sums and times of a node are those of the rows of the tables that name it."""
    graph, chain = followed.to_networkx(), followed.asset.chain
    for address in followed.ends["address"].drop_nulls().unique():
        ends, node = followed.ends.filter(address=address), graph.nodes[text(address, chain)]
        for name in ("reason", "service", "certainty", "basis", "detail"):
            said = set(ends[name].drop_nulls())
            assert set(filter(None, node.get(name, "").split("; "))) == said
        came = [followed.origins.filter(address=address), followed.steps.filter(target=address)]
        went = [followed.steps.filter(source=address), ends]
        assert node["amount_in"] == sum(total(rows["amount"]) for rows in came)
        assert node["amount_out"] == sum(total(rows["amount"]) for rows in went)
        times = [time for rows in (*came, *went) for time in rows["time"].drop_nulls()]
        assert node["first"] == f"{min(times):%Y-%m-%dT%H:%M:%S}Z"
        assert node["last"] == f"{max(times):%Y-%m-%dT%H:%M:%S}Z"
    assert "service" not in graph.nodes["ends: unspent"]
    assert sum(
        data["amount_in"] for _, data in graph.nodes(data=True) if data["kind"] == "ends"
    ) == followed.amount  # fmt: skip


def test_a_rounded_edge_gives_no_sum_and_no_word(followed: cw.Trace) -> None:
    graph = followed.to_networkx()
    rounded = {end for *ends, data in graph.edges(data=True) if data["rounded"] for end in ends}
    assert rounded
    for name in rounded:
        node = graph.nodes[name]
        for side, edges in (("in", graph.in_edges), ("out", graph.out_edges)):
            if any(data["rounded"] for *_, data in edges(name, data=True)):
                assert f"amount_{side}" not in node
    assert not [data for _, data in graph.nodes(data=True) if "withheld" in data.values()]


def test_a_graph_masks_as_the_desk_masks(followed: cw.Trace, working: None) -> None:
    clear = set(followed.to_networkx())
    cw.set_edition("disclosure")
    graph = followed.to_networkx()
    hidden = {name for name in clear if name not in graph}
    assert hidden
    said = graphml_of(graph).decode()
    assert not [name for name in hidden if name in said]
    ids = {txid[::-1].hex() for txid in followed.steps["txid"]}
    assert not [txid for txid in ids if txid in said]
    assert graph.graph["edition"] == "disclosure"


def test_graphml_reads_back_as_it_was(followed: cw.Trace, working: None, tmp_path: Path) -> None:
    path = tmp_path / "trace.graphml"
    followed.to_graphml(path)
    graph, read = followed.to_networkx(), nx.read_graphml(path, force_multigraph=True)
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert read.graph.items() >= graph.graph.items()
    ours, theirs = (
        sorted((a, b, *sorted(map(str, data.items()))) for a, b, data in one.edges(data=True))
        for one in (graph, read)
    )
    assert ours == theirs
    assert path.read_bytes() == graphml_of(graph)
    with pytest.raises(OutputExists):
        followed.to_graphml(path)


def test_whole_numbers_beyond_63_bits_are_texts_of_digits() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", amount=LARGE)
    graph.add_edge("a", "b", amount=-1)
    read = nx.read_graphml(io.BytesIO(graphml_of(graph)), force_multigraph=True)
    assert sorted(data["amount"] for *_, data in read.edges(data=True)) == ["-1", str(LARGE)]


def test_flows_between_entities_are_a_graph_too(followed: cw.Trace, working: None) -> None:
    graph = cw.figures.flow(followed).to_networkx()
    assert graph.graph["asset"] == "rBTC"
    assert {"label", "role"} == set().union(*(data for _, data in graph.nodes(data=True)))
    assert all("amount_coins" in data for *_, data in graph.edges(data=True))


def test_links_and_clusters_are_graphs(followed: cw.Trace, otter_case: Any, working: None) -> None:
    links = cw.co_spends(otter_case.ledger)
    assert links.to_networkx().number_of_edges() == links.frame.height
    owners = cw.cluster(links)
    parts = list(nx.connected_components(owners.to_networkx().to_undirected()))
    assert sorted(map(len, parts)) == sorted(owners.sizes()["addresses"])


def test_what_has_no_edges_says_what_has(otter_case: Any) -> None:
    with pytest.raises(InputError, match=r"a Tags has no edges .* of a trace"):
        otter_case.tags.to_networkx()
