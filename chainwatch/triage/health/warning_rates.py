"""``warning_rates``: how early alarms come on simulated markets, and how often for nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from chainwatch.errors import extra
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.simulate.health.markets import CLASSES, SimulatedMarket
from chainwatch.triage.health.early_warning import EarlyWarning, early_warning
from chainwatch.triage.health.noise import bounded, noise_of_grid, noisy_grid
from chainwatch.triage.health.noisy_counts import HealthRelease, Terms

_ALONE = partial(Column, nullable=True)

WARNING_RATES = Table(
    "warning_rates",
    ("way", "harm"),
    "How early alarms come on simulated markets, and how often for nothing.",
    (
        Column.word("way", "what is looked at"),
        Column.word("harm", "whether the class of the dangerous substance was sold before, or any"),
        Column.number("markets", "markets, each of two years"),
        Column.number("harms", "dangerous substances that began and were reported by others"),
        Column.number("warned", "of these: an alarm came before that report"),
        Column.number("later", "an alarm came with the report or after it"),
        Column.number("missed", "no alarm came"),
        Column.number("lead", "median of weeks from alarm to report; a miss counts as the latest"),
        Column.number("lead_low", "lower end of its interval (order statistics, 95 %)"),
        Column.number("lead_high", "upper end"),
        _ALONE("false_alarms", pl.Int64, Privacy.NUMBER, "episodes with nothing dangerous; in all"),
        _ALONE("per_year", pl.Float64, Privacy.FLAG, "false alarms of a market in a year"),
        _ALONE("per_year_low", pl.Float64, Privacy.FLAG, "lower end of its interval"),
        _ALONE("per_year_high", pl.Float64, Privacy.FLAG, "upper end: drawn by markets, 95 %"),
    ),
)

ANY, NEW, BEFORE = "any", "in a class that is new there", "in a class that was sold before"

MISSED = -1_000
"""The lead of what no alarm came for: later than any."""


class Outcome(NamedTuple):
    """What came of alarms on one market: leads of harms in classes that are new and in those that
    were sold before, false alarms, and weeks judged."""

    new: tuple[int, ...]
    before: tuple[int, ...]
    false_alarms: int
    weeks: int


@dataclass(frozen=True, repr=False, eq=False)
class WarningRates(Result):
    """How early alarms come, and how often for nothing; conditional on the simulator.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``WARNING_RATES``.
    """

    frame: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that the digest is of."""
        return {"warning_rates": WARNING_RATES.rows(self.frame)}

    def __repr__(self) -> str:
        lines = [
            f"  {row['way']}, {row['harm']}: median lead {told(row['lead'])} weeks"
            f" ({told(row['lead_low'])} to {told(row['lead_high'])}), {row['warned']} of"
            f" {row['harms']} before the report, {row['missed']} missed{_false(row)}"
            for row in self.frame.to_dicts()
        ]
        return "\n".join(["WarningRates(on simulated markets, and conditional on them)", *lines])


def _false(row: Mapping[str, Any]) -> str:
    """Return how often alarms came for nothing, where a row says it."""
    if row["per_year"] is None:
        return ""
    span = f"{row['per_year_low']:.2f} to {row['per_year_high']:.2f}"
    return f"; {row['per_year']:.2f} false alarms a year ({span})"


def told(lead: int | None) -> str:
    """Return a lead in words: what lies among the misses is none."""
    return "none" if lead is None or lead <= MISSED else str(lead)


Way = Callable[[SimulatedMarket], EarlyWarning]


def by_payers(market: SimulatedMarket) -> EarlyWarning:
    """Return alarms on exact numbers of buyers."""
    return _watched(market, market.payers())


def by_listings(market: SimulatedMarket) -> EarlyWarning:
    """Return alarms on new listings."""
    return _watched(market, market.listed())


def _watched(market: SimulatedMarket, frame: pl.DataFrame) -> EarlyWarning:
    first, last = market.weeks[0], market.weeks[-1]
    return early_warning(frame, since=first, until=date.fromordinal(last.toordinal() + 7))


def by_releases(epsilon: str) -> Way:
    """Return what warns by a noisy release a week, of one payment of each owner."""

    def warn(market: SimulatedMarket) -> EarlyWarning:
        return early_warning(weekly_releases(market, Decimal(epsilon)))

    return warn


def weekly_releases(market: SimulatedMarket, epsilon: Decimal) -> list[HealthRelease]:
    """Return a release of each week of a market, as it would have been made then."""
    order = {name: place for place, name in enumerate(sorted(CLASSES))}
    noise, found = noise_of_grid(len(order), 1, epsilon), []
    for number, monday in enumerate(market.weeks):
        rows = market.purchases.filter(pl.col("week") == number)
        kept = bounded(rows.select("payer", "payment", "substance"), 1)
        codes = kept["substance"].replace_strict(order, return_dtype=pl.Int64).to_list()
        noisy = noisy_grid(codes, len(order), 1, epsilon)
        frame = pl.DataFrame(
            {
                "substance": list(order), "week": [monday] * len(order), "count": noisy,
                "above": [one >= noise.threshold for one in noisy],
            }
        )  # fmt: skip
        terms = Terms(("substance", "week"), (), (monday,), 1, epsilon, Decimal(0))
        found.append(HealthRelease(frame, "simulated", "XMR", terms, noise, number, ""))
    return found


