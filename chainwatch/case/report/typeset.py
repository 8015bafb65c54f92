"""A report as the plain data that the PDF template reads: sizes chosen, long words in pieces."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from chainwatch.case.report.columns import (
    LONGEST_WORD,
    PAGE_WIDTH,
    UPRIGHT_WIDTH,
    Columns,
    columns_of,
    halves,
    hash_like,
    lines_of,
    one_piece,
)
from chainwatch.case.report.elements import CaseDocument, Embedded, Notes, Section, TableBlock
from chainwatch.case.report.embedded import MIME
from chainwatch.case.report.exhibits import listed
from chainwatch.case.report.strength import NO_PERCENTAGES
from chainwatch.figures.typefaces import (
    MISSING_FACE,
    families,
    printable,
    set_width,
    unreadable,
)
from chainwatch.sanitize import WRITTEN_OUT, apart, breakable, direction, passages, turned

LONGEST_CELL = 400
"""Characters of a table cell; of a longer one both ends are shown and the rest is counted."""
LONGEST_PARAGRAPH = 4_000
LONGEST_IN_HEADING = 40
"""Characters of a word in a heading that does not break: the title is twice as large as text."""
HEAD_WIDTH = 78.0
"""Room of the title at the head of each page, in multiples of the size of its type."""
PIECE = 4
"""Characters of the pieces of a word too long for any line, between which it may break."""

HEADS = 46.0
"""Height of the caption, the head and the note of a table with their blanks, in points."""
ROW_BLANK = 5.1
"""Blank above and below the text of a row, in points."""
FIRST_ROWS = 8
"""Rows of a longer table that stay with its heading."""


@dataclass(frozen=True)
class Page:
    """What is printed on a page: its width and height in points, and the most a picture takes."""

    width: float
    height: float
    picture: tuple[float, float]


UPRIGHT = Page(UPRIGHT_WIDTH, 700.0, (174.0, 212.0))
"""A4, in points and millimetres, with room for a heading and a caption beside a picture."""
SIDEWAYS = Page(PAGE_WIDTH, 455.0, (261.0, 128.0))
"""A4 on its side."""
READABLE = 0.72
"""Part of its own size down to which a picture stands upright; a smaller one is turned instead."""
POINT = 25.4 / 72
"""Millimetres."""


def sections(document: CaseDocument) -> tuple[Section, ...]:
    """Return the body, and what stands behind it: limits, methods, words, lists."""
    return (*document.sections, *closing(document))


def closing(document: CaseDocument) -> tuple[Section, ...]:
    """Return what stands behind the findings; what has nothing to say is left out."""
    made = (
        Section("Limits", notes=_lines(document.limits)),
        *document.appendices,
        _list("Glossary", "", ("word", "meaning"), document.glossary),
        _list("Parameters", "Every parameter that a result depends on.", ("name", "value"),
              document.parameters),
        _list("Digests", "What each result amounts to, as one number; keyed where parties are"
              " masked.", ("name", "digest"), document.digests),
        _list("Software", "Versions that made this report.", ("package", "version"),
              document.software),
        _list("Data in this file", CARRIED, ("file", "what it holds", "SHA-256"),
              tuple((one.path, one.description.partition(":")[0], one.sha256)
                    for one in document.embedded)),
    )  # fmt: skip
    return tuple(part for part in made if part.notes or part.paragraphs or part.tables)


CARRIED = (
    "The PDF carries these files within it, and the folder of the case holds the same bytes. Most"
    " readers list them as attachments."
)


def _lines(lines: tuple[str, ...]) -> tuple[Notes, ...]:
    return (Notes("", lines),) if lines else ()


def _list(
    title: str, caption: str, head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> Section:
    return Section(title, (), (TableBlock(caption, head, rows),) if rows else ())


def cut(text: str, longest: int) -> str:
    """Shorten in the middle, between words where there are any, and say by how much.

    A text that would not become shorter stays whole.
    """
    half = longest // 2
    head = text[:half].rpartition(" ")[0] if " " in text[half // 2 : half] else text[:half]
    tail = text[-half:].partition(" ")[2] if " " in text[-half : -half // 2] else text[-half:]
    left = len(text) - len(head) - len(tail)
    short = f"{head} […{left:,} characters left out…] {tail}"
    return short if len(text) > longest and len(short) < len(text) else text


def opening(text: str, room: float) -> str:
    """Return as many words of a text as fit into a width, at a size of one point, or fewer.

    Of a first word that is too long, as many characters; ``…`` stands for what is left out.
    """
    if set_width(text, 1.0) <= room:
        return text
    pieces = breakable(text)
    if set_width(f"{pieces[0]} …", 1.0) > room:
        pieces = WRITTEN_OUT.findall(pieces[0]) or [*pieces[0]]
    while len(pieces) > 1 and set_width(f"{''.join(pieces).rstrip()} …", 1.0) > room:
        pieces.pop()
    return f"{''.join(pieces).rstrip()} …"


def image_name(number: int, path: str) -> str:
    """Return the name under which the template finds a picture."""
    return f"figure-{number}{Path(path).suffix}"


def _pieces(text: str, longest: int = LONGEST_WORD) -> list[str]:
    """Return a text in pieces between which a line may break: endless words in parts.

    A character that is written by its number is one, without the blank behind it.
    """
    runs = [""]
    for word in breakable(text):
        if found := WRITTEN_OUT.match(word):
            runs += [found[0], word[found.end() :]]
        elif len(word) <= longest:
            runs[-1] += word
        else:
            runs += [word[at : at + PIECE] for at in range(0, len(word), PIECE)]
            runs.append("")
    return [run for run in runs if run]


class Typesetter:
    """Turns the texts of one report into what the template sets."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.missing = False
        """Whether a text holds letters for which a typeface is wanting that could be there."""

    def plain(self, text: str, longest: int) -> str:
        """Return a text that can be drawn, names within it set apart."""
        self.missing |= unreadable(text)
        whole = cut(text, longest)
        if direction(whole, self.names) == "rtl":
            return turned(printable(whole, limit=2 * LONGEST_PARAGRAPH))
        return self.forward(whole)

    def forward(self, text: str) -> str:
        """Return a text that is read from left to right, whatever name stands in it."""
        return "".join(
            apart(printable(part, limit=2 * LONGEST_PARAGRAPH)) if turns
            else printable(part, limit=2 * LONGEST_PARAGRAPH)
            for part, turns in passages(text, self.names)
        )  # fmt: skip

    def paragraph(self, text: str, longest: int = LONGEST_PARAGRAPH) -> dict[str, Any]:
        """Return a paragraph: its pieces, and the direction in which it is read."""
        return self._said(text, self.plain(text, longest), direction(text, self.names))

    def heading(self, text: str) -> dict[str, Any]:
        """Return a heading, of whose large letters fewer fit on a line."""
        said = self.paragraph(text, LONGEST_CELL)
        return said | {"runs": _pieces("".join(said["runs"]), LONGEST_IN_HEADING)}

    def running_head(self, text: str) -> dict[str, Any]:
        """Return the title for the head of each page: the words of it that fit there."""
        self.missing |= unreadable(text)
        way, shown = direction(text, self.names), opening(printable(text), HEAD_WIDTH)
        return self._said(text, turned(shown) if way == "rtl" else self.forward(shown), way)

    def fact(self, text: str) -> dict[str, Any]:
        """Return a fact of the first page: all are read from left to right, names in their own."""
        self.missing |= unreadable(text)
        return self._said(text, self.forward(cut(text, LONGEST_PARAGRAPH)), "ltr")

    def _said(self, text: str, said: str, way: str) -> dict[str, Any]:
        return {
            "runs": _pieces(said), "mono": hash_like(text), "dir": way,
            "fonts": families(said), "whole": False,
        }  # fmt: skip

    def cell(self, text: str, *, right: bool = False, halved: bool = False) -> dict[str, Any]:
        """Return a cell: one is read from left to right, whatever name stands in it."""
        shown = cut(text, LONGEST_CELL)
        self.missing |= unreadable(shown)
        said = self.forward(shown)
        one = bool(said) and not halved and one_piece(said, right=right)
        return self._said(text, said, "ltr") | (
            {"runs": halves(said)} if halved else {"whole": one}
        )

    def table(self, table: TableBlock, page: Page = SIDEWAYS) -> dict[str, Any]:
        """Return a table with widths and size chosen from the widths of its cells."""
        drawn = _drawn(table)
        chosen = columns_of(drawn, page.width)
        align = list(table.align) or ["left"] * len(table.columns)
        return {
            "exhibit": table.exhibit,
            "room": room(drawn, chosen, page),
            "caption": self.paragraph(table.caption),
            "note": self.paragraph(table.note),
            "columns": [self.cell(name) | {"whole": False} for name in table.columns],
            "align": align,
            "cells": [
                self.cell(text, right=side == "right", halved=chosen.halves(text))
                for row in table.rows
                for text, side in zip(row, align, strict=True)
            ],
            "widths": list(chosen.widths),
            "size": chosen.size,
        }

    def notes(self, notes: Notes, page: Page) -> dict[str, Any]:
        """Return notes: their lines, or their table."""
        return {
            "heading": self.paragraph(notes.heading),
            "lines": [self.paragraph(line) for line in notes.lines],
            "tables": [self.table(notes.table, page)] if notes.table is not None else [],
        }

    def section(
        self, section: Section, images: dict[str, bytes], numbers: dict[str, int]
    ) -> dict[str, Any]:
        """Return a section with its tables and figures, and how its pages lie."""
        placed = {one.path: _placed(images[one.path]) for one in section.figures}
        wide = section.wide or any(wide for _, wide in placed.values())
        page = SIDEWAYS if wide else UPRIGHT
        return {
            "wide": wide,
            "heading": self.heading(section.heading),
            "paragraphs": [self.paragraph(text) for text in section.paragraphs],
            "tables": [self.table(table, page) for table in section.tables],
            "figures": [
                {
                    "path": image_name(numbers[figure.path], figure.path),
                    "exhibit": figure.exhibit,
                    "caption": self.paragraph(figure.caption),
                    "alt": printable(figure.alt or figure.caption),
                    "width": _width(images[figure.path], page),
                }
                for figure in section.figures
            ],
            "notes": [self.notes(one, page) for one in section.notes],
        }


