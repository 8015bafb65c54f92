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
from chainwatch.change_models import votes
from chainwatch.clusters import apart, cluster, explain, fragility, graph, rounds
from chainwatch.figures import case_figure
from chainwatch.heuristics import links
from chainwatch.heuristics import statements as stated
from chainwatch.ledger import prices
from chainwatch.results.provenance import Record
from chainwatch.tracing.actions import by_hand

HEADING = "How the results were made"
INTRODUCTION = (
    "Every result was made by the steps below, which are named as they are in the lineage at the"
    " end. The parameters are those of this case."
)
NOT_DESCRIBED = "This step has no description."
_LONGEST = 160
"""Characters of a parameter that is told here; the file of the lineage has all of it."""

WHOLE = "(whole in lineage.json)"
"""Where the whole of a parameter stands that is cut: that file has it in each edition."""

_HOMES = (
    chainwatch, figures, tags, tags.Tags, case_figure, cluster.Clusters, explain, fragility, graph,
    rounds, apart, links.Links, stated, prices, votes, by_hand,
)  # fmt: skip
"""Where verbs stand, first those that an investigator calls."""

_UNNAMED = {
    "links +": "Lay links of several rules together, each with the rule that made it.",
    "links made by hand": "Take links as somebody's own program gives them: no rule of this package"
    " made them.",
    "referral_sheet": "Write down, for who is to act on it, what of the case concerns him.",
    "health_release": "Count what may be published, with noise that hides each single person.",
}
"""Steps that are no verb of a name of their own."""


def method(records: Sequence[Record]) -> Section:
    """Return the appendix on methods: every kind of step once, in the order in which they ran."""
    steps: dict[str, list[Record]] = {}
    for record in records:
        for one in inner_first(record):
            steps.setdefault(one.step, []).append(one)
    notes = tuple(Notes(step, tuple(_told(step, made))) for step, made in steps.items())
    return Section(HEADING, (INTRODUCTION,) if notes else (), notes=notes)


def inner_first(record: Record) -> Iterator[Record]:
    """Yield the steps that a record rests on, and then itself."""
    for one in record.inputs:
        yield from inner_first(one)
    yield record


def _told(step: str, made: Sequence[Record]) -> Iterator[str]:
    documentation = documented(step)
    yield _first(documentation) or NOT_DESCRIBED
    words = meanings(step)
    given: dict[str, dict[str, None]] = {}
    for record in made:
        for key, value in record.params.items():
            if (text := _plain(value)) is not None:
                given.setdefault(key, {})[text] = None
    for key, values in given.items():
        meaning = words.get(key, "")
        yield f"{key} = {'; '.join(values)}{f' ({meaning})' if meaning else ''}"
    if references := _section(documentation, "References"):
        yield f"References: {references}"


@cache
def documented(step: str) -> str:
    """Return the docstring of a verb of the package; nothing where the step is no public one."""
    found = (getattr(home, step, None) for home in _HOMES)
    verb = next((one for one in found if callable(one)), None)
    text = inspect.getdoc(verb) or "" if verb is not None else _UNNAMED.get(step, "")
    bare = re.sub(r":\w+:`~?([^`]+)`", r"\1", text).replace("``", "").replace("`", "")
    return re.sub(r"(?<![\w*])\*{1,2}(?=\S)([^*\n]+?)(?<=\S)\*{1,2}(?![\w*])", r"\1", bare)


def _first(documentation: str) -> str:
    return " ".join(documentation.partition("\n\n")[0].split())


def _section(documentation: str, title: str) -> str:
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", documentation, re.M | re.S)
    return " ".join(found[1].split()) if found else ""


@cache
def meanings(step: str) -> Mapping[str, str]:
    """Return what a verb's docstring says of each parameter, to the end of the first sentence.

    Names that share an entry have words of their own where the entry gives them (``name: ...``), or
    where it says that another verb takes them alike. Of all others nothing is said.
    """
    found = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", documented(step), re.M | re.S)
    entries = re.findall(
        r"^(\S[^\n:]*?)(?: ?:[^\n]*)?\n((?:[ ]+[^\n]*\n?|\n)+)", found[1] if found else "", re.M
    )
    told: dict[str, str] = {}
    for listed, body in entries:
        names = [name.strip("*") for name in listed.split(", ")]
        told |= _of_each(names, " ".join(body.split()), step)
    return {name: text for name, text in told.items() if text}


def _of_each(names: Sequence[str], body: str, step: str) -> Mapping[str, str]:
    """Return what the text of one entry says of each of its names."""
    if other := re.match(r"As (?:\w+\.)*(\w+) (?:takes|has) (?:it|them)\b", body):
        alike = meanings(other[1]) if other[1] != step else {}
        return {name: alike.get(name, "") for name in names}
    if len(names) == 1:
        return {names[0]: _sentence(body)}
    parts = re.split(rf"(?:^|(?<=[.;,] ))({'|'.join(map(re.escape, names))}): ", body)
    return {
        name: _sentence(text)[0:1].upper() + _sentence(text)[1:]
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def _sentence(text: str) -> str:
    """Return a text to the end of its first sentence or clause; none ends within parentheses."""
    for end in re.finditer(r"[.;](?=\s|$)", text.strip()):
        first = text.strip()[: end.end()]
        if first.count("(") == first.count(")"):
            return first.rstrip(".; ")
    return ""


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
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… {WHOLE}"


def texts_of(notes: Iterable[Notes]) -> Iterator[str]:
    """Yield all that notes say."""
    for note in notes:
        yield from (note.heading, *note.lines)
        if note.table is not None:
            yield from (note.table.caption, note.table.note, *note.table.columns)
            yield from (cell for row in note.table.rows for cell in row)
