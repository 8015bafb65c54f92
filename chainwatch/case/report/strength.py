"""How strong a finding is, in words: a scale of kinds of evidence, which bears no percentages.

Estimative language of intelligence services gives each word a range of probabilities. Nobody has
measured how often findings of a case are right, so that such a range would be made up. The words
here rank what a statement rests on: what anybody can look up, what a rule with a measured rate of
error says, what depends on a method that was chosen, and what nobody read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from chainwatch.case.schedule import TITLE as UNUSED
from chainwatch.results.result import Finding
from chainwatch.triage.identity.identities import TITLE as SELLERS

READ, SORTED, PROBABLE, CONSISTENT, STATED = (
    "Read from the chain", "Counted, and sorted by a rule", "Probable by a rule",
    "Consistent with what was read", "Stated by others",
)  # fmt: skip

SCALE: tuple[tuple[str, str], ...] = (
    (READ, "counted from what was read alone: whoever reads the same data finds the same"),
    (SORTED, "numbers and sums are counted from what was read; a rule or a tag decides under which"
     " name"),
    (PROBABLE, "a named rule says so, whose errors were counted elsewhere; other explanations"
     " stand beside it"),
    (CONSISTENT, "it follows by a method that was chosen, and another method may say otherwise"),
    (STATED, "somebody else says so; nothing here proves or disproves it"),
)  # fmt: skip
"""The words of the scale, and what a statement rests on that begins with each."""

NO_PERCENTAGES = (
    "The words in front say what a statement rests on. They bear no percentages: how often findings"
    " of this kind are right in cases like this was measured by nobody."
)

(
    FLOW, OWNERS, LEADS, PEOPLE, IDENTITIES, CUSTODY, PAYMENTS, UNHOSTED, LOOKS, SHAPES, TOKEN,
    NAMES, COUNTS, LACKING, REFUSALS, SCHEDULE, OTHER,
) = (
    "flow", "owners", "leads", "people", "identities", "custody", "payments", "unhosted", "looks",
    "shapes", "token", "names", "counts", "lacking", "refusals", "schedule", "other",
)  # fmt: skip


class Kind(NamedTuple):
    """A kind of finding: how strong it is, and how it is known.

    Attributes
    ----------
    name, strength : str
        What it is called here, and a word of the scale.
    tables : tuple of str
        The names with which its tables begin.
    titles : tuple of str
        The headings of those that have no table.
    """

    name: str
    strength: str
    tables: tuple[str, ...]
    titles: tuple[str, ...] = ()


KINDS: tuple[Kind, ...] = (
    Kind(FLOW, CONSISTENT, ("ends_by_reason", "reached", "policies_by_", "received_by_", "worth",
                            "crossings", "routes", "order_bounds")),
    Kind(OWNERS, PROBABLE, ("subjects",)),
    # A lead joins nobody, and rules on accounts are often wrong; roles of people and sellers rest
    # on thresholds, tags and keys whose errors nobody counted.
    Kind(LEADS, CONSISTENT, ("account_leads",)),
    Kind(PEOPLE, CONSISTENT, ("people_by_role",)),
    Kind(IDENTITIES, CONSISTENT, (), (SELLERS,)),
    Kind(CUSTODY, PROBABLE, ("hosting", "roles")),
    Kind(PAYMENTS, READ, ("counterparties_",)),
    # Amounts that are read, told by whom a rule on custody or a tag sets apart.
    Kind(UNHOSTED, SORTED, ("unhosted_payments", "after_")),
    # How alike two addresses must be, and how small a trifle, are numbers that were chosen.
    Kind(LOOKS, CONSISTENT, ("poisoning_", "paid_to_look_alikes")),
    Kind(SHAPES, PROBABLE, ("alerts",)),
    Kind(TOKEN, READ, ("other_tokens", "statuses", "without_effect", "too_wide_to_add"),
         ("The token",)),
    Kind(NAMES, STATED, ("stated",), ("Tags as they stood",)),
    Kind(COUNTS, READ, ("what_was_read",)),
    # Its amounts are what one policy follows to where nobody read on.
    Kind(LACKING, CONSISTENT, ("not_read",)),
    Kind(REFUSALS, SORTED, ("contested",)),
    Kind(SCHEDULE, CONSISTENT, (), (UNUSED,)),
)  # fmt: skip
"""Every kind of finding that a report knows more of than its words."""

UNKNOWN_KIND = Kind(OTHER, CONSISTENT, ())


def kind_of(finding: Finding) -> Kind:
    """Return of which kind a finding is, by its table, else its heading; *other* if none fits."""
    for one in KINDS:
        if finding.name.startswith(one.tables) if finding.name else finding.title in one.titles:
            return one
    return UNKNOWN_KIND


def strength_of(finding: Finding) -> str:
    """Return the word of the scale for what a finding says in one line.

    What a rule calls probable is counted in its table: where it calls nothing so, the line is a
    count of what was looked at.
    """
    kind = kind_of(finding)
    if kind.strength != PROBABLE or finding.rows is None:
        return kind.strength
    frame = finding.frame
    if kind.name == CUSTODY and "custody" in frame.columns:
        frame = frame.filter(pl.col("custody").str.contains("probable", literal=True))
    return SORTED if frame.is_empty() else PROBABLE


def answer(said: Iterable[tuple[str, str, int]], more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the answer in lines, each with the strength of what it rests on and its exhibit.

    Parameters
    ----------
    said : iterable of (str, str, int)
        The strength of a finding, its headline as the edition may say it, and the number of its
        exhibit, 0 where it has none.
    more : iterable of str
        Headlines of what depends on a method and has no exhibit of its own.
    """
    lines = [
        f"{strength}: {headline}{f' See Exhibit {number}.' if number else ''}"
        for strength, headline, number in said
    ]
    return (*lines, *(f"{CONSISTENT}: {headline}" for headline in more))
