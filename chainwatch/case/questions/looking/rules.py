"""``[[rules]]``: what a rule of the catalogue, or several together, say of all that was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from chainwatch.case.file.owner_keys import checked
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, OfAsset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.heuristics.ask import Answers, ask
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.rule import VERDICT
from chainwatch.heuristics.written import rule_written
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table

COUNTS = Table(
    "rule_answers",
    (),
    "How often a rule says what.",
    (Column.word("answer", "yes, no or unknown"), Column.count("rows", "how often")),
)


class RuleAsked(OfAsset):
    """Ask a rule, or several joined by ``&``, ``|`` and ``~``, of all that was read of a chain.

    The report counts its answers; each stands in the tables with what every condition said.
    """

    rule: Annotated[
        str,
        AfterValidator(lambda text: checked(rule_written, text)),
        Field(
            description="The rule, as it prints itself.",
            json_schema_extra={"examples": [make.__name__ for make in RULES]},
        ),
    ]

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield how often it says yes, no and unknown, and of what."""
        made, asset = rule_written(self.rule), self.what(ground)
        ledger = ground.ledger.chain_only(find_chain(asset.chain))
        found = ask(ledger, made, asset=asset if made.on == "transfers" else None)
        yield Answer(_told(found, made.on, self.rule), self.name)
        yield Answer(found, self.name)


def _told(found: Answers, on: str, rule: str) -> Finding:
    answers = found.frame[VERDICT]
    yes, unknown = int(answers.sum() or 0), answers.null_count()
    counts = {"yes": yes, "no": answers.len() - yes - unknown, "unknown": unknown}
    text = (
        f"Of {answers.len():,} {on} the rule {rule} says yes to {yes:,}, no to"
        f" {counts['no']:,}, and of {unknown:,} nobody knows, because not all of it was read.",
    )
    return Finding(
        "What a rule says", text, COUNTS.rows(COUNTS.frame(list(counts.items()))), None,
        ("A rule states when it fails; it accuses nobody.",), text[0],
    )  # fmt: skip
