"""Read YAML as plain texts with their lines: nothing is constructed, guessed at or unfolded.

A pack is a stranger's file. Its events are read one by one and kept as the texts that stand there,
so an unquoted ``0x00ab`` stays an address and ``NO`` stays a label. Tags that build objects, merge
keys, repeated keys, aliases of lists and mappings ("billion laughs") and deep nesting are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from chainwatch.attribution.rejections import quoted
from chainwatch.errors import TagError
from chainwatch.packed import file_bytes

MAX_DEPTH = 8
"""Deepest nesting. A TagPack needs four: header, tags, tag, concepts."""

MAX_FIELD = 100_000
"""Longest single text in characters."""

MOST_ALIASED, LEAST_ALIASED = 20, 4_000_000
"""How many times its own size the aliases of a file may repeat, and what every file may."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_SCALARS = {None, "!", *(_CORE + name for name in ("str", "int", "float", "bool", "timestamp"))}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it stands in the file; ``style`` is its quotes, None where it has none."""

    value: str
    line: int
    null: bool = False
    include: bool = False
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence; ``flow`` is whether it stands in brackets."""

    values: list[Node]
    line: int
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping whose keys are distinct texts; ``flow`` is whether it stands in braces."""

    values: dict[str, Node]
    line: int
    flow: bool = False


Node: TypeAlias = Text | Items | Fields


def load(path: Path, name: str) -> Node:
    """Return the one document of a YAML file; see :func:`sized`."""
    return sized(path, name)[0]


def sized(path: Path, name: str) -> tuple[Node, int]:
    """Return the one document of a YAML file, and the bytes of it, unpacked.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in errors.

    Raises
    ------
    TagError
        If it is too large, no YAML, more than one document, or uses what is refused here: also
        where its aliases repeat more than ``MOST_ALIASED`` times what stands in it.
    """
    data = file_bytes(path, name, TagError)
    try:
        most = max(LEAST_ALIASED, MOST_ALIASED * len(data))
        return _Document(name, yaml.parse(data, Loader=_LOADER), most).read(), len(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "broken"
        raise TagError(
            f"not readable as YAML: {quoted(problem)}",
            where=f"{quoted(name)}{line}",
            remedy="mend the file, it may hold a NUL byte, a tab or an unclosed quote",
        ) from error


@dataclass
class _Document:
    """The events of one file and the scalar anchors met so far."""

    name: str
    events: Iterator[yaml.Event]
    most_aliased: int
    anchors: dict[str, Text | None] = field(default_factory=dict)
    aliased: int = 0

    def fail(self, what: str, event: yaml.Event, remedy: str) -> TagError:
        line = _line(event)
        return TagError(what, where=f"{quoted(self.name)} line {line}", remedy=remedy)

    def read(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.fail("a second document", event, "keep one pack in one file")
                root = self.node(next(self.events), 0)
        if root is None:
            raise TagError("an empty file", where=quoted(self.name), remedy="remove it")
        return root

    def node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if depth >= MAX_DEPTH:
            raise self.fail("nested too deeply", event, f"keep to {MAX_DEPTH} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            self.plain(event, "seq")
            return Items(self.items(depth), _line(event), bool(event.flow_style))
        if isinstance(event, yaml.MappingStartEvent):
            self.plain(event, "map")
            return Fields(self.fields(depth), _line(event), bool(event.flow_style))
        raise self.fail("neither text, list nor mapping", event, "see the TagPack format")

    def plain(self, event: yaml.CollectionStartEvent, kind: str) -> None:
        if event.anchor:
            self.anchors[event.anchor] = None
        if event.tag not in (None, "!", _CORE + kind):
            raise self.fail(f"YAML tag {event.tag!r}", event, "write plain texts and lists")

    def items(self, depth: int) -> list[Node]:
        found = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            found.append(self.node(event, depth + 1))
        return found

    def fields(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, MAX_DEPTH)
            if not isinstance(key, Text) or key.include or key.value == "<<":
                raise self.fail("a key that is no plain name", event, "write each field out")
            if key.value in found:
                raise self.fail(
                    f"field {key.value[:64]!r} stands there twice", event, "keep one of them"
                )
            found[key.value] = self.node(next(self.events), depth + 1)
        return found

    def scalar(self, event: yaml.ScalarEvent) -> Text:
        line, tag = _line(event), event.tag
        if "\x00" in event.value:
            raise self.fail("a NUL byte in a text", event, "remove it")
        if len(event.value) > MAX_FIELD:
            raise self.fail(
                f"a text of {len(event.value):,} characters", event, f"keep to {MAX_FIELD:,}"
            )
        plain_null = event.implicit[0] and tag is None and event.value in _NULLS
        if tag not in _SCALARS and tag not in ("!include", _CORE + "null"):
            raise self.fail(f"YAML tag {str(tag)[:64]!r}", event, "write a plain text")
        # What is tagged as text was not to be read as a number: quotes say the same.
        style = event.style or ("'" if tag == _CORE + "str" else None)
        null, include = plain_null or tag == _CORE + "null", tag == "!include"
        text = Text(event.value, line, null, include, style)
        if event.anchor:
            self.anchors[event.anchor] = text
        return text

    def alias(self, event: yaml.AliasEvent) -> Text:
        name = str(event.anchor)
        found = self.anchors.get(name)
        if found is None:
            raise self.fail(
                f"alias {name[:64]!r} stands for a list or mapping, or for nothing",
                event,
                "write it out: only single texts may be repeated by an alias",
            )
        # Nothing is copied here, but rows and files that are written of it hold each text whole.
        self.aliased += len(found.value)
        if self.aliased > self.most_aliased:
            raise self.fail(
                f"aliases repeat more than {self.most_aliased:,} characters, far more than the"
                " file holds",
                event,
                "shorten the text that is repeated, or leave it out",
            )
        return found


def _line(event: yaml.Event) -> int:
    """Return the line an event begins on, counted from 1."""
    return event.start_mark.line + 1 if event.start_mark is not None else 0
