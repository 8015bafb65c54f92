"""What a report says, in order: the question, findings with their tables, lineage, limits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.assets import Asset
from chainwatch.case.finding import Finding
from chainwatch.case.report import CaseDocument, FigureBlock, Section, TableBlock
from chainwatch.case.roles import sealed
from chainwatch.case.seal import versions
from chainwatch.figures.sankey import alt_text
from chainwatch.figures.traced import FlowFigure
from chainwatch.provenance import Record
from chainwatch.triage.privacy import DISCLOSURE, FEWEST, Edition
from chainwatch.triage.shown import shown_tables

if TYPE_CHECKING:
    from chainwatch.case.case import Case

MOST_ROWS = 60
"""Rows of a table that the report prints; the files hold all."""

NOTICES = {
    DISCLOSURE: (
        "Disclosure edition. Subjects, findings and services are named. Everyone else stands under"
        " a pseudonym; beside a pseudonym, transaction ids are withheld and amounts, times and"
        f" counts are rounded; fewer than {FEWEST} masked parties of one subject share one word."
    ),
    "working": "Working edition. Nobody is masked. Restricted: it must not leave the desk.",
}

LIMITS = (
    "Findings are consistent with the payments read; they do not prove who controls an address.",
    "What was not read is named and counted; it is never taken for zero.",
    "A tag is what its source says. An undated tag says nothing of when it holds.",
    "A policy such as FIFO is a method of computing, not a finding of law. Others give other"
    " amounts.",
    "No error rate has been measured for co-spending or custody; none is claimed.",
    "Knowing a subject's address, anybody can read its counterparties on the public chain: a mask"
    " hides which pseudonym is which, no more.",
)


def document(case: Case, edition: Edition, drawn: Mapping[int, str]) -> CaseDocument:
    """Return the report of a case for an edition."""
    figures: list[Section] = []
    sections: list[Section] = []
    for number, (result, note) in enumerate(case.results):
        if isinstance(result, Finding):
            sections.append(_section(result, edition))
        elif isinstance(result, FlowFigure):
            figures.append(_figure(result, edition, drawn[number], note))
    records = [result.record for result, _ in case.results if result.record]
    return CaseDocument(
        title=case.title or case.name,
        question=case.question.strip(),
        edition=edition.name,
        notice=NOTICES[edition.name],
        summary=tuple(
            result.headline
            for result, _ in case.results
            if isinstance(result, Finding) and result.headline
        ),
        sections=(*_stated(case.statements), *figures, *sections),
        provenance="\n".join(_lineage(record, edition) for record in records),
        parameters=_parameters(records),
        limits=LIMITS,
        digests=tuple(
            (record.step, "sha256:" + edition.seal(record.content)) for record in records
        ),
        software=tuple(sorted(versions().items())),
    )


def _stated(statements: tuple[str, ...]) -> tuple[Section, ...]:
    """Return what others state and the case takes as given, apart from what it found."""
    return (Section("What is stated by others", statements),) if statements else ()


def _section(finding: Finding, edition: Edition) -> Section:
    paragraphs = list(finding.text)
    paragraphs += [f"Could be innocent: {text}" for text in finding.innocent]
    tables = tuple(
        _table(finding, name, frame) for name, frame in shown_tables(finding, edition).items()
    )
    return Section(finding.title, tuple(paragraphs), tables)


def _table(finding: Finding, name: str, frame: pl.DataFrame) -> TableBlock:
    shown = frame.head(MOST_ROWS)
    rows = tuple(tuple(_text(value, finding.asset) for value in row) for row in shown.iter_rows())
    numeric = [dtype.is_numeric() or name in _NUMBERS for name, dtype in frame.schema.items()]
    left = frame.height - shown.height
    note = f"All rows are in tables/{name}.csv and .parquet, amounts there in base units."
    return TableBlock(
        caption=f"{finding.title} ({frame.height} rows)",
        columns=tuple(column.replace("_", " ") for column in frame.columns),
        rows=rows,
        align=tuple("right" if number else "left" for number in numeric),
        note=(f"{left} more rows are not printed here. " if left else "") + note,
    )


_NUMBERS = frozenset({"payments", "count", "counterparties", "sweeps", "ends"})


def _text(value: object, asset: Asset | None) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return asset.shown(int(value)) if asset else f"{int(value):,}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) == len("2022-03-07T00:00:00Z") and value[-1] == "Z":
        return value.replace("T", " ").removesuffix("Z")
    return str(value)


def _figure(figure: FlowFigure, edition: Edition, stem: str, note: str) -> Section:
    flows = figure.flows(edition)
    asset = figure.trace.asset
    alt = alt_text(flows, symbol=asset.symbol, decimals=asset.decimals)
    block = FigureBlock(f"figures/{stem}.svg", figure.caption(), alt)
    return Section("Main routes", (note,) if note else (), (), (block,))


def _lineage(record: Record, edition: Edition) -> str:
    """Return the lineage of a result with its digests as the edition may show them."""
    shown = sealed(record.as_dict(), edition)

    def tree(node: Mapping[str, object], indent: int) -> list[str]:
        params, inputs = node["params"], node["inputs"]
        given = ", ".join(f"{key}={value}" for key, value in dict(params).items())  # type: ignore[call-overload]  # plain data of as_dict
        line = f"{'  ' * indent}{node['step']}({given}) sha256:{str(node['content'])[:16]}"
        below = [row for item in inputs for row in tree(item, indent + 1)]  # type: ignore[attr-defined]  # plain data of as_dict
        return [line, *below]

    return "\n".join(tree(shown, 0))


def _parameters(records: list[Record]) -> tuple[tuple[str, str], ...]:
    """Return the plain parameters of every step: digests stand in the lineage."""
    rows = []
    for record in records:
        for key, value in record.params.items():
            if isinstance(value, (int, str)) and not str(value).startswith("sha256:"):
                rows.append((f"{record.step}: {key}", str(value)))
    return tuple(dict.fromkeys(rows))
