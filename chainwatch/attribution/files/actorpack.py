"""Read ActorPacks: YAML files in which a publisher says who the actors of tags are.

The fields are those of the GraphSense TagPack tool (``actorpack_schema.yaml``): a field of the
header holds for every actor, an actor may override it. A context is JSON, or the same as fields of
YAML; what it holds beside the fields that the tool lists is kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainwatch.attribution.files.countries import COUNTRIES
from chainwatch.attribution.files.safe_yaml import Fields, Items, Node, Text
from chainwatch.attribution.files.tag_fields import day_of_text, truth_of_text
from chainwatch.attribution.files.tagpack import document, fields_of
from chainwatch.attribution.rejections import Rejection, quoted
from chainwatch.attribution.taxonomy import known
from chainwatch.errors import TagError

HEADER_FIELDS = frozenset({"title", "creator", "description", "is_public", "actors"})
MANDATORY = ("id", "uri", "label", "lastmod", "categories")
LISTS = ("categories", "jurisdictions", "aliases")
"""Fields that say several things."""

ACTOR_FIELDS = frozenset({*MANDATORY, *LISTS, "context"})
CONTEXT_LISTS = ("uris", "refs", "images", "coingecko_ids", "defilama_ids")
CONTEXT_TEXTS = ("twitter_handle", "github_organisation", "legal_name")

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_TRUTHS = {"true": True, "false": False}


@dataclass
class ActorRows:
    """The rows of one pack of actors while it is read.

    ``rows`` are ``id, label, uri, lastmod, context, pack``; ``told`` are ``id, field, place,
    value, pack`` of the fields that say several things.
    """

    name: str
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    told: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def fail(self, what: str, line: int, remedy: str, actor: int = 0) -> TagError:
        """Return the error for a place of the pack."""
        place = f"{quoted(self.name)} {f'actor {actor}, ' if actor else ''}line {line}"
        return TagError(what, where=place, remedy=remedy)

    def open(self, top: dict[str, Node]) -> tuple[dict[str, Node], Items]:
        """Check the header and return the fields that actors inherit, and the actors."""
        for key, node in top.items():
            self.check(key, node, HEADER_FIELDS | ACTOR_FIELDS, "the header")
        for key in ("title", "creator", "actors"):
            if key not in top:
                what = f"an ActorPack without {key}"
                raise TagError(what, where=quoted(self.name), remedy="add it")
        said = top.get("is_public")
        if isinstance(said, Text) and truth_of_text(said.value) is None:
            raise self.fail("is_public is no truth", said.line, "true or false")
        actors = top["actors"]
        if not isinstance(actors, Items) or not actors.values:
            raise self.fail("actors is no list of actors", actors.line, "list at least one actor")
        return {key: node for key, node in top.items() if key in ACTOR_FIELDS}, actors

    def check(
        self, key: str, node: Node, allowed: frozenset[str], part: str, actor: int = 0
    ) -> None:
        """Refuse a field that is not known, is of another form, or is empty."""
        if key not in allowed:
            what = f"unknown field {key[:64]!r} in {part}"
            raise self.fail(what, node.line, f"write one of {', '.join(sorted(allowed))}", actor)
        listed = key in ("actors", *LISTS)
        fits = isinstance(node, Items) if listed else not isinstance(node, Items)
        if not fits or (isinstance(node, Fields) and key != "context"):
            what = f"{key} is {'no list' if listed else 'no single text'}"
            raise self.fail(what, node.line, "see the ActorPack format", actor)
        for item in node.values if key in LISTS and isinstance(node, Items) else [node]:
            if key in LISTS and not isinstance(item, Text):
                raise self.fail(f"{key} is no list of texts", node.line, "write texts", actor)
            if isinstance(item, Text) and (item.null or item.include or not item.value.strip()):
                raise self.fail(f"{key} is empty", item.line, "give a value or remove it", actor)

    def take(self, number: int, actor: Node, header: dict[str, Node]) -> None:
        """Add the rows of one actor.

        Raises
        ------
        TagError
            If it breaks the format, or its id is that of another actor of the pack.
        """
        if not isinstance(actor, Fields):
            raise self.fail("an actor is no mapping", actor.line, "write its fields", number)
        for key, node in actor.values.items():
            self.check(key, node, ACTOR_FIELDS, "an actor", number)
        nodes = {**header, **actor.values}
        for key in MANDATORY:
            if key not in nodes:
                what = f"no {key} is stated, which ActorPack demands"
                raise self.fail(what, actor.line, "add it, or write it once in the header", number)
        one, uri, label, lastmod = (self._text(nodes[key]) for key in MANDATORY[:4])
        day = day_of_text(lastmod)
        if day is None:
            what = f"lastmod {lastmod[:40]!r} is no date"
            raise self.fail(what, nodes["lastmod"].line, "write it as 2024-09-27", number)
        told = [row for key in LISTS if key in nodes for row in self._told(one, key, nodes, number)]
        row = (one, uri, label, day, self._context(nodes.get("context"), number), self.name)
        if self._first(one, row, told, number, actor.line):
            self.rows.append(row)
            self.told += told

    def _first(
        self, one: str, row: tuple[Any, ...], told: list[Any], number: int, line: int
    ) -> bool:
        """Tell whether an actor is none that the pack has already."""
        said = repr((row, told))
        if one not in self.labels:
            self.labels[one] = said
            return True
        if self.labels[one] != said:
            what = f"two actors with the id {quoted(one, 64)!r} that say different things"
            raise self.fail(what, line, "give each an id of its own, or merge them", number)
        place = f"actor {number}, line {line}"
        self.rejected.append(Rejection(self.name, place, one, "says again what is said above"))
        return False

    def _text(self, node: Node) -> str:
        return node.value if isinstance(node, Text) else ""

    def _told(
        self, one: str, key: str, nodes: dict[str, Node], number: int
    ) -> list[tuple[Any, ...]]:
        node = nodes[key]
        found = []
        for place, item in enumerate(node.values if isinstance(node, Items) else []):
            value = self._text(item)
            where = f"{quoted(self.name)} actor {number}, line {item.line}"
            if key == "categories":
                known(value, where=where)
            if key == "jurisdictions" and value not in COUNTRIES:
                raise TagError(
                    f"no country {value[:40]!r}", where=where,
                    remedy="write the two capitals of ISO 3166, and NO in quotes",
                )  # fmt: skip
            found.append((one, key, place, value, self.name))
        return found

    def _context(self, node: Node | None, number: int) -> str | None:
        """Return a context as JSON text, verbatim where it is one."""
        if node is None:
            return None
        if isinstance(node, Text):
            try:
                said = json.loads(node.value)
            except (ValueError, RecursionError):
                said = None
            if not isinstance(said, dict):
                what, remedy = "the context is no JSON object", 'write {"uris": [..]}'
                raise self.fail(what, node.line, remedy, number)
            self._known(said, node.line, number)
            return node.value
        said = _plain(node)
        self._known(said, node.line, number)
        return json.dumps(said, ensure_ascii=False)

    def _known(self, said: dict[str, Any], line: int, number: int) -> None:
        """Refuse a field of a context that the tool lists and that is of another form."""
        for key, value in said.items():
            if key in CONTEXT_LISTS:
                fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
            else:
                fits = key not in CONTEXT_TEXTS or isinstance(value, str)
            if not fits:
                what = f"{key} of the context is no {'list' if key in CONTEXT_LISTS else 'text'}"
                raise self.fail(what, line, "see the ActorPack format", number)


def _plain(node: Node) -> Any:
    """Return nodes as plain data: whole numbers and truths as YAML reads them, all else as text."""
    if isinstance(node, Fields):
        return {key: _plain(value) for key, value in node.values.items()}
    if isinstance(node, Items):
        return [_plain(item) for item in node.values]
    if node.style is not None:
        return node.value
    if node.null:
        return None
    if node.value in _TRUTHS:
        return _TRUTHS[node.value]
    return int(node.value) if _WHOLE.fullmatch(node.value) else node.value


def read_actorpack(path: Path, *, name: str, root: Path) -> ActorRows:
    """Return the actors of one pack.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in rows and errors.
    root : Path
        Folder that an ``!include`` must not leave.

    Raises
    ------
    TagError
        If the file breaks the format; the sentence names file, actor, line and remedy.
    """
    pack = ActorRows(name)
    header, actors = pack.open(fields_of(document(path, name, "ActorPack"), path, name, root))
    for number, actor in enumerate(actors.values, 1):
        pack.take(number, actor, header)
    return pack
