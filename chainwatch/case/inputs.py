"""The files that a case reads: each by its path below the data folder, its size and its digest.

A file counts if it was opened, or the case file names it. What lies beside it in a folder does not:
its name alone could tell what is nobody's business.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from chainwatch.errors import CaseError
from chainwatch.ledger.storage.store import MARKER

LARGEST_DIGESTED = 2**30
"""Bytes of a file that is still digested by itself: of a larger one the ledger keeps what was
read, and it is not read a second time."""

_BLOCKS = re.compile(r"(blk\d+|xor)\.dat")
"""Files of a node's folder: other processes read them, in which nobody hears what is opened."""

_PACKS = (".yaml", ".yml")
"""Files that include others, which lie beside them or below."""

_noted: ContextVar[Noted | None] = ContextVar("files that a case reads", default=None)


class Input(NamedTuple):
    """A file that was read: its path below the data folder, bytes, and SHA-256 or nothing.

    ``of`` is ``source`` where it was read into the ledger and nowhere else, or ``case``.
    """

    path: str
    size: int
    sha256: str
    of: str = "case"


class Noted:
    """Paths that a case file leads to, in the order of use, and all that was opened meanwhile."""

    def __init__(self) -> None:
        self.named: list[Path] = []
        self.opened: set[str] = set()

    def files(self) -> Iterator[Path]:
        """Yield the files that were named, and those that were opened in folders and packs."""
        real = {os.path.realpath(one) for one in self.opened}
        for path in self.named:
            if path.is_file():
                yield path
                yield from (
                    item for item in _beside(path)
                    if self._was_opened(item, real) and item.suffix.lower() in _PACKS
                )  # fmt: skip
            elif path.is_dir() and not (path / MARKER).exists():
                yield from (
                    item for item in path.rglob("*")
                    if item.is_file()
                    and (self._was_opened(item, real) or _BLOCKS.fullmatch(item.name))
                )  # fmt: skip

    def _was_opened(self, path: Path, real: set[str]) -> bool:
        """Tell whether a file was opened: a link only if it was by its own name."""
        if os.path.abspath(path) in self.opened:  # noqa: PTH100 - a link is a name of its own
            return True
        return not path.is_symlink() and os.path.realpath(path) in real


def _beside(path: Path) -> Iterator[Path]:
    if path.suffix.lower() in _PACKS:
        yield from (item for item in path.parent.rglob("*") if item != path and item.is_file())


_listening: list[Noted] = []
_hooked: list[bool] = []


def _hear(event: str, args: tuple[object, ...]) -> None:
    if event == "open" and _listening and isinstance(args[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100 - links are not followed
        for one in _listening:
            one.opened.add(path)


@contextmanager
def noted_files() -> Iterator[Noted]:
    """Note every path that a case file leads to for a while, and every file that is opened."""
    if not _hooked:  # Python hears of it ever after: without anybody who listens it does nothing
        sys.addaudithook(_hear)
        _hooked.append(True)
    found = Noted()
    token = _noted.set(found)
    _listening.append(found)
    try:
        yield found
    finally:
        _listening.remove(found)
        _noted.reset(token)


def note_read(path: Path) -> None:
    """Note that a case reads a file or folder, where somebody asked for it."""
    listed = _noted.get()
    if listed is not None and path not in listed.named:
        listed.named.append(path)


def inputs_of(sources: Noted, others: Noted, base: Path) -> tuple[Input, ...]:
    """Return the files that were read, each once and by path.

    ``sources`` were noted while the ledger was filled. A ledger is no input file: it is carried by
    itself.

    Raises
    ------
    CaseError
        If one is a link that leads out of the data folder.
    """
    read, used = ({_below(path, base): path for path in one.files()} for one in (sources, others))
    return tuple(
        Input(name, path.stat().st_size, digest_of(path), "case" if name in used else "source")
        for name, path in sorted((read | used).items())
    )


def _below(path: Path, base: Path) -> str:
    """Return how a file is called below the data folder: by the name by which it is read."""
    name = Path(os.path.relpath(path, base)).as_posix()
    return name if input_path(base, name) else ""


def check_name(name: str, where: str) -> str:
    """Return the path of an input file, if it is one below the data folder on every system.

    Raises
    ------
    CaseError
        If it is absolute or leads out.
    """
    out = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive
    parts = name.replace("\\", "/").split("/")
    if out or ".." in parts or "\0" in name or not name.strip("./"):
        raise CaseError(
            "an input file lies outside the data folder", where=f"{where} {name!r}",
            remedy="put it into the data folder and run the case again",
        )  # fmt: skip
    return name


def input_path(base: Path, name: str) -> Path:
    """Return an input file below a folder.

    Raises
    ------
    CaseError
        If its path, or a link in it, leads out of the folder.
    """
    path = base / check_name(name, str(base))
    if not path.resolve().is_relative_to(base.resolve()):
        raise CaseError(
            "an input file is a link that leads out of the data folder", where=str(path),
            remedy="put the file itself there",
        )  # fmt: skip
    return path


def digest_of(path: Path, largest: int = LARGEST_DIGESTED) -> str:
    """Return the SHA-256 of a file; nothing where it is larger than is digested."""
    if path.stat().st_size > largest:
        return ""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
