"""Which bundles were made of a case, for whom and why: a log beside its folder that only grows.

It goes on from the log of the edition that was handed out: the first entry has its head for a
parent.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from chainwatch.case.bundle.contents import About
from chainwatch.errors import CaseError
from chainwatch.results.provenance import canonical_json, digest_bytes


def handed_out_log(folder: Path) -> Path:
    """Return the log of a case's folder: ``FOLDER.handed_out.jsonl`` beside it."""
    found = Path(os.path.abspath(folder))  # noqa: PTH100 - a link is a name of its own
    return found.with_name(f"{found.name}.handed_out.jsonl")


def note_handed_out(
    folder: Path, about: About, content: str, why: str, authority: str, time: datetime
) -> None:
    """Add a bundle to the log.

    Raises
    ------
    CaseError
        If it cannot be written: what cannot be noted is not handed out.
    """
    path = handed_out_log(folder)
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
        row = {
            "previous": digest_bytes(lines[-1]) if lines else about.log,
            "log": about.log,
            "what": f"bundle the {about.edition} edition, {about.tlp}",
            "for": about.recipient or "nobody named",
            "why": why,
            "authority": authority,
            "content": content,
            "time": time.isoformat(),
        }
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(canonical_json(row) + b"\n")
    except OSError as error:
        raise CaseError(
            f"it cannot be noted that a bundle was made ({error.strerror}), so none was",
            where=str(path), remedy="make the folder above writable",
        ) from error  # fmt: skip
