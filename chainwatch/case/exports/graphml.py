"""Flows as GraphML for graph programs: a node per party, an edge per flow, amounts exact.

An amount is a ``long`` where all of them fit into 63 bits, otherwise a text of digits: never a
float. Characters that XML 1.0 has no place for, and those that act on their neighbours, are
written as ``‹U+0001›``; names that become equal by that are numbered.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.atomic import write_new
from chainwatch.case.exports.tables import ManifestRow, distinct
from chainwatch.errors import InputError
from chainwatch.figures.selection import FLOW_COLUMNS
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.provenance import digest_frame
from chainwatch.sanitize import visible

LARGEST_LONG = 2**63 - 1


def export_graphml(view: MaskedView, folder: Path) -> None:
    """Write the flows behind every figure of a case into ``graph/``."""
    for one in view.drawn:
        (folder / "graph").mkdir(exist_ok=True)
        write_graphml(one.flows, folder / "graph" / f"{one.stem}.graphml")


def write_graphml(flows: pl.DataFrame, path: Path | str) -> list[ManifestRow]:
    """Write a flow frame as GraphML.

    Parameters
    ----------
    flows : polars.DataFrame
        See `chainwatch.figures.selection.FLOW_COLUMNS`.
    path : Path or str
        The new file.

    Returns
    -------
    list of ManifestRow
        One row.

    Raises
    ------
    InputError
        If a column is missing.
    OutputExists
        If the file exists already.
    """
    path = Path(path)
    data = graphml_bytes(flows)
    sha256 = write_new(path, data)
    content = digest_frame(flows, ("source", "target"))
    return [ManifestRow(path.name, "graphml", flows.height, len(data), sha256, content)]


def graphml_bytes(flows: pl.DataFrame) -> bytes:
    """Return a flow frame as GraphML, the same bytes for the same rows in whatever order."""
    import networkx as nx

    missing = [name for name in FLOW_COLUMNS if name not in flows.columns]
    if missing:
        raise InputError(f"a flow frame lacks the columns {', '.join(missing)}")
    columns = list(FLOW_COLUMNS)
    rows = flows.select(columns).sort(columns, nulls_last=True).to_dicts()
    wide = any(row["amount"] is not None and row["amount"] > LARGEST_LONG for row in rows)
    graph = nx.MultiDiGraph()
    ends = {row[end]: (row, end) for row in reversed(rows) for end in ("target", "source")}
    names = distinct(ends)
    for name in sorted(ends):
        row, end = ends[name]
        label, role = row[f"{end}_label"] or name, row[f"{end}_role"]
        graph.add_node(names[name], label=visible(label), role=visible(role))
    for number, row in enumerate(rows):
        graph.add_edge(names[row["source"]], names[row["target"]], number, **_edge(row, wide))
    buffer = io.BytesIO()
    nx.write_graphml_xml(graph, buffer)
    return buffer.getvalue()


def _edge(row: dict[str, Any], wide: bool) -> dict[str, Any]:
    """Return the attributes of an edge; GraphML has no null, so what is unknown is left out."""
    amount = None if row["amount"] is None else int(row["amount"])
    values = {
        "amount": str(amount) if wide and amount is not None else amount,
        "coarse": row["coarse"],
        "count": row["count"],
        "first": row["first"].isoformat().replace("+00:00", "Z") if row["first"] else None,
        "last": row["last"].isoformat().replace("+00:00", "Z") if row["last"] else None,
    }
    return {name: value for name, value in values.items() if value is not None}
