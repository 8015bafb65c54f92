"""Tags written as a TagPack, so that others can load them: anew, or in the place of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.atomic import check_new, write_new
from chainwatch.attribution.files.safe_yaml import Fields, Items, Node, Text
from chainwatch.attribution.files.tagpack import PackRows, document, fields_of
from chainwatch.attribution.files.yaml_text import day_of, text_of, truth_of, yaml_text
from chainwatch.attribution.rejections import quoted
from chainwatch.attribution.tags import Tags
from chainwatch.attribution.taxonomy import broader, is_a
from chainwatch.attribution.withdrawal import in_context
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS

_SHARED = (
    "label", "currency", "confidence", "is_cluster_definer", "category", "abuse", "concepts",
    "actor", "source", "lastmod", "first_day", "last_day", "context",
)  # fmt: skip
"""Fields of a tag in the order in which they are written; what all tags share stands once, above
them."""

_PLACE = list(TAGS.schema).index("pack")


def write_tagpack(
    tags: Tags, path: str | Path, title: str | None = None, creator: str | None = None, *,
    description: str | None = None, like: str | Path | None = None, withdrawn: bool = False,
    replace: bool = False,
) -> Path:  # fmt: skip
    """Write tags as one TagPack that reads back to the same values; ``pack`` is its new name.

    What all tags say stands once in the header, and each tag says the rest. Other TagPack software
    knows neither ``first_day`` and ``last_day`` nor the concepts that TagPack's own tree lacks:
    see :func:`chainwatch.attribution.taxonomy.tagpack_id`.

    Parameters
    ----------
    tags : Tags
        The tags; what was rejected when they were read is not written.
    path : str or Path
        The file.
    title, creator : str, optional
        Header of the pack; needed where there is no ``like``.
    description : str, optional
        A sentence on the pack.
    like : str or Path, optional
        A TagPack whose header, order and notation are kept: a pack that was read is written as it
        was, to the byte, but for the tags that ``tags`` does not have, which are left out, and
        those that it has beside, which follow. What of it cannot be taken as a tag, such as the
        tag of a transaction, stays. Comments do not.
    withdrawn : bool
        Also write the tags that were withdrawn, each with that in its context. Other software
        takes them for tags that stand. Those that ``like`` has stay in any case.
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
        If there is nothing to write, a text holds a NUL byte or nothing at all, two packs say
        the same with different values, or the header of ``like`` says of all tags what is not said
        of those that are new to it.
    """
    target = Path(path)
    check_new(target, replace=replace)
    if like is not None:
        if not (title is creator is description is None):
            what = "a pack like another has its title, creator and description"
            raise TagError(what, remedy="leave them out, or leave like out")
        top = _like(tags, Path(like), withdrawn=withdrawn)
    else:
        header = {"title": title, "creator": creator, "description": description}
        top = _anew(_rows_of(tags, withdrawn=withdrawn), header)
    write_new(target, yaml_text(top).encode(), replace=replace)
    return target


def _rows_of(tags: Tags, *, withdrawn: bool) -> pl.DataFrame:
    """Return the rows to write: those that stand, and those withdrawn, if they are asked for."""
    return pl.concat([tags.frame, in_context(tags.gone)]) if withdrawn else tags.frame


def _anew(frame: pl.DataFrame, header: Mapping[str, str | None]) -> Fields:
    for name in ("title", "creator"):
        if header[name] is None:
            raise TagError(f"a pack without {name}", remedy=f"pass {name}=, or like=")
    entries = list(_entries(frame))
    if not entries:
        raise TagError("there are no tags to write")
    shared = {
        name: entries[0][name]
        for name in _SHARED
        if all(name in entry and _same(entry[name], entries[0][name]) for entry in entries)
    }
    top: dict[str, Node] = {name: said(text) for name, text in header.items() if text is not None}
    listed: list[Node] = [_below(entry, shared) for entry in entries]
    return Fields({**top, **shared, "tags": Items(listed, 0)}, 0)


def _like(tags: Tags, path: Path, *, withdrawn: bool) -> Fields:
    """Return a pack with the tags that are given, as far as it has them, and the others behind."""
    if not path.is_file():
        raise TagError("there is no such pack", where=quoted(path), remedy="check the path")
    name = path.name
    top = document(path, name)
    chains = tags.frame["chain"].unique()
    # A pack that states no network was read for one: whoever read it said which.
    pack = PackRows(name, chain_of(chains[0]).alias if len(chains) == 1 else None)
    header, listed = pack.open(fields_of(top, path, name, path.parent))
    if "tags" not in top.values:
        what = "its tags stand in the file that it includes"
        raise TagError(what, where=quoted(name), remedy="name that file")
    frame = _rows_of(tags, withdrawn=withdrawn)
    wanted = {_said(row) for row in frame.iter_rows()}
    gone = {_said(row) for row in in_context(tags.gone).iter_rows()}
    kept: list[Node] = []
    for number, tag in enumerate(listed.values, 1):
        rows = _rows(pack, number, tag, header)
        if rows <= wanted | gone:
            kept.append(tag)
            wanted -= rows
    left = frame.filter([_said(row) in wanted for row in frame.iter_rows()])
    added: list[Node] = [_below(entry, header) for entry in _entries(left)]
    alone = PackRows(name, pack.network)
    told = {row for number, tag in enumerate(added, 1) for row in _rows(alone, number, tag, header)}
    if told != wanted:
        raise TagError(
            "the header of the pack says of all its tags what is not said of those that are new",
            where=quoted(name), remedy="write them as a pack of their own, with title and creator",
        )  # fmt: skip
    if not kept and not added:
        raise TagError("there are no tags to write")
    kept += added
    return Fields({**top.values, "tags": Items(kept, listed.line, listed.flow)}, top.line, top.flow)


def _rows(pack: PackRows, number: int, tag: Node, header: dict[str, Node]) -> set[tuple[Any, ...]]:
    """Return what one tag of a pack says, row by row; nothing where it cannot be taken."""
    before = len(pack.rows)
    pack.take(number, tag, header)
    return {_said(row) for row in pack.rows[before:]}


def _said(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a row says, without the name of the file in which it stands."""
    return (*row[:_PLACE], *row[_PLACE + 1 :])


