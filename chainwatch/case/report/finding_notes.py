"""What stands beside a finding: its evidence, rates, policy interval, questions, what is unread."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from chainwatch.case.report.critical_questions import Evidence, critical_questions
from chainwatch.case.report.elements import Notes, Section
from chainwatch.case.report.exhibits import MOVED, Drawn, numbers_of
from chainwatch.case.report.rates_used import on_other_terms, rates_used, rules_of
from chainwatch.case.report.strength import FLOW, kind_of
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.mask_sentences import mask_sentence
from chainwatch.results.result import Finding, Result
from chainwatch.tracing.ranges.range_result import TraceRange, range_finding
from chainwatch.tracing.stops import UNREAD

INTERVAL, INNOCENT, EVIDENCE, NOT_READ, SAME = (
    "Policy interval", "Open innocent explanations", "Evidence", "What is unread",
    "What else is asked of it",
)  # fmt: skip

ONE_POLICY = (
    "The value was followed by one method alone: how far this depends on the method is not known."
)


@dataclass(frozen=True)
class Beside:
    """What notes on a finding are made from.

    Attributes
    ----------
    body : sequence of Section
        The sections of the report, their exhibits numbered.
    found : Evidence
        The results of the case.
    edition : Edition
        Who is shown.
    drawn : Drawn
        Which exhibits draw what.
    """

    body: Sequence[Section]
    found: Evidence
    edition: Edition
    drawn: Drawn = field(default_factory=Drawn)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each finding's exhibit, by its key."""
        return numbers_of(self.body)


def notes_of(finding: Finding, section: Section, before: str, beside: Beside) -> tuple[Notes, ...]:
    """Return the notes on a finding.

    Rates, policy interval and questions are those of its kind, asset and rules: they are told in
    full beside the first finding of these, and the others point there (:func:`alike`).

    Parameters
    ----------
    finding : Finding
        Which.
    section : Section
        What tells it.
    before : str
        The heading of the first finding that is asked the same; empty if this is it.
    beside : Beside
        The report around it.
    """
    kind, found = kind_of(finding), replace(beside.found, asset=finding.asset)
    innocent = [Notes(INNOCENT, finding.innocent)] if finding.innocent else []
    head = [*_evidence(finding, section, beside), *innocent]
    whole = [
        *rates_used(
            kind, rules_of(finding, found.results), others=on_other_terms(finding, found.results)
        ),
        *(_interval(finding, found, beside.edition) if kind.name == FLOW else ()),
        *critical_questions(kind, found),
        *(_unread(found, beside) if kind.name == FLOW else ()),
    ]
    if before and whole:
        called = ", ".join(dict.fromkeys(one.heading[0].lower() + one.heading[1:] for one in whole))
        whole = [Notes(SAME, (f"They are those of “{before}”: {called}.",))]
    return (*head, *whole)


def alike(finding: Finding, found: Evidence) -> Hashable:
    """Return what decides what is asked of a finding: findings alike in it are told once."""
    rules = rules_of(finding, found.results)
    others = on_other_terms(finding, found.results)
    return kind_of(finding).name, finding.asset, rules, others


def _evidence(finding: Finding, section: Section, beside: Beside) -> Iterator[Notes]:
    """Yield where a finding stands, is drawn, and is listed step by step."""
    flow = kind_of(finding).name == FLOW
    number = beside.numbers.get(section.key, 0)
    above = section.tables and not flow  # its table stands right above
    told = []
    if number and not above:
        told = [f"Exhibit {number}." + ("" if section.tables else f" {MOVED}")]
    if drawn := beside.drawn.of(finding):
        told.append(f"Drawn in {_exhibits(drawn)}.")
    if flow and (steps := beside.drawn.steps_of(finding)):
        told.append(f"Every step stands in {_exhibits(steps)}.")
    if told:
        yield Notes(EVIDENCE, (" ".join(told),))


def _exhibits(found: Sequence[int]) -> str:
    numbers = [str(number) for number in sorted(found)]
    if len(numbers) == 1:
        return f"Exhibit {numbers[0]}"
    return f"Exhibits {', '.join(numbers[:-1])} and {numbers[-1]}"


def _interval(finding: Finding, found: Evidence, edition: Edition) -> Iterator[Notes]:
    if finding.name.startswith("policies_by_"):
        return
    ranges = [one for one in found.ranges if one.asset == finding.asset]
    if not ranges:
        yield Notes(INTERVAL, (ONE_POLICY,))
    for one in ranges:
        yield Notes(INTERVAL, (_told(one, 1, edition), _told(one, 2, edition)))


def _told(one: TraceRange, paragraph: int, edition: Edition) -> str:
    """Return a paragraph of what a range says, as an edition may say it."""
    said = range_finding(one)
    return mask_sentence(said.text[paragraph], said, edition)


def headlines_of_ranges(found: Evidence, told: Sequence[Result], edition: Edition) -> list[str]:
    """Return what all methods have in common, of ranges that are drawn and bring no finding."""
    lines = []
    for one in found.ranges:
        if one in told:
            continue
        said = range_finding(one)
        lines.append(mask_sentence(said.headline, said, edition))
    return lines


def _unread(found: Evidence, beside: Beside) -> Iterator[Notes]:
    if not found.traces:
        return
    told = (
        "Some of the value ends at what was not read: the row of that name says how much."
        if found.ends_at(*UNREAD) else "No followed value ended at what was not read."
    )  # fmt: skip
    number = beside.numbers.get("not_read", 0)
    see = f" What was not read of all else stands in Exhibit {number}." if number else ""
    yield Notes(NOT_READ, (told + see,))
