"""Exhibits: every table and figure of a report bears one number, in the order in which it stands.

A table that cannot be read on an upright page is moved behind the findings, where pages lie on
their side; its section says so. The numbers are those of the printed order, for both forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from chainwatch.case.report.columns import stands_upright
from chainwatch.case.report.elements import FigureBlock, Section, TableBlock

MOVED = "It is too wide for an upright page and stands behind the findings."


class Exhibit(NamedTuple):
    """What the list of exhibits says of one: its number and its caption."""

    number: int
    caption: str


def arranged(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return sections with their wide tables moved behind all of them, and everything numbered."""
    kept, moved = [], []
    for section in sections:
        wide = [one for one in section.tables if not stands_upright(one)]
        if section.wide:  # an annex, which stays with its words and is turned as a whole
            moved.append(replace(section, wide=bool(wide)))
            continue
        upright = tuple(one for one in section.tables if one not in wide)
        kept.append(replace(section, tables=upright))
        moved += [
            Section(f"{section.heading}: the table", (), (one,), key=section.key, wide=True)
            for one in wide
        ]
    return _numbered([*kept, *moved])


def _numbered(sections: Sequence[Section]) -> tuple[Section, ...]:
    number, found = 0, []
    for section in sections:
        tables: list[TableBlock] = []
        figures: list[FigureBlock] = []
        for table in section.tables:
            number += 1
            tables.append(replace(table, exhibit=number))
        for figure in section.figures:
            number += 1
            figures.append(replace(figure, exhibit=number))
        found.append(replace(section, tables=tuple(tables), figures=tuple(figures)))
    return tuple(found)


def _exhibits(section: Section) -> Iterator[TableBlock | FigureBlock]:
    yield from section.tables
    yield from section.figures


def listed(sections: Sequence[Section]) -> tuple[Exhibit, ...]:
    """Return the list of exhibits, in their order."""
    return tuple(
        Exhibit(one.exhibit, _called(one))
        for section in sections
        for one in _exhibits(section)
        if one.exhibit
    )


def _called(one: TableBlock | FigureBlock) -> str:
    return one.caption if isinstance(one, TableBlock) else f"Figure: {one.caption}"


def numbers_of(sections: Sequence[Section]) -> dict[str, int]:
    """Return the number of the first exhibit of each finding, by the finding's key."""
    found: dict[str, int] = {}
    for section in sections:
        for one in _exhibits(section):
            if section.key and one.exhibit:
                found.setdefault(section.key, one.exhibit)
    return found
