"""Write YAML in the way that packs are written: what was read comes out as it stood there.

Texts are plain where that says the same, in quotes where YAML would take them for a number, a date
or a truth. A text with a character that is not printable is written with numbers for what is no
plain letter, so that nothing hidden stands in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import yaml

from chainwatch.attribution.files.safe_yaml import Items, Node, Text

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_RESOLVERS: dict[str | None, list[tuple[str, re.Pattern[str]]]] = (
    yaml.SafeLoader.yaml_implicit_resolvers
)
_INCLUDE = "!include"


def text_of(value: str) -> Text:
    """Return a text as a node that reads back as that text, in quotes where it must stand in them.

    Examples
    --------
    >>> text_of("Hydra Market").style, text_of("0x00ab").style, text_of("a\\x1bb").style
    (None, "'", '"')
    """
    if not value.isprintable():
        return Text(value, 0, style='"')
    guessed = [*_RESOLVERS.get(value[:1], []), *_RESOLVERS.get(None, [])]
    return Text(value, 0, style="'" if any(kind.match(value) for _, kind in guessed) else None)


def truth_of(value: bool) -> Text:
    """Return a truth as a node."""
    return Text("true" if value else "false", 0)


def day_of(value: date) -> Text:
    """Return a date as a node."""
    return Text(value.isoformat(), 0)


def yaml_text(top: Node) -> str:
    """Return a document as YAML text; lists stand under their field without being indented.

    Parameters
    ----------
    top : Node
        What :func:`chainwatch.attribution.files.safe_yaml.load` returns, or nodes made here.

    Fails when
    ----------
    The file that was read held comments, or repeated a text by an alias: comments are not kept,
    and aliases are written out.
    """
    plain = all(text.value.isprintable() for text in _texts(top))
    written: str = yaml.emit(_events(top), Dumper=_DUMPER, allow_unicode=plain)
    return written


def _texts(node: Node) -> Iterator[Text]:
    if isinstance(node, Text):
        yield node
    elif isinstance(node, Items):
        for item in node.values:
            yield from _texts(item)
    else:
        for key, value in node.values.items():
            yield Text(key, node.line)
            yield from _texts(value)


def _events(top: Node) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent(None, None)
    yield yaml.DocumentStartEvent(None, None, explicit=False)
    yield from _node(top)
    yield yaml.DocumentEndEvent(None, None, explicit=False)
    yield yaml.StreamEndEvent(None, None)


def _node(node: Node) -> Iterator[yaml.Event]:
    if isinstance(node, Text):
        yield _scalar(node)
    elif isinstance(node, Items):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=node.flow)
        for item in node.values:
            yield from _node(item)
        yield yaml.SequenceEndEvent(None, None)
    else:
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=node.flow)
        for key, value in node.values.items():
            yield _scalar(text_of(key))
            yield from _node(value)
        yield yaml.MappingEndEvent(None, None)


def _scalar(text: Text) -> yaml.ScalarEvent:
    if text.include:
        return yaml.ScalarEvent(None, _INCLUDE, (False, False), text.value, style=text.style)
    plain = text.style is None
    return yaml.ScalarEvent(None, None, (plain, True), text.value, style=text.style)
