"""A dangerous new substance: when it began, how it spread, and when others told of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SEIZED, CASE = 0.01, 0.02
"""The share of purchases whose parcel is seized, and after which somebody falls gravely ill."""

SEIZED_LAG, CASE_LAG = (5.0, 2.0), (9.0, 4.0)
"""Weeks until a laboratory has said what it was: mean and standard deviation."""

SEIZURES, CASES, BULLETIN = 2, 3, 4
"""Seizures and cases that a report waits for, and weeks between two bulletins on cases."""

FIRST_BUYERS = 2.0
"""Purchases in the week in which it begins."""


@dataclass(frozen=True)
class Harm:
    """What is true of a dangerous substance on one market.

    Attributes
    ----------
    substance : str
        Its class.
    first : int
        Number of the week in which it began.
    reported : int or None
        Number of the week in which the first report by others came out; None where none did. It is
        the first bulletin that knows of three cases, or the notice of the second seizure.
    before : bool
        Whether its class was sold there before, at a steady pace.
    """

    substance: str
    first: int
    reported: int | None
    before: bool


def spread(draw: np.random.RandomState, first: int, weeks: int) -> np.ndarray:
    """Return mean weekly purchases of a substance that begins in a week and spreads (logistic)."""
    plateau = draw.uniform(40, 120)
    pace = draw.uniform(2, 6) / math.log(2)
    middle = first + pace * math.log(plateau / FIRST_BUYERS - 1)
    week = np.arange(weeks)
    means = plateau / (1 + np.exp(-(week - middle) / pace))
    return np.where(week < first, 0.0, means)


def reported(draw: np.random.RandomState, bought: np.ndarray) -> int | None:
    """Return the week in which the first report by others comes out."""
    weeks = len(bought)
    cases = _known(draw, bought, CASE, CASE_LAG)
    seizures = _known(draw, bought, SEIZED, SEIZED_LAG)
    found = []
    if len(cases) >= CASES:
        found.append(math.ceil(cases[CASES - 1] / BULLETIN) * BULLETIN)
    if len(seizures) >= SEIZURES:
        found.append(int(seizures[SEIZURES - 1]))
    return min((one for one in found if one < weeks), default=None)


def _known(
    draw: np.random.RandomState, bought: np.ndarray, share: float, lag: tuple[float, float]
) -> np.ndarray:
    """Return the weeks in which single cases are known, in order."""
    mean, deviation = lag
    happened = np.repeat(np.arange(len(bought)), draw.binomial(bought, share))
    shape = (mean / deviation) ** 2
    return np.sort(np.ceil(happened + draw.gamma(shape, mean / shape, len(happened))))
