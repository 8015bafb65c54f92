"""The log of a case: append-only, each entry sealed by the one before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from chainwatch.errors import CaseError
from chainwatch.results.provenance import canonical_json, digest_json

FIRST = "0" * 64
"""What stands for the entry before the first."""


@dataclass(frozen=True)
class Entry:
    """One act in a case. Its time stands in ``run.json``: it is no part of what was found.

    ``authority`` is on whose authority somebody looked at everybody; empty of all other acts, and
    then it stands in no line.
    """

    number: int
    who: str
    what: str
    why: str
    content: str
    previous: str
    authority: str = ""

    def digest(self) -> str:
        """Return the SHA-256 of the entry, which the next one carries."""
        return digest_json(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = asdict(self)
        return told if self.authority else {k: v for k, v in told.items() if k != "authority"}


@dataclass
class Log:
    """Entries in order. It only grows."""

    entries: list[Entry]

    def append(self, who: str, what: str, why: str, content: str, authority: str = "") -> Entry:
        """Add an act and return it."""
        previous = self.entries[-1].digest() if self.entries else FIRST
        entry = Entry(len(self.entries) + 1, who, what, why, content, previous, authority)
        self.entries.append(entry)
        return entry

    def told(self, content: Callable[[str], str], said: Callable[[str], str]) -> Log:
        """Return the same log with each content digest and each text as an edition may show it."""
        log = Log([])
        for entry in self.entries:
            who, what, why = said(entry.who), said(entry.what), said(entry.why)
            log.append(who, what, why, content(entry.content), said(entry.authority))
        return log

    def head(self) -> str:
        """Return the digest of the last entry: it stands for the whole log."""
        return self.entries[-1].digest() if self.entries else FIRST

    def lines(self) -> bytes:
        """Return the log as JSON lines."""
        return b"".join(canonical_json(entry.as_dict()) + b"\n" for entry in self.entries)


def read_log(lines: Iterable[str], *, where: str) -> Log:
    """Read a log back and prove that no entry was changed, dropped or put in.

    Raises
    ------
    CaseError
        Naming the first entry that does not fit the one before it.
    """
    log = Log([])
    for number, line in enumerate(lines, start=1):
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise CaseError(
                "the log cannot be read: this is no entry",
                where=f"{where} entry {number}",
                remedy="compare with the copy that was sealed",
            ) from error
        if entry.number != number or entry.previous != log.head():
            raise CaseError(
                "the log was changed: an entry does not follow the one before it",
                where=f"{where} entry {number}",
                remedy="compare with the copy that was sealed",
            )
        log.entries.append(entry)
    return log
