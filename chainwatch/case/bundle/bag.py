"""A BagIt bag: made of a folder, and checked before anything in it is believed.

The checks are stricter than those of the library: a bag may be hostile. Nothing is opened before
it is known to be a plain file of the bag, no list is read that is larger than a list can be, and
nothing stands in a bag that its format does not name.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from types import ModuleType

from chainwatch.errors import CaseError
from chainwatch.sanitize import visible

PAYLOAD = "data"
ALGORITHMS = ("sha256", "sha512")
DECLARATION, INFO = "bagit.txt", "bag-info.txt"
MANIFESTS = tuple(f"manifest-{name}.txt" for name in ALGORITHMS)
TAG_MANIFESTS = tuple(f"tagmanifest-{name}.txt" for name in ALGORITHMS)
SIGNED = TAG_MANIFESTS[0]
"""What is signed: it holds the digests of all lists, and these hold those of all files."""

SIGNATURE, TIMESTAMP, SIGNED_REPORT = "signature.p7s", "timestamp.tsr", "report-signed.pdf"
TOP = frozenset(
    {PAYLOAD, DECLARATION, INFO, *MANIFESTS, *TAG_MANIFESTS, SIGNATURE, TIMESTAMP, SIGNED_REPORT}
)  # fmt: skip
"""All that may stand at the top of a bag."""

DECLARED = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"
LARGEST_LIST = 2**26
MOST_FILES, MOST_DEPTH = 200_000, 64
MOST_NAMED = 100
"""Files that one sentence names; the others are counted."""

TAKE_CARE = "ask the sender for another copy, and do not trust this one"

_LINE = re.compile(r"([0-9a-f]{64}|[0-9a-f]{128}) {1,2}(\S.*)")


def make_bag(folder: Path, info: Mapping[str, str]) -> None:
    """Turn a folder into a bag in place: what it holds becomes the payload.

    The same files and the same ``info`` give the same bytes, whatever the file system.

    Parameters
    ----------
    folder : path
        The folder.
    info : mapping of str to str
        What ``bag-info.txt`` says, with ``Bagging-Date``.
    """
    said = {name: visible(value) for name, value in info.items()}
    with _library() as bagit:
        said.setdefault("Bag-Software-Agent", f"chainwatch, bagit {version('bagit')}")
        bagit.make_bag(str(folder), bag_info=said, checksums=list(ALGORITHMS))
    for name in TAG_MANIFESTS:  # the library lists them as the disk does
        lines = (folder / name).read_text("utf-8").splitlines()
        ordered = sorted(lines, key=lambda line: line.split(" ", 1)[1])
        (folder / name).write_text("".join(f"{line}\n" for line in ordered), encoding="utf-8")


def is_bag(folder: Path) -> bool:
    """Tell whether a folder says that it is a bag."""
    return (folder / DECLARATION).is_file()


def check_bag(folder: Path) -> dict[str, str]:
    """Return what ``bag-info.txt`` of a whole and unchanged bag says.

    Raises
    ------
    CaseError
        Naming every file that is not as the bag says it is, or the first thing in its lists.
    """
    _plain_files(folder)
    for name in (DECLARATION, INFO, *MANIFESTS, *TAG_MANIFESTS):
        _list_there(folder / name)
    if (folder / DECLARATION).read_bytes() != DECLARED:
        raise CaseError(
            "the bag is of another kind than chainwatch makes",
            where=str(folder / DECLARATION), remedy="check it with a BagIt tool",
        )  # fmt: skip
    for name in TAG_MANIFESTS:
        _same_names(_listed(folder / name, payload=False), {DECLARATION, INFO, *MANIFESTS},
                    folder / name)  # fmt: skip
    first, second = (_listed(folder / name, payload=True) for name in MANIFESTS)
    _same_names(second, set(first), folder / MANIFESTS[1])
    return _validated(folder)


def _validated(folder: Path) -> dict[str, str]:
    """Let the library compare sizes, names and digests; return what the bag says of itself."""
    with _library() as bagit:
        try:
            bag = bagit.Bag(str(folder))
            bag.validate()
        except (bagit.BagError, ValueError, OSError) as error:
            raise CaseError(_said(folder, error), where=str(folder), remedy=TAKE_CARE) from error
        return {str(name): str(value) for name, value in bag.info.items()}


def _said(folder: Path, error: Exception) -> str:
    """Return in words what is wrong with a bag: every file that is not as its lists say."""
    found = list(_differing(folder))
    if not found:
        return f"the bag is not whole ({visible(str(error)).rstrip('.')[:300]})"
    more = f" and {len(found) - MOST_NAMED:,} more files differ" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def _differing(folder: Path) -> Iterator[str]:
    """Yield of each file that the lists name otherwise than it is what became of it, by name."""
    listed = _listed(folder / MANIFESTS[0], payload=True)
    listed |= _listed(folder / TAG_MANIFESTS[0], payload=False)
    there = {path.relative_to(folder).as_posix() for path, _ in _walk(folder / PAYLOAD)
             if path.is_file()}  # fmt: skip
    for name in sorted(listed.keys() | there):
        path = folder / name
        if not path.is_file():
            yield f"{visible(name)} is missing in the bag"
        elif name not in listed:
            yield f"{visible(name)} was added after the bag was made"
        elif _digest(path) != listed[name]:
            yield f"{visible(name)} was changed since the bag was made"


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, ALGORITHMS[0]).hexdigest()


@contextmanager
def _library() -> Iterator[ModuleType]:
    """Lend the library without its lines on the screen, and without its outdated calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # codecs.open, count of re.sub
        import bagit  # type: ignore[import-untyped]  # it has no types

        log = logging.getLogger("bagit")
        before, log.disabled = log.disabled, True
        try:
            yield bagit
        finally:
            log.disabled = before


