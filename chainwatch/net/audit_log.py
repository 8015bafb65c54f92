"""The disclosure log: which third party was asked what, and when, written down before it is."""

from __future__ import annotations

import json
import os
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chainwatch.errors import NetworkRefused
from chainwatch.sanitize import visible

LONGEST_ASKED = 2_000
"""Characters of a question in one line of the log; a longer one goes on in the next line."""

_MORE = "..."


@dataclass(frozen=True)
class DisclosureLog:
    """Who was asked what, and when: lines of JSON, one or more per request to a third party.

    A question that is longer than a line is written whole over several: ``...`` ends all but the
    last and begins all but the first.

    Attributes
    ----------
    path : Path or None
        A file that is only appended to; None is ``disclosures.jsonl`` in the user's own folder for
        the state of programs. Only its owner may read it: it names whom you investigate.
    """

    path: Path | None = None

    @property
    def file(self) -> Path:
        """The file that is written."""
        if self.path is not None:
            return self.path
        import platformdirs

        return Path(platformdirs.user_state_path("chainwatch")) / "disclosures.jsonl"

    def add(self, host: str, port: int, asked: str, source: str) -> None:
        """Append a question, whole.

        Raises
        ------
        NetworkRefused
            If it cannot be written: what cannot be logged is not asked.
        """
        told = {"time": datetime.now(UTC).isoformat(timespec="microseconds"), "host": host}
        text = "".join(
            json.dumps({**told, "port": port, "asked": part, "source": source}) + "\n"
            for part in _parts(visible(asked))
        )
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            handle = os.open(self.file, flags, 0o600)
            try:
                _write(handle, text.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise NetworkRefused(
                f"the disclosure log cannot be written ({error.strerror}), so nothing was asked",
                where=self.file.name,
                remedy="name a file that can be written as the log",
            ) from None


def _parts(asked: str) -> list[str]:
    """Return a question in pieces of at most a line, cut at blanks where there are any."""
    if len(asked) <= LONGEST_ASKED:
        return [asked]
    room = LONGEST_ASKED - 2 * (len(_MORE) + 1)
    parts = textwrap.wrap(asked, room, break_on_hyphens=False)
    last = len(parts) - 1
    return [
        f"{_MORE + ' ' if n else ''}{part}{' ' + _MORE if n < last else ''}"
        for n, part in enumerate(parts)
    ]


def _write(handle: int, data: bytes) -> None:
    """Write all of it; the system may take less at once, as on a full disk."""
    while data:
        data = data[os.write(handle, data) :]
