"""Exhibits: every table and figure bears one number, and a finding cites those of its own results.

Numbers are in the order in which they stand, the same for both forms. A table that cannot be read
on an upright page is moved behind the findings, where pages lie on their side; its section says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import polars as pl

from chainwatch.case.report.columns import stands_upright
from chainwatch.case.report.critical_questions import is_of
from chainwatch.case.report.elements import FigureBlock, Section, TableBlock
from chainwatch.case.report.strength import COUNTS, FLOW, LACKING, OWNERS, kind_of
from chainwatch.clusters.explain import Explanation
from chainwatch.figures.case_figures import CaseFigure
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.ledger.lookup.what_was_read import WhatWasRead
from chainwatch.results.result import Finding, Result
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.result import Trace

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


NOBODY = pl.DataFrame(schema={"chain": pl.String, "address": pl.Binary})


@dataclass(frozen=True)
class Drawn:
    """What a report draws and lists step by step, and of which result.

    Attributes
    ----------
    figures : sequence of (Result, int)
        What each figure is of, and the number of its exhibit.
    steps : sequence of (Result, int)
        The results whose steps stand in an annex, and its number.
    results : sequence of Result
        All of the case.
    """

    figures: Sequence[tuple[Result, int]] = ()
    steps: Sequence[tuple[Result, int]] = ()
    results: Sequence[Result] = ()

    def of(self, finding: Finding) -> tuple[int, ...]:
        """Return the exhibits that draw what a finding tells."""
        kind = kind_of(finding).name
        if kind in (COUNTS, LACKING):
            return self._where(lambda of: isinstance(of, WhatWasRead))
        if kind == OWNERS:
            return self._where(lambda of: isinstance(of, Explanation) and _within(of, finding))
        whose = self._sources(finding)
        return self._where(lambda of: any(same_matter(of, one) for one in whose))

    def steps_of(self, finding: Finding) -> tuple[int, ...]:
        """Return the exhibits that list the steps of what a finding tells."""
        whose = self._sources(finding)
        return tuple(
            number for of, number in self.steps if any(same_matter(of, one) for one in whose)
        )

    def _where(self, fits: Callable[[Result], bool]) -> tuple[int, ...]:
        return tuple(number for of, number in self.figures if fits(of))

    @cached_property
    def _told(self) -> Sequence[tuple[Result, Finding]]:
        """Every result that is told or drawn, with the findings that it brings."""
        among = [*self.results, *(of for of, _ in self.figures)]
        whose = pl.concat([NOBODY, *(one.followed() for one in self.results)]).unique()
        first = {one.digest: one for one in among if not isinstance(one, Finding)}
        return [
            (one, each)
            for one in first.values()
            for each in one.findings(whose.sort("chain", "address"))
        ]

    def _sources(self, finding: Finding) -> list[Result]:
        """Return the results that a finding is of, under whatever heading the case has it.

        Where no result brings one on value that was followed, it is of the one trace in its asset,
        if there is no other.
        """
        if not finding.name:
            return []
        found = [
            one for one, each in self._told
            if (each.name, each.asset) == (finding.name, finding.asset)
            and each.frame.equals(finding.frame)
        ]  # fmt: skip
        if found or kind_of(finding).name != FLOW:
            return found
        traces: list[Result] = [
            one for one, _ in self._told if isinstance(one, Trace) and one.asset == finding.asset
        ]
        return traces if all(same_matter(one, traces[0]) for one in traces) else []


def drawn_of(result: Result) -> Result:
    """Return what a figure of a case is of; of what draws itself, itself."""
    if isinstance(result, CaseFigure):
        return result.of
    return result.trace if isinstance(result, FlowFigure) else result


def same_matter(one: Result, other: Result) -> bool:
    """Return whether two results are one, or tell of one trace."""
    if one.digest == other.digest:
        return True
    for many, single in ((one, other), (other, one)):
        if isinstance(many, TraceRange) and isinstance(single, Trace):
            return is_of(many, single)
    return bool(set(_traces(one)) & set(_traces(other)))


def _traces(result: Result) -> Iterator[str]:
    """Yield the digests of the traces that a result is, holds or was made of."""
    if isinstance(result, Trace):
        yield result.digest
    if isinstance(result, TraceRange):
        yield from (one.digest for one in result.traces.values())
    if result.record is not None:
        yield from (one.content for one in result.record.inputs if one.step == "trace")


def _within(of: Explanation, finding: Finding) -> bool:
    """Return whether a path begins at somebody whom a finding tells."""
    rows = finding.frame.filter(chain=of.chain)
    return any(of.a in (row["subject"], row["cluster"]) for row in rows.iter_rows(named=True))
