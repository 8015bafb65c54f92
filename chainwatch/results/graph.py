"""Results as graphs: a node per party, an edge per row, amounts exact, masked as the desk masks.

Whoever computes with a graph needs whole numbers and sees texts: an amount is an integer in base
units, and again a decimal text in coins; nothing is ever a float. Where value comes in and for
which reason it ends are nodes too, so that over the whole graph what begins and what ends add up.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.results.table import Privacy, Table
from chainwatch.sanitize import visible
from chainwatch.units import to_text

if TYPE_CHECKING:
    import networkx as nx

LARGEST_LONG = 2**63 - 1
"""Largest whole number that GraphML has a type for; beyond it a number is a text of digits."""

NO_ADDRESS = "no address"
"""The node of what has no address: fees, and scripts that none can be read of."""

NOT_SHOWN = "masked"
"""The node of the end of an edge between two chains whose row the edition leaves out."""


SEVERAL = "; "
"""Stands between the words of several rows on one party."""


class Edges(NamedTuple):
    """The table of a result whose rows are edges, and the columns that name their two ends.

    A column that holds no parties, such as the reason for which value ends, names a node of its
    own: ``ends: unspent``. Where a row says *in* in the column ``turned``, it goes the other way.
    Rows with one number in the column ``across`` are one edge between two chains: each names one
    end of it, and the chain of that end. What the columns ``said`` hold is said of the party at the
    source as well, such as the service at which value ends.
    """

    table: str
    source: str
    target: str
    turned: str = ""
    across: str = ""
    said: tuple[str, ...] = ()


class Shown(NamedTuple):
    """A table as the edition of the desk shows it, and its declaration."""

    frame: pl.DataFrame
    table: Table


def graph_of(
    edges: tuple[Edges, ...], shown: Mapping[str, Shown], asset: Asset | None,
    facts: Mapping[str, str | int],
) -> nx.MultiDiGraph:  # fmt: skip
    """Return a directed graph with an edge for each row.

    Parameters
    ----------
    edges : tuple of Edges
        Which tables, and which of their columns.
    shown : mapping
        The tables as they may be shown, by name.
    asset : Asset or None
        What the amounts are of.
    facts : mapping
        What is said of the graph as a whole.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are texts; ``kind`` is *party*, or the table that they stand for. Where the rows are
        of several chains, a party is named with its chain: ``btc:1Boat…``. Edges have ``table`` and
        the columns of their row but for what is not known. Nodes at edges with times and amounts
        have the ``first`` and ``last`` of the times, and what their edges bring and take,
        ``amount_in`` and ``amount_out``; a sum of which a part is rounded or unknown is left out.
    """
    import networkx as nx

    graph = nx.MultiDiGraph(**facts)
    chains = {one for frame, _ in shown.values() if "chain" in frame.columns
              for one in frame["chain"].drop_nulls().unique()}  # fmt: skip
    for one in edges:
        frame, table = shown[one.table]
        rows = frame.sort(frame.columns, nulls_last=True).iter_rows(named=True)
        halves: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
        for place, row in enumerate(rows):
            if (number := row.get(one.across)) is not None:
                # A number that the edition rounded finds no other half.
                alone = place + 1 if row.get("rounded") else 0
                halves.setdefault((int(number), alone), []).append(row)
                continue
            ends = [
                _node(graph, row, column, table, several=len(chains) > 1)
                for column in (one.source, one.target)
            ]
            values = dict(_values(row, table, asset, {one.source, one.target}))
            ends = ends[::-1] if row.get(one.turned) == "in" else ends
            graph.add_edge(*ends, table=one.table, **values)
            _say(graph.nodes[ends[0]], row, one.said)
        for pair in halves.values():
            _join(graph, pair, one, table)
    for node, said in graph.nodes(data=True):
        sides = (
            [edge for *_, edge in graph.in_edges(node, data=True)],
            [edge for *_, edge in graph.out_edges(node, data=True)],
        )
        said.update(_summed(*sides))
    return graph


def _say(node: dict[str, Any], row: Mapping[str, Any], columns: tuple[str, ...]) -> None:
    """Add what a row says of a party to its node: all that several rows say, once each.

    A row that the edition rounds or adds up says nothing of a single party.
    """
    if node["kind"] != "party" or row.get("rounded") or row.get("summed"):
        return
    for name in columns:
        if row.get(name) is not None:
            said = {visible(str(row[name])), *node.get(name, "").split(SEVERAL)} - {""}
            node[name] = SEVERAL.join(sorted(said))


def _summed(into: list[dict[str, Any]], out: list[dict[str, Any]]) -> dict[str, int | str]:
    """Return the first and last time of the edges of a node, and the sums of each side."""
    told: dict[str, int | str] = {}
    times = sorted(edge["time"] for edge in (*into, *out) if "time" in edge)
    if times:
        told |= {"first": times[0], "last": times[-1]}
    for name, edges in (("amount_in", into), ("amount_out", out)):
        if any("amount" in edge for edge in edges) and not any(
            "amount" not in edge or edge.get("rounded") for edge in edges
        ):
            told[name] = sum(edge["amount"] for edge in edges)
    return told


def _join(graph: nx.MultiDiGraph, pair: list[Mapping[str, Any]], one: Edges, table: Table) -> None:
    """Add the one edge of two rows, each of which names one end of it, on its own chain."""
    known = {
        column: row
        for row in pair
        for column in (one.source, one.target)
        if row[column] is not None
    }
    if len(known) == 1:
        graph.add_node(NOT_SHOWN, kind="party")
    ends = [
        _node(graph, known[column], column, table, several=True) if column in known else NOT_SHOWN
        for column in (one.source, one.target)
    ]
    first = known.get(one.source) or known[one.target]
    values = dict(_values(first, table, None, {one.source, one.target, one.across}))
    graph.add_edge(*ends, table=one.table, **values)


def facts_of_asset(asset: Asset | None) -> dict[str, str | int]:
    """Return what must be known to read the amounts of a graph."""
    if asset is None:
        return {}
    facts: dict[str, str | int] = {
        "chain": chain_of(asset.chain).alias,
        "asset": visible(asset.symbol),
        "decimals": asset.decimals,
        "unit": "base units",
    }
    return facts | ({"contract": text(asset.contract, asset.chain)} if asset.contract else {})


def graphml_of(graph: nx.MultiDiGraph) -> bytes:
    """Return a graph as GraphML, the same bytes for the same graph.

    Characters that XML has no place for are written as ``‹U+0001›``.
    """
    import networkx as nx

    buffer = io.BytesIO()
    nx.write_graphml_xml(within_long(graph), buffer)
    return buffer.getvalue()


def within_long(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    """Return a graph that files of graphs have types for, its nodes sorted and its edges numbered.

    GraphML and GEXF have no whole numbers beyond 63 bits: an attribute that holds one is a text of
    digits everywhere, for a program reads one type for each.
    """
    import networkx as nx

    wide = {
        name
        for *_, data in (*graph.edges(data=True), *graph.nodes(data=True))
        for name, value in data.items()
        if isinstance(value, int) and abs(value) > LARGEST_LONG
    }

    def told(data: Mapping[str, Any]) -> dict[str, Any]:
        return {name: str(value) if name in wide else value for name, value in data.items()}

    plain = nx.MultiDiGraph(**graph.graph)
    for node, data in sorted(graph.nodes(data=True)):
        plain.add_node(node, **told(data))
    for number, (source, target, data) in enumerate(graph.edges(data=True)):
        plain.add_edge(source, target, number, **told(data))
    return plain


def _node(
    graph: nx.MultiDiGraph, row: Mapping[str, Any], column: str, table: Table, *, several: bool
) -> str:
    """Return the node that a cell names, with its chain among several; see that it is there."""
    value = row[column]
    if table[column].privacy is Privacy.PARTY:
        name, kind = (NO_ADDRESS, "no address") if value is None else (str(value), "party")
        if several and value is not None:
            name = f"{chain_of(row['chain']).alias}:{name}"
    else:
        name, kind = f"{table.name}: {visible(value or 'not known')}", table.name
    graph.add_node(name, kind=kind)
    if value is not None and kind == "party" and value == row.get("subject"):
        graph.nodes[name]["subject"] = True
    return name


def _values(
    row: Mapping[str, Any], table: Table, asset: Asset | None, ends: set[str]
) -> Iterator[tuple[str, str | int | bool]]:
    """Yield the attributes of an edge; a column that the edition adds is told as it is."""
    declared = {column.name: column.privacy for column in table.columns}
    for name, value in row.items():
        if value is None or name in ends:
            continue
        if declared.get(name) is Privacy.AMOUNT:
            yield name, int(value)
            places = asset.decimals if asset is not None else None
            if places is not None:
                yield f"{name}_coins", to_text(int(value), places)
        elif isinstance(value, (bool, int)):
            yield name, value
        elif isinstance(value, Decimal):
            yield name, int(value) if value == value.to_integral_value() else str(value)
        else:
            yield name, visible(value) if isinstance(value, str) else str(value)