WAYS: dict[str, Way] = {
    "buyers, exact": by_payers,
    "new listings, exact": by_listings,
    "noisy, epsilon 0.5 a week": by_releases("0.5"),
    "noisy, epsilon 0.1 a week": by_releases("0.1"),
}
"""What is measured, by its name."""


def outcome(market: SimulatedMarket, found: EarlyWarning) -> Outcome:
    """Return what came of alarms on a market.

    An alarm is for something where it names a dangerous class in the week in which that began or
    later. All others are false, and so are alarms on a dangerous class before it was.
    """
    at = {monday: number for number, monday in enumerate(market.weeks)}
    alarms = [(group, at[week]) for group, week in found.frame.select("group", "week").rows()]
    true = {(group, week) for group, week in alarms
            for one in market.harms if group == one.substance and week >= one.first}  # fmt: skip
    leads: dict[bool, list[int]] = {False: [], True: []}
    for one in market.harms:
        if one.reported is not None:
            weeks = [week for group, week in true if group == one.substance and week >= one.first]
            leads[one.before].append(one.reported - min(weeks) if weeks else MISSED)
    judged = len(market.weeks) - found.settings.least
    false = sum(one not in true for one in set(alarms))
    return Outcome(tuple(leads[False]), tuple(leads[True]), false, judged)


@recorded
def warning_rates(
    markets: Iterable[SimulatedMarket], ways: Mapping[str, Way] | None = None
) -> WarningRates:
    """Measure how early alarms come before the report of others, and how often for nothing.

    Parameters
    ----------
    markets : iterable of SimulatedMarket
        Of the *test* part, where numbers were chosen on the *fit* part.
    ways : mapping of str to callable, optional
        What raises alarms, by its name; those of ``WAYS`` where nothing is said.

    Returns
    -------
    WarningRates
        A row per way.

    Raises
    ------
    MissingExtra
        If scipy or OpenDP is not installed.

    Fails when
    ----------
    People and markets behave otherwise than simulated ones: how long a laboratory takes, how soon a
    seller is tagged and how fast a substance spreads are assumptions, and a lead is their sum.
    """
    found: dict[str, list[Outcome]] = {}
    for market in markets:
        for name, one in outcomes(market, WAYS if ways is None else ways).items():
            found.setdefault(name, []).append(one)
    return rates_of(found)


def outcomes(market: SimulatedMarket, ways: Mapping[str, Way]) -> dict[str, Outcome]:
    """Return what came of alarms on a market, by the way in which they were raised."""
    return {name: outcome(market, warn(market)) for name, warn in ways.items()}


def rates_of(found: Mapping[str, list[Outcome]]) -> WarningRates:
    """Return the rates of what came of alarms on several markets."""
    return WarningRates(
        WARNING_RATES.frame(row for name, each in found.items() for row in _rows(name, each))
    )


def _rows(name: str, each: list[Outcome]) -> Iterator[tuple[object, ...]]:
    """Yield a row on all harms with the false alarms, then one on each kind of harm."""
    kinds = {
        ANY: [lead for one in each for lead in (*one.new, *one.before)],
        NEW: [lead for one in each for lead in one.new],
        BEFORE: [lead for one in each for lead in one.before],
    }
    false = sum(one.false_alarms for one in each)
    rate = false / sum(one.weeks for one in each) * 52
    for kind, unsorted in kinds.items():
        leads = sorted(unsorted)
        missed, warned = leads.count(MISSED), sum(lead > 0 for lead in leads)
        middle = leads[(len(leads) - 1) // 2] if leads else None
        alarms = (false, round(rate, 3), *_rate_interval(each)) if kind == ANY else (None,) * 4
        yield (
            name, kind, len(each), len(leads), warned, len(leads) - warned - missed, missed,
            middle, *_median_interval(leads), *alarms,
        )  # fmt: skip


def _median_interval(leads: list[int]) -> tuple[int | None, int | None]:
    """Return the order statistics between which the median lies in 95 of 100 such samples."""
    with extra("statistics", "scipy"):
        from scipy.stats import binom
    count = len(leads)
    below = int(binom.ppf(0.025, count, 0.5)) - 1 if count else -1
    if below < 0:  # too few for any interval
        return (None, None)
    return leads[below], leads[count - 1 - below]


def _rate_interval(each: list[Outcome], draws: int = 2_000) -> tuple[float, float]:
    """Return false alarms a year over markets that are drawn again (percentiles, fixed seed)."""
    alarms = np.array([one.false_alarms for one in each])
    weeks = np.array([one.weeks for one in each])
    drawn = np.random.RandomState(0).randint(0, len(each), (draws, len(each)))
    rates = np.sort(alarms[drawn].sum(axis=1) / weeks[drawn].sum(axis=1) * 52)
    ends = (rates[math.floor(0.025 * draws)], rates[math.ceil(0.975 * draws) - 1])
    return round(float(ends[0]), 3), round(float(ends[1]), 3)


__all__ = [
    "ANY", "BEFORE", "MISSED", "NEW", "WARNING_RATES", "WAYS", "Outcome", "WarningRates",
    "by_listings", "by_payers", "by_releases", "outcome", "outcomes", "rates_of", "told",
    "warning_rates", "weekly_releases",
]  # fmt: skip
