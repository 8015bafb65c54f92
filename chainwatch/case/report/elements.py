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
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class FigureBlock:
    """A picture of the case folder: its path there (SVG or PNG), caption and description."""

    path: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then tables, then figures."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[TableBlock, ...] = ()
    figures: tuple[FigureBlock, ...] = ()


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
        Findings in short, one line each.
    sections : tuple of Section
        The body.
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
    marking : str
        How far it may travel, as ``TLP:AMBER+STRICT``: for the head and foot of every page.
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
    dated: datetime | None = None
    marking: str = ""
