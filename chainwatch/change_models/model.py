"""``ChangeModel``: trees, a threshold, what both rest on, and how often they were right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import polars as pl

from chainwatch.atomic import check_new, write_new
from chainwatch.change_models.features import NAMES
from chainwatch.change_models.judging import rule_of
from chainwatch.change_models.measure import CALLED, FOUND, HELD_OUT, MEASURED, shares
from chainwatch.change_models.trees import TREES, Thresholds, Trees
from chainwatch.change_models.votes import ChangeVotes, votes_of
from chainwatch.clusters.explain import Explanation
from chainwatch.errors import InputError, expect
from chainwatch.evaluate.shares import Share
from chainwatch.heuristics.link_rules import AFTER, CHANGE
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result
from chainwatch.results.table import Rows

FORMAT = "chainwatch change model 1"

TERMS = frozenset({
    "source", "labels", "unknown", "false_positive_rate", "false_negative_rate", "growth",
    "fitted_by", "features",
})  # fmt: skip
"""What the terms of a model say."""


@dataclass(frozen=True, repr=False, eq=False)
class ChangeModel(Result):
    """A fitted model of change: what it says can be evaluated without what fitted it.

    Attributes
    ----------
    frame : polars.DataFrame
        What was right and wrong on its labels, by part: rows in ``MEASURED``.
    trees : Trees
        The trees.
    chosen : Thresholds
        From which score on an output is called change, and below which it is ruled out.
    terms : mapping
        What the model rests on: the labels and their source, the rates asked for, how the
        trees were grown and by which version of which library, and the names of the features.
    """

    frame: pl.DataFrame
    trees: Trees
    chosen: Thresholds
    terms: Mapping[str, Any]

    def __post_init__(self) -> None:
        if set(self.terms) != TERMS:
            raise InputError(
                f"the terms of a change model say {', '.join(sorted(TERMS))}",
                remedy="take the file as it was written, or fit the model anew",
            )
        if tuple(self.terms["features"]) != NAMES:
            raise InputError(
                "the change model reads other features than there are here",
                remedy="use the version of chainwatch that fitted it, or fit it anew",
            )
        if not 0 <= self.chosen.below <= self.chosen.at_least <= self.trees.most + 1:
            raise InputError(f"no scores of the change model can be {tuple(self.chosen)}")
        super().__post_init__()

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"measured": MEASURED.rows(self.frame), "trees": TREES.rows(self.trees.nodes)}

    def words(self) -> Mapping[str, Any]:
        """Return thresholds and terms, which are digested as well."""
        return {"thresholds": self.chosen._asdict(), "terms": dict(self.terms)}

    def identity(self) -> Mapping[str, Any]:
        """Return what the record of a step names it by."""
        return {"model": f"sha256:{self.digest}"}

    def rule(self) -> Rule:
        """Return the model as a rule on outputs, for ``change_links``, a ``Recipe`` or ``ask``."""
        return rule_of(self.trees, self.chosen, self.digest)

    def why(self, ledger: Ledger, txid: str | bytes) -> ChangeVotes:
        """Return the votes and features by which it judges the outputs of a transaction.

        Parameters
        ----------
        ledger : Ledger
            What was read.
        txid : str or bytes
            Id of the transaction, as text or in wire order, as a step of ``clusters.why`` has it.

        Raises
        ------
        InputError
            If the ledger holds no such transaction.
        """
        return votes_of(self.trees, self.chosen, self.rule(), ledger, txid)

    def on_path(self, ledger: Ledger, explanation: Explanation) -> list[ChangeVotes]:
        """Return why it called change what a path of links rests on, a transaction after the other.

        Parameters
        ----------
        ledger : Ledger
            What was read.
        explanation : Explanation
            What ``clusters.why(a, b)`` returns; its steps of other rules are passed over.
        """
        expect(explanation, Explanation, "explanation", "pass what clusters.why(a, b) returns")
        names = (CHANGE, AFTER, f"change: {self.rule()}")
        steps = explanation.frame.filter(pl.col("rule").is_in(names))
        ids = dict.fromkeys(steps["txid"].drop_nulls())
        return [self.why(ledger, txid) for txid in ids]

    def share(self, what: str, part: str = HELD_OUT) -> Share:
        """Return how often something was so in a part of the labels, with its interval.

        Raises
        ------
        InputError
            If nothing of that name was counted in such a part.
        """
        for where, counted, share in shares(self.frame):
            if (where, counted) == (part, what):
                return share
        raise InputError(
            f"no {what!r} was counted in a part {part!r}", remedy="see the rows of model.frame"
        )

    @property
    def false_positive_rate(self) -> Share:
        """Payments of owners held out that are called change."""
        return self.share(CALLED)

    @property
    def true_positive_rate(self) -> Share:
        """Change of owners held out that is called change."""
        return self.share(FOUND)

    def as_data(self) -> dict[str, Any]:
        """Return the model as plain data: numbers and texts alone, with its digest."""
        rows = self.trees.nodes.group_by("tree", maintain_order=True)
        columns = ("feature", "at_most", "low", "high", "share")
        return {
            "format": FORMAT,
            "digest": self.digest,
            "thresholds": self.chosen._asdict(),
            "terms": dict(self.terms),
            "measured": [list(row) for row in self.frame.select(MEASURED.names).iter_rows()],
            "trees": [[list(row) for row in tree.select(columns).iter_rows()] for _, tree in rows],
        }

    def write(self, path: PurePath | str, *, replace: bool = False) -> str:
        """Write it as JSON into a file and return the SHA-256 of that; ``read_change_model`` reads.

        Raises
        ------
        OutputExists
            If the file exists and may not be replaced.
        """
        check_new(Path(path), replace=replace)
        text = json.dumps(self.as_data(), sort_keys=True, separators=(",", ":")) + "\n"
        return write_new(Path(path), text.encode("ascii"), replace=replace)

    def __repr__(self) -> str:
        terms = self.terms
        return "\n".join([
            f"ChangeModel({self.trees.count} trees on {terms['source']}, {terms['fitted_by']},"
            f" sha256:{self.digest[:16]})",
            *(
                f"    {part}: {what}: {share}"
                for part, what, share in shares(self.frame)
                if part == HELD_OUT
            ),
            f"    asked for at most {terms['false_positive_rate']} of payments called change, and"
            f" {terms['false_negative_rate']} of change ruled out",
        ])  # fmt: skip
