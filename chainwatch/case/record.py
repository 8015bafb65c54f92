"""What a case holds: results in the order in which they were found, why, and the log of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from typing import Self

import polars as pl

from chainwatch.case.log import ADDED, AGAIN, DISCLOSED, NOTED, OPENED, PLANNED, TRIED, Log
from chainwatch.case.marking import label
from chainwatch.case.origin import Origin
from chainwatch.case.schedule import Schedule, schedule
from chainwatch.case.times import moment_of
from chainwatch.case.trials import Trials, key_of, said_of, used
from chainwatch.errors import CaseError
from chainwatch.ledger.lookup.basis import Basis
from chainwatch.privacy.edition import DISCLOSURE, Edition
from chainwatch.privacy.leave import Leave
from chainwatch.privacy.mask_rows import parties
from chainwatch.privacy.masked_view import MaskedView, Standing
from chainwatch.privacy.session import opened
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import NOBODY, Party
from chainwatch.sanitize import visible
from chainwatch.tracing.policies import POLICIES
from chainwatch.units import counted

NOTHING = "0" * 64
"""Content digest of an act that adds no result."""

Clock = Callable[[], datetime]
Opened = Callable[[], tuple[Leave, ...]]
"""Says why, and by what authority, the working edition was opened, in order."""


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
    tlp: str = ""
    basis: Basis = field(default_factory=Basis, repr=False)
    clock: Clock = field(default=now, repr=False)
    opened: Opened = field(default=opened, repr=False)
    log: Log = field(default_factory=Log, repr=False)
    trials: Trials = field(default_factory=Trials, repr=False)
    origin: Origin | None = field(default=None, repr=False)
    standing: Standing | None = field(default=None, repr=False)
    results: list[tuple[Result, str]] = field(default_factory=list, repr=False)
    views: dict[str, MaskedView] = field(default_factory=dict, repr=False)
    times: dict[str, str] = field(default_factory=dict, repr=False)
    silent: set[str] = field(default_factory=set, repr=False)
    desk_leaves: int = field(default=0, repr=False)
    started: datetime = field(default_factory=now, repr=False)
    ticks: float = field(default_factory=time.perf_counter, repr=False)

    def __post_init__(self) -> None:
        label(self.tlp)
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
        self._note_desk(results)
        for result in results:
            content = result.digest
            held = content in {one.content for one in self.log.entries if one.kind == ADDED}
            again = " again: the case holds it already" if held else ""
            self._log(f"add {result.called}{again}", note, content, kind=AGAIN if held else ADDED)
            if not held:
                self.results.append((result, note))
                self.silent |= {content} if silent else set()
                self.standing = None  # who stands beside the new ones is not known
                self.views.clear()
        return self

    def note(self, text: str) -> Self:
        """Write a note into the log: a call, a doubt, what somebody said.

        Parameters
        ----------
        text : str
            What is to be kept.
        """
        self._note_desk()
        self._log("note", text, NOTHING, kind=NOTED)
        return self

    def hypothesis(self, text: str, *, policy: str = "") -> Self:
        """Write down what is expected, and how value will be followed, before it is done.

        The report says where what was done is another, and how many results were known already.

        Parameters
        ----------
        text : str
            What is expected to be found.
        policy : str
            By which policy value will be followed, such as ``fifo``.

        Raises
        ------
        CaseError
            If nothing is expected, or there is no such policy.
        """
        names = [one.name for one in POLICIES]
        if not text.strip() or (policy and policy not in names):
            what = f"there is no policy {policy!r}" if policy else "a hypothesis says something"
            raise CaseError(what, remedy=f"name one of {', '.join(names)}" if policy else None)
        self._note_desk()
        why = f"planned policy: {policy}" if policy else ""
        self._log(f"hypothesis: {text}", why, NOTHING, kind=PLANNED)
        self.views.clear()  # the report tells it
        return self

    def asked(self, whom: str, what: str) -> Self:
        """Write into the log that somebody outside was told something of the case.

        Parameters
        ----------
        whom : str
            A host, an office, a person.
        what : str
            What they learned, or were asked.
        """
        self._note_desk()
        self._log(f"tell {whom}", what, NOTHING, kind=DISCLOSED)
        return self

    def merge(self, other: CaseRecord, why: str = "") -> Self:
        """Take over what somebody else added to the same case, and name both heads in the log.

        Parameters
        ----------
        other : Case
            The other's, which began as this one did; see :meth:`fork`.
        why : str
            The reason.

        Raises
        ------
        CaseError
            If the two have no common beginning, or the other brings nothing new.
        """
        for one in (self, other):
            one._note_desk()
        self.log.merge(other.log, self.investigator, why)
        self.times = {**other.times, **self.times}
        self._timed()
        ours, theirs = ([one.digest for one, _ in case.results] for case in (self, other))
        said = dict(zip(theirs, (note for _, note in other.results), strict=True))
        self.results = [
            (result, _both(note, said.get(digest, "")))
            for digest, (result, note) in zip(ours, self.results, strict=True)
        ]
        self.results += [
            one for digest, one in zip(theirs, other.results, strict=True) if digest not in ours
        ]
        # Whoever let a result speak is heard: silent where every holder has it so.
        spoken = (set(ours) - self.silent) | (set(theirs) - other.silent)
        self.silent = (self.silent | other.silent) - spoken
        self.standing = None
        self.views.clear()
        return self

    def fork(self, investigator: str) -> Self:
        """Return the case as it is now for somebody else, who adds to it apart; see :meth:`merge`.

        Parameters
        ----------
        investigator : str
            Who works on it.
        """
        self._note_desk()
        return replace(
            self, investigator=investigator, log=Log(list(self.log.entries)), trials=Trials(),
            times=dict(self.times), results=list(self.results), silent=set(self.silent), views={},
        )  # fmt: skip

    def schedule(self) -> Schedule:
        """Return what was planned, what was tried and not used, and what speaks against."""
        return schedule(self.log, [result for result, _ in self.results], self.times)

    def _note_desk(self, adding: Sequence[Result] = ()) -> None:
        """Write into the log what happened since: the working edition opened, and what was tried.

        What is being added, and what it was made from, is no trial beside.
        """
        for given in self.opened()[self.desk_leaves :]:
            self._log(
                "open the working edition at the desk", given.reason, NOTHING, given.authority,
                kind=OPENED,
            )  # fmt: skip
            self.desk_leaves += 1
        heard = self.trials.take()
        known = used([*adding, *(result for result, _ in self.results)]) if heard else set()
        for record, tests in heard:
            if key_of(record) not in known:
                why = said_of(record.params, tests)
                self._log(f"try {record.step}", why, record.content, kind=TRIED)
                self.views.clear()

    def _log(
        self, what: str, why: str, content: str, authority: str = "", *, kind: str = ADDED
    ) -> None:
        who, act, reason = (visible(one, keep="\n") for one in (self.investigator, what, why))
        self.log.append(who, act, reason, content, visible(authority, keep="\n"), kind=kind)
        self._timed()

    def _timed(self) -> None:
        """Bind the time to the last entry."""
        last = self.log.entries[-1].digest()
        self.times[last] = moment_of(self.log, self.times, self.clock())

    def whole(self) -> list[tuple[Result, str]]:
        """Return the results with their notes, and the findings that they bring to the report."""
        found = list(findings_of([result for result, _ in self.results], self.silent))
        if (left := self.schedule().finding()) is not None:
            found.append(left)
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


def _both(note: str, other: str) -> str:
    """Return two notes of one result: the lines of one, then what the other says beside them."""
    more = [line for line in other.split("\n") if line and line not in note.split("\n")]
    return "\n".join([note, *more] if note else more)


def _safe(text: str) -> str:
    return escape(visible(text))
