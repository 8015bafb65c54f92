"""``[[other_owners]]``: what other rules would join, beside what the case joins."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.case.file.owner_keys import OwnerKeys
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.case.recipes.owner_rules import owners_of
from chainwatch.clusters.compare import Comparison, compare
from chainwatch.errors import CaseError
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.results.result import Finding
from chainwatch.results.table import Column, Table
from chainwatch.units import counted

AGREEMENT = Table(
    "owners_compared",
    (),
    "Pairs of addresses by who joins them.",
    (Column.word("who", "which recipe joins them"), Column.count("pairs", "pairs of addresses")),
)


class OtherOwners(Question, OwnerKeys):
    """Ask what another recipe, or other rules, would join. The keys are those of ``[owners]``.

    Nothing of the case rests on it: it says how much depends on which rules are believed. Whom it
    would join is not shown because of it.
    """

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield in how many pairs the two differ, and where."""
        part = next((one for one in ground.parts if one.owners is not None), None)
        if part is None or part.owners is None:
            raise CaseError(
                "the case follows no coins, so that it joins no addresses",
                remedy="ask [[account_links]] on chains of accounts",
            )
        unless = JOINT if part.mixes is None else part.mixes | JOINT
        other = owners_of(self, ground.ledger, part.asset.chain, ground.tags, ground.base, unless)
        found = compare(part.owners, other)
        yield Answer(_told(found, self), self.name)
        yield Answer(found, self.name)


def _told(found: Comparison, keys: OwnerKeys) -> Finding:
    row = found.frame.row(0, named=True)
    rows = [("both", row["both"]), ("the case alone", row["only_one"]),
            ("the other alone", row["only_other"])]  # fmt: skip
    said = ", ".join(
        f"{key} = {value}"
        for key, value in keys.model_dump(exclude_defaults=True, exclude={"name"}).items()
    )
    text = (
        f"Beside the owners of the case stand those by {said or 'the default recipe'}. Of pairs of"
        f" addresses both join {row['both']:,}, the case alone {row['only_one']:,}, the other alone"
        f" {row['only_other']:,}.",
        f"{counted(found.merges.height, 'cluster of the case holds', 'clusters of the case hold')}"
        " addresses of several clusters of the other;"
        f" {counted(found.splits.height, 'cluster of the other is', 'clusters of the other are')}"
        " split in the case.",
    )
    return Finding(
        "Owners by other rules", text, AGREEMENT.rows(AGREEMENT.frame(rows)), None,
        ("Which of the two is right no count says: each rule states when it fails.",), text[0],
    )  # fmt: skip
