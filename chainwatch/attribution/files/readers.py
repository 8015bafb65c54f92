"""Find the tag files that a path means, read each by its kind, and note what was passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from chainwatch.attribution.files.compiled import Frames, read_compiled
from chainwatch.attribution.files.feeds import read_feed
from chainwatch.attribution.files.lists import ListSource, read_list
from chainwatch.attribution.files.tag_table import read_tag_table
from chainwatch.attribution.files.tagpack import read_tagpack
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.packed import stem_of, suffix_of

SUFFIXES = {
    "tagpack": (".yaml", ".yml"),
    "list": (".txt",),
    "table": (".csv", ".tsv"),
    "feed": (".json",),
}
"""Kinds of tag files and how their names end; each may end in ``.gz`` behind that."""

UNSUPPORTED = (
    ".parquet", ".xls", ".xlsx", ".ods", ".pdf", ".bz2", ".xz", ".zst", ".zip", ".7z",
)  # fmt: skip
"""How the names of files end that people keep tags in and that are not read."""

PASSED_OVER = {
    "actorpack": "an ActorPack describes actors and holds no tags",
    "config": "a configuration of the TagPack tool",
    "header": "a header that packs include",
}
"""YAML files beside packs that are none, by how the stem of their name ends."""


READ_ALREADY = "it is read already, from another path to it"


class Said(NamedTuple):
    """What the reader says of files.

    The chain of what states none, the columns of tables, and the folder of what was compiled.
    """

    network: str | None = None
    columns: Mapping[str, str] | None = None
    compiled: Path | None = None


def read_path(
    path: Path, said: Said, *, kind: str | None = None, seen: set[Path] | None = None
) -> Iterator[Frames]:
    """Yield what each tag file of a path holds: one file, or a folder and those below it.

    Parameters
    ----------
    path : Path
        A file or a folder. Files in a folder are read in the order of their names; hidden ones and
        links that leave the folder are not read.
    said : Said
        What is said of all of them.
    kind : str or None
        ``tagpack``, ``list``, ``table`` or ``feed``; None tells a file by its name, and takes the
        packs of a folder, or its tables where columns are named.
    seen : set of Path, optional
        Real files that were read already, which are not read again; gets those that are read here.

    Raises
    ------
    TagError
        If there is nothing to read, or a file breaks its format.
    """
    if kind is not None and kind not in SUFFIXES:
        *most, last = SUFFIXES
        remedy = f"write {', '.join(most)} or {last}"
        raise TagError(f"no kind {kind!r} of tag file", remedy=remedy)
    if path.is_dir():
        seen = set() if seen is None else seen
        yield from _folder(path, said, kind or ("table" if said.columns else "tagpack"), seen)
    elif path.is_file():
        if seen is not None and path.resolve() in seen:
            return
        yield _read(kind or _kind_of(path), path, file_name(Path(path.name)), path.parent, said)
    else:
        remedy = "check the path"
        raise TagError("there is no such file or folder", where=quoted(path), remedy=remedy)


def _kind_of(path: Path) -> str:
    """Tell a file by its name; refuse one that is no text: what is in it would only puzzle."""
    suffix = suffix_of(path)
    if suffix in UNSUPPORTED:
        raise TagError(
            f"tags in a {suffix} file cannot be read",
            where=quoted(path),
            remedy="write a TagPack (.yaml, .yml), a table (.csv, .tsv), a plain list, one address"
            " a line (.txt), or a MISP event or STIX bundle (.json); each may be packed as .gz",
        )
    return next((kind for kind, ends in SUFFIXES.items() if suffix in ends), "tagpack")


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
        elif suffix_of(path) not in suffixes:
            reason = f"its name does not end in {' or '.join(suffixes)}"
        yield path, reason


def once(found: Iterable[tuple[Path, str]], seen: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yield files with why they are not read, which is also that they are read already.

    A link gives way to the file that it leads to, wherever its name stands among them.
    """
    every = list(found)
    real = {path.resolve() for path, reason in every if not reason and not path.is_symlink()}
    for path, reason in every:
        file = path.resolve()
        again = file in seen or (path.is_symlink() and file in real)
        if not reason and not again:
            seen.add(file)
        yield path, reason or (READ_ALREADY if again else "")


def _folder(root: Path, said: Said, kind: str, seen: set[Path]) -> Iterator[Frames]:
    notes, taken = [], 0
    for path, reason in once(files_below(root, SUFFIXES[kind]), seen):
        name = file_name(path.relative_to(root))
        why = reason or (_no_pack(path) if kind == "tagpack" else "")
        if why:
            notes.append(Rejection(name, "", "", f"file not read: {why}"))
            taken += reason == READ_ALREADY
            continue
        taken += 1
        yield _read(kind, path, name, root, said)
    if not taken:
        raise TagError(
            "the folder holds no tag file",
            where=quoted(root),
            remedy=f"read a folder with files {' or '.join(SUFFIXES[kind])}, or say of what kind"
            f" they are: {', '.join(SUFFIXES)}",
        )
    yield TAGS.empty(), rejected_frame(notes)


def _no_pack(path: Path) -> str:
    stem = stem_of(path).lower()
    whole = stem in ("config", "header") or stem.endswith("actorpack")
    return next((why for end, why in PASSED_OVER.items() if whole and stem.endswith(end)), "")


def _read(kind: str, path: Path, name: str, root: Path, said: Said) -> Frames:
    """Return what a file holds: read, or as it was read before."""
    if said.compiled is None:
        return _READ[kind](path, name, root, said, [])
    told = {"kind": kind, "name": name, "network": said.network, "columns": said.columns or {}}
    return read_compiled(
        said.compiled,
        path,
        root,
        told,
        lambda included: _READ[kind](path, name, root, said, included),
    )


def _pack(path: Path, name: str, root: Path, said: Said, included: list[Path]) -> Frames:
    return read_tagpack(path, name=name, root=root, network=said.network, included=included)


def _list(path: Path, name: str, root: Path, said: Said, included: list[Path]) -> Frames:
    label = file_name(Path(stem_of(path)))
    unsaid = ListSource(label=label, source=f"list {name}, publisher not stated")
    return read_list(path, unsaid, name=name, network=said.network)


def _table(path: Path, name: str, root: Path, said: Said, included: list[Path]) -> Frames:
    return read_tag_table(path, name=name, network=said.network, columns=said.columns)


def _feed(path: Path, name: str, root: Path, said: Said, included: list[Path]) -> Frames:
    return read_feed(path, name=name, network=said.network)


_READ: Mapping[str, Callable[[Path, str, Path, Said, list[Path]], Frames]] = {
    "tagpack": _pack,
    "list": _list,
    "table": _table,
    "feed": _feed,
}
