"""Flows as GEXF 1.2 for Gephi and its kin: a node per party, an edge per flow, amounts exact.

The nodes, edges and attributes are those of the GraphML file beside it; what the amounts are of and
what is left out stands in the ``description`` of the file. An amount is a ``long`` in base units
where all of them fit into 63 bits, otherwise a text of digits. There is no ``weight``: in GEXF that
is a float. Where the edition tells times, a node and an edge have a ``start`` and an ``end``, by
which Gephi draws a time line; the format of time is called ``date``, which both Gephi and networkx
read with the hour in it.

References
----------
GEXF Working Group, *GEXF 1.2draft Primer*, 2012.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.graphs import write_graphs
from chainwatch.privacy.drawn.flow_graph import flow_graph
from chainwatch.results.graph import within_long
from chainwatch.sanitize import visible

if TYPE_CHECKING:
    import networkx as nx

VERSION = "1.2draft"
"""The version that Gephi, Sigma and networkx all read."""


def export_gexf(case: ShownCase, folder: Path) -> None:
    """Write the flows behind every figure of a case into ``graph/``; one of sums alone has none."""
    write_graphs(case, folder, "gexf", gexf_bytes)


def gexf_bytes(flows: pl.DataFrame, asset: Asset | None = None, left_out: str = "") -> bytes:
    """Return a flow frame as GEXF, the same bytes for the same rows in whatever order.

    Parameters
    ----------
    flows : polars.DataFrame
        See `chainwatch.figures.selection.FLOW_COLUMNS`.
    asset : Asset, optional
        What the amounts are of.
    left_out : str
        What moved and is not among the flows, in a sentence.

    Raises
    ------
    InputError
        If a column is missing.
    """
    return gexf_of(flow_graph(flows, asset, {"left_out": left_out} if left_out else None))


def gexf_of(graph: nx.MultiDiGraph) -> bytes:
    """Return a graph as GEXF, the same bytes for the same graph: networkx stamps the day."""
    from networkx.readwrite.gexf import GEXFWriter

    writer = GEXFWriter(encoding="utf-8", prettyprint=True, version=VERSION)
    writer.add_graph(_with_times(within_long(graph)))
    _single_number(writer.graph_element)
    meta = writer.xml.find("meta")
    del meta.attrib["lastmodifieddate"]
    meta.find("creator").text = "chainwatch"
    told = sorted(graph.graph.items())
    SubElement(meta, "description").text = "; ".join(
        f"{name}: {visible(str(value))}" for name, value in told
    )
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _single_number(graph: Element) -> None:
    """Leave out networkx's second number of every edge."""
    for listed in graph.findall("attributes[@class='edge']"):
        for attribute in listed.findall("attribute[@title='networkx_key']"):
            listed.remove(attribute)
            place = attribute.get("id")
            for values in graph.iterfind("edges/edge/attvalues"):
                for value in values.findall(f"attvalue[@for='{place}']"):
                    values.remove(value)


def _with_times(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Give edges the span between their first and last time, and nodes that of their edges."""
    spans: dict[str, list[str]] = {}
    for source, target, data in graph.edges(data=True):
        span = _span(data)
        if span:
            data["start"], data["end"] = span
            for node in (source, target):
                spans.setdefault(node, []).extend(span)
    for node, times in spans.items():
        graph.nodes[node]["start"], graph.nodes[node]["end"] = min(times), max(times)
    return graph


def _span(data: dict[str, Any]) -> tuple[str, str] | None:
    first, last = data.get("first"), data.get("last")
    return (str(first), str(last or first)) if first else None
