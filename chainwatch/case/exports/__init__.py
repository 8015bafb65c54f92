"""Every format in which results leave the desk: one file each, all listed in `EXPORTS`.

An export writes new files and never over old ones, the same bytes on each run, and returns a row
per file for the manifest of the case. It gets what its edition shows already and masks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainwatch.case.exports.graphml import write_graphml
from chainwatch.case.exports.tables import ManifestRow, write_tables


@dataclass(frozen=True)
class Export:
    """A format.

    Attributes
    ----------
    takes : str
        ``"tables"``: frames by name and a folder; ``"flows"``: a flow frame and a path.
    suffixes : tuple of str
        Suffixes of the files it writes.
    reads : str
        What opens them.
    write : callable
        ``write(tables, folder)`` or ``write(flows, path)``; returns manifest rows.
    """

    takes: str
    suffixes: tuple[str, ...]
    reads: str
    write: Callable[..., list[ManifestRow]]


EXPORTS: Mapping[str, Export] = {
    "graphml": Export("flows", (".graphml",), "Gephi, yEd, Cytoscape, networkx", write_graphml),
    "tables": Export("tables", (".csv", ".parquet"), "spreadsheets, dataframes", write_tables),
}
"""Every export format by name."""


def write_exports(takes: str, rows: Any, place: Path) -> None:
    """Write what one kind of export takes in every format of that kind.

    Parameters
    ----------
    takes : str
        ``"tables"`` or ``"flows"``.
    rows : mapping of frames, or frame
        What is written, as its edition shows it.
    place : Path
        The folder of tables; of flows the path without its suffix.
    """
    for export in EXPORTS.values():
        if export.takes == takes:
            whole = takes == "tables"
            export.write(rows, place if whole else place.with_name(place.name + export.suffixes[0]))


__all__ = ["EXPORTS", "Export", "ManifestRow", "write_exports", "write_graphml", "write_tables"]
