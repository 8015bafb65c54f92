"""Actors written as an ActorPack, so that others can load them: anew, or like another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.atomic import check_new, write_new
from chainwatch.attribution.actors import Actors
from chainwatch.attribution.files.actorpack import LISTS, ActorRows
from chainwatch.attribution.files.safe_yaml import Fields, Items, Node, Text
from chainwatch.attribution.files.tagpack import document, fields_of
from chainwatch.attribution.files.yaml_text import day_of, text_of, truth_of, yaml_text
from chainwatch.attribution.rejections import quoted
from chainwatch.case.exports.tagpack import said
from chainwatch.errors import TagError


def write_actorpack(
    actors: Actors, path: str | Path, title: str | None = None, creator: str | None = None, *,
    like: str | Path | None = None, replace: bool = False,
) -> Path:  # fmt: skip
    """Write actors as one ActorPack that reads back to the same values; ``pack`` is its new name.

    Parameters
    ----------
    actors : Actors
        The actors.
    path : str or Path
        The file.
    title, creator : str, optional
        Header of the pack; needed where there is no ``like``.
    like : str or Path, optional
        An ActorPack whose header, order and notation are kept: one that was read is written as it
        was, to the byte, but for the actors that ``actors`` does not have, which are left out, and
        those that it has beside, which follow. Comments are not kept.
    replace : bool
        Put it in the place of a file of that name.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputExists
        If the file exists and may not be replaced.
    TagError
        If there is nothing to write, a text holds a NUL byte or nothing at all, or two packs say
        different things of one actor.
    """
    target = Path(path)
    check_new(target, replace=replace)
    if like is not None:
        if not (title is creator is None):
            what = "a pack like another has its title and creator"
            raise TagError(what, remedy="leave them out, or leave like out")
        top = _like(actors, Path(like))
    else:
        if title is None or creator is None:
            raise TagError("a pack without title or creator", remedy="pass both, or like=")
        listed = _entries(actors)
        top = Fields({"title": said(title), "creator": said(creator), "actors": listed}, 0)
    write_new(target, yaml_text(top).encode(), replace=replace)
    return target


def _entries(actors: Actors, left_out: Iterable[str] = ()) -> Items:
    rows = actors.frame.drop("pack").unique().sort("id")
    if rows["id"].is_duplicated().any():
        remedy = "write one pack at a time"
        raise TagError("two packs say different things of one actor", remedy=remedy)
    found: list[Node] = []
    for row in rows.filter(~pl.col("id").is_in(list(left_out))).iter_rows(named=True):
        fields: dict[str, Node] = {name: said(row[name]) for name in ("id", "label", "uri")}
        for name in LISTS:
            told = actors.told(row["id"], name)
            if told or name == "categories":
                fields[name] = Items([said(one) for one in told], 0, flow=not told)
        if row["context"] is not None:
            fields["context"] = _context(row["context"])
        found.append(Fields({**fields, "lastmod": day_of(row["lastmod"])}, 0))
    return Items(found, 0)


def _context(context: str) -> Node:
    """Return a context as fields of YAML where these read back to the same JSON, else as JSON."""
    told = json.loads(context)
    as_fields = _node(told)
    same = json.dumps(told, ensure_ascii=False) == context
    return as_fields if same and isinstance(as_fields, Fields) else said(context)


def _node(value: Any) -> Node | None:
    """Return plain data as nodes; None where YAML would not read it back as it is."""
    if isinstance(value, str):
        return text_of(value) if value.strip() and "\x00" not in value else None
    if isinstance(value, bool):
        return truth_of(value)
    if isinstance(value, int):
        return Text(str(value), 0) if abs(value) < 10**18 else None
    if isinstance(value, (list, dict)) and not value:
        return Items([], 0, flow=True) if isinstance(value, list) else None
    if isinstance(value, list):
        listed = [_node(one) for one in value]
        return Items([one for one in listed if one], 0) if all(listed) else None
    if isinstance(value, dict):
        named = {key: _node(one) for key, one in value.items()}
        whole = all(named.values()) and all(key.strip() and "<<" not in key for key in named)
        return Fields({key: one for key, one in named.items() if one}, 0) if whole else None
    return None


def _like(actors: Actors, path: Path) -> Fields:
    """Return a pack with the actors that are given, as far as it has them, and others behind."""
    if not path.is_file():
        raise TagError("there is no such pack", where=quoted(path), remedy="check the path")
    name = path.name
    top = document(path, name, "ActorPack")
    pack = ActorRows(name)
    header, listed = pack.open(fields_of(top, path, name, path.parent))
    if "actors" not in top.values:
        what = "its actors stand in the file that it includes"
        raise TagError(what, where=quoted(name), remedy="name that file")
    wanted = {_said(row) for row in actors.frame.iter_rows()}
    details: dict[str, set[tuple[Any, ...]]] = {}
    for row in actors.details.iter_rows():
        details.setdefault(row[0], set()).add(_said(row))
    kept: list[Node] = []
    found: set[str] = set()
    for number, actor in enumerate(listed.values, 1):
        before, told_before = len(pack.rows), len(pack.told)
        pack.take(number, actor, header)
        rows = {_said(row) for row in pack.rows[before:]}
        told = {_said(row) for row in pack.told[told_before:]}
        named = {row[0] for row in rows}
        if rows <= wanted and told == set().union(*(details.get(one, set()) for one in named)):
            kept.append(actor)
            found |= named
    kept += _entries(actors, found).values
    if not kept:
        raise TagError("there are no actors to write")
    return Fields({**top.values, "actors": Items(kept, listed.line, listed.flow)}, top.line)


def _said(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a row says, without the name of the file in which it stands."""
    return row[:-1]
