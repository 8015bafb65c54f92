"""What the first page says the report is of: number, subjects, investigator, what was read."""

from __future__ import annotations

from chainwatch.addresses.canonical import text
from chainwatch.case.record import CaseRecord
from chainwatch.privacy.masked_view import MaskedView
from chainwatch.results.roles import Party

MOST_SUBJECTS = 24
"""Subjects that the first page names; the tables name all."""

NOT_STATED = "not stated"


def facts(case: CaseRecord, view: MaskedView) -> tuple[tuple[str, str], ...]:
    """Return the facts at the head of a report, as pairs of name and value."""
    subjects = _subjects(case)
    return (
        ("Case", case.name),
        ("Case number", case.number.strip() or NOT_STATED),
        (f"Subject{'s' if len(subjects) != 1 else ''}", _listed(case, view, subjects)),
        ("Investigator", case.investigator.strip() or NOT_STATED),
        *case.basis.facts(),
    )


def _subjects(case: CaseRecord) -> list[Party]:
    """Return whom the results of a case follow, each once."""
    found = {
        (chain, address)
        for result, _ in case.results
        for chain, address in result.followed().select("chain", "address").iter_rows()
    }
    return sorted(found)


def _listed(case: CaseRecord, view: MaskedView, subjects: list[Party]) -> str:
    if not subjects:
        return NOT_STATED
    called: dict[Party, str] = {}
    for result, _ in case.results:
        for name, party in result.names():
            called.setdefault(party, name)
    said = [
        ", ".join([*([called[party]] if party in called else []), text(party[1], party[0])])
        for party in subjects
        if not view.edition.masks(*party)
    ]
    more = len(subjects) - MOST_SUBJECTS
    head = f"{len(subjects)} addresses: " if len(subjects) > 1 else ""
    tail = f"; and {more} more: see the tables" if more > 0 else ""
    return head + "; ".join(said[:MOST_SUBJECTS]) + tail
