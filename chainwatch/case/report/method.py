"""How the results were made, in sentences that are written from the lineage.

Each step of the lineage is a verb of the package. What it does is told in the first words of the
verb's own docstring, its parameters in those of its *Parameters* section, and what it rests on in
its *References*: no text is kept twice, so that none can fall behind.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import chainwatch
from chainwatch import figures
from chainwatch.attribution import tags
from chainwatch.case.report.elements import Notes, Section
from chainwatch.figures import case_figure
from chainwatch.results.provenance import Record

HEADING = "How the results were made"
INTRODUCTION = (
    "Every result was made by the steps below, which are named as they are in the lineage at the"
    " end. The parameters are those of this case."
)
_LONGEST = 160
"""Characters of a parameter that is told here; the table of parameters has all of it."""


def method(records: Sequence[Record]) -> Section:
    """Return the appendix on methods: every kind of step once, in the order in which they ran."""
    steps: dict[str, list[Record]] = {}
    for record in records:
        for one in _inner_first(record):
            steps.setdefault(one.step, []).append(one)
    notes = tuple(Notes(step, tuple(_told(step, made))) for step, made in steps.items())
    return Section(HEADING, (INTRODUCTION,) if notes else (), notes=notes)


def _inner_first(record: Record) -> Iterator[Record]:
    for one in record.inputs:
        yield from _inner_first(one)
    yield record


def _told(step: str, made: Sequence[Record]) -> Iterator[str]:
    documentation = documented(step)
    yield _first(documentation) or "This step has no description."
    meanings = _entries(documentation, "Parameters")
    given: dict[str, dict[str, None]] = {}
    for record in made:
        for key, value in record.params.items():
            if (text := _plain(value)) is not None:
                given.setdefault(key, {})[text] = None
    for key, values in given.items():
        meaning = meanings.get(key, "")
        yield f"{key} = {'; '.join(values)}{f' ({meaning})' if meaning else ''}"
    if references := _section(documentation, "References"):
        yield f"References: {references}"


@cache
def documented(step: str) -> str:
    """Return the docstring of a verb of the package; nothing where the step is no public one."""
    homes = (chainwatch, figures, tags, tags.Tags, case_figure)
    found = (getattr(home, step, None) for home in homes)
    verb = next((one for one in found if callable(one)), None)
    text = inspect.getdoc(verb) or "" if verb is not None else ""
    return re.sub(r":\w+:`~?([^`]+)`", r"\1", text).replace("``", "").replace("`", "")


def _first(documentation: str) -> str:
    return " ".join(documentation.partition("\n\n")[0].split())


def _section(documentation: str, title: str) -> str:
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", documentation, re.M | re.S)
    return " ".join(found[1].split()) if found else ""


def _entries(documentation: str, title: str) -> Mapping[str, str]:
    """Return what a section of a docstring says of each name, to the end of the first sentence."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", documentation, re.M | re.S)
    if not found:
        return {}
    told: dict[str, str] = {}
    for names, body in re.findall(
        r"^(\S[^\n:]*?) ?:[^\n]*\n((?:[ ]+[^\n]*\n?|\n)+)", found[1], re.M
    ):
        sentence = re.match(r".*?[.;](?=\s|$)", " ".join(body.split()) + " ")
        for name in names.split(", "):
            told[name.strip("*")] = (sentence[0] if sentence else "").rstrip(".; ")
    return told


def _plain(value: Any) -> str | None:
    """Return a parameter that a reader can follow; digests and what was not given are left out."""
    if value is None or isinstance(value, Mapping) or value in ("", []):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        told = [text for text in map(_plain, value) if text is not None]
        return ", ".join(told) or None
    text = str(value)
    if re.search(r"sha256:|[0-9a-f]{40}", text):
        return None
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (whole in the parameters)"


def texts_of(notes: Iterable[Notes]) -> Iterator[str]:
    """Yield all that notes say."""
    for note in notes:
        yield from (note.heading, *note.lines)
        if note.table is not None:
            yield from (note.table.caption, note.table.note, *note.table.columns)
            yield from (cell for row in note.table.rows for cell in row)
