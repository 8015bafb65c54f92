"""GEXF is read back by networkx: the nodes, edges and sums of the case, and no day of writing."""

from __future__ import annotations

import io
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
from lxml import etree
from worded_case import Words, worded_case

import chainwatch as cw
from chainwatch.case.exports.gexf import gexf_bytes
from chainwatch.case.exports.graphml import graphml_bytes
from chainwatch.units import AMOUNT

NAMES = {"g": "http://www.gexf.net/1.2draft"}
LARGEST = 10**38 - 1


@pytest.fixture(scope="module")
def case() -> cw.Case:
    return worded_case(Words())


@pytest.fixture(params=["disclosure", "working"])
def drawn(case: cw.Case, request: pytest.FixtureRequest) -> tuple[str, pl.DataFrame]:
    (one,) = case.view(request.param).drawn
    return request.param, one.flows


def read(flows: pl.DataFrame) -> nx.MultiDiGraph:
    return nx.read_gexf(io.BytesIO(gexf_bytes(flows)), version="1.2draft")


def test_nodes_edges_and_sums_are_those_of_the_case(drawn: tuple[str, pl.DataFrame]) -> None:
    _, flows = drawn
    graph = read(flows)
    assert set(graph) == {*flows["source"], *flows["target"]}
    found = {(a, b): data["amount"] for a, b, data in graph.edges(data=True)}
    assert found == {
        (source, target): int(amount)
        for source, target, amount in flows.select("source", "target", "amount").iter_rows()
    }
    assert sum(found.values()) == sum(map(int, flows["amount"])) > 0


def test_it_says_what_the_graphml_file_says(drawn: tuple[str, pl.DataFrame]) -> None:
    _, flows = drawn
    other = nx.read_graphml(io.BytesIO(graphml_bytes(flows)))
    graph = read(flows)
    for node, data in other.nodes(data=True):
        assert graph.nodes[node]["label"] == data["label"]
        assert graph.nodes[node]["role"] == data["role"]
    for source, target, data in other.edges(data=True):
        data.pop("id", None)
        assert data.items() <= graph.edges[source, target].items()


def test_times_are_told_where_the_edition_tells_them(drawn: tuple[str, pl.DataFrame]) -> None:
    edition, flows = drawn
    root = etree.fromstring(gexf_bytes(flows))
    graph = root.find("g:graph", NAMES)
    spans = {(one.get("start"), one.get("end")) for one in root.iterfind(".//g:edge", NAMES)}
    if edition == "disclosure":
        assert graph.get("mode") == "static"
        assert spans == {(None, None)}
    else:
        assert (graph.get("mode"), graph.get("timeformat")) == ("dynamic", "date")
        assert ("2023-06-01T00:13:00Z", "2023-06-01T00:13:00Z") in spans
        kelp = root.find(".//g:node[@label='Kelp (vendor)']", NAMES)
        assert kelp.get("start") < kelp.get("end")


def test_the_file_says_what_its_amounts_are_of(case: cw.Case) -> None:
    (one,) = case.view("disclosure").drawn
    root = etree.fromstring(gexf_bytes(one.flows, one.asset, "5 USDT are not among them."))
    meta = root.find("g:meta", NAMES)
    assert meta.attrib == {}
    told = meta.findtext("g:description", namespaces=NAMES)
    for said in (
        "asset: USDT",
        "decimals: 6",
        "chain: eth",
        "left_out: 5 USDT are not among them.",
    ):
        assert said in told
    types = {one.get("title"): one.get("type") for one in root.iterfind(".//g:attribute", NAMES)}
    assert types["amount"] == "long"
    assert not {"float", "double"} & set(types.values())
    assert "networkx_key" not in types


def test_amounts_beyond_63_bits_are_digits_and_the_unknown_is_left_out(case: cw.Case) -> None:
    (one,) = case.view("working").drawn
    amounts = pl.Series("amount", [LARGEST, None, *[5] * (one.flows.height - 2)], dtype=AMOUNT)
    found = [
        data.get("amount") for *_, data in read(one.flows.with_columns(amounts)).edges(data=True)
    ]
    assert sorted(filter(None, found)) == sorted([str(LARGEST), *["5"] * (one.flows.height - 2)])
    assert found.count(None) == 1


def test_parallel_flows_stay_two(case: cw.Case) -> None:
    (one,) = case.view("working").drawn
    twice = pl.concat([one.flows, one.flows])
    graph = read(twice)
    assert graph.number_of_edges() == twice.height


def test_the_order_of_rows_changes_no_byte(case: cw.Case) -> None:
    (one,) = case.view("working").drawn
    assert gexf_bytes(one.flows) == gexf_bytes(one.flows.reverse())


def test_a_case_is_written_with_it(case: cw.Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path / "out", exports=["gexf"])
    data = (folder / "graph" / "flow.gexf").read_bytes()
    (one,) = case.view("disclosure").drawn
    assert data == gexf_bytes(one.flows, one.asset, one.drawing.left_out)
    cw.verify(folder)
