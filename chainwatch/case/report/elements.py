"""What a report is made of: headings, paragraphs, tables and figures, all of them plain text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TableBlock:
    """A table of texts.

    Attributes
    ----------
    caption : str
        What the table shows.
    columns : tuple of str
        Headings.
    rows : tuple of tuple of str
        Cells, as many in each row as there are headings.
    align : tuple of str
        ``"left"`` or ``"right"`` for each column; empty: all left.
    note : str
        Text below the table.
    exhibit : int
        Its number among tables and figures; 0: it is no exhibit and bears no number.
    file : str
        Name of the files of the case that hold it whole, without suffix; empty: none does.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[str, ...] = ()
    note: str = ""
    exhibit: int = 0
    file: str = ""


@dataclass(frozen=True)
class FigureBlock:
    """A picture of the case folder: its path there (SVG or PNG), caption and description.

    ``place`` is which of the results of the case it draws, counted from 0; below 0: none is named.
    """

    path: str
    caption: str
    alt: str
    exhibit: int = 0
    place: int = -1


@dataclass(frozen=True)
class Notes:
    """What stands beside a finding under a heading of its own: lines, or a table of no number."""

    heading: str
    lines: tuple[str, ...] = ()
    table: TableBlock | None = None


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then tables, then figures, then notes on them.

    ``key`` is the name of the finding that it tells, for notes that point at each other; ``wide``
    says that it may stand on pages on their side, behind all others.
    """

    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[TableBlock, ...] = ()
    figures: tuple[FigureBlock, ...] = ()
    notes: tuple[Notes, ...] = ()
    key: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Embedded:
    """A file of the case folder that the PDF carries within it, and what it holds."""

    path: str
    description: str
    sha256: str = ""


@dataclass(frozen=True)
class CaseDocument:
    """All that a report says, as text.

    Attributes
    ----------
    title, question : str
        Name of the case and what it was to find out.
    edition : str
        ``"working"`` or ``"disclosure"``.
    notice : str
        Handling notice, shown at the top and on every printed page.
    facts : tuple of (str, str)
        What the report is of: case number, subjects, investigator, what was read and when.
    summary : tuple of str
        The answer in short, one line each.
    sections : tuple of Section
        The body.
    appendices : tuple of Section
        What stands behind the limits: methods, and whatever else a reader looks up.
    glossary : tuple of (str, str)
        Terms that the report uses, and what they mean.
    embedded : tuple of Embedded
        Files that the PDF carries within it.
    tlp : str
        How far it may travel, as ``TLP:AMBER+STRICT``: for the head of every page.
    provenance : str
        How the results came about, an indented tree.
    parameters, digests, software : tuple of (str, str)
        Name and value; file or table and SHA-256; package and version.
    limits : tuple of str
        What the reader must not conclude.
    names : tuple of str
        Names that others gave, which are set apart where they run from right to left.
    dated : datetime or None
        The date of the PDF: when the data was acquired. Without one it bears no date.
    """

    title: str
    question: str
    edition: str
    notice: str
    summary: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    provenance: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    software: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    appendices: tuple[Section, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()
    embedded: tuple[Embedded, ...] = ()
    tlp: str = ""
    dated: datetime | None = None
