"""The SHA-256 of every file of a ledger, as it was when it was written.

They stand in ``files.sha256`` of the ledger's folder, in the form that ``sha256sum -c`` reads. A
byte that changed since, by a failing disk or by a hand, is found by :func:`changed_files` before
a table is believed. Whoever can change a file can change this list too: what a case says of its
ledger, the digests of contents, stands in the case.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from chainwatch.errors import LedgerError
from chainwatch.ledger.storage import delta

LIST = "files.sha256"

_LINE = re.compile(r"([0-9a-f]{64})  ([a-z_]+/[A-Za-z0-9._=-]+)")
_CHUNK = 1 << 20


class Files(NamedTuple):
    """What was found of the files of a ledger: how many are as written, changed, or not listed."""

    same: int
    changed: tuple[str, ...]
    unlisted: int


def note_files(ledger: Path, table: str, before: int, after: int) -> None:
    """Append the digests of the files that a table got after one version, up to another.

    What they were written from, where files were merged or rows left out, must be as it was
    noted: else the change would have a digest of its own from here on.

    Raises
    ------
    LedgerError
        If a file that was rewritten had been changed.
    """
    log = list(_log(ledger / table, before, after))
    rewritten = {name for action, name in log if action == "remove"}
    if rewritten:
        _check_unchanged(ledger, {f"{table}/{name}" for name in rewritten})
    lines = [
        f"{_digest(ledger / table / name)}  {table}/{name}\n"
        for action, name in log
        if action == "add"
    ]
    if lines:
        with (ledger / LIST).open("a+b") as handle:
            torn = handle.seek(0, 2) and _last_byte(handle) != b"\n"
            handle.write((b"\n" if torn else b"") + "".join(lines).encode())


def _check_unchanged(ledger: Path, names: set[str]) -> None:
    listed = first_digests(ledger)
    for name in sorted(names & listed.keys()):
        path = ledger / name
        if not path.is_file() or _digest(path) != listed[name]:
            raise LedgerError(
                "a file of the ledger was about to be rewritten, and is not as it was written",
                where=str(path),
                remedy="restore the ledger from a copy, or read its sources into a new one",
            )


def changed_files(ledger: Path, versions: Mapping[str, int]) -> Files:
    """Hash every file of a ledger's tables again, that of its commits too, and compare.

    Parameters
    ----------
    ledger : Path
        Its folder.
    versions : mapping of str to int
        Delta version by table.
    """
    listed = first_digests(ledger)
    same, unlisted, changed = 0, 0, []
    for table, version in {**versions, "commits": None}.items():
        for path in delta.files(ledger / table, version):
            name = f"{table}/{path.name}"
            if name not in listed:
                unlisted += 1
            elif path.is_file() and _digest(path) == listed[name]:
                same += 1
            else:
                changed.append(name)
    return Files(same, tuple(sorted(changed)), unlisted)


def _last_byte(handle: BinaryIO) -> bytes:
    handle.seek(-1, 2)
    return handle.read(1)


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and digest; a line that was cut off by the death of a process counts as none."""
    if not path.is_file():
        return
    for line in path.read_text("utf-8", errors="replace").splitlines():
        if found := _LINE.fullmatch(line):
            yield found[2], found[1]


def first_digests(ledger: Path) -> dict[str, str]:
    """Return the digests by name; of a file noted twice, the one from when it was written."""
    listed: dict[str, str] = {}
    for name, digest in _listed(ledger / LIST):
        listed.setdefault(name, digest)
    return listed


def _log(folder: Path, before: int, after: int) -> Iterator[tuple[str, str]]:
    """Yield what Delta's log adds and removes between two versions: action and file name."""
    for version in range(before + 1, after + 1):
        entry = folder / "_delta_log" / f"{version:020}.json"
        try:
            actions = [json.loads(line) for line in entry.read_text("utf-8").splitlines()]
            named = [
                (kind, action[kind]["path"].rsplit("/", 1)[-1])
                for action in actions
                for kind in ("add", "remove")
                if kind in action
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                "an entry of the table's log cannot be read",
                where=str(entry),
                remedy="restore the ledger from a copy",
            ) from error
        yield from named


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
