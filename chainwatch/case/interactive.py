"""The pages to move about in of a case: one for each figure of flows, in each edition."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chainwatch.errors import MissingExtra
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.figures.interactive_page.view import InteractiveFigure
from chainwatch.ledger.lookup.basis import Basis
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.result import Result

STEM = "interactive"


def write_pages(results: Iterable[Result], basis: Basis, view: MaskedView, folder: Path) -> None:
    """Write ``interactive.html``, and further ones numbered; where bokeh is absent, say so.

    Parameters
    ----------
    results : iterable of Result
        All of the case.
    basis : Basis
        When its data was acquired, and up to when it was read.
    view : MaskedView
        The edition.
    folder : Path
        Where they go.
    """
    for number, figure in enumerate(_figures(results, basis), 1):
        stem = STEM if number == 1 else f"{STEM}_{number}"
        try:
            page = figure.shown(view.edition, view.text.text).said(view.text).html()
        except MissingExtra as missing:  # the report and its figures show it too, standing still
            (folder / f"{STEM}.html.missing.txt").write_text(f"{missing}\n", encoding="utf-8")
            return
        (folder / f"{stem}.html").write_text(page, encoding="utf-8")


def _figures(results: Iterable[Result], basis: Basis) -> list[InteractiveFigure]:
    """Return a page for each figure of flows, and those that were added as such."""
    found: dict[str, InteractiveFigure] = {}
    for result in results:
        if isinstance(result, FlowFigure):
            title = " ".join(part for part in (result.title, result.name) if part)
            made = InteractiveFigure(
                result.trace, result.clusters, result.tags, title, basis.facts()
            )
            found.setdefault(made.digest, made)
        elif isinstance(result, InteractiveFigure):
            found.setdefault(result.digest, result)
    return list(found.values())
