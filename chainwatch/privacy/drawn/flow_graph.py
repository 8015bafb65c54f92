"""The flows of a figure as a graph: a node per entity, an edge per pair, amounts exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import InputError
from chainwatch.privacy.flows import FLOW_SCHEMA
from chainwatch.results.graph import facts_of_asset
from chainwatch.sanitize import distinct, visible
from chainwatch.units import to_text

if TYPE_CHECKING:
    import networkx as nx


def flow_graph(
    flows: pl.DataFrame, asset: Asset | None = None, facts: Mapping[str, str] | None = None
) -> nx.MultiDiGraph:
    """Return flows, as an edition shows them, as a graph of networkx.

    Parameters
    ----------
    flows : polars.DataFrame
        See `chainwatch.privacy.flows.FLOW_SCHEMA`; rows in whatever order.
    asset : Asset, optional
        What the amounts are of; it stands in the graph as a whole, and amounts in coins at edges.
    facts : mapping, optional
        What else is said of the graph.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes have ``label`` and ``role``, edges the columns of their row but for what is not
        known. Names that become equal when they are made harmless are numbered.

    Raises
    ------
    InputError
        If a column is missing.
    """
    import networkx as nx

    missing = [name for name in FLOW_SCHEMA if name not in flows.columns]
    if missing:
        raise InputError(f"a flow frame lacks the columns {', '.join(missing)}")
    columns = list(FLOW_SCHEMA)
    rows = flows.select(columns).sort(columns, nulls_last=True).to_dicts()
    graph = nx.MultiDiGraph(**(facts or {}), **facts_of_asset(asset))
    ends = {row[end]: (row, end) for row in reversed(rows) for end in ("target", "source")}
    names = distinct(ends)
    for name in sorted(ends):
        row, end = ends[name]
        label, role = row[f"{end}_label"] or name, row[f"{end}_role"]
        graph.add_node(names[name], label=visible(label), role=visible(role))
    for number, row in enumerate(rows):
        source, target = names[row["source"]], names[row["target"]]
        graph.add_edge(source, target, number, **_edge(row, asset))
    return graph


def _edge(row: dict[str, Any], asset: Asset | None) -> dict[str, Any]:
    """Return the attributes of an edge; what is unknown is left out."""
    amount = None if row["amount"] is None else int(row["amount"])
    told = asset is not None and amount is not None
    values = {
        "amount": amount,
        "amount_coins": to_text(amount, asset.decimals) if asset and told else None,
        "coarse": row["coarse"],
        "count": row["count"],
        "first": row["first"].isoformat().replace("+00:00", "Z") if row["first"] else None,
        "last": row["last"].isoformat().replace("+00:00", "Z") if row["last"] else None,
    }
    return {name: value for name, value in values.items() if value is not None}
