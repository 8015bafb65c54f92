"""What a report says, in order: the question, findings with their tables, lineage, limits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.case.record import CaseRecord
from chainwatch.case.report.render import CaseDocument, FigureBlock, Section, TableBlock
from chainwatch.case.seal import versions
from chainwatch.chains.catalogue import all_chains, chain
from chainwatch.privacy.edition import DISCLOSURE, FEWEST, Edition
from chainwatch.privacy.mask_rows import columns_of
from chainwatch.privacy.mask_tables import ROUNDED, SUMMED
from chainwatch.privacy.masked_view import DrawnFlows, MaskedView
from chainwatch.privacy.roles import sealed
from chainwatch.results.provenance import Record
from chainwatch.results.result import Finding
from chainwatch.results.table import Privacy

MOST_ROWS = 60
"""Rows of a table that the report prints; the files hold all."""

NOTICES = {
    DISCLOSURE: (
        "Disclosure edition. Subjects, findings and services are named. Everyone else is masked:"
        " transaction ids are withheld, and amounts (≈), times and counts are rounded. A pseudonym"
        f" stands only where at least {FEWEST} parties look alike, or where followed value passes"
        " through; all others share the word 'masked'. Rows that name masked parties alone are left"
        " out and counted in manifest.json; digests are keyed (HMAC)."
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


def document(case: CaseRecord, view: MaskedView) -> CaseDocument:
    """Return the report of a case for an edition."""
    edition = view.edition
    whole = case.whole()
    found = [
        (result, view.by_result[place])
        for place, (result, _) in enumerate(whole)
        if isinstance(result, Finding)
    ]
    figures = [_figure(one, whole[one.place][1]) for one in view.drawn]
    records = [result.record for result, _ in case.results if result.record]
    return CaseDocument(
        title=case.title or case.name,
        question=case.question.strip(),
        edition=edition.name,
        notice=NOTICES[edition.name],
        summary=tuple(finding.headline for finding, _ in found if finding.headline),
        sections=(
            *_stated(case.statements),
            *figures,
            *(_section(finding, tables) for finding, tables in found),
        ),
        provenance=_lineage(records, edition),
        parameters=_parameters(records),
        limits=LIMITS,
        digests=tuple((record.step, edition.digest(record.content)) for record in records),
        software=tuple(sorted(versions().items())),
    )


def _stated(statements: tuple[str, ...]) -> tuple[Section, ...]:
    """Return what others state and the case takes as given, apart from what it found."""
    return (Section("What is stated by others", statements),) if statements else ()


def _section(finding: Finding, tables: Mapping[str, pl.DataFrame]) -> Section:
    paragraphs = list(finding.text)
    paragraphs += [f"Could be innocent: {text}" for text in finding.innocent]
    blocks = tuple(_table(finding, name, frame) for name, frame in tables.items())
    return Section(finding.title, tuple(paragraphs), blocks)


def _table(finding: Finding, name: str, frame: pl.DataFrame) -> TableBlock:
    if ROUNDED in frame.columns and "amount" in frame.columns:
        frame = frame.sort("amount", descending=True, nulls_last=True, maintain_order=True)
    rounded = frame[ROUNDED].to_list() if ROUNDED in frame.columns else [False] * frame.height
    empty = {SUMMED for name in frame.columns if name == SUMMED and frame[name].is_null().all()}
    columns = [column for column in frame.columns if column not in {ROUNDED, *empty}]
    rows, columns, printed = _collapsed(
        [
            tuple(_text(*cell, finding.asset, hide) for cell in zip(columns, row, strict=True))
            for row, hide in zip(frame.select(columns).iter_rows(), rounded, strict=True)
        ],
        columns,
    )
    counts = {ALIKE}
    if finding.rows:
        counts.update(columns_of(finding.rows, Privacy.COUNT))
    left = frame.height - printed
    note = f"Files: tables/{name}.csv and .parquet, with amounts in base units."
    return TableBlock(
        caption=f"{finding.title} ({frame.height} {'row' if frame.height == 1 else 'rows'})",
        columns=tuple(column.replace("_", " ") for column in columns),
        rows=rows,
        align=tuple(
            "right" if column in counts or frame.schema[column].is_numeric() else "left"
            for column in columns
        ),
        note=(f"{left} more rows are not printed here. " if left else "") + note,
    )


ALIKE = "rows_alike"
"""Heading of the count where rows read the same, as those of masked parties often do."""


def _collapsed(
    rows: list[tuple[str, ...]], columns: list[str]
) -> tuple[tuple[tuple[str, ...], ...], list[str], int]:
    """Print rows that read the same once, with their number; say how many rows that covers."""
    counts = Counter(rows)
    if len(counts) == len(rows):
        return tuple(rows[:MOST_ROWS]), columns, min(len(rows), MOST_ROWS)
    printed = list(counts.items())[:MOST_ROWS]
    covered = sum(count for _, count in printed)
    return tuple((*row, str(count)) for row, count in printed), [*columns, ALIKE], covered


def _text(column: str, value: object, asset: Asset | None, rounded: bool) -> str:
    if value is None:
        return "unknown" if column == "amount" else ""
    if isinstance(value, Decimal):
        number = asset.shown(int(value)) if asset else f"{int(value):,}"
        return f"≈ {number}" if rounded and value else number
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column == "chain":
        return chain(str(value)).alias
    if isinstance(value, str) and len(value) == len("2022-03-07T00:00:00Z") and value[-1] == "Z":
        return value.replace("T", " ").removesuffix("Z")
    return str(value)


def _figure(one: DrawnFlows, note: str) -> Section:
    drawing = one.drawing
    block = FigureBlock(f"figures/{one.stem}.svg", drawing.caption, drawing.alt)
    return Section(drawing.heading, (note,) if note else (), (), (block,))


def _lineage(records: list[Record], edition: Edition) -> str:
    """Return how all results came about; a step that several rest on is told once."""
    told: set[str] = set()
    lines = [line for record in records for line in _tree(sealed(record.as_dict(), edition), told)]
    return "\n".join(lines)


def _tree(node: Mapping[str, Any], told: set[str], indent: int = 0) -> Iterator[str]:
    head = f"{'  ' * indent}{node['step']}"
    kind, _, digest = str(node["content"]).partition(":")
    name = f"{node['step']} {node['params']} {digest}"
    if name in told:
        yield f"{head} {kind}:{digest[:16]}, as above"
        return
    told.add(name)
    given = ", ".join(f"{key}={_short(value)}" for key, value in node["params"].items())
    yield f"{head}({given}) {kind}:{digest[:16]}"
    for item in node["inputs"]:
        yield from _tree(item, told, indent + 1)


def _short(value: Any) -> str:
    """Return a parameter for one line: of a digest its first half; the manifest has all of it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_short, value)) + "]"
    kind, mark, digest = str(value).partition(":")
    return f"{kind}:{digest[:16]}" if mark and kind.endswith("sha256") else str(value)


def _chains_by_alias(text: str) -> str:
    """Return a text with the short name of each chain for the id by which programs know it."""
    for item in all_chains():
        text = re.sub(rf"{re.escape(item.id)}(?!\w)", item.alias, text)
    return text


def _parameters(records: list[Record]) -> tuple[tuple[str, str], ...]:
    """Return the plain parameters of every step: digests stand in the lineage."""
    rows = []
    for record in records:
        for key, value in record.params.items():
            if isinstance(value, (int, str)) and not str(value).startswith("sha256:"):
                rows.append((f"{record.step}: {key}", _chains_by_alias(str(value))))
    return tuple(dict.fromkeys(rows))
