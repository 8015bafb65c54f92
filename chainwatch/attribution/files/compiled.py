"""What was read of files of tags, kept so that they are not parsed again: the same rows, sooner.

Of each file a folder is kept, named after the SHA-256 of its bytes and of all else that decides
what is read of it: the format and version of what reads it, its name, and what its reader says. A
file that changed is read anew, which is announced; the old folder stays until somebody removes it.
What is kept is held to the checksums that were written with it, and refused where they differ. They
are no signature: whoever can write into the folder can write tags, as can whoever can write packs.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from chainwatch.addresses.plain_letters import plain_letters
from chainwatch.atomic import write_whole
from chainwatch.attribution.asset_codes import NETWORKS, TOKENS
from chainwatch.attribution.contact import CHANNELS, SUBSTANCES
from chainwatch.attribution.rejections import REJECTED, quoted
from chainwatch.attribution.taxonomy import LEVELS, TREE
from chainwatch.errors import OutputExists, TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.progress import announce
from chainwatch.results.provenance import canonical_json, digest_bytes, digest_json, software
from chainwatch.results.table import Table

Frames: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]
"""Rows of ``schema.TAGS``, and the rejections."""

FORMAT = 1

_TAGS, _REJECTED, _FACTS = "tags.parquet", "rejected.parquet", "compiled.json"
_TABLES: Mapping[str, Table] = {_TAGS: TAGS, _REJECTED: REJECTED}
_MOST_FACTS = 1 << 20
_ITSELF = "sha256"
"""Under which key the facts have the checksum of all others."""

LARGE = 5_000_000
"""Bytes of a file from which on it is announced that it is compiled."""

_SHOWN = 16
"""Digits of the key in the name of a folder: the file itself holds all of it."""


def read_compiled(
    folder: Path,
    path: Path,
    root: Path,
    said: Mapping[str, Any],
    read: Callable[[list[Path]], Frames],
) -> Frames:
    """Return what a file holds, as it was compiled, or read it and compile it.

    Parameters
    ----------
    folder : Path
        Where compiled files are kept; it is made if it is missing.
    path, root : Path
        The file, and the folder that an include of it must not leave.
    said : mapping
        What decides what is read of it: its kind and name, the network and columns.
    read : callable
        Reads the file, and notes in a list the files that it includes.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of ``schema.TAGS`` in the order of its key, and the rejections: the same as ``read``
        gives.

    Raises
    ------
    TagError
        If what was compiled was changed or is damaged, or the file changes while it is read.
    """
    facts = {"file": _digest(path), "said": digest_json({**said, "read by": read_by()})}
    key = digest_json(facts)
    kept = folder / f"{_stem(path)}-{key[:_SHOWN]}"
    found = _loaded(kept, facts, root) if kept.is_dir() else None
    if found is not None:
        return found
    if any(folder.glob(f"{_stem(path)}-*")):
        announce(f"{quoted(path.name)} changed since it was compiled: it is compiled anew")
    elif path.stat().st_size > LARGE:
        announce(f"compiling {quoted(path.name)}, once")
    included: list[Path] = []
    rows, rejected = read(included)
    if _digest(path) != facts["file"]:
        what = "the file changed while it was read"
        raise TagError(what, where=quoted(path.name), remedy="read it again")
    rows = rows.sort(TAGS.key, nulls_last=True)
    beside = {file.relative_to(root.resolve()).as_posix(): _digest(file) for file in included}
    _keep(kept, {_TAGS: rows, _REJECTED: rejected}, {**facts, "included": beside})
    return rows, rejected


def read_by() -> str:
    """Return a digest of what decides how a file is read, beside the file."""
    words = [TREE, dict(LEVELS), dict(NETWORKS), sorted(TOKENS), list(CHANNELS), list(SUBSTANCES)]
    schema = [(name, str(dtype)) for name, dtype in TAGS.schema.items()]
    return digest_json([FORMAT, software()["chainwatch"], schema, words])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stem(path: Path) -> str:
    """Return the part of a folder's name that people read: letters, digits and little else."""
    plain = plain_letters(path.name.partition(".")[0]) or ""
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in plain[:60]) or "tags"


def _keep(kept: Path, frames: Mapping[str, pl.DataFrame], facts: Mapping[str, Any]) -> None:
    def fill(place: Path) -> None:
        checksums = {}
        for name, frame in frames.items():
            buffer = io.BytesIO()
            frame.write_parquet(buffer)
            (place / name).write_bytes(buffer.getvalue())
            checksums[name] = digest_bytes(buffer.getvalue())
        told = {**facts, "checksums": checksums}
        (place / _FACTS).write_bytes(canonical_json({**told, _ITSELF: digest_json(told)}))

    try:
        write_whole(kept, fill, ours=lambda one: (one / _FACTS).is_file(), replace=True)
    except (OutputExists, OSError) as error:
        # The tags were read all the same: only the next reading is no faster.
        announce(f"what was compiled cannot be kept: {quoted(error)}")


def _loaded(kept: Path, facts: Mapping[str, Any], root: Path) -> Frames | None:
    """Return what was compiled; None where a file that it includes changed since."""
    told = _facts(kept)
    if {name: told.get(name) for name in facts} != facts:
        raise _changed(kept)
    for name, digest in told["included"].items():
        file = root / name
        if not file.is_file() or _digest(file) != digest:
            return None
    rows, rejected = (_table(kept, name, told["checksums"]) for name in _TABLES)
    return rows, rejected


def _facts(kept: Path) -> dict[str, Any]:
    try:
        with (kept / _FACTS).open("rb") as file:
            told = json.loads(file.read(_MOST_FACTS))
    except (OSError, ValueError, RecursionError):
        raise _changed(kept) from None
    if not isinstance(told, dict) or told.pop(_ITSELF, None) != digest_json(told):
        raise _changed(kept)
    return told


def _table(kept: Path, name: str, checksums: Mapping[str, Any]) -> pl.DataFrame:
    try:
        data = (kept / name).read_bytes()
    except OSError:
        raise _changed(kept) from None
    if digest_bytes(data) != checksums.get(name):
        raise _changed(kept)
    frame = pl.read_parquet(io.BytesIO(data))
    if dict(frame.schema) != _TABLES[name].schema:
        raise _changed(kept)
    return frame


def _changed(kept: Path) -> TagError:
    return TagError(
        "what was compiled of a file of tags was changed or is damaged", where=quoted(kept.name),
        remedy="remove this folder: it is compiled again from the file",
    )  # fmt: skip
