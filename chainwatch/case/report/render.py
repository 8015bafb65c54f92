"""The case report: one document, written as a self-contained web page and as an archivable PDF.

Both forms say the same in the same order and are the same bytes on each run. Every text is data:
in the page it is escaped, in the PDF it reaches the static template as JSON strings, which are
never evaluated; control characters and direction overrides are written out in both.
"""

from __future__ import annotations

import base64
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from chainwatch.case.report.elements import CaseDocument, FigureBlock, Section, TableBlock
from chainwatch.case.report.typeset import (
    LONGEST_CELL,
    LONGEST_PARAGRAPH,
    cut,
    hash_like,
    image_name,
    sections,
    typeset,
)
from chainwatch.errors import CaseError, MissingExtra
from chainwatch.figures.style import font_folder
from chainwatch.results.provenance import canonical_json
from chainwatch.sanitize import visible

PDF_STANDARDS = ("a-2a", "ua-1")
"""For archives (PDF/A-2a) and for screen readers (PDF/UA-1)."""
PDF_TIMESTAMP = 0
"""Creation time of every PDF: no clock enters the document; the case's run.json holds the time."""
IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
LARGEST_IMAGE = 64 * 2**20

__all__ = ["CaseDocument", "FigureBlock", "Section", "TableBlock", "render_html", "render_pdf"]


def render_html(document: CaseDocument, folder: Path | str) -> bytes:
    """Return the report as one web page that loads nothing and runs nothing.

    Parameters
    ----------
    document : CaseDocument
        What is to be said.
    folder : Path or str
        Folder to which the figures' paths are relative.

    Raises
    ------
    CaseError
        If a figure lies outside the folder, is missing or of another type, or a row is too long
        or too short.
    """
    import jinja2

    images = _images(document, Path(folder))
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(text=_paragraph, cell=_cell, hashlike=hash_like)
    template = environment.from_string(_template("report.html"))
    uris = {
        path: f"data:{IMAGE_TYPES[Path(path).suffix]};base64,{base64.b64encode(data).decode()}"
        for path, data in images.items()
    }
    return template.render(case=document, sections=sections(document), uris=uris).encode()


def render_pdf(document: CaseDocument, folder: Path | str) -> bytes:
    """Return the report as PDF/A-2a with tags for screen readers (PDF/UA-1).

    The compiler sees nothing but a temporary folder with the template, the texts as JSON and the
    figures; system typefaces are ignored.

    Raises
    ------
    MissingExtra
        If typst is not installed.
    CaseError
        As `render_html`.
    """
    return bytes(_compile(document, folder, "pdf"))


def _compile(document: CaseDocument, folder: Path | str, form: str) -> Any:
    try:
        import typst
    except ImportError as error:
        raise MissingExtra(
            "typst is not installed", remedy="run: pip install 'chainwatch[report]'"
        ) from error

    images = _images(document, Path(folder))
    with tempfile.TemporaryDirectory(prefix="chainwatch-report-") as name:
        root = Path(name)
        (root / "case.json").write_bytes(canonical_json(typeset(document, images)))
        for number, (path, data) in enumerate(images.items()):
            (root / image_name(number, path)).write_bytes(data)
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]
        )
        compiler: Any = typst.Compiler(
            _template("report.typ").encode(), root=str(root), font_paths=fonts
        )
        options = {"pdf_standards": list(PDF_STANDARDS)} if form == "pdf" else {}
        return compiler.compile(format=form, timestamp=PDF_TIMESTAMP, **options)


@cache
def _template(name: str) -> str:
    return (resources.files("chainwatch.case") / "templates" / name).read_text("utf-8")


def _images(document: CaseDocument, folder: Path) -> dict[str, bytes]:
    """Read all figures; none may lie outside the folder."""
    root, found = folder.resolve(), dict[str, bytes]()
    for section in document.sections:
        for table in section.tables:
            for row in table.rows:
                if len(row) != len(table.columns):
                    raise CaseError(
                        f"a row has {len(row)} cells for {len(table.columns)} columns",
                        where=f"table {table.caption!r}",
                    )
        for figure in section.figures:
            path = (root / figure.path).resolve()
            if not path.is_relative_to(root) or path.suffix not in IMAGE_TYPES:
                raise CaseError(
                    "a figure must be an SVG or PNG file inside the case folder",
                    where=repr(figure.path),
                )
            if not path.is_file() or path.stat().st_size > LARGEST_IMAGE:
                raise CaseError("a figure is missing or too large", where=str(path))
            found[figure.path] = path.read_bytes()
    return found


def _cell(text: str) -> str:
    return visible(cut(text, LONGEST_CELL))


def _paragraph(text: str) -> str:
    return visible(cut(text, LONGEST_PARAGRAPH), keep="\n")
