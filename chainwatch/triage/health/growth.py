"""Whether a count grew: a scan over windows, with a bound on chance that takes noise into account.

Of each week and each group the sum of the last 1, 2, 4 and 8 weeks is held against what went
before, three times: by the calendar, by what all others did in the same weeks, and by the same
season of the year before. Growth is what all that can be asked call growth, and which were asked is
kept. A peak of the whole market, its return after an outage, the fall of the others, and a yearly
season each fail one. What all others did is asked exactly (:mod:`.all_others`), or, of noisy
counts, by how much their sum grew. Weeks that were not read are in no window and no baseline.

The chance is bounded from above (Chernoff), not approached: it holds for counts that vary more than
Poisson counts do, and for discrete Laplace noise, whose tails are longer than a normal's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.triage.health.all_others import FEWEST, share_bound

Array = NDArray[np.float64]

WINDOWS = (1, 2, 4, 8)
"""Weeks over which growth is looked for; the one that shows most tells since when."""

YEAR, SEASON = 52, 3
"""Weeks of a year, and how many on either side of the same weeks a year ago are looked at."""

STEPS = np.geomspace(2e-3, 1, 32)
"""Where the bound is sought: each gives one that holds, the smallest is taken."""

LARGEST_EXPONENT = 9.0
UNSURE = 1.0
"""Standard deviations by which the growth of the others is taken for larger than it looks."""

LOOSEST = 0.25
"""Where the others' noisy sum is less sure than this share of it, nothing is said by it."""


@dataclass(frozen=True)
class Weekly:
    """Weekly counts of groups.

    Attributes
    ----------
    counts : array, groups by weeks
        Counts, or noisy counts.
    scales : array, weeks
        Scale of the noise of each cell; 0 for none.
    cells : int
        Cells that make up one count, each with noise of its own.
    read : array of bool, weeks, optional
        Which weeks were read; all where nothing is said. Counts of the others must be 0.
    """

    counts: Array
    scales: Array
    cells: int = 1
    read: NDArray[np.bool_] | None = None

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Which weeks were read."""
        return np.ones(self.counts.shape[1], bool) if self.read is None else self.read

    @property
    def noisy(self) -> bool:
        """Whether any count has noise."""
        return bool((self.scales > 0).any())

    def summed(self, upto: Array) -> Array:
        """Return running sums over weeks, with a first one of nothing."""
        return np.concatenate([np.zeros((*upto.shape[:-1], 1)), np.cumsum(upto, axis=-1)], axis=-1)


class Grown(NamedTuple):
    """What is found of each group and week.

    Attributes
    ----------
    chance : array, groups by weeks
        A bound on the chance of so much where nothing grew; NaN where the baseline is too short.
    window : array of int
        Weeks of the window that shows most.
    number, expected : array
        The sum of that window, and what the calendar lets one expect.
    dispersion : array
        How much more the baseline varies than Poisson counts do.
    others, season : array of bool
        Whether that window was held against all others, and against the year before.
    alike : array
        How many of all others the calendar lets one expect in the longest window.
    """

    chance: Array
    window: NDArray[np.int64]
    number: Array
    expected: Array
    dispersion: Array
    others: NDArray[np.bool_]
    season: NDArray[np.bool_]
    alike: Array


Span = tuple[int, int, int]
"""Where a baseline begins, where the window begins, and where it ends."""


class _Side(NamedTuple):
    """A baseline: its sum, how many weeks, and what of the window's rate it lets expect."""

    total: Array
    weeks: int
    ratio: Array
    noise: dict[float, int]


def grown(made: Weekly, least: int, most: int) -> Grown:
    """Return of each group and week whether it grew.

    Parameters
    ----------
    made : Weekly
        The counts.
    least, most : int
        Weeks of the shortest and the longest baseline.
    """
    groups, weeks = made.counts.shape
    found = Grown(
        np.full((groups, weeks), np.nan), np.zeros((groups, weeks), np.int64),
        np.zeros((groups, weeks)), np.zeros((groups, weeks)), np.ones((groups, weeks)),
        np.zeros((groups, weeks), bool), np.zeros((groups, weeks), bool),
        np.zeros((groups, weeks)),
    )  # fmt: skip
    totals = made.summed(made.counts)
    squares = made.summed(made.counts**2)
    for week in range(weeks):
        _week(made, totals, squares, week, (least, most), found)
    return found


