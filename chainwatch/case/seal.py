"""Manifest, run record and seal of a written case, and the check that nothing was touched."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from chainwatch.case.log import read_log
from chainwatch.case.times import check_times
from chainwatch.errors import CaseError
from chainwatch.results.provenance import digest_bytes
from chainwatch.sanitize import visible
from chainwatch.units import counted

FORMAT = 2
MANIFEST, RUN, SEAL, LOG = "manifest.json", "run.json", "seal.json", "log.jsonl"

REPORTED = ("chainwatch", "polars", "matplotlib", "networkx", "deltalake")
"""Packages whose version can change the bytes of a case."""

OPTIONAL = ("typst", "pygraphviz", "noto-cjk-sans-otc")


def pretty(value: object) -> bytes:
    """Return plain data as readable JSON with sorted keys: the same bytes for the same data."""
    return (
        json.dumps(_legible(value), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    ).encode()


def _legible(value: object) -> object:
    """Return plain data in which no text hides characters or turns the reading direction."""
    if isinstance(value, str):
        return visible(value, keep="\n")
    if isinstance(value, Mapping):
        return {visible(str(key)): _legible(item) for key, item in value.items()}
    return [_legible(item) for item in value] if isinstance(value, (list, tuple)) else value


def versions() -> dict[str, str]:
    """Return the versions of the packages that made the files; *absent* for a missing extra."""
    found = {name: version(name) for name in REPORTED}
    for name in OPTIONAL:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # PackageNotFoundError is one of these
            found[name] = "absent"
    return found


def environment() -> dict[str, str]:
    """Return what the machine is: part of the run, not of what was found."""
    return {
        "python": platform.python_version(),
        "platform": sys.platform,
        "machine": platform.machine(),
    }


def file_rows(folder: Path) -> list[dict[str, Any]]:
    """Return path, size and SHA-256 of every file below a folder, sorted by path."""
    rows = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        data = path.read_bytes()
        rows.append(
            {
                "path": path.relative_to(folder).as_posix(),
                "bytes": len(data),
                "sha256": digest_bytes(data),
            }
        )
    return rows


def write_seal(folder: Path, manifest: Mapping[str, Any], run: Mapping[str, Any]) -> None:
    """Write manifest, run record and the seal over both, last of all files."""
    full = {"format": FORMAT, **manifest, "files": file_rows(folder), "versions": versions()}
    files = {MANIFEST: pretty(full), RUN: pretty({"environment": environment(), **run})}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    seal = {name: digest_bytes(data) for name, data in files.items()}
    (folder / SEAL).write_bytes(pretty(seal))


@dataclass(frozen=True)
class Verified:
    """What was checked of a written case."""

    folder: Path
    files: int
    entries: int
    seal: str
    matched: bool = False

    def __repr__(self) -> str:
        return (
            f"Verified({counted(self.files, 'file', 'files')} and"
            f" {counted(self.entries, 'log entry', 'log entries')} are as this seal says: "
            f"sha256:{self.seal}; {self._compared()})"
        )

    def _compared(self) -> str:
        if self.matched:
            return "it is the seal that was expected"
        return "whoever reseals makes another: compare it with a copy kept elsewhere"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def verify(folder: str | Path, seal: str | None = None) -> Verified:
    """Prove that a written case is as its seal says: every file, and every entry of its log.

    A seal shows that the files fit each other. Anybody can change a file and seal the folder
    again: only a copy of the seal's digest kept elsewhere shows that it is the same seal.

    Parameters
    ----------
    folder : path
        A written edition.
    seal : str, optional
        SHA-256 of ``seal.json`` as it was noted when the case was written, in hexadecimal.

    Raises
    ------
    CaseError
        Naming the first file or folder that is missing, added or changed.
    """
    root = Path(folder)
    _one_edition(root)
    _no_links(root)
    digests = facts_in(root / SEAL)
    found = digest_bytes((root / SEAL).read_bytes())
    if seal is not None and seal.strip().lower().removeprefix("sha256:") != found:
        raise CaseError(
            f"this is another seal: sha256:{found}", where=str(root / SEAL), remedy=COMPARE
        )
    for name in (MANIFEST, RUN):
        _same(root, name, digests.get(name))
    manifest = facts_in(root / MANIFEST)
    if manifest.get("format", FORMAT) != FORMAT:
        raise CaseError(
            "another version of chainwatch wrote this case", where=str(root / MANIFEST),
            remedy="verify it with that version",
        )  # fmt: skip
    listed = _listed(root, manifest)
    for name, digest in sorted(listed.items()):
        _same(root, name, digest)
    _nothing_added(root, {*listed, MANIFEST, RUN, SEAL})
    lines = (root / LOG).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    log = read_log(lines, where=str(root / LOG))
    if log.head() != manifest.get("log"):
        raise CaseError(
            "the log is not the one that was sealed", where=str(root / LOG), remedy=COMPARE
        )
    check_times(log, facts_in(root / RUN), str(root / RUN))
    return Verified(root, len(listed), len(log.entries), found, seal is not None)


COMPARE = "compare with the copy that was sealed"


def _one_edition(root: Path) -> None:
    """Say which folders are sealed if the folder above them is named."""
    sealed = [path.parent for path in sorted(root.glob(f"*/{SEAL}"))]
    if sealed and not (root / SEAL).exists():
        raise CaseError(
            "this folder is not sealed itself, those in it are",
            where=str(root),
            remedy=f"verify {' and '.join(str(path) for path in sealed)}",
        )


def _nothing_added(root: Path, sealed: set[str]) -> None:
    """Refuse files that the manifest does not list, and folders without any that it lists."""
    folders = {str(parent) for name in sealed for parent in PurePosixPath(name).parents}
    for path in sorted(root.rglob("*")):
        what, known = ("folder", folders) if path.is_dir() else ("file", sealed)
        if path.relative_to(root).as_posix() not in known:
            raise CaseError(
                f"a {what} was added after sealing", where=str(path), remedy="take it out"
            )


def _no_links(root: Path) -> None:
    """Refuse links: what they lead to is not in the folder, and can change without it."""
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            raise CaseError("a sealed case holds a link", where=str(path), remedy=COMPARE)


def _listed(root: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return path and digest of every file in the manifest."""
    try:
        listed = {str(row["path"]): str(row["sha256"]) for row in manifest["files"]}
    except (KeyError, TypeError) as error:
        raise CaseError(
            "the manifest lists no files", where=str(root / MANIFEST), remedy=COMPARE
        ) from error
    if LOG not in listed:
        raise CaseError("the manifest lists no log", where=str(root / MANIFEST), remedy=COMPARE)
    return listed


def _same(root: Path, name: str, digest: object) -> None:
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name or ":" in name:
        raise CaseError(
            "the manifest names a file outside the case",
            where=f"{root / MANIFEST} {name!r}",
            remedy="do not trust this folder",
        )
    path = root / name
    if not path.is_file():
        raise CaseError("a sealed file is missing", where=str(path), remedy=COMPARE)
    if digest_bytes(path.read_bytes()) != digest:
        raise CaseError("a file was changed after sealing", where=str(path), remedy=COMPARE)


def facts_in(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a sealed case says, or refuse it in one sentence."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise CaseError(
            "no sealed case is here",
            where=str(path),
            remedy="name the folder that holds seal.json",
        ) from error
    except (ValueError, RecursionError) as error:
        raise CaseError("this is not a sealed case", where=str(path), remedy=COMPARE) from error
    if not isinstance(found, dict):
        raise CaseError("this is not a sealed case", where=str(path), remedy=COMPARE)
    return found
