"""What a case holds: results in the order in which they were found, why, and the log of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Self

import polars as pl

from chainwatch.case.log import Log
from chainwatch.errors import CaseError
from chainwatch.ledger.lookup.basis import Basis
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.mask_rows import parties
from chainwatch.privacy.masked_view import MaskedView, Standing
from chainwatch.privacy.session import opened
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import NOBODY, Party
from chainwatch.sanitize import visible
from chainwatch.units import counted

NOTHING = "0" * 64
"""Content digest of an act that adds no result."""

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the time; tests and the demo give a case another clock."""
    return datetime.now(UTC)


def new_mask_key() -> bytes:
    """Return a new secret for pseudonyms."""
    return secrets.token_bytes(32)


@dataclass(repr=False)
class CaseRecord:
    """The results of a case with their notes, and its log; nothing is ever taken out.

    See :class:`chainwatch.case.case.Case`, which writes the files.
    """

    name: str
    question: str
    title: str = ""
    investigator: str = "not stated"
    mask_key: bytes = field(default_factory=new_mask_key, repr=False)
    statements: tuple[str, ...] = ()
    number: str = ""
    basis: Basis = field(default_factory=Basis, repr=False)
    clock: Clock = field(default=now, repr=False)
    log: Log = field(default_factory=lambda: Log([]), repr=False)
    standing: Standing | None = field(default=None, repr=False)
    results: list[tuple[Result, str]] = field(default_factory=list, repr=False)
    views: dict[str, MaskedView] = field(default_factory=dict, repr=False)
    times: list[str] = field(default_factory=list, repr=False)
    silent: set[str] = field(default_factory=set, repr=False)
    desk_leaves: int = field(default=0, repr=False)
    started: datetime = field(default_factory=now, repr=False)
    ticks: float = field(default_factory=time.perf_counter, repr=False)

    def __post_init__(self) -> None:
        Edition(DISCLOSURE, self.mask_key)  # refuses a short key now, not at the first export
        self._note_desk()

    def add(self, *results: Result, note: str = "", silent: bool = False) -> Self:
        """Add results, with the reason why; nothing is ever taken out again.

        A result whose content the case holds already is noted in the log and not added twice.

        Parameters
        ----------
        *results : Result
            What verbs returned.
        note : str
            Why.
        silent : bool
            They bring no findings to the report: what they say was added in other words.

        Raises
        ------
        CaseError
            If one of them is no result; then none is added.
        """
        for result in results:
            if not isinstance(result, Result):
                raise CaseError(
                    f"a {type(result).__name__} cannot be added to a case",
                    remedy="add what a verb returned, such as a trace or clusters",
                )
        self._note_desk()
        for result in results:
            content = result.digest
            held = content in {entry.content for entry in self.log.entries}
            again = " again: the case holds it already" if held else ""
            self._log(f"add {result.called}{again}", note, content)
            if not held:
                self.results.append((result, note))
                self.silent |= {content} if silent else set()
                self.standing = None  # who stands beside the new ones is not known
                self.views.clear()
        return self

    def _note_desk(self) -> None:
        """Write into the log why, and by what authority, the working edition was opened since."""
        for given in opened()[self.desk_leaves :]:
            self._log(
                "open the working edition at the desk", given.reason, NOTHING, given.authority
            )
            self.desk_leaves += 1

    def _log(self, what: str, why: str, content: str, authority: str = "") -> None:
        self.log.append(self.investigator, what, why, content, authority)
        self.times.append(self.clock().isoformat())

    def whole(self) -> list[tuple[Result, str]]:
        """Return the results with their notes, and the findings that they bring to the report."""
        found = findings_of([result for result, _ in self.results], self.silent)
        return [*self.results, *((finding, "") for finding in found)]

    def parties(self) -> set[Party]:
        """Return every address that stands in any result."""
        return set().union(*(parties(result) for result, _ in self.results))

    def __repr__(self) -> str:
        return f"Case({self.name!r}, {counted(len(self.results), 'result', 'results')})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{entry.number}</td><td>{_safe(entry.what)}</td><td>{_safe(entry.why)}</td>"
            f"<td>{_safe(entry.authority)}</td></tr>"
            for entry in self.log.entries
        )
        head = f"<p><b>{_safe(self.name)}</b>: {_safe(self.question)}</p>"
        names = "<th></th><th>what</th><th>why</th><th>authority</th>"
        return f"{head}<table><tr>{names}</tr>{rows}</table>"


def findings_of(results: Sequence[Result], silent: Set[str] = frozenset()) -> tuple[Finding, ...]:
    """Return the findings that results bring, each once.

    One that was added with a table of its name stands in the place of those that results bring; two
    results of one kind each bring theirs.

    Parameters
    ----------
    results : sequence of Result
        All of a case.
    silent : set of str
        Digests of those that bring none.
    """
    named = {result.name for result in results if isinstance(result, Finding)} - {""}
    subjects = pl.concat([NOBODY, *(result.followed() for result in results)])
    whose = subjects.unique().sort("chain", "address")
    found: dict[str, Finding] = {}
    for result in results:
        if silent and result.digest in silent:
            continue
        for finding in result.findings(whose):
            if finding.name not in named:
                found.setdefault(finding.digest, finding)
    return tuple(found.values())


def _safe(text: str) -> str:
    return escape(visible(text))
