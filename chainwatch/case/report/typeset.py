"""A report as the plain data that the PDF template reads: sizes chosen, long words in pieces."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from chainwatch.case.report.elements import CaseDocument, Section, TableBlock
from chainwatch.figures.style import printable

LONGEST_CELL = 400
"""Characters of a table cell; of a longer one both ends are shown and the rest is counted."""
LONGEST_PARAGRAPH = 4_000
LONGEST_WORD = 14
"""Characters after which a word may break in the PDF."""
PIECE = 4
HASH_LIKE = re.compile(r"(0x)?[0-9A-Za-z]{26,}\Z")


def sections(document: CaseDocument) -> tuple[Section, ...]:
    """Return the body and the annexes that are tables."""
    annexes = (
        ("Parameters", "Every parameter that a result depends on.", "Name", document.parameters),
        (
            "Digests",
            "What each result amounts to, as one number; keyed where parties are masked.",
            "Name",
            document.digests,
        ),
        ("Software", "Versions that made this report.", "Package", document.software),
    )
    value = {"Digests": "Digest", "Software": "Version"}
    return document.sections + tuple(
        Section(title, (), (TableBlock(caption, (name, value.get(title, "Value")), rows),))
        for title, caption, name, rows in annexes
        if rows
    )


def cut(text: str, longest: int) -> str:
    """Shorten in the middle and say by how much."""
    if len(text) <= longest:
        return text
    half = longest // 2
    left = len(text) - 2 * half
    return f"{text[:half]} […{left:,} characters left out…] {text[-half:]}"


def image_name(number: int, path: str) -> str:
    """Return the name under which the template finds a picture."""
    return f"figure-{number}{Path(path).suffix}"


def hash_like(text: str) -> bool:
    """Return whether a text is a hash or address, to be set in a fixed width."""
    return HASH_LIKE.match(text) is not None


def _runs(text: str) -> list[str]:
    """Return a text in pieces between which a line may break: whole words, long words in parts."""
    runs = [""]
    for word in re.split(r"(?<= )", text):
        if len(word) <= LONGEST_WORD:
            runs[-1] += word
            continue
        runs += [word[at : at + PIECE] for at in range(0, len(word), PIECE)]
        runs.append("")
    return [run for run in runs if run]


def _written(text: str, longest: int = LONGEST_PARAGRAPH) -> dict[str, Any]:
    drawn = printable(cut(text, longest), limit=2 * LONGEST_PARAGRAPH)
    return {"runs": _runs(drawn), "mono": hash_like(text)}


def typeset(document: CaseDocument, images: dict[str, bytes]) -> dict[str, Any]:
    """Return the document as the plain data that the template reads."""
    numbers = {path: number for number, path in enumerate(images)}
    return {
        "title": printable(cut(document.title, LONGEST_CELL)),
        "short_title": printable(cut(document.title, 60)),
        "short_notice": printable(cut(document.notice.partition(". ")[0], 120)),
        "edition": printable(cut(document.edition, 40)),
        "question": _written(document.question),
        "notice": _written(document.notice),
        "summary": [_written(line) for line in document.summary],
        "limits": [_written(line) for line in document.limits],
        "provenance": [_branch(line) for line in document.provenance.splitlines()],
        "sheets": _sheets([_section(section, images, numbers) for section in sections(document)]),
    }


def _section(section: Section, images: dict[str, bytes], numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "heading": _written(section.heading, LONGEST_CELL),
        "paragraphs": [_written(text) for text in section.paragraphs],
        "tables": [_table(table) for table in section.tables],
        "figures": [
            {
                "path": image_name(numbers[figure.path], figure.path),
                "caption": _written(figure.caption),
                "alt": printable(figure.alt or figure.caption),
                **_frame(images[figure.path]),
            }
            for figure in section.figures
        ],
    }


def _sheets(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sections before the first wide one, and the rest, which stand on turned pages.

    Each change between upright and turned pages begins a new page: one change, not many.
    """

    def wide(part: dict[str, Any]) -> bool:
        return any(item["wide"] for item in (*part["tables"], *part["figures"]))

    first = next((at for at, part in enumerate(parts) if wide(part)), len(parts))
    runs = ((False, parts[:first]), (True, parts[first:]))
    return [{"wide": turned, "sections": run} for turned, run in runs if run]


def _branch(line: str) -> dict[str, Any]:
    """Return a line of the lineage; typst drops leading blanks, so they travel as a number."""
    return {"indent": len(line) - len(line.lstrip(" ")), **_written(line.lstrip(" "))}


def _table(table: TableBlock) -> dict[str, Any]:
    """Return a table with widths and size chosen from the lengths of its cells."""
    longest = [
        min(max(len(text) for text in column), 44)
        for column in zip(table.columns, *table.rows, strict=True)
    ]
    widths = [max(length, 5) for length in longest]
    total = sum(widths) + 2 * len(widths)
    return {
        "caption": _written(table.caption),
        "note": _written(table.note),
        "columns": [_written(name, LONGEST_CELL) for name in table.columns],
        "align": list(table.align) or ["left"] * len(table.columns),
        "cells": [_written(text, LONGEST_CELL) for row in table.rows for text in row],
        "widths": widths,
        "wide": total > PORTRAIT_CHARACTERS,
        "size": 8.0 if total <= 100 else 7.0 if total <= LANDSCAPE_CHARACTERS else 6.0,
    }


PORTRAIT_CHARACTERS, LANDSCAPE_CHARACTERS = 120, 190
"""Characters of 7 points in a line of an upright and of a turned page."""


UPRIGHT_MM, TURNED_MM = (174.0, 215.0), (261.0, 142.0)
"""Width and height in mm that a picture may take on an upright and on a turned page."""


def _frame(data: bytes) -> dict[str, Any]:
    """Return the width of a picture in mm; one wider than high gets a turned page."""
    across, up = _size(data)
    wide = across > up
    most = TURNED_MM if wide else UPRIGHT_MM
    return {"wide": wide, "width": round(min(most[0], most[1] * across / up), 2)}


def _size(data: bytes) -> tuple[float, float]:
    if data.startswith(b"\x89PNG"):
        across, up = struct.unpack(">II", data[16:24])
        return float(across), float(up)
    found = re.search(rb"<svg\b[^>]*>", data)
    sizes = dict(re.findall(rb"\b(width|height)=[\"']([0-9.]+)", found[0])) if found else {}
    return float(sizes.get(b"width", 1)) or 1.0, float(sizes.get(b"height", 1)) or 1.0
