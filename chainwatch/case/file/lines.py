"""On which line of a TOML file a table or a key stands: TOML's own reader does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

Place = tuple[str | int, ...]
"""Names and numbers that lead to a value: ``("sources", 1, "path")`` is of the second source."""

_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_LONG = ('"""', "'''")


@dataclass(frozen=True)
class Written:
    """A file that TOML has read, and where in it everything stands.

    Attributes
    ----------
    name : str
        What errors call it.
    text : str
        What stands in it; nothing where a case was given as plain data.
    """

    name: str
    text: str = field(default="", repr=False)

    def at(self, *place: str | int) -> str:
        """Return the name of the file with the line of a place, or of the table that it is in."""
        for end in range(len(place), 0, -1):
            if place[:end] in self.lines:
                return f"{self.name} line {self.lines[place[:end]]}"
        return self.name

    @cached_property
    def lines(self) -> Mapping[Place, int]:
        """The first line of every table and key that is not inside of a value."""
        found: dict[Place, int] = {}
        counts: dict[Place, int] = {}
        table: Place = ()
        for number, line in _statements(self.text):
            if line.startswith("["):
                place = table = _entered(line, counts)
            else:
                place = (*table, *_names(line))
            for end in range(1, len(place) + 1):  # a dotted name makes the tables above it too
                found.setdefault(place[:end], number)
        return found


def _entered(line: str, counts: dict[Place, int]) -> Place:
    """Return the place of the table that a header opens; one of a list is counted."""
    listed = line.startswith("[[")
    names = _names(line[2 if listed else 1 :])
    place: Place = ()
    for depth, name in enumerate(names, 1):
        place = (*place, name)
        if listed and depth == len(names):
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _names(line: str) -> list[str]:
    """Return the dotted names with which a header or a statement begins."""
    names, at = [], 0
    while found := _KEY.match(line, at):
        names.append(next(part for part in found.groups() if part is not None))
        at = found.end()
        if line[at : at + 1] != ".":
            break
        at += 1
    return names


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that open a table or give a key, with their numbers.

    Lines that go on with a value are left out: they may look like either.
    """
    inside, depth = "", 0
    for number, line in enumerate(text.split("\n"), 1):  # other breaks are none in TOML
        stripped = line.strip()
        if not inside and not depth and stripped and not stripped.startswith("#"):
            yield number, stripped
            if stripped.startswith("["):
                continue
        inside, depth = _goes_on(line, inside, depth)


def _goes_on(line: str, inside: str, depth: int) -> tuple[str, int]:
    """Return what a line leaves open: the quotes of a long text, and how many brackets."""
    at = 0
    while at < len(line):
        if inside:
            at, inside = _after_long(line, at, inside)
        elif line.startswith(_LONG, at):
            inside, at = line[at : at + 3], at + 3
        elif line[at] in "\"'":
            at = _after_text(line, at)
        elif line[at] == "#":
            break
        else:
            depth += (line[at] in "[{") - (line[at] in "]}")
            at += 1
    return inside, depth


def _after_long(line: str, at: int, quotes: str) -> tuple[int, str]:
    """Return where a long text ends in a line, and what is open behind it."""
    while at < len(line):
        if quotes == '"""' and line[at] == "\\":
            at += 2
        elif line.startswith(quotes, at):
            # Up to two quotes more may stand before the three that close.
            while line.startswith(quotes, at + 1):
                at += 1
            return at + 3, ""
        else:
            at += 1
    return at, quotes


def _after_text(line: str, at: int) -> int:
    """Return where a text in a line ends."""
    quote, at = line[at], at + 1
    while at < len(line) and line[at] != quote:
        at += 2 if quote == '"' and line[at] == "\\" else 1
    return at + 1
