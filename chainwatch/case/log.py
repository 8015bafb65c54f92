"""The log of a case: append-only, each entry sealed by those before it.

Entries make a graph without circles: each bears the digests of its *parents*. Of one person's work
each entry has one parent; where two people went on from one beginning, a merge has both their
heads for parents. So an entry that was changed, dropped, put in or moved shows, on either side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from chainwatch.errors import CaseError
from chainwatch.results.provenance import canonical_json, digest_json

FIRST = "0" * 64
"""The head of a log without entries."""

ADDED, AGAIN, TRIED, NOTED, PLANNED, DISCLOSED, OPENED, MERGED = (
    "added", "again", "tried", "noted", "planned", "disclosed", "opened", "merged",
)  # fmt: skip
"""Kinds of acts."""


@dataclass(frozen=True)
class Entry:
    """One act in a case. Its time stands in ``run.json``: it is no part of what was found.

    Attributes
    ----------
    number : int
        One more than that of its latest parent: entries that two people made apart may share one.
    who, what, why : str
        Whose act, which, and the reason given.
    content : str
        Digest of the result that it is about; zeros where it is about none.
    parents : tuple of str
        Digests of the entries that it goes on from: none of the first, two or more of a merge.
    authority : str
        On whose authority somebody looked at everybody; empty of all other acts.
    kind : str
        Which kind of act, for programs.
    """

    number: int
    who: str
    what: str
    why: str
    content: str
    parents: tuple[str, ...]
    authority: str = ""
    kind: str = ADDED

    def digest(self) -> str:
        """Return the SHA-256 of the entry, by which the next ones name it."""
        return digest_json(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        told = asdict(self) | {"parents": list(self.parents)}
        return told if self.authority else {k: v for k, v in told.items() if k != "authority"}


@dataclass
class Log:
    """Entries, each behind its parents. It only grows."""

    entries: list[Entry] = field(default_factory=list)

    def append(
        self, who: str, what: str, why: str, content: str, authority: str = "", *,
        kind: str = ADDED, parents: Sequence[str] | None = None,
    ) -> Entry:  # fmt: skip
        """Add an act and return it; it goes on from the last one, unless its parents are named."""
        of = tuple(parents) if parents is not None else self._last()
        entry = Entry(self._number(of), who, what, why, content, of, authority, kind)
        self.entries.append(entry)
        return entry

    def _last(self) -> tuple[str, ...]:
        return (self.entries[-1].digest(),) if self.entries else ()

    def _number(self, parents: Sequence[str]) -> int:
        numbers = {entry.digest(): entry.number for entry in self.entries}
        return 1 + max((numbers[one] for one in parents), default=0)

    def told(self, content: Callable[[str], str], said: Callable[[str], str]) -> Log:
        """Return the same log with each content digest and each text as an edition may show it.

        Two entries that differ in masked words alone are numbered: they stay two.
        """
        log, named, taken = Log(), dict[str, str](), set[str]()
        for entry in self.entries:
            made = Entry(
                entry.number, said(entry.who), said(entry.what), said(entry.why),
                content(entry.content), tuple(named[one] for one in entry.parents),
                said(entry.authority), entry.kind,
            )  # fmt: skip
            told, again = made, 1
            while told.digest() in taken:
                again += 1
                told = replace(made, why=f"{made.why} ({again})".lstrip())
            log.entries.append(told)
            named[entry.digest()] = told.digest()
            taken.add(told.digest())
        return log

    def head(self) -> str:
        """Return the digest of the last entry: it stands for the whole log."""
        return self.entries[-1].digest() if self.entries else FIRST

    def before(self, entry: Entry) -> set[str]:
        """Return the digests of all entries that one goes on from, near and far."""
        parents = {one.digest(): one.parents for one in self.entries}
        found: set[str] = set()
        open_ends = list(entry.parents)
        while open_ends:
            one = open_ends.pop()
            if one not in found:
                found.add(one)
                open_ends += parents[one]
        return found

    def after(self, entry: Entry) -> set[str]:
        """Return the digests of all entries that go on from one, near and far."""
        held = {entry.digest()}
        for one in self.entries:  # each stands behind its parents
            if not held.isdisjoint(one.parents):
                held.add(one.digest())
        return held - {entry.digest()}

    def lines(self) -> bytes:
        """Return the log as JSON lines."""
        return b"".join(canonical_json(entry.as_dict()) + b"\n" for entry in self.entries)

    def merge(self, other: Log, who: str, why: str) -> Entry:
        """Take over the entries of another log of the same case, and name both heads.

        Parameters
        ----------
        other : Log
            What somebody else wrote from a common beginning.
        who, why : str
            Who joins the two, and the reason.

        Raises
        ------
        CaseError
            If the two begin with different entries, or the other brings nothing new.
        """
        held, heads = {entry.digest() for entry in self.entries}, [self.head(), other.head()]
        if not self.entries or not other.entries or self.entries[0] != other.entries[0]:
            raise CaseError(
                "the two logs have no common beginning: they are of different cases",
                remedy="merge what two people added to one case",
            )
        new = [entry for entry in other.entries if entry.digest() not in held]
        if not new:
            raise CaseError("the other log brings nothing new", remedy="go on with this one")
        self.entries += new
        return self.append(who, "merge", why, FIRST, kind=MERGED, parents=sorted(heads))


def read_log(lines: Iterable[str], *, where: str) -> Log:
    """Read a log back and prove that no entry was changed, dropped or put in.

    Raises
    ------
    CaseError
        Naming the first entry that does not follow those before it.
    """
    log, numbers, ends = Log(), dict[str, int](), set[str]()
    for place, line in enumerate(lines, start=1):
        entry = _entry(line, f"{where} entry {place}")
        digest, known = entry.digest(), set(entry.parents) <= set(numbers)
        repeats = len(set(entry.parents)) != len(entry.parents) or digest in numbers
        if not known or repeats or bool(entry.parents) != bool(numbers):
            raise _changed(f"{where} entry {place}")
        if entry.number != 1 + max((numbers[one] for one in entry.parents), default=0):
            raise _changed(f"{where} entry {place}")
        numbers[digest] = entry.number
        ends = (ends - set(entry.parents)) | {digest}
        log.entries.append(entry)
    if len(ends) > 1:  # somebody's work ends where nobody merged it
        loose = next(n for n, one in enumerate(log.entries, 1) if one.digest() in ends)
        raise _changed(f"{where} entry {loose}")
    return log


def _entry(line: str, where: str) -> Entry:
    """Return the entry of a line; what is of another type is none."""
    what = "the log cannot be read: this is no entry"
    try:
        facts = json.loads(line)
        made = Entry(**{**facts, "parents": tuple(facts["parents"])})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CaseError(what, where=where, remedy=COMPARE_LOG) from error
    texts = (made.who, made.what, made.why, made.content, made.authority, made.kind)
    if type(made.number) is not int or not all(
        isinstance(one, str) for one in (*texts, *made.parents)
    ):
        raise CaseError(what, where=where, remedy=COMPARE_LOG)
    return made


COMPARE_LOG = "compare with the copy that was sealed"


def _changed(where: str) -> CaseError:
    return CaseError(
        "the log was changed: an entry does not follow the one before it",
        where=where, remedy=COMPARE_LOG,
    )  # fmt: skip
