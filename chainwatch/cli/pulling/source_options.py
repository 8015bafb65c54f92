"""The parameters of a source as options of the command line, and their texts as its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainwatch.errors import InputError
from chainwatch.sources.parameters import (
    Addresses,
    Argument,
    Asked,
    AtLeast,
    Option,
    Parameter,
    Secret,
)

if TYPE_CHECKING:
    from chainwatch.sources.catalogue import Entry

Given = tuple[str, object, object]
"""A parameter of a command: its name, what typer is told of it, and its default."""

REQUIRED = ...
"""Stands for the default of what must be given."""

_TYPES: dict[str, object] = {
    "path": Path, "table": Path, "integer": int, "number": float, "flag": bool,
}  # fmt: skip
"""What typer makes of a text, where it does not stay one."""

_WRITTEN = {
    "heights": "Written A:B, from A until before B; either may be left out.",
    "bytes": "In hexadecimal.",
    "table": "A TOML file.",
}
"""How a kind of value is written."""

_SEEN = "Others of this machine can see them."
_HOST = "HOST:PORT."
_PLACE = "Only where it is kept: env:NAME or keyring:SERVICE."
_PLACES = "NAME=env:VARIABLE or NAME=keyring:SERVICE."


def options_of(entry: Entry) -> Iterator[Given]:
    """Yield what a command takes of its source, in the order of the source's constructor."""
    parameters = entry.parameters()
    joined = {mark.port for item in parameters if (mark := item.mark(Asked))}
    for item in parameters:
        if item.name not in joined:
            yield item.name, Annotated[_annotation(item), _info(item)], _default(item)


def option_name(parameter: Parameter) -> str:
    """Return how a parameter is called on the command line."""
    if parameter.mark(Argument):
        return parameter.name
    return _flag(parameter).partition("/")[0]


def _flag(item: Parameter) -> str:
    mark = item.mark(Option)
    if mark is not None:
        return mark.flag
    name = item.name.replace("_", "-")
    return f"--{name}/--no-{name}" if item.kind == "flag" and item.default is True else f"--{name}"


def _annotation(item: Parameter) -> Any:
    kind = Literal[item.choices] if item.choices else _TYPES.get(item.kind, str)
    if item.keyed:  # a text NAME=VALUE, whatever the values are
        kind = str
    whole: Any = list[kind] if item.several or item.keyed else kind  # type: ignore[valid-type]
    return whole if _default(item) not in (None, REQUIRED) else whole | None


def _default(item: Parameter) -> object:
    if item.required:
        return REQUIRED
    if item.kind == "flag" and item.default is None and "/" not in _flag(item):
        return False
    return None if item.several or item.keyed else item.default


def _info(item: Parameter) -> Any:
    text = " ".join(filter(None, (item.help, *_hints(item))))
    least = item.mark(AtLeast)
    bounds: dict[str, Any] = {"min": least.least} if least else {}
    if item.mark(Argument):
        return typer.Argument(help=text, **bounds)
    return typer.Option(_flag(item), help=text, **bounds)


def _hints(item: Parameter) -> Iterator[str]:
    """Yield what a text must be like, where the docstring speaks of Python's values."""
    asked = item.mark(Asked)
    if asked is not None and asked.port:
        yield _HOST
    if item.mark(Addresses):
        yield _SEEN
    if item.mark(Secret):
        yield _PLACES if item.keyed else _PLACE
    elif item.keyed:
        yield "Written NAME=VALUE."
    yield _WRITTEN.get(item.kind, "")
    if (item.several or item.keyed) and not item.mark(Argument):
        yield "May be repeated."


def written_of(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as plain data by the name of the parameter; what was not is left out.

    Raises
    ------
    InputError
        If a server is no HOST:PORT, or a header no NAME=PLACE.
    """
    from chainwatch.sources.values import host_and_port

    found: dict[str, Any] = {}
    for item in entry.parameters():
        value, asked = given.get(item.name), item.mark(Asked)
        if value is None or (item.kind == "flag" and value == _default(item)):
            continue  # a flag that was left out has a value too: that of the constructor
        if asked is not None and asked.port:
            found[item.name], found[asked.port] = host_and_port(value)
        else:
            found[item.name] = _pairs(item, value) if item.keyed else value
    return found


def _pairs(item: Parameter, texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            form = _PLACES.rstrip(".") if item.mark(Secret) else "NAME=VALUE"
            raise InputError(f"{option_name(item)} takes {form}")
        found[name.strip()] = value
    return found
