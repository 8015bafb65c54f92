"""The tags of a case file: packs and lists, designations and orders, as they stood on a day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainwatch.attribution.actors import read_actors, with_actors
from chainwatch.attribution.files.several import distinct
from chainwatch.attribution.sanctions import read_sanctions
from chainwatch.attribution.seizures import read_seizures
from chainwatch.attribution.tags import Tags, merge_tags, read_tags, tags_of
from chainwatch.case.file.model import CaseFile, TagFiles, inside
from chainwatch.case.inputs import Input, digest_of, note_read, noted_files
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding
from chainwatch.units import counted

ACTORS = "actors"
"""The kind of files that say who actors are."""


def tags_of_case(config: CaseFile, base: Path, ledger: Ledger) -> Tags:
    """Return the tags of the ledger and of every file that a case names, whenever they were said.

    Files of one kind are read together, whatever stands between them, so that two of one name stay
    two and their order decides nothing.
    """
    tags = tags_of(ledger)
    kinds: dict[tuple[object, ...], list[TagFiles]] = {}
    for listed in config.tags:
        if listed.kind == ACTORS:
            continue
        kinds.setdefault(_said(listed), []).append(listed)
    for alike in kinds.values():
        tags = merge_tags(tags, _read(alike, base))
    if packs := [inside(base, one.path) for one in config.tags if one.kind == ACTORS]:
        tags = with_actors(tags, read_actors(packs))
    return tags


def tags_and_files(config: CaseFile, base: Path, ledger: Ledger) -> tuple[Tags, tuple[Input, ...]]:
    """Return the tags of a case, and the files that they were read from.

    A file that the case file names bears its name; those in a folder are numbered, for a name alone
    could tell what is nobody's business.
    """
    with noted_files() as noted:
        tags = tags_of_case(config, base, ledger)
    for path in noted.named:
        note_read(path)
    read = sorted(set(noted.files()))
    named = [path for path in read if path in noted.named]
    below = [path for path in read if path not in noted.named]
    numbered = {path: f"file {place} of {len(below)} in folders"
                for place, path in enumerate(below, 1)}  # fmt: skip
    return tags, tuple(
        Input(numbered.get(path, path.name), path.stat().st_size, digest_of(path))
        for path in (*named, *below)
    )


def _said(listed: TagFiles) -> tuple[object, ...]:
    """Return all that a table says of its files beside their place."""
    told = listed.model_dump(exclude={"path"})
    return tuple(sorted(told["columns"].items())), tuple(
        value for name, value in told.items() if name != "columns"
    )


def _read(listed: Sequence[TagFiles], base: Path) -> Tags:
    """Return the tags of files of which a case says the same."""
    one, paths = listed[0], [inside(base, each.path) for each in listed]
    columns = one.columns or None
    if one.as_of is None:
        return read_tags(paths, chain=one.chain, kind=one.kind, columns=columns)
    if one.kind == "sanctions":
        return read_sanctions(paths, publisher=one.publisher, as_of=one.as_of, label=one.label)
    orders = [
        read_seizures(
            path, publisher=one.publisher, as_of=one.as_of, columns=columns, chain=one.chain
        )
        for path in distinct(paths)
    ]
    first, *rest = orders
    for more in rest:
        first = merge_tags(first, more)
    return first


def as_they_stood(config: CaseFile, tags: Tags) -> tuple[Tags, Finding | None]:
    """Return the tags that had been said by the day that a case states, and what that leaves out.

    Without a day all count, and nothing is left to say.
    """
    day = config.case.tags_as_of
    if day is None:
        return tags, None
    known = tags.as_of(day)
    later = len(tags) + tags.gone.height - len(known) - known.gone.height
    text = (
        f"What counts is what had been said by {day}:"
        f" {counted(len(known), 'row of a tag counts', 'rows of tags count')}, and"
        f" {counted(later, 'that was said later does', 'that were said later do')} not. An act of"
        " an authority counts from its first day. What was withdrawn since stands here.",
        f"Of the rows that count {known.unsaid:,} do not tell when they were said: they may be"
        " younger than that day.",
    )
    return known, Finding("Tags as they stood", text, headline=text[0])