def _entries(frame: pl.DataFrame) -> Iterator[dict[str, Node]]:
    """Yield the fields of each tag, rows that differ only in their concept together."""
    alone = frame.drop("pack").unique().sort(pl.all())
    key = [name for name in TAGS.key if name != "pack"]
    if alone.select(key).is_duplicated().any():
        remedy = "write one pack at a time"
        raise TagError("two packs say the same with different values", remedy=remedy)
    rest = [name for name in alone.columns if name != "concept"]
    # A tag may also stand there without any concept: that is an entry of its own.
    grouped = alone.group_by([*rest, pl.col("concept").is_null().alias("bare")]).agg("concept")
    for row in grouped.sort(pl.all()).iter_rows(named=True):
        yield {name: node for name, node in _fields(row) if node is not None}


def _fields(row: dict[str, Any]) -> Iterator[tuple[str, Node | None]]:
    chain = chain_of(row["chain"])
    yield "address", said(text(row["address"], chain))
    yield "currency", said(chain.symbol if chain.mainnet else chain.alias)
    for name in ("label", "source", "confidence", "actor", "context"):
        yield name, said(row[name]) if row[name] is not None else None
    yield from _concepts(sorted(row["concept"]) if not row["bare"] else [])
    yield "is_cluster_definer", truth_of(row["definer"]) if row["definer"] is not None else None
    for name, day in (("first_day", "first_day"), ("last_day", "last_day"), ("lastmod", "as_of")):
        yield name, day_of(row[day]) if row[day] else None


def _concepts(concepts: Sequence[str]) -> Iterator[tuple[str, Node | None]]:
    """Yield one kind of entity as the category, one abuse as the abuse, and else all as concepts.

    Which of these fields a concept stands in says nothing more; packs are used to these.
    """
    named = [name for name in concepts if name in broader()]
    entities = [name for name in named if is_a(name, "entity")]
    abuses = [name for name in named if is_a(name, "abuse")]
    rest = list(concepts)
    for field, found in (("category", entities), ("abuse", abuses)):
        if len(found) == 1 and found[0] in rest:
            rest.remove(found[0])
            yield field, said(found[0])
    yield "concepts", Items([said(name) for name in rest], 0, flow=True) if rest else None


def _below(entry: Mapping[str, Node], header: Mapping[str, Node]) -> Fields:
    """Return a tag without what its header says already."""
    inherited = {
        name for name, node in entry.items() if name in header and _same(node, header[name])
    }
    names = ("address", *(name for name in _SHARED if name in entry))
    return Fields({name: entry[name] for name in names if name not in inherited}, 0)


def _same(one: Node, other: Node) -> bool:
    if isinstance(one, Text) and isinstance(other, Text):
        return one.value == other.value
    if isinstance(one, Items) and isinstance(other, Items) and len(one.values) == len(other.values):
        return all(map(_same, one.values, other.values))
    return False


def said(value: str) -> Text:
    """Return a text as a field of a pack.

    Raises
    ------
    TagError
        If it says nothing, or holds a NUL byte: no pack can.
    """
    if not value.strip() or "\x00" in value:
        raise TagError(f"the text {quoted(value, 40)!r} cannot stand in a TagPack")
    return text_of(value)
