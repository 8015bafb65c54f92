"""A change model as a rule like any other: true, false, or unknown of each output.

The features of an output are packed into one number, of which there are few different ones however
many outputs; each is judged once. The rule prints the digest of its model, and that is its code.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from chainwatch.change_models.features import packed, unpacked
from chainwatch.change_models.trees import Thresholds, Trees
from chainwatch.heuristics.change.candidates import among_payments
from chainwatch.heuristics.rule import Rule, RuleSpec

SHOWN_DIGITS = 16
"""Hexadecimal digits of a model's digest that its rule prints."""

NAME = "change_model"

DOC = """The trees of a fitted model call the output change: their score reaches a threshold.

True where the score reaches its threshold, false where it stays below the lower one, and null
between the two. Where something is unknown it is true or false if the score is so whatever that is,
and null otherwise. Of an output that is not spent the marks of its spender are unknown.

Fails when
----------
Payer and payee use like software and the amounts tell nothing apart: then neither or both reach
the threshold. Owners other than those that the labels are of, a later time, or people who borrow
the habits of whom they pay: the rate that was measured does not hold. Labels hold no change that
went to a used address, so that such change is never named.

References
----------
Moser and Narayanan, Resurrecting Address Clustering in Bitcoin, FC 2022.
"""


def rule_of(trees: Trees, chosen: Thresholds, digest: str) -> Rule:
    """Return the rule that a score reaches a threshold, and is no change below the lower one.

    Parameters
    ----------
    trees : Trees
        What scores.
    chosen : Thresholds
        From which score on it is change, and below which it is ruled out.
    digest : str
        Of the whole model: what the rule is known by.
    """
    spec = RuleSpec(NAME, "outputs", ("moser2022",), True, DOC, digest)
    params = (("model", digest[:SHOWN_DIGITS]), *chosen._asdict().items())
    named = str(Rule("leaf", (), spec, params, nw.lit(True)))
    return Rule(
        "leaf", (), spec, params, among_payments(nw.col(named)), answers=_Judge(trees, chosen)
    )  # fmt: skip


class _Judge:
    """Judges outputs by their packed features, each different number once."""

    def __init__(self, trees: Trees, chosen: Thresholds) -> None:
        self._trees, self._chosen = trees, chosen

    def __call__(self, frame: nw.DataFrame[Any]) -> nw.Series[Any]:
        codes = pl.Series("code", frame.select(code=packed())["code"].to_numpy())
        different = codes.unique().sort()
        found = self._trees.bounds(unpacked(different.to_numpy()))
        low, high = pl.Series(found.low), pl.Series(found.high)
        said = pl.select(
            pl.when(low >= self._chosen.at_least)
            .then(pl.lit(True))
            .when(high < self._chosen.below)
            .then(pl.lit(False))
        ).to_series()
        answers = codes.replace_strict(different, said, return_dtype=pl.Boolean)
        if frame.implementation.is_polars():
            return nw.from_native(answers, series_only=True)
        return nw.new_series("said", answers.to_list(), nw.Boolean, backend=frame.implementation)
