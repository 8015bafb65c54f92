"""Find the tag files that a path means, read each by its kind, and note what was passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import polars as pl

from chainwatch.attribution.lists import ListSource, read_list
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.tagpack import read_tagpack
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS

Frames: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]
"""Rows of ``schema.TAGS``, and the rejections."""

SUFFIXES = {"tagpack": (".yaml", ".yml"), "list": (".txt",)}
"""Kinds of tag files and how their names end."""

UNSUPPORTED = (
    ".csv", ".tsv", ".json", ".parquet", ".xls", ".xlsx", ".pdf", ".gz", ".bz2", ".xz", ".zip",
)  # fmt: skip
"""How the names of files end that people keep tags in and that are not read."""

PASSED_OVER = {
    "actorpack": "an ActorPack describes actors and holds no tags",
    "config": "a configuration of the TagPack tool",
    "header": "a header that packs include",
}
"""YAML files beside packs that are none, by how the stem of their name ends."""


def read_path(path: Path, *, network: str | None, kind: str | None) -> Iterator[Frames]:
    """Yield what each tag file of a path holds: one file, or a folder and those below it.

    Parameters
    ----------
    path : Path
        A file or a folder. Files in a folder are read in the order of their names; hidden ones and
        links that leave the folder are not read.
    network : str or None
        Network of what states none.
    kind : str or None
        ``tagpack`` or ``list``; None tells a file by its name and takes the packs of a folder.

    Raises
    ------
    TagError
        If there is nothing to read, or a file breaks its format.
    """
    if kind is not None and kind not in SUFFIXES:
        raise TagError(f"no kind {kind!r} of tag file", remedy=f"write {' or '.join(SUFFIXES)}")
    if path.is_dir():
        yield from _folder(path, network, kind or "tagpack")
    elif path.is_file():
        _check_known(path, kind)
        listed = kind == "list" or (kind is None and path.suffix.lower() in SUFFIXES["list"])
        read = _list if listed else _pack
        yield read(path, file_name(Path(path.name)), path.parent, network)
    else:
        remedy = "check the path"
        raise TagError("there is no such file or folder", where=quoted(path), remedy=remedy)


def _check_known(path: Path, kind: str | None) -> None:
    """Refuse a table or a packed file by its name: what is in it would only puzzle the reader."""
    suffix = path.suffix.lower()
    if kind is None and suffix in UNSUPPORTED:
        raise TagError(
            f"tags in a {suffix} file cannot be read",
            where=quoted(path),
            remedy="write a TagPack (.yaml, .yml) or a plain list, one address a line (.txt)",
        )


def file_name(path: Path) -> str:
    """Return a path below what was read as text, whatever bytes its name holds."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def files_below(root: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Yield each file of a folder that is not hidden, sorted, with why it is not read or ``""``."""
    top = root.resolve()
    found = []
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    for path in sorted(found, key=lambda item: item.relative_to(root).parts):
        reason = ""
        if not path.resolve().is_relative_to(top):
            reason = "a link that leaves the folder"
        elif not path.is_file():
            reason = "no regular file"
        elif path.suffix.lower() not in suffixes:
            reason = f"its name does not end in {' or '.join(suffixes)}"
        yield path, reason


def _folder(root: Path, network: str | None, kind: str) -> Iterator[Frames]:
    read: Callable[[Path, str, Path, str | None], Frames] = _list if kind == "list" else _pack
    notes, taken = [], 0
    for path, reason in files_below(root, SUFFIXES[kind]):
        name = file_name(path.relative_to(root))
        why = reason or (_no_pack(path) if kind == "tagpack" else "")
        if why:
            notes.append(Rejection(name, "", "", f"file not read: {why}"))
            continue
        taken += 1
        yield read(path, name, root, network)
    if not taken:
        remedy = f"read a folder with files {' or '.join(SUFFIXES[kind])}"
        raise TagError("the folder holds no tag file", where=quoted(root), remedy=remedy)
    yield TAGS.empty(), rejected_frame(notes)


def _no_pack(path: Path) -> str:
    stem = path.stem.lower()
    whole = stem in ("config", "header") or stem.endswith("actorpack")
    return next((why for end, why in PASSED_OVER.items() if whole and stem.endswith(end)), "")


def _pack(path: Path, name: str, root: Path, network: str | None) -> Frames:
    return read_tagpack(path, name=name, root=root, network=network)


def _list(path: Path, name: str, root: Path, network: str | None) -> Frames:
    label = file_name(Path(path.stem))
    said = ListSource(label=label, source=f"list {name}, publisher not stated")
    return read_list(path, said, name=name, network=network)