def _week(
    made: Weekly, totals: Array, squares: Array, week: int, lengths: tuple[int, int], found: Grown
) -> None:
    """Judge one week of all groups; the windows that were tried are paid for (Bonferroni)."""
    spans = [(span, _dispersion(made, totals, squares, *span[:2]))
             for span in _spans(made, week, *lengths)]  # fmt: skip
    if not spans:
        return
    asked = np.any([_comparable(made, totals, *one) for one in spans], axis=0)
    found.others[:, week] = asked
    found.alike[:, week] = np.max([_alike(made, totals, span) for span, _ in spans], axis=0)
    best = np.full(len(totals), np.inf)
    for span, dispersion in spans:
        _, start, end = span
        count, noise = totals[:, end] - totals[:, start], _noise(made, start, end)
        sides = _sides(made, totals, span)
        each = [_bound(count, end - start, side, dispersion, noise, made.cells) for side in sides]
        # A window in which the others say too little is no way around them, if a longer one asks.
        each.append(np.where(asked, _against_others(made, totals, span, dispersion), 0.0))
        chance = np.max(each, axis=0)
        better = chance < best
        best = np.where(better, chance, best)
        for kept, value in (
            (found.window, end - start), (found.number, count), (found.season, len(sides) > 1),
            (found.expected, sides[0].ratio * sides[0].total), (found.dispersion, dispersion),
        ):  # fmt: skip
            kept[:, week] = np.where(better, value, kept[:, week])
    found.chance[:, week] = np.minimum(1, best * len(spans))


def _spans(made: Weekly, week: int, least: int, most: int) -> list[Span]:
    """Return the windows that end with a week and were read, each with where its baseline begins.

    Weeks of the baseline that were not read are left out of it, and ``least`` others must be there.
    """
    spans = []
    for window in WINDOWS:
        start = week + 1 - window
        begin = max(0, start - most)
        whole = start >= least and made.whole[start : week + 1].all()
        if whole and _read(made, begin, start) >= least:
            spans.append((begin, start, week + 1))
    return spans


def _read(made: Weekly, begin: int, end: int) -> int:
    return int(made.whole[begin:end].sum())


def _noise(made: Weekly, start: int, end: int) -> dict[float, int]:
    """Return how many weeks of a span have noise of which scale."""
    read = made.whole[start:end]
    scales, counts = np.unique(made.scales[start:end][read], return_counts=True)
    pairs = zip(scales.tolist(), counts.tolist(), strict=True)
    return {scale: count for scale, count in pairs if scale > 0}


def _variance(noise: dict[float, int]) -> float:
    each = [
        weeks * 2 * np.exp(-1 / scale) / (1 - np.exp(-1 / scale)) ** 2
        for scale, weeks in noise.items()
    ]
    return float(sum(each))


def _dispersion(made: Weekly, totals: Array, squares: Array, begin: int, start: int) -> Array:
    """Return variance over mean of the baseline, noise taken off; never below 1.

    Few weeks can look steady by chance, so that no group counts as steadier than the middle one.
    """
    weeks = _read(made, begin, start)
    total = totals[:, start] - totals[:, begin]
    spread = squares[:, start] - squares[:, begin] - total**2 / weeks
    own = spread / (weeks - 1) - made.cells * _variance(_noise(made, begin, start)) / weeks
    mean = np.maximum(total / weeks, 1 / weeks)
    ratio = np.maximum(1, own / mean)
    seen = ratio[total > weeks]
    return np.maximum(ratio, np.median(seen) if len(seen) else 1)


def _sides(made: Weekly, totals: Array, span: Span) -> list[_Side]:
    """Return the own baselines of a window: the weeks before, and the year before if read."""
    begin, start, end = span
    weeks = _read(made, begin, start)
    calendar = np.full(len(totals), (end - start) / weeks)
    before = totals[:, start] - totals[:, begin]
    sides = [_Side(before, weeks, calendar, _noise(made, begin, start))]
    first, last = start - YEAR - SEASON, end - YEAR + SEASON
    if first >= 0 and last <= start and made.whole[first:last].all():
        ratio = np.full(len(totals), (end - start) / (last - first))
        season = totals[:, last] - totals[:, first]
        sides.append(_Side(season, last - first, ratio, _noise(made, first, last)))
    return sides


def _others(totals: Array, span: Span) -> tuple[Array, Array]:
    """Return what all others have in the window, and before it."""
    begin, start, end = span
    now, before = totals[:, end] - totals[:, start], totals[:, start] - totals[:, begin]
    return now.sum() - now, before.sum() - before