def typeset(document: CaseDocument, images: dict[str, bytes]) -> dict[str, Any]:
    """Return the document as the plain data that the template reads."""
    numbers = {path: number for number, path in enumerate(images)}
    made = Typesetter(document.names)
    every = [made.section(part, images, numbers) for part in sections(document)]
    data = {
        "title": printable(cut(document.title, LONGEST_CELL)),
        "heading": made.heading(document.title),
        "short_title": made.running_head(document.title),
        "short_notice": made.paragraph(document.notice.partition(". ")[0], 120),
        "edition": printable(cut(document.edition, 40)),
        "tlp": printable(cut(document.tlp, 40)),
        "question": made.paragraph(document.question),
        "notice": made.paragraph(document.notice),
        "facts": [[made.fact(name), made.fact(value)] for name, value in document.facts],
        "summary": [made.paragraph(line) for line in document.summary],
        "scale": made.paragraph(NO_PERCENTAGES),
        "exhibits": [
            {"number": one.number, "caption": made.paragraph(one.caption, LONGEST_CELL)}
            for one in listed(document.sections)
        ],
        "provenance": [_branch(made, line) for line in document.provenance.splitlines()],
        "sections": every,
        "runs": _runs(every),
        "embedded": [_carried(one) for one in document.embedded],
        "fonts": families(),
    }
    if document.dated is not None:
        data["date"] = [getattr(document.dated, part) for part in DATE]
    if made.missing:
        data["missing"] = made.paragraph(MISSING_FACE)
    return data


