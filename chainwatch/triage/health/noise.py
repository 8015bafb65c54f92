"""Noisy counts: all that is counted is counted inside OpenDP, and leaves it with noise on it.

What one owner adds is bounded first: of his rows at most *k* stay, drawn by random numbers that
depend on nothing and are kept nowhere. From there on OpenDP proves the rest: rows to counts, counts
to noisy counts, and what that costs. Exact counts exist nowhere in this process as Python sees it.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import polars as pl

from chainwatch.errors import InputError, extra

EMPTY_SHOWN = 0.01
"""The chance that any empty cell of a whole grid reaches the threshold below which none is told
from an empty one."""


class Noise(NamedTuple):
    """What was added, all of it public.

    Attributes
    ----------
    scale : float
        Of the discrete Laplace distribution.
    threshold : int
        A noisy count below it is not told from that of an empty cell.
    """

    scale: float
    threshold: int

    @property
    def variance(self) -> float:
        """Variance of the noise of one cell."""
        alpha = math.exp(-1 / self.scale)
        return 2 * alpha / (1 - alpha) ** 2

    def within(self, alpha: float = 0.05) -> int:
        """Return how far the noise of one cell reaches, except with a chance of ``alpha``."""
        return reach(self.scale, alpha / 2)


def reach(scale: float, chance: float) -> int:
    """Return the least whole number that discrete Laplace noise reaches with no more than a chance.

    The chance of ``t`` or more is ``exp(-t / scale) / (1 + exp(-1 / scale))``.
    """
    alpha = math.exp(-1 / scale)
    return max(1, math.ceil(-scale * (math.log(chance) + math.log1p(alpha))))


def bounded(rows: pl.DataFrame, most: int, tickets: pl.Series | None = None) -> pl.DataFrame:
    """Return at most ``most`` rows of each payer: those whose random tickets are the smallest.

    Parameters
    ----------
    rows : polars.DataFrame
        With a column ``payer``.
    most : int
        Rows that one payer keeps.
    tickets : polars.Series, optional
        A number for each row; drawn from the system's source of secrets where none are given, and
        kept nowhere. A row's ticket depends on no row, so that another payer's rows are drawn the
        same whether or not this one is there.
    """
    drawn = pl.Series("ticket", _tickets(rows.height)) if tickets is None else tickets
    return (
        rows.with_columns(drawn.alias("ticket"))
        .sort("payer", "ticket")
        .group_by("payer", maintain_order=True)
        .head(most)
        .drop("ticket")
        .select(rows.columns)
    )


def _tickets(count: int) -> pl.Series:
    import numpy as np

    return pl.Series(np.frombuffer(secrets.token_bytes(8 * count), np.uint64))


def opendp() -> Any:
    """Return OpenDP, with the parts that are contributed and proven.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    with extra("health", "opendp"):
        import opendp.prelude as dp
    dp.enable_features("contrib")
    return dp


def noise_of_grid(cells: int, most: int, epsilon: Decimal) -> Noise:
    """Return the noise for a grid of which each payer is in at most ``most`` rows."""
    measure, scale = _grid_measure(1, most, epsilon)
    del measure
    return Noise(scale, reach(scale, EMPTY_SHOWN / cells))


def noisy_grid(codes: Sequence[int], cells: int, most: int, epsilon: Decimal) -> list[int]:
    """Return a noisy count of every cell of a grid.

    Parameters
    ----------
    codes : sequence of int
        The cell of each row, bounded.
    cells : int
        How many there are: cells are 0 to ``cells - 1``.
    most : int
        Rows of one payer, at most.
    epsilon : Decimal
        What it may cost, proven by OpenDP before anything is counted.
    """
    measure, _ = _grid_measure(cells, most, epsilon)
    return [int(one) for one in measure(list(codes))]


def _grid_measure(cells: int, most: int, epsilon: Decimal) -> tuple[Any, float]:
    """Return rows -> counts -> noisy counts, and the scale of the noise, at no more than epsilon.

    A row more or less changes one count by one, so ``most`` rows change all by ``most`` together.
    """
    dp = opendp()
    counts = dp.t.make_count_by_categories(
        dp.vector_domain(dp.atom_domain(T="i64")), dp.symmetric_distance(),
        categories=list(range(cells)), null_category=False, MO="L1Distance<i64>", TOA="i64",
    )  # fmt: skip
    scale = most / float(epsilon)
    for _ in range(64):
        measure = counts >> dp.m.then_laplace(scale=scale)
        if Fraction(measure.map(most)) <= Fraction(epsilon):
            return measure, scale
        scale = math.nextafter(scale, math.inf)  # binary fractions may overshoot the decimal one
    raise InputError("no noise gives this epsilon", remedy="ask for a larger one, such as '0.1'")


def noise_of_keys(most: int, epsilon: Decimal, delta: Decimal) -> Noise:
    """Return noise and threshold for cells whose keys are not known before."""
    dp = opendp()
    scale = most / float(epsilon)
    for _ in range(64):
        if Fraction(_keys_measure(dp, scale, 1 << 40).map(most)[0]) <= Fraction(epsilon):
            break
        scale = math.nextafter(scale, math.inf)
    low, high = most, 1 << 40
    while low < high:  # the least threshold that costs no more than delta
        middle = (low + high) // 2
        cost = _keys_measure(dp, scale, middle).map(most)
        fits = Fraction(cost[0]) <= Fraction(epsilon) and Fraction(cost[1]) <= Fraction(delta)
        low, high = (low, middle) if fits else (middle + 1, high)
    if low == 1 << 40:
        raise InputError("no threshold gives this delta", remedy="ask for a larger one: '1e-6'")
    return Noise(scale, low)


def noisy_keys(keys: Sequence[str], most: int, noise: Noise) -> dict[str, int]:
    """Return noisy counts of the cells whose noisy count reaches the threshold.

    Whether a cell is told is decided by OpenDP on the noisy count, never on the exact one.
    """
    measure = _keys_measure(opendp(), noise.scale, noise.threshold)
    return {str(key): int(count) for key, count in sorted(measure(list(keys)).items())}


def _keys_measure(dp: Any, scale: float, threshold: int) -> Any:
    counts = dp.t.make_count_by(
        dp.vector_domain(dp.atom_domain(T="String")), dp.symmetric_distance(), TV="i64"
    )
    return counts >> dp.m.then_laplace_threshold(scale=scale, threshold=threshold)


__all__ = [
    "Noise", "bounded", "noise_of_grid", "noise_of_keys", "noisy_grid", "noisy_keys", "opendp",
    "reach",
]  # fmt: skip
