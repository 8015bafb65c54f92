"""The docstring of a source as plain text: what it is, what each parameter does, when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEADING = re.compile(r"^(\w[^\n]*)\n-{3,}[ \t]*$", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+(?:, *\w+)*)(?: *:.*)?$")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
_CODE = re.compile(r"``(.*?)``", re.DOTALL)


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a numpydoc docstring by heading; what stands before them under ''."""
    first, *rest = _HEADING.split(docstring)
    found = {"": first.strip("\n")}
    found |= {rest[at]: rest[at + 1].strip("\n") for at in range(0, len(rest), 2)}
    return found


def plain(text: str) -> str:
    """Return a text without marks of reStructuredText, each paragraph on one line."""
    bare = _CODE.sub(r"\1", _ROLE.sub(r"\1", text))
    return "\n\n".join(
        " ".join(part.split()) for part in re.split(r"\n\s*\n", bare) if part.strip()
    )


def parameter_texts(docstring: str) -> dict[str, str]:
    """Return what *Parameters* says of each one, as plain text; of a table of keys *Attributes*."""
    said = sections(docstring)
    return {
        name: plain("\n".join(lines))
        for names, lines in _entries(said.get("Parameters") or said.get("Attributes", ""))
        for name in names
    }


def _entries(section: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the names of each entry and the lines below them."""
    names: list[str] = []
    lines: list[str] = []
    for line in section.splitlines():
        heads = _ENTRY.match(line)
        if heads:
            if names:
                yield names, lines
            names, lines = [name.strip() for name in heads[1].split(",")], []
        else:
            lines.append(line)
    if names:
        yield names, lines
