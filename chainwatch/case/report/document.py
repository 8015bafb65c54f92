"""What a report says, in order: question, answer, what was read, exhibits, findings, limits."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from chainwatch.case.marking import marking
from chainwatch.case.record import CaseRecord
from chainwatch.case.report.annex import figure_key, steps_annex
from chainwatch.case.report.critical_questions import Evidence
from chainwatch.case.report.elements import CaseDocument, FigureBlock, Notes, Section
from chainwatch.case.report.exhibits import Drawn, arranged, drawn_of, numbers_of
from chainwatch.case.report.facts import facts
from chainwatch.case.report.finding_notes import Beside, alike, headlines_of_ranges, notes_of
from chainwatch.case.report.glossary import glossary
from chainwatch.case.report.limits import limits
from chainwatch.case.report.method import inner_first, method, texts_of
from chainwatch.case.report.printed_table import printed_table
from chainwatch.case.report.strength import answer, strength_of
from chainwatch.case.seal import versions
from chainwatch.chains.catalogue import all_chains
from chainwatch.privacy.edition import DISCLOSURE, FEWEST, Edition
from chainwatch.privacy.mask_rows import columns_of
from chainwatch.privacy.mask_sentences import mask_sentence
from chainwatch.privacy.masked_view import DrawnFlows, MaskedView
from chainwatch.privacy.roles import sealed
from chainwatch.results.provenance import Record
from chainwatch.results.result import Finding, Result
from chainwatch.results.table import Privacy
from chainwatch.sanitize import turns

NOTICES = {
    DISCLOSURE: (
        "Subjects, findings and services are named, everyone else is masked. Where a masked party"
        " stands, transaction ids are withheld, and amounts (≈), times and counts are rounded;"
        " totals of subjects stay exact, though they may undo a rounding beside them. A pseudonym"
        f" stands only where at least {FEWEST} parties look alike, or where followed value passes"
        " through; all others share the word 'masked'. Rows that name masked parties alone are left"
        " out and counted in manifest.json; digests are keyed (HMAC)."
    ),
    "working": "Restricted: this must not leave the desk. Nobody is masked.",
}


def document(case: CaseRecord, view: MaskedView) -> CaseDocument:
    """Return the report of a case for an edition."""
    edition = view.edition
    whole = case.whole()
    results = [result for result, _ in whole]
    found = [
        (result, view.by_result[place], view.files[place])
        for place, result in enumerate(results)
        if isinstance(result, Finding)
    ]
    records = [result.record for result, _ in case.results if result.record]
    evidence = Evidence(results)
    body = arranged(_body(case, view, results, found))
    numbers = numbers_of(body)
    told = [(one, _key(one, names)) for one, _, names in found]
    made = CaseDocument(
        title=case.title or case.name,
        question=case.question.strip(),
        edition=edition.name,
        notice=NOTICES[edition.name],
        facts=facts(case, view),
        summary=answer(
            [
                (
                    strength_of(one),
                    mask_sentence(one.headline, one, edition),
                    numbers.get(key, 0),
                )
                for one, key in told
                if one.headline
            ],
            headlines_of_ranges(evidence, results, edition),
        ),
        sections=_noted(
            {key: one for one, key in told},
            Beside(body, evidence, edition, _drawn(body, results, view, numbers)),
        ),
        provenance=_lineage(records, edition),
        parameters=_parameters(records),
        limits=limits(results),
        digests=tuple((record.step, edition.digest(record.content)) for record in records),
        software=tuple(sorted(versions().items())),
        names=_turning_names(results, case.investigator.strip()),
        appendices=(method(records),),
        dated=case.basis.last,
        tlp=marking(case.tlp, edition.name),
    )
    return replace(made, glossary=glossary(texts(made)))


Found = tuple[Finding, Mapping[str, pl.DataFrame], Mapping[str, str]]
"""A finding, its tables as the edition shows them, and the names of their files."""

FIRST = ("what_was_read", "not_read")
"""Findings that stand before all others: what the case rests on, and what it cannot know."""


def _key(finding: Finding, names: Mapping[str, str]) -> str:
    """Return the name of a finding in its report: that of its file, or its heading."""
    return names.get(finding.name, finding.title)


def _body(
    case: CaseRecord, view: MaskedView, results: list[Result], found: list[Found]
) -> Iterator[Section]:
    """Yield what was read, statements, figures, findings and steps, in the order of reading."""
    edition = view.edition
    shown = [one for one in found if not _nothing(one[0])]
    for name in FIRST:
        yield from (_section(*one, edition) for one in shown if one[0].name == name)
    yield from _stated(case.statements)
    clusters = next((names["clusters"] for names in view.files if "clusters" in names), "")
    notes = [note for _, note in case.whole()]
    for one in view.drawn:
        yield from _figure(one, notes[one.place], clusters, _ends(one, results, view))
    yield from (_section(*one, edition) for one in shown if one[0].name not in FIRST)
    yield from _looked_for([one for one, *_ in found if _nothing(one)], edition)
    yield from steps_annex(results, view.by_result, view.files, edition)


def _drawn(
    body: Sequence[Section], results: Sequence[Result], view: MaskedView,
    numbers: Mapping[str, int],
) -> Drawn:  # fmt: skip
    """Return which exhibits draw which results, and which list their steps."""
    pictures = [
        (drawn_of(results[figure.place]), figure.exhibit)
        for part in body for figure in part.figures if figure.place >= 0
    ]  # fmt: skip
    steps = [
        (result, numbers[names["steps"]])
        for result, names in zip(results, view.files, strict=True)
        if names.get("steps") in numbers
    ]
    return Drawn(pictures, steps, results)


def _noted(findings: Mapping[str, Finding], beside: Beside) -> tuple[Section, ...]:
    """Return sections with the notes that belong to the finding that each tells."""
    first: dict[Hashable, str] = {}
    told = []
    for part in beside.body:
        finding = None if part.wide else findings.get(part.key)
        if finding is not None:
            before = first.setdefault(alike(finding, beside.found), part.heading)
            before = "" if before == part.heading else before
            notes = notes_of(finding, part, before, beside)
            told.append(replace(part, notes=notes))
        else:
            told.append(part)
    return tuple(told)


def texts(document: CaseDocument) -> Iterator[str]:
    """Yield all that a report says to its reader, but its glossary."""
    yield from (document.title, document.question, document.edition, document.notice)
    for name, value in document.facts:
        yield from (name, value)
    yield from (*document.summary, *document.limits)
    for part in (*document.sections, *document.appendices):
        yield from (part.heading, *part.paragraphs, *texts_of(part.notes))
        tables = [Notes("", (), table) for table in part.tables]
        yield from texts_of(tables)


def _turning_names(results: Sequence[Result], investigator: str) -> tuple[str, ...]:
    """Return the names of parties that run from right to left: texts set them apart as a whole."""
    names = {name for result in results for name, _ in result.names()} | {investigator}
    return tuple(sorted(filter(turns, names)))


def _stated(statements: tuple[str, ...]) -> tuple[Section, ...]:
    """Return what others state and the case takes as given, apart from what it found."""
    return (Section("What is stated by others", statements),) if statements else ()


def _section(
    finding: Finding, tables: Mapping[str, pl.DataFrame], files: Mapping[str, str],
    edition: Edition,
) -> Section:  # fmt: skip
    paragraphs = [mask_sentence(text, finding, edition) for text in finding.text]
    counts = columns_of(finding.rows, Privacy.COUNT) if finding.rows else ()
    blocks = tuple(
        printed_table(finding.title, files[name], frame, finding.asset, counts)
        for name, frame in tables.items()
    )
    return Section(finding.title, tuple(paragraphs), blocks, key=_key(finding, files))


def _nothing(finding: Finding) -> bool:
    """Return whether a finding is that nothing was found: its table is empty."""
    return finding.rows is not None and not finding.frame.height


def _looked_for(findings: Sequence[Finding], edition: Edition) -> tuple[Section, ...]:
    """Return one section for all that was looked for and not found, in place of one for each."""
    lines = tuple(
        " ".join([f"{one.title}: none.", *(mask_sentence(text, one, edition) for text in one.text)])
        for one in findings
    )
    return (Section("Looked for and not found", lines),) if lines else ()


def _ends(one: DrawnFlows, results: Sequence[Result], view: MaskedView) -> str:
    """Return the name of the file with the ends of the trace that a figure is of, if there is one.

    A case may hold a figure of a trace and not the trace.
    """
    drawn = getattr(results[one.place], "trace", results[one.place])
    for result, names in zip(results, view.files, strict=True):
        if "ends" in names and isinstance(drawn, Result) and result.digest == drawn.digest:
            return names["ends"]
    return ""


def _figure(one: DrawnFlows, note: str, clusters: str, ends: str) -> Iterator[Section]:
    """Yield the section of a figure, and that of its key where its nodes bear marks."""
    drawing = one.drawing
    # The caption stands in the picture, which is read alone too: here it is told to those who
    # cannot see that, and not printed again.
    words = f"{drawing.caption} {drawing.alt}"
    block = FigureBlock(f"figures/{one.stem}.svg", drawing.heading, words, place=one.place)
    yield Section(drawing.heading, (note,) if note else (), (), (block,))
    key = figure_key(drawing, clusters, ends)
    if key is not None:
        yield Section(f"Key to the figure: {drawing.heading}", (), (key,))


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
    for record in (each for one in records for each in inner_first(one)):
        for key, value in record.params.items():
            if isinstance(value, (int, str)) and not str(value).startswith("sha256:"):
                rows.append((f"{record.step}: {key}", _chains_by_alias(str(value))))
    return tuple(dict.fromkeys(rows))
