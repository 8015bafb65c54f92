"""``peel_rates``: how often steps of peel chains stay with their owner, where owners are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from chainwatch.clusters.peeling.validation import PEEL_STEPS, PeelSteps
from chainwatch.errors import InputError, expect
from chainwatch.evaluate.evaluation import BASIS
from chainwatch.evaluate.measured import Measured
from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Table

PEEL_RATES = Table(
    "peel_rates",
    ("basis", "direction", "lands"),
    "One row per direction and kind of landing: how many steps stay with their owner.",
    (
        BASIS,
        PEEL_STEPS["direction"],
        PEEL_STEPS["lands"],
        Column.count("right", "steps whose two ends have one owner"),
        Column.count("wrong", "steps that lead to another owner"),
        Column.count("untestable", "steps at an end of which the owner is not known"),
        Column.count("owners", "owners from whom steps go"),
        Column.number("squares", "sum over owners of the square of their tested steps"),
    ),
)

_KEY = ["basis", "direction", "lands"]


@dataclass(frozen=True, repr=False, eq=False)
class PeelRates(Measured, Result):
    """How often steps of peel chains were right; conditional on the basis.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``PEEL_RATES``.
    """

    frame: pl.DataFrame

    table: ClassVar[Table] = PEEL_RATES
    measured: ClassVar[str] = "{direction} steps that land {lands!r} were measured on {basis!r}"

    def wrong(self, basis: str, direction: str, lands: str) -> Share:
        """Return the share of steps that lead to another owner.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        row = self.row(basis=basis, direction=direction, lands=lands)
        return Share.of_owners(row["wrong"], row["right"] + row["wrong"], row["squares"])

    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""
        return [
            f"    {direction}, {lands}, on {basis}: to another owner"
            f" {self.wrong(basis, direction, lands)}"
            for basis, direction, lands in self.frame.select(_KEY).iter_rows()
        ]


@recorded
def peel_rates(worlds: Iterable[tuple[PeelSteps, Truth]]) -> PeelRates:
    """Hold the steps of peel chains against known owners.

    Parameters
    ----------
    worlds : iterable of (PeelSteps, Truth)
        Steps of independent worlds, asked for without what they lead to.

    Raises
    ------
    InputError
        If the owners of a world were themselves inferred, such as those of change labels: habits
        are read from clusters by shared spending, and would be judged by these. Or if steps were
        asked for with what they lead to, so that a cluster confirms itself.

    Fails when
    ----------
    The truth names only some owners: steps to others are not counted.
    """
    counted = []
    for steps, truth in worlds:
        expect(steps, PeelSteps, "steps", "pass what peel_steps(ledger, clusters) returns")
        expect(truth, Truth, "truth", "pass owners that somebody knows; labels of change are none")
        truth.refuse_inferred("peel chains")
        if not steps.apart:
            raise InputError(
                "these steps were asked for with what they lead to, and confirm themselves",
                remedy="leave apart=False out of peel_steps",
            )
        counted.append(_counted(steps, truth))
    if not counted:
        raise InputError("there is no world to measure on", remedy="pass at least one")
    added = pl.concat(counted).group_by(_KEY).agg(pl.all().sum())
    return PeelRates(PEEL_RATES.conform(added.select(PEEL_RATES.names).sort(_KEY)))


def _counted(steps: PeelSteps, truth: Truth) -> pl.DataFrame:
    """Return how many steps of one world are right and wrong."""
    ends = steps.frame.drop_nulls("lands").select(
        "chain", "txid", "direction", "lands", a="payer", b="address", chain_b="chain"
    )
    judged = truth.judge(ends)
    told = judged.filter(pl.col("right").is_not_null())
    owners = told.group_by(*_KEY[1:], pl.col("owners_a").list.first()).agg(pl.len())
    sizes = owners.group_by(_KEY[1:]).agg(
        pl.len().cast(pl.Int64).alias("owners"),
        (pl.col("len").cast(pl.Int64) ** 2).sum().alias("squares"),
    )
    right = pl.col("right")
    counts = judged.group_by(_KEY[1:]).agg(
        right.sum().cast(pl.Int64).alias("right"),
        (~right).sum().cast(pl.Int64).alias("wrong"),
        right.is_null().sum().cast(pl.Int64).alias("untestable"),
    )
    found = counts.join(sizes, on=_KEY[1:], how="left").with_columns(
        pl.col("owners", "squares").fill_null(0), pl.lit(truth.basis).alias("basis")
    )
    return PEEL_RATES.conform(found.select(PEEL_RATES.names))
