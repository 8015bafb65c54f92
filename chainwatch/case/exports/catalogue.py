"""Every format in which results leave the desk: a line each, with its writer and what opens it.

A writer gets the masked view of a case and its folder; it writes new files and never over old
ones, the same bytes on each run. It masks nothing: the view shows what its edition may show.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from chainwatch.errors import CaseError
from chainwatch.privacy.masked_view import MaskedView

Writer = Callable[[MaskedView, Path], None]


@dataclass(frozen=True)
class Export:
    """A format.

    Attributes
    ----------
    name : str
        What the manifest calls it.
    target : str or callable
        ``module:function`` of its writer, loaded on use, or the writer itself.
    reads : str
        What opens its files.
    """

    name: str
    target: str | Writer
    reads: str

    def writer(self) -> Writer:
        """Return what writes it."""
        if not isinstance(self.target, str):
            return self.target
        module, _, function = self.target.partition(":")
        found: Writer = getattr(import_module(module), function)
        return found


EXPORTS: tuple[Export, ...] = (
    Export(
        "graphml",
        "chainwatch.case.exports.graphml:export_graphml",
        "Gephi, yEd, Cytoscape, networkx",
    ),
    Export("tables", "chainwatch.case.exports.tables:export_tables", "spreadsheets, dataframes"),
)
"""Those that chainwatch brings, written out, by name."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _place(line: Export) -> str:
    """Return where a line leads; a notebook's cell that runs again leads to the same place."""
    if isinstance(line.target, str):
        return line.target
    return f"{line.target.__module__}:{line.target.__qualname__}"


_known: list[Export] = list(EXPORTS)


def register(name: str, target: str | Writer, reads: str) -> None:
    """Let every case be written in one more format.

    Parameters
    ----------
    name : str
        What the manifest calls it.
    target : str or callable
        ``module:function``, or a function of the masked view and the folder of the case.
    reads : str
        What opens its files.

    Raises
    ------
    CaseError
        If another format has the name, or the name or what reads it is none.
    """
    made = Export(name, target, reads)
    if not _NAME.fullmatch(name) or not reads.strip():
        raise CaseError(
            f"{name!r} is no name of an export, or nothing says what it is",
            remedy="write small letters, digits and -, and a sentence",
        )
    same = [one for one in _known if one.name == name]
    if same and _place(same[0]) != _place(made):
        raise CaseError(f"there is an export {name!r} already", remedy="give it another name")
    _known[:] = [*(one for one in _known if one.name != name), made]


def export_names() -> list[str]:
    """Return the names of all formats, sorted."""
    return sorted(export.name for export in _known)


def write_exports(view: MaskedView, folder: Path) -> None:
    """Write a case, as an edition shows it, in every format."""
    for export in _known:
        export.writer()(view, folder)
