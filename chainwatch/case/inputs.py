"""The files that a case reads: each by its path below the data folder, its size and its digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from chainwatch.ledger.storage.store import MARKER

LARGEST_DIGESTED = 2**30
"""Bytes of a file that is still digested by itself: of a larger one the ledger keeps what was
read, and it is not read a second time."""

_noted: ContextVar[list[Path] | None] = ContextVar("files that a case reads", default=None)


class Input(NamedTuple):
    """A file that was read: its path below the data folder, bytes, and SHA-256 or nothing.

    ``of`` is ``source`` where it was read into the ledger and nowhere else, or ``case``.
    """

    path: str
    size: int
    sha256: str
    of: str = "case"


@contextmanager
def noted_files() -> Iterator[list[Path]]:
    """Note every path that a case file leads to for a while, in the order of use."""
    found: list[Path] = []
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def note_read(path: Path) -> None:
    """Note that a case reads a file or folder, where somebody asked for it."""
    listed = _noted.get()
    if listed is not None and path not in listed:
        listed.append(path)


def inputs_of(sources: Iterable[Path], others: Iterable[Path], base: Path) -> tuple[Input, ...]:
    """Return the files that were noted, and those in folders that were, each once and by path.

    ``sources`` were noted while the ledger was filled. A ledger is no input file: it is carried by
    itself.
    """
    read, used = _named(sources, base), _named(others, base)
    return tuple(
        Input(name, path.stat().st_size, digest_of(path), "case" if name in used else "source")
        for name, path in sorted((read | used).items())
    )


def _named(noted: Iterable[Path], base: Path) -> dict[str, Path]:
    return {_below(path, base): path for item in noted for path in _files(item)}


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        if not (path / MARKER).exists():
            yield from (item for item in path.rglob("*") if item.is_file())
    elif path.is_file():
        yield path


def _below(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()


def digest_of(path: Path, largest: int = LARGEST_DIGESTED) -> str:
    """Return the SHA-256 of a file; nothing where it is larger than is digested."""
    if path.stat().st_size > largest:
        return ""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