def _plain_files(folder: Path) -> None:
    """Refuse links, devices and what no bag holds; nothing of it was opened before."""
    if folder.is_symlink() or not folder.is_dir():
        raise CaseError("this is no bag", where=str(folder), remedy="name the folder of a bag")
    if unknown := sorted({item.name for item in folder.iterdir()} - TOP):
        raise CaseError(
            "the bag holds what no bundle holds", where=str(folder / unknown[0]), remedy=TAKE_CARE
        )
    for count, (path, kind) in enumerate(_walk(folder), 1):
        if stat.S_ISLNK(kind) or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            what = "a link" if stat.S_ISLNK(kind) else "what is no file"
            raise CaseError(f"the bag holds {what}", where=str(path), remedy=TAKE_CARE)
        if count > MOST_FILES:
            raise CaseError(
                f"the bag holds more than {MOST_FILES:,} files", where=str(folder),
                remedy=TAKE_CARE,
            )  # fmt: skip


def _walk(folder: Path, depth: int = 0) -> Iterator[tuple[Path, int]]:
    if depth > MOST_DEPTH:
        raise CaseError(
            f"the bag holds folders in folders, more than {MOST_DEPTH} deep", where=str(folder),
            remedy=TAKE_CARE,
        )  # fmt: skip
    with os.scandir(folder) as items:
        listed = sorted(items, key=lambda item: item.name)
    for item in listed:
        kind = item.stat(follow_symlinks=False).st_mode
        yield Path(item.path), kind
        if stat.S_ISDIR(kind):
            yield from _walk(Path(item.path), depth + 1)


def _list_there(path: Path) -> None:
    if not path.is_file():
        raise CaseError(
            "the bag is not whole: a list is missing", where=str(path), remedy=TAKE_CARE
        )
    if path.stat().st_size > LARGEST_LIST:
        raise CaseError(
            f"a list of the bag is larger than {LARGEST_LIST >> 20} MiB", where=str(path),
            remedy=TAKE_CARE,
        )  # fmt: skip


def _listed(path: Path, *, payload: bool) -> dict[str, str]:
    """Return digest by name of a list of files, each below the payload, or at the top."""
    found: dict[str, str] = {}
    text = path.read_bytes().decode("utf-8", errors="replace")
    for number, line in enumerate(text.split("\n")[:-1] or [""], 1):
        row = _LINE.fullmatch(line)
        if row is None or row[2] in found or not _below(row[2], payload=payload):
            raise CaseError(
                "a list of the bag names what is no file of the bag",
                where=f"{path} line {number}", remedy=TAKE_CARE,
            )  # fmt: skip
        found[row[2]] = row[1]
    return found


def _below(name: str, *, payload: bool) -> bool:
    """Tell whether a name is one of a file in the bag, on every system."""
    parts = PurePosixPath(name).parts
    odd = name.startswith(("/", "~")) or ".." in parts or "\\" in name or ":" in name
    plain = not odd and "\0" not in name and PurePosixPath(name).as_posix() == name
    return plain and (len(parts) > 1 and parts[0] == PAYLOAD if payload else len(parts) == 1)


def _same_names(found: Mapping[str, str], wanted: set[str], path: Path) -> None:
    if odd := sorted(set(found) ^ wanted):
        raise CaseError(
            f"a list of the bag lacks {visible(odd[0])}, or another does",
            where=str(path), remedy=TAKE_CARE,
        )  # fmt: skip
