"""Flows as GraphML for graph programs: a node per party, an edge per flow, amounts exact.

The graph says what its amounts are of: ``asset``, ``decimals``, ``chain``, and in ``left_out``
what moved and is not among its edges. An amount is a ``long``
in base units where all of them fit into 63 bits, otherwise a text of digits: never a float.
Characters that XML 1.0 has no place for, and those that act on their neighbours, are written as
``‹U+0001›``; names that become equal by that are numbered.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.graphs import write_graphs
from chainwatch.case.exports.tables import ManifestRow
from chainwatch.privacy.drawn.flow_graph import flow_graph
from chainwatch.results.graph import graphml_of
from chainwatch.results.provenance import digest_frame


def export_graphml(case: ShownCase, folder: Path) -> None:
    """Write the flows behind every figure of a case into ``graph/``; one of sums alone has none."""
    write_graphs(case, folder, "graphml", graphml_bytes)


def write_graphml(
    flows: pl.DataFrame, path: Path | str, asset: Asset | None = None, *, left_out: str = "",
    replace: bool = False,
) -> list[ManifestRow]:  # fmt: skip
    """Write a flow frame as GraphML.

    Parameters
    ----------
    flows : polars.DataFrame
        See `chainwatch.figures.selection.FLOW_COLUMNS`.
    path : Path or str
        The new file.
    asset : Asset, optional
        What the amounts are of.
    left_out : str
        What moved and is not among the flows, in a sentence that stands in the graph as a whole.
    replace : bool
        Put it in the place of a file of that name.

    Returns
    -------
    list of ManifestRow
        One row.

    Raises
    ------
    InputError
        If a column is missing.
    OutputExists
        If the file exists and may not be replaced.
    """
    path = Path(path)
    data = graphml_bytes(flows, asset, left_out)
    sha256 = write_new(path, data, replace=replace)
    content = digest_frame(flows, ("source", "target"))
    return [ManifestRow(path.name, "graphml", flows.height, len(data), sha256, content)]


def graphml_bytes(flows: pl.DataFrame, asset: Asset | None = None, left_out: str = "") -> bytes:
    """Return a flow frame as GraphML, the same bytes for the same rows in whatever order."""
    return graphml_of(flow_graph(flows, asset, {"left_out": left_out} if left_out else None))
