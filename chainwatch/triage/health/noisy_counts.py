"""``HealthRelease``: noisy counts that were released, what they cost, and whom they protect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import polars as pl

from chainwatch.results.result import Finding, Result
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.triage.health.cells import Grid, of_keys
from chainwatch.triage.health.noise import Noise
from chainwatch.triage.health.releases import written
from chainwatch.triage.health.seller_payments import CHANNEL, REGION, SUBSTANCE, WEEK
from chainwatch.units import counted

NOISY = Table(
    "noisy_counts",
    (),
    "Noisy counts of payments to sellers. A count below the threshold is not told from that of an"
    " empty cell; it is given so that sums of many cells are not pulled to one side.",
    (
        Column.kind(SUBSTANCE, "class of substances that a tag says of the seller"),
        Column.kind(CHANNEL, "how buyers and seller meet"),
        Column.kind(REGION, "jurisdiction that a tag says of the seller"),
        Column(WEEK, pl.Date, Privacy.TIME, "Monday of the week"),
        Column.number("count", "payments, with noise; it can be below zero"),
        Column.flag("above", "whether the noisy count reaches the threshold"),
    ),
)

NOT_PROTECTED = (
    "Protected is whoever paid, as one owner: a cluster of the default recipe, else an address."
    " Whoever pays from several clusters is protected in each by itself; sellers, whom tags name,"
    " are not. What somebody loses adds up over all releases of a period, and over periods."
)


class Terms(NamedTuple):
    """What is asked, all of it public.

    Attributes
    ----------
    by, regions : tuple of str
        Dimensions, and the regions that are told apart.
    weeks : tuple of date
        Mondays.
    contributions : int
        Rows of one owner, at most.
    epsilon, delta : Decimal
        What it costs.
    """

    by: tuple[str, ...]
    regions: tuple[str, ...]
    weeks: tuple[date, ...]
    contributions: int
    epsilon: Decimal
    delta: Decimal

    def said(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "by": list(self.by), "regions": list(self.regions),
            "weeks": [self.weeks[0].isoformat(), len(self.weeks)],
            "contributions": self.contributions,
        }  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class HealthRelease(Result):
    """Noisy counts that were released, and what they cost.

    Attributes
    ----------
    frame : polars.DataFrame
        The dimensions, ``count`` and ``above``, as in ``NOISY``: of every cell of the grid, or,
        where ``delta`` is above zero, of the cells whose noisy count reaches the threshold.
    chain, symbol : str
        CAIP-2 id, and what was paid.
    terms : Terms
        What was asked.
    noise : Noise
        Scale and threshold of the noise.
    entry : int
        Number of the release in the ledger of releases.
    head : str
        Head of that ledger once the answer was kept; note it elsewhere.
    """

    frame: pl.DataFrame
    chain: str
    symbol: str
    terms: Terms
    noise: Noise
    entry: int
    head: str

    @property
    def whole(self) -> bool:
        """Whether every cell is here: cells that are left out would look like no activity."""
        return self.terms.delta == 0

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the digest is of: noisy counts alone."""
        named = NOISY.pick(*self.frame.columns, key=self.terms.by)
        return {"noisy_counts": named.rows(self.frame)}

    def words(self) -> Mapping[str, Any]:
        """Return what was asked and what it cost."""
        return {
            **self.terms.said(), "epsilon": written(self.terms.epsilon),
            "delta": written(self.terms.delta), "scale": repr(self.noise.scale),
            "threshold": self.noise.threshold, "chain": self.chain, "symbol": self.symbol,
            "entry": self.entry,
        }  # fmt: skip

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the cells whose noisy count reaches the threshold; whoever the subjects are."""
        shown = self.above()
        rows = self.tables()["noisy_counts"].table.rows(pl.DataFrame(shown))
        said = (
            f"{counted(shown.height, 'cell has', 'cells have')} a noisy count of"
            f" {self.noise.threshold:,} or more."
        )
        return (
            Finding(
                "What was sold, with noise", (said, self._price(), NOT_PROTECTED), rows, None, (),
                said,
            ),
        )  # fmt: skip

    def _price(self) -> str:
        return (
            f"Counted are payments to tagged sellers, at most {self.terms.contributions} of an"
            f" owner, at an epsilon of {written(self.terms.epsilon)} and a delta of"
            f" {written(self.terms.delta)}; the noise of a cell is within"
            f" ±{self.noise.within():,} in 19 of 20. Cells below the threshold are not told from"
            " empty ones."
        )

    def above(self) -> pl.DataFrame:
        """Return the cells whose noisy count reaches the threshold: those to print and to quote."""
        return self.frame.filter(pl.col("above"))

    def __repr__(self) -> str:
        cells = counted(self.frame.height, "cell", "cells")
        shown = self.frame.filter(pl.col("above")).height
        return (
            f"HealthRelease({cells} by {', '.join(self.terms.by)}, {shown:,} at or above the"
            f" threshold of {self.noise.threshold:,}; epsilon {written(self.terms.epsilon)}, delta"
            f" {written(self.terms.delta)}, at most {self.terms.contributions} payments of"
            f" an owner; noise within ±{self.noise.within():,} in 19 of 20 cells; entry"
            f" {self.entry})"
            f"\n  {NOT_PROTECTED}"
        )


def cells_of(told: Mapping[str, Any], terms: Terms) -> pl.DataFrame:
    """Return the cells of a release with their noisy counts, out of what is kept."""
    counts = told["counts"]
    if isinstance(counts, dict):
        frame, values = of_keys(list(counts), terms.by), list(counts.values())
    else:
        frame, values = Grid.of(terms.by, terms.regions, terms.weeks).frame(), list(counts)
    noisy = pl.Series("count", values, pl.Int64)
    return frame.with_columns(noisy, (noisy >= told["threshold"]).alias("above"))


__all__ = ["NOISY", "NOT_PROTECTED", "HealthRelease", "Terms", "cells_of"]