def _runs(every: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how many sections in turn stand on pages that lie alike."""
    return [
        {"wide": wide, "count": len(list(run))}
        for wide, run in groupby(every, key=lambda one: one["wide"])
    ]


def _carried(one: Embedded) -> dict[str, str]:
    """Return a file that the PDF carries: its path, its type and what it holds."""
    mime = MIME.get(Path(one.path).suffix, "application/octet-stream")
    return {"path": one.path, "mime": mime, "description": printable(cut(one.description, 400))}


def _drawn(table: TableBlock) -> TableBlock:
    """Return a table with the texts of its cells as they are drawn, to be measured."""
    return TableBlock(
        table.caption,
        tuple(printable(cut(name, LONGEST_CELL)) for name in table.columns),
        tuple(tuple(printable(cut(text, LONGEST_CELL)) for text in row) for row in table.rows),
        table.align,
        exhibit=table.exhibit,
    )


def room(drawn: TableBlock, chosen: Columns, page: Page) -> float:
    """Return how much of a page must be left for a table to begin on it, in points.

    One of up to half a page is not broken; of a longer one the caption, the head and the first
    rows stay together.
    """
    rows = [lines * (chosen.size + 2.0) + ROW_BLANK for lines in lines_of(drawn, chosen)]
    whole = HEADS + sum(rows)
    if whole > page.height / 2:
        whole = min(HEADS + sum(rows[:FIRST_ROWS]), page.height / 2)
    return round(whole, 1)


DATE = ("year", "month", "day", "hour", "minute", "second")


def _branch(made: Typesetter, line: str) -> dict[str, Any]:
    """Return a line of the lineage; typst drops leading blanks, so they travel as a number."""
    return {"indent": len(line) - len(line.lstrip(" ")), **made.paragraph(line.lstrip(" "))}


def _placed(data: bytes) -> tuple[float, bool]:
    """Return the width of a picture in mm on the page that suits it, and whether that is turned."""
    upright, turned = _width(data, UPRIGHT), _width(data, SIDEWAYS)
    wide = upright < READABLE * _size(data)[0] * POINT and turned > upright
    return (turned if wide else upright), wide


def _width(data: bytes, page: Page) -> float:
    """Return the width in mm at which a picture fits on a page; none is made larger than it is."""
    across, up = _size(data)
    widest, highest = page.picture
    return round(min(widest, highest * across / up, across * POINT * 1.05), 2)


def _size(data: bytes) -> tuple[float, float]:
    if data.startswith(b"\x89PNG"):
        across, up = struct.unpack(">II", data[16:24])
        return float(across), float(up)
    found = re.search(rb"<svg\b[^>]*>", data)
    sizes = dict(re.findall(rb"\b(width|height)=[\"']([0-9.]+)", found[0])) if found else {}
    return float(sizes.get(b"width", 1)) or 1.0, float(sizes.get(b"height", 1)) or 1.0
