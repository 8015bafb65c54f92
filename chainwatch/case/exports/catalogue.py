"""Every format in which results leave the desk: a line each, with its writer and what opens it.

A writer gets the masked view of a case and its folder; it writes new files and never over old
ones, the same bytes on each run. It masks nothing: the view shows what its edition may show.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chainwatch.case.registry import Line, Registry
from chainwatch.privacy.masked_view import MaskedView

Writer = Callable[[MaskedView, Path], None]

EXPORTS: tuple[Line, ...] = (
    Line(
        "graphml",
        "chainwatch.case.exports.graphml:export_graphml",
        "Flows for Gephi, yEd, Cytoscape, networkx.",
    ),
    Line(
        "tables",
        "chainwatch.case.exports.tables:export_tables",
        "Tables for spreadsheets (CSV) and dataframes (Parquet).",
    ),
)
"""Those that chainwatch brings, written out, by name."""

registry = Registry("an export", EXPORTS)


def register(name: str, target: str | Writer, sentence: str) -> None:
    """Let every case be written in one more format.

    Parameters
    ----------
    name : str
        What the manifest calls it.
    target : str or callable
        ``module:function``, or a function of the masked view and the folder of the case.
    sentence : str
        What opens its files.

    Raises
    ------
    CaseError
        If another format has the name, or name or sentence are none.
    """
    registry.register(name, target, sentence)


def write_exports(view: MaskedView, folder: Path) -> None:
    """Write a case, as an edition shows it, in every format."""
    for line in registry.lines:
        line.load()(view, folder)
