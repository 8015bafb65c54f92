"""Several paths read at once: files of one name in different folders stay different files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from chainwatch.attribution.files.compiled import Frames
from chainwatch.attribution.files.readers import Said, file_name, read_path


def read_paths(paths: Sequence[Path], said: Said, *, kind: str | None = None) -> list[Frames]:
    """Return what each tag file of several paths holds, as :func:`readers.read_path` reads it.

    A file is called by its name below the path that was given. Where two paths bring files of one
    name, each of these is called by as many folders above it as it takes to tell them apart: rows
    of two files with one key would else pass for two versions of one, and the later would silence
    the earlier. A file that several paths lead to is read once, in the widest folder.
    """
    given = distinct(paths)
    seen: set[Path] = set()
    parts = [list(read_path(path, said, kind=kind, seen=seen)) for path in given]
    names = [_names(each) for each in parts]
    shared = {
        name for place, own in enumerate(names) for other in names[:place] for name in own & other
    }
    if not shared:
        return [part for each in parts for part in each]
    above = _told_apart([path if path.is_dir() else path.parent for path in given])
    return [
        _called(part, {name: f"{folder}/{name}" for name in shared})
        for each, folder in zip(parts, above, strict=True)
        for part in each
    ]


def distinct(paths: Iterable[Path]) -> list[Path]:
    """Return paths to different files or folders, in an order that theirs does not decide.

    Folders stand before what is in them and before files, what is there itself before a link to it.
    """
    found: dict[Path, Path] = {}
    for path in sorted(paths, key=_rank):
        found.setdefault(path.resolve(), path)
    return list(found.values())


def _rank(path: Path) -> tuple[bool, int, bool, str]:
    return not path.is_dir(), len(path.resolve().parts), path.is_symlink(), path.as_posix()


def _names(parts: Iterable[Frames]) -> set[str]:
    """Return the names of the files that tags or rejections came from."""
    return {name for rows, notes in parts for name in (*rows["pack"].unique(), *notes["file"])}


def _told_apart(folders: Sequence[Path]) -> Iterator[str]:
    """Yield the fewest last parts of each folder that tell all of them apart.

    The whole path would say more of somebody's machine than a case file should.
    """
    whole = [folder.resolve().parts for folder in folders]
    for parts in whole:
        others = [other for other in whole if other != parts]
        count = next(
            (
                count
                for count in range(1, len(parts))
                if all(other[-count:] != parts[-count:] for other in others)
            ),
            len(parts),
        )
        yield file_name(Path(*parts[-count:]))


def _called(part: Frames, names: dict[str, str]) -> Frames:
    rows, notes = part
    return (
        rows.with_columns(pl.col("pack").replace(names)),
        notes.with_columns(pl.col("file").replace(names)),
    )
