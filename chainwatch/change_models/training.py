"""``change_model``: a random forest fitted to labels of change, at fixed rates of error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from chainwatch.change_models.features import NAMES, array_of
from chainwatch.change_models.fit import Growth, fitted_by, grow
from chainwatch.change_models.labels import SHARED_SPENDING, ChangeLabels
from chainwatch.change_models.measure import (
    CHOOSE,
    FIT,
    MEASURED,
    TENTHS,
    counted_parts,
    pooled,
    thresholds,
)
from chainwatch.change_models.model import ChangeModel
from chainwatch.errors import InputError, expect
from chainwatch.results.result import recorded

FEWEST_OWNERS = 2
"""Owners in a part of the labels: of one, nothing can be said about others."""


@recorded
def change_model(
    labels: ChangeLabels | Sequence[ChangeLabels],
    *,
    false_positive_rate: float = 0.001,
    false_negative_rate: float = 0.05,
    growth: Growth = Growth(),  # noqa: B008 - a tuple of numbers
) -> ChangeModel:
    """Fit a random forest to labelled outputs, and choose from which score on one is change.

    Owners are split three ways: six tenths to fit by, two to choose the threshold by, two held out,
    on which the rates that it prints are measured. Only labelled transactions of which every
    feature is known are used; how many are not stands in its terms.

    Parameters
    ----------
    labels : ChangeLabels or sequence of these
        Of one ledger or several; the order means nothing.
    false_positive_rate : float
        Share of the payments of the owners it is chosen by that may be called change.
    false_negative_rate : float
        Share of their change that may be ruled out. Change is linked only where every other payment
        is ruled out, so that the score of those must be low, and not only lower.
    growth : Growth
        How the trees are grown.

    Returns
    -------
    ChangeModel
        The same, bit by bit, for the same labels and version of scikit-learn.

    Raises
    ------
    InputError
        If the labels are of too few owners, or the rate is no share.
    MissingExtra
        If scikit-learn is not installed.

    Fails when
    ----------
    The labels are few: a rate of one in a thousand is then chosen by no error at all, and the
    interval says how far it may be off. The labels are wrong, or of owners unlike those that are
    judged later: held-out owners are of the same labels, so that the rate does not show it.

    References
    ----------
    Moser and Narayanan, Resurrecting Address Clustering in Bitcoin, FC 2022; Breiman 2001.
    """
    given = [labels] if isinstance(labels, ChangeLabels) else list(labels)
    expect(growth, Growth, "growth", "pass Growth(trees=100), or leave it out")
    for rate in (false_positive_rate, false_negative_rate):
        expect(rate, float, "a rate", "give a number between 0 and 1, such as 0.001")
        if not 0 < rate < 1:
            raise InputError(f"{rate} is no rate", remedy="give a number between 0 and 1")
    return _fitted(given, false_positive_rate, false_negative_rate, growth)


def _fitted(
    labels: list[ChangeLabels], false_positives: float, false_negatives: float, growth: Growth
) -> ChangeModel:
    """Return the model of some labels."""
    rows = pooled(labels)
    known = pl.all_horizontal(pl.col(NAMES).is_not_null()).all().over("set", "chain", "tx")
    whole = rows.filter(known)
    _check(whole)
    values = array_of(whole)
    part, change = whole["part"].to_numpy(), whole["is_change"].to_numpy()
    trees = grow(values[part == FIT], change[part == FIT], growth)
    scores = trees.bounds(values).low
    by = part == CHOOSE
    chosen = thresholds(
        scores[by & np.logical_not(change)], scores[by & change], false_positives, false_negatives
    )
    measured = counted_parts(whole.with_columns(pl.Series("score", scores)), chosen)
    terms = {
        "source": SHARED_SPENDING,
        "labels": sorted(one.digest for one in labels),
        "unknown": (rows.height - whole.height) // 2,
        "false_positive_rate": false_positives,
        "false_negative_rate": false_negatives,
        "growth": growth._asdict(),
        "fitted_by": fitted_by(),
        "features": list(NAMES),
    }
    return ChangeModel(MEASURED.conform(measured), trees, chosen, terms)


def _check(rows: pl.DataFrame) -> None:
    """Refuse labels of too few owners in some part."""
    for part in TENTHS:
        owners = rows.filter(part=part).select("set", "chain", "base").n_unique()
        if owners < FEWEST_OWNERS:
            raise InputError(
                f"only {owners} of the labelled owners fall to the part {part!r}, and a model needs"
                f" {FEWEST_OWNERS} in each",
                remedy="label a longer chain, or several ledgers",
            )
