"""Tags written as a TagPack, so that others can load them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text
from chainwatch.atomic import write_new
from chainwatch.attribution.tags import Tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS


def write_tagpack(
    tags: Tags, path: str | Path, title: str, creator: str, *, replace: bool = False
) -> Path:
    """Write tags as one TagPack that reads back to the same values; ``pack`` is its new name.

    Confidence, dates and context are written per tag, concepts as a list. Other TagPack software
    knows neither ``first_day`` and ``last_day`` nor the concepts of ours that
    :data:`chainwatch.attribution.taxonomy.INTERPOL` lists.

    Parameters
    ----------
    tags : Tags
        The tags; what was rejected when they were read is not written.
    path : str or Path
        The file.
    title, creator : str
        Header of the pack.
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
        the same with different values.
    """
    target = Path(path)
    lines = [f"title: {_quoted(title)}", f"creator: {_quoted(creator)}", "tags:"]
    for entry in _entries(tags.frame):
        lines += [f"{'  ' if place else '- '}{line}" for place, line in enumerate(entry)]
    write_new(target, "".join(f"{line}\n" for line in lines).encode(), replace=replace)
    return target


def _entries(frame: pl.DataFrame) -> Iterator[list[str]]:
    """Return the lines of each tag, rows that differ only in their concept together."""
    alone = frame.drop("pack").unique().sort(pl.all())
    key = [name for name in TAGS.key if name != "pack"]
    if alone.is_empty():
        raise TagError("there are no tags to write")
    if alone.select(key).is_duplicated().any():
        remedy = "write one pack at a time"
        raise TagError("two packs say the same with different values", remedy=remedy)
    rest = [name for name in alone.columns if name != "concept"]
    # A tag may also stand there without any concept: that is an entry of its own.
    grouped = alone.group_by([*rest, pl.col("concept").is_null().alias("bare")]).agg("concept")
    for row in grouped.sort(pl.all()).iter_rows(named=True):
        yield [f"{name}: {value}" for name, value in _fields(row) if value is not None]


def _fields(row: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    chain = chain_of(row["chain"])
    yield "address", _quoted(text(row["address"], chain))
    yield "currency", chain.symbol if chain.mainnet else chain.alias
    for name in ("label", "source", "confidence", "actor", "context"):
        yield name, _quoted(row[name]) if row[name] is not None else None
    concepts = sorted(row["concept"]) if not row["bare"] else []
    yield "concepts", f"[{', '.join(_quoted(name) for name in concepts)}]" if concepts else None
    said = {True: "true", False: "false", None: None}
    yield "is_cluster_definer", said[row["definer"]]
    for name in ("first_day", "last_day"):
        yield name, row[name].isoformat() if row[name] else None
    yield "lastmod", row["as_of"].isoformat() if row["as_of"] else None


def _quoted(value: str) -> str:
    """Return a YAML text in double quotes; whatever is not printable is escaped."""
    if not value.strip() or "\x00" in value:
        raise TagError(f"the text {value[:40]!r} cannot stand in a TagPack")
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(mark: str) -> str:
    if mark in '\\"':
        return "\\" + mark
    if mark.isprintable():
        return mark
    return f"\\u{ord(mark):04x}" if ord(mark) <= 0xFFFF else f"\\U{ord(mark):08x}"
