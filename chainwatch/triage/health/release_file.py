"""The file of a ledger of releases: entries that only grow, each sealed by the one before it.

Beside it lies its *head*, which says how many entries there are and the digest of the last: a file
that lost its end, or is gone, does not fit it. The file is written first and the head after it, so
that a crash between the two leaves one entry more than the head tells, and never one less.

A link is another name of the same ledger: file, head and lock are those of the file it leads to.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chainwatch.atomic import InUse, held, write_new
from chainwatch.errors import InputError, ReleaseRefused, expect
from chainwatch.results.provenance import canonical_json, digest_json

FIRST = "0" * 64
"""What stands for the entry before the first."""

LARGEST = 256 * 2**20
"""Bytes of the largest file that is read."""

PATIENCE = 20.0
"""Seconds to wait for another process that writes into the file."""

COMPARE = "put back the copy whose head was noted; no release is made until then"


@dataclass(frozen=True)
class Entry:
    """One act: a budget that was set, a release that was paid for, or its answer."""

    number: int
    kind: str
    day: str
    who: str
    why: str
    said: Mapping[str, Any]
    previous: str

    def digest(self) -> str:
        """Return the SHA-256 of the entry, which the next one carries."""
        return digest_json(asdict(self))


def place_of(file: Path) -> Path:
    """Return the one place of a ledger of releases, whatever links lead to it.

    Raises
    ------
    InputError
        If its links lead to each other.
    """
    found = Path(os.path.realpath(file))
    if found.is_symlink():
        raise InputError(
            "links lead to each other where the ledger of releases should be",
            where=str(file), remedy="name the file itself",
        )  # fmt: skip
    return found


def head_of(entries: list[Entry]) -> str:
    """Return the digest of the last entry: it stands for the whole file."""
    return entries[-1].digest() if entries else FIRST


def read_entries(file: Path, head: str | None = None) -> list[Entry]:
    """Return all entries, proven to be those that were written, in order.

    Parameters
    ----------
    file : Path
        The ledger of releases.
    head : str, optional
        A digest that was noted when a release was made; it must be that of an entry here.

    Raises
    ------
    InputError
        If the file or its head is missing, or an entry was changed, dropped or put in.

    Fails when
    ----------
    Somebody who may write both files makes both anew, from the first entry on. A head that was
    noted elsewhere shows that; nothing in this folder can.
    """
    file = place_of(file)
    entries, told = _listed(file), _head(file)
    if told is None:
        raise InputError(
            "no ledger of releases is here" if not entries else "the head of the ledger is gone",
            where=str(file),
            remedy="set a budget first: cw.set_privacy_budget(...)" if not entries else COMPARE,
        )
    count, digest = told
    if not file.exists() and count:
        raise InputError("the ledger of releases was removed", where=str(file), remedy=COMPARE)
    at_head = entries[count - 1].digest() if 0 < count <= len(entries) else FIRST
    if not count <= len(entries) <= count + 1 or at_head != digest:
        raise InputError(
            "the ledger of releases was cut or changed: it does not fit its head",
            where=str(file), remedy=COMPARE,
        )  # fmt: skip
    if head is not None and head not in {FIRST, *(one.digest() for one in entries)}:
        raise InputError(
            "the ledger of releases holds no entry of the head that was noted",
            where=str(file), remedy=COMPARE,
        )  # fmt: skip
    return entries


def _listed(file: Path) -> list[Entry]:
    if not file.exists():
        return []
    if file.stat().st_size > LARGEST:
        raise InputError("the ledger of releases is too large to be one", where=str(file))
    entries: list[Entry] = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            entry = Entry(**json.loads(line))
            sound = entry.number == number and entry.previous == head_of(entries)
            same = canonical_json(asdict(entry)) == line  # one way to write it, so no second one
        except (ValueError, TypeError, RecursionError):
            sound = same = False
        if not (sound and same):
            raise InputError(
                "the ledger of releases was changed: an entry does not follow the one before it",
                where=f"{file} entry {number}",
                remedy=COMPARE,
            )
        entries.append(entry)
    return entries


def _head(file: Path) -> tuple[int, str] | None:
    beside = _beside(file, "head")
    if not beside.exists():
        return None
    try:
        said = json.loads(beside.read_bytes()[:1024])
        expect(said["entries"], int, "entries", "write a whole number")
        return said["entries"], str(said["head"])
    except (InputError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            "the head of the ledger of releases cannot be read", where=str(beside), remedy=COMPARE
        ) from error


def append(file: Path, entries: list[Entry], entry: Entry) -> str:
    """Write an entry after those that were read under the lock, and return the new head.

    When it returns the entry is on the disk.
    """
    file, grown = place_of(file), [*entries, entry]
    write_new(file, b"".join(canonical_json(asdict(one)) + b"\n" for one in grown), replace=True)
    _settle(file.parent)
    return write_head(file, grown)


def write_head(file: Path, entries: list[Entry]) -> str:
    """Write how many entries there are and the digest of the last, and return it."""
    file, digest = place_of(file), head_of(entries)
    said = {"entries": len(entries), "head": digest}
    write_new(_beside(file, "head"), canonical_json(said) + b"\n", replace=True)
    _settle(file.parent)
    return digest


def begin(file: Path) -> None:
    """Begin a file where there is none, its head first."""
    place = place_of(file)
    if not place.exists() and _head(place) is None:
        write_head(place, [])


def _settle(folder: Path) -> None:
    """Have a new name of a file outlast a loss of power."""
    if sys.platform == "win32":  # a folder cannot be opened there; its names are journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(file: Path, what: str) -> Path:
    return file.with_name(f"{file.name}.{what}")


@contextmanager
def alone(file: Path, patience: float = PATIENCE) -> Iterator[Path]:
    """Hold the ledger of releases, and wait a while for who holds it now.

    Yields its one place, so that a link which is turned meanwhile leads nobody elsewhere.

    Raises
    ------
    ReleaseRefused
        If somebody else still holds it after that.
    InputError
        If there is no such folder, or the file has a second name (a hard link), under which it
        would stay as it is while this one grows.
    """
    file = place_of(file)
    if not file.parent.is_dir():
        raise InputError("the folder does not exist", where=str(file.parent), remedy="make it")
    until = time.monotonic() + patience
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(held(_beside(file, "lock")))
                break
            except InUse as holder:
                if time.monotonic() > until:
                    raise ReleaseRefused(
                        f"another process writes into the ledger of releases{holder}",
                        where=str(file), remedy="wait for it to end", passing=True,
                    ) from holder  # fmt: skip
            time.sleep(0.05)
        _check_one_name(file)
        yield file


def _check_one_name(file: Path) -> None:
    for one in (file, _beside(file, "head")):
        if one.exists() and one.stat().st_nlink > 1:
            raise InputError(
                "the ledger of releases has a second name (a hard link), and would be two",
                where=str(one), remedy="remove the other name",
            )  # fmt: skip


__all__ = [
    "FIRST", "Entry", "alone", "append", "begin", "head_of", "place_of", "read_entries",
    "write_head",
]  # fmt: skip
