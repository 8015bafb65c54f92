"""The case report: one document, written as a self-contained web page and as an archivable PDF.

Both forms say the same in the same order and are the same bytes on each run. Every text is data:
in the page it is escaped, in the PDF it reaches the static template as JSON strings, which are
never evaluated; control characters and direction overrides are written out in both, and names that
run from right to left are set apart, so that they move nothing that stands beside them.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from chainwatch.case.report.columns import hash_like, one_piece
from chainwatch.case.report.elements import CaseDocument, FigureBlock, Section, TableBlock
from chainwatch.case.report.embedded import MIME
from chainwatch.case.report.exhibits import listed
from chainwatch.case.report.strength import NO_PERCENTAGES
from chainwatch.case.report.typeset import (
    LONGEST_CELL,
    LONGEST_PARAGRAPH,
    cut,
    image_name,
    sections,
    typeset,
)
from chainwatch.errors import CaseError, extra
from chainwatch.figures.typefaces import folders
from chainwatch.results.provenance import canonical_json
from chainwatch.sanitize import direction, firm, passages, visible

ARCHIVE, SPOKEN = "a-3a", "ua-1"
"""Standards of a PDF: for archives, with data (PDF/A-3a), and for screen readers (PDF/UA-1)."""
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
    names = document.names
    environment.filters.update(
        plain=_plain,
        text=lambda text: _paragraph(cut(text, LONGEST_PARAGRAPH), names),
        heading=lambda text: _paragraph(cut(text, LONGEST_CELL), names),
        cell=lambda text: _marked(cut(text, LONGEST_CELL), names),
        fact=lambda text: _marked(cut(text, LONGEST_PARAGRAPH), names, "\n"),
        dir=lambda text: direction(text, names),
        hashlike=hash_like,
        whole=one_piece,
    )
    template = environment.from_string(_template("report.html"))
    uris = {
        path: f"data:{IMAGE_TYPES[Path(path).suffix]};base64,{base64.b64encode(data).decode()}"
        for path, data in images.items()
    }
    carried = _carried(document, Path(folder))
    data = {path: _uri(path, content) for path, content in carried.items()}
    return template.render(
        case=document, sections=sections(document), uris=uris, data=data,
        exhibits=listed(document.sections), scale=NO_PERCENTAGES,
    ).encode()  # fmt: skip


def _uri(path: str, data: bytes) -> str:
    return f"data:{MIME[Path(path).suffix]};base64,{base64.b64encode(data).decode()}"


def render_pdf(document: CaseDocument, folder: Path | str) -> bytes:
    """Return the report as PDF/A-3a with tags for screen readers (PDF/UA-1) and its data within.

    Its date is that on which the data was acquired: no clock enters the document. An archive's PDF
    must bear a date, so that without one it is PDF/UA-1 alone.

    The compiler sees nothing but a temporary folder with the template, the texts as JSON, the
    figures and the data that is carried; system typefaces are ignored.

    Raises
    ------
    MissingExtra
        If typst is not installed.
    CaseError
        As `render_html`.
    """
    return bytes(_compile(document, folder, "pdf"))


def _compile(document: CaseDocument, folder: Path | str, form: str) -> Any:
    with extra("report", "typst"):
        import typst

    images = _images(document, Path(folder))
    with tempfile.TemporaryDirectory(prefix="chainwatch-report-") as name:
        root = Path(name)
        (root / "case.json").write_bytes(canonical_json(typeset(document, images)))
        for number, (path, data) in enumerate(images.items()):
            (root / image_name(number, path)).write_bytes(data)
        for path, data in _carried(document, Path(folder)).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=folders()
        )
        compiler: Any = typst.Compiler(
            _template("report.typ").encode(), root=str(root), font_paths=fonts
        )
        standards = [SPOKEN] if document.dated is None else [ARCHIVE, SPOKEN]
        options = {"pdf_standards": standards} if form == "pdf" else {}
        return compiler.compile(format=form, **options)


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


def _carried(document: CaseDocument, folder: Path) -> dict[str, bytes]:
    """Read the files that the document carries; none may lie outside the folder."""
    root, found = folder.resolve(), dict[str, bytes]()
    for one in document.embedded:
        path = (root / one.path).resolve()
        if not path.is_relative_to(root) or path.suffix not in MIME or not path.is_file():
            raise CaseError("a file to be carried lies not in the case folder", where=one.path)
        found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _plain(text: str) -> str:
    return visible(cut(text, LONGEST_PARAGRAPH))


def _marked(text: str, names: Sequence[str], keep: str = "") -> Any:
    """Return a text as HTML in which what runs from right to left is isolated."""
    from markupsafe import Markup, escape

    bdi = Markup("<bdi>{}</bdi>")
    parts = ((visible(part, keep=keep), turned) for part, turned in passages(text, names))
    return Markup().join(
        bdi.format(_firm(part)) if turned else escape(part) for part, turned in parts
    )


def _firm(text: str) -> Any:
    """Return a text from right to left as HTML, in which dates and their like stay as written."""
    from markupsafe import Markup, escape

    ltr = Markup('<bdi dir="ltr">{}</bdi>')
    return Markup().join(ltr.format(part) if kept else escape(part) for part, kept in firm(text))


def _paragraph(text: str, names: Sequence[str]) -> Any:
    """Return a paragraph as HTML: one that runs from right to left itself needs no isolation."""
    if direction(text, names) == "rtl":
        return _firm(visible(text, keep="\n"))
    return _marked(text, names, "\n")
