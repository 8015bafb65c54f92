"""How strong a finding is, in words: a scale of kinds of evidence, which bears no percentages.

Estimative language of intelligence services gives each word a range of probabilities. Nobody has
measured how often findings of a case are right, so that such a range would be made up. The words
here rank what a statement rests on: what anybody can look up, what a rule with a measured rate of
error says, what depends on a method that was chosen, and what nobody read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chainwatch.results.result import Finding

READ, PROBABLE, CONSISTENT, STATED = (
    "Read from the chain", "Probable by a rule", "Consistent with what was read",
    "Stated by others",
)  # fmt: skip

SCALE: tuple[tuple[str, str], ...] = (
    (READ, "counted from what was read alone: whoever reads the same data finds the same"),
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

FLOW, OWNERS, CUSTODY, PAYMENTS, TOKEN, NAMES, COUNTS, OTHER = (
    "flow", "owners", "custody", "payments", "token", "names", "counts", "other",
)  # fmt: skip


class Kind(NamedTuple):
    """A kind of finding: how strong it is, and the names with which its tables begin."""

    name: str
    strength: str
    tables: tuple[str, ...]


KINDS: tuple[Kind, ...] = (
    Kind(FLOW, CONSISTENT, ("ends_by_reason", "reached", "policies_by_", "received_by_", "worth",
                            "mixed_outputs", "crossings", "routes", "paths", "exposure")),
    Kind(OWNERS, PROBABLE, ("subjects", "account_leads", "links", "people", "identities")),
    Kind(CUSTODY, PROBABLE, ("hosting", "roles")),
    Kind(PAYMENTS, READ, ("counterparties_", "unhosted_payments", "after_", "poisoning_",
                          "perhaps_astray", "alerts")),
    Kind(TOKEN, READ, ("other_tokens", "statuses", "without_effect", "too_wide_to_add",
                       "order_bounds")),
    Kind(NAMES, STATED, ("stated", "tag_hits")),
    Kind(COUNTS, READ, ("not_read", "what_was_read", "contested")),
)  # fmt: skip
"""Every kind of finding that a report knows more of than its words."""

UNKNOWN_KIND = Kind(OTHER, CONSISTENT, ())


def kind_of(finding: Finding) -> Kind:
    """Return of which kind a finding is, by the name of its table; *other* where none fits."""
    return next((one for one in KINDS if finding.name.startswith(one.tables)), UNKNOWN_KIND)


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
