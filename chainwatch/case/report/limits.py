"""What a report cannot say, at its end: of all cases, and how often its own rules were right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.results.result import Result
from chainwatch.tracing.stops import UNREAD_BUDGET

ALWAYS = (
    "Findings are consistent with the payments read; they do not prove who controls an address.",
    "What was not read is named and counted; it is never taken for zero.",
    "A tag is what its source says. An undated tag says nothing of when it holds.",
    "A policy such as FIFO is a method of computing, not a finding of law. Others give other"
    " amounts.",
    "Error rates of custody are measured on simulated services alone; none is a rate of this case.",
)

MASKS = (
    "Knowing a subject's address, anybody can read its counterparties on the public chain: a mask"
    " hides which pseudonym is which, no more. Totals of subjects are public too and stand exactly,"
    " also where a rounded amount is all that they are the sum of."
)

CONDITIONAL = (
    "How often a rule was right was counted where all owners are known. It says how the rule does"
    " where people behave as they do there; of another chain it says nothing."
)

BUDGET = (
    f"A budget of requests was spent: what is {UNREAD_BUDGET} would have been asked for next, and"
    " could be read with a larger one. It may lie anywhere, also where a finding names nobody."
)

_LINK = frozenset({"a", "b", "rule"})
"""Columns by which a table of links is known."""


def limits(results: Sequence[Result], rates: Rates = MEASURED) -> tuple[str, ...]:
    """Return what a report cannot say; of each rule that links addresses in it, what was measured.

    Where a budget of requests cut fetching short, that is said too.

    Parameters
    ----------
    results : sequence of Result
        All of a case: rules are found in their tables of links.
    rates : Rates
        What was measured, and on what.
    """
    measured = tuple(_measured(_rules(results), rates))
    spent = (BUDGET,) if _budget_spent(results) else ()
    return (*ALWAYS, *spent, *measured, *((CONDITIONAL,) if measured else ()), MASKS)


def _budget_spent(results: Sequence[Result]) -> bool:
    """Tell whether value ends at what a budget left, in any table of ends."""
    return any(
        "reason" in frame.columns and UNREAD_BUDGET in set(frame["reason"])
        for result in results
        for frame, _ in result.tables().values()
    )


def _rules(results: Sequence[Result]) -> list[str]:
    """Return the rules by which results link addresses."""
    found: set[str] = set()
    for result in results:
        for frame, _ in result.tables().values():
            if set(frame.columns) >= _LINK:
                found |= set(frame["rule"].drop_nulls().unique())
    return sorted(found)


def _measured(rules: Sequence[str], rates: Rates) -> Iterator[str]:
    for rule in rules:
        one = rates.by_rule.get(rule)
        if one is None:
            yield f"How often links of the rule {rule} are right has not been measured."
            continue
        yield (
            f"Of the links of the rule {rule}, {one.of - one.right:,} of {one.of:,} joined two"
            f" owners, in {one.cases:,} independent cases. Counted on: {one.basis}."
        )