def _alike(made: Weekly, totals: Array, span: Span) -> Array:
    """Return how many of all others the calendar lets one expect in a window."""
    begin, start, end = span
    found: Array = _others(totals, span)[1] * ((end - start) / _read(made, begin, start))
    return found


def _comparable(made: Weekly, totals: Array, span: Span, dispersion: Array) -> NDArray[np.bool_]:
    """Tell of which groups the others can say anything in a window."""
    if made.noisy:
        return _by_others(made, totals, span, dispersion)[1]
    spread = _of_others(totals, span, dispersion)
    found: NDArray[np.bool_] = _alike(made, totals, span) / spread >= FEWEST
    return found


def _of_others(totals: Array, span: Span, dispersion: Array) -> Array:
    """Return the dispersion of the sum of all others, whose counts vary each for itself."""
    begin, start, _ = span
    before = np.maximum(totals[:, start] - totals[:, begin], 1e-9)
    weighed = before * dispersion
    rest = np.maximum(before.sum() - before, 1e-9)
    found: Array = np.maximum(1, (weighed.sum() - weighed) / rest)
    return found


def _against_others(made: Weekly, totals: Array, span: Span, dispersion: Array) -> Array:
    """Return a bound on the chance of so much where a group grew as all others did."""
    begin, start, end = span
    count, before = totals[:, end] - totals[:, start], totals[:, start] - totals[:, begin]
    if not made.noisy:
        spread = _of_others(totals, span, dispersion)
        now, then = _others(totals, span)
        return share_bound((count / dispersion, before / dispersion), (now / spread, then / spread))
    ratio, usable = _by_others(made, totals, span, dispersion)
    side = _Side(before, _read(made, begin, start), ratio, _noise(made, begin, start))
    noise = _noise(made, start, end)
    found: Array = np.where(
        usable, _bound(count, end - start, side, dispersion, noise, made.cells), 1.0
    )
    return found


def _by_others(
    made: Weekly, totals: Array, span: Span, dispersion: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Return by how much all others grew, taken for more than it looks; and if it says anything."""
    _, start, end = span
    now, then = _others(totals, span)
    cells = made.cells * max(len(totals) - 1, 1)
    doubt = np.sqrt(
        np.maximum(now, 1) * np.median(dispersion) + cells * _variance(_noise(made, start, end))
    ) / np.maximum(now, 1)
    usable = (now > 0) & (then > 0) & (doubt < LOOSEST)
    return np.maximum(now, 1) / np.maximum(then, 1) * (1 + UNSURE * doubt), usable


def _bound(
    count: Array, window: int, side: _Side, dispersion: Array, noise: dict[float, int], cells: int
) -> Array:
    """Return a bound on the chance of a count so far above its baseline, where nothing grew.

    With ``D = count - ratio * baseline``, the chance of ``D`` or more is at most
    ``exp(K(s) - s * D)`` for each ``s`` above zero; ``K`` is the cumulant of ``D``. Counts are
    taken for ``dispersion`` times a Poisson count; the baseline's rate is taken for more than it
    looks, by one count and the standard deviation of its noise.
    """
    spare = dispersion + np.sqrt(cells * _variance(side.noise))
    rate = np.maximum(side.total, 0) + spare
    excess = count - side.ratio * side.total
    widest = max([*noise, *side.noise], default=0.0)
    reach = LARGEST_EXPONENT / dispersion
    if widest:
        reach = np.minimum(reach, 0.999 / (widest * np.maximum(1, side.ratio)))
    step = STEPS[:, None] * reach
    inner = np.expm1(dispersion * step) * side.ratio + np.expm1(-side.ratio * dispersion * step)
    cumulant = rate / dispersion * inner
    for spread, times in ((noise, 1.0), (side.noise, side.ratio)):
        for scale, weeks in spread.items():
            cumulant = cumulant + cells * weeks * _of_laplace(times * step, scale)
    bound: Any = np.exp(np.minimum(0, np.min(cumulant - step * excess, axis=0)))
    return np.where(excess > 0, bound, 1.0)


def _of_laplace(step: Array, scale: float) -> Array:
    """Return the cumulant of discrete Laplace noise at each step, which lies below 1 / scale."""
    alpha = np.exp(-1 / scale)
    found: Array = (
        2 * np.log1p(-alpha) - np.log1p(-alpha * np.exp(step)) - np.log1p(-alpha * np.exp(-step))
    )
    return found


__all__ = ["SEASON", "WINDOWS", "YEAR", "Grown", "Weekly", "grown"]
