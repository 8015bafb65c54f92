"""``simulate_market``: who bought what in which week, what was listed, and what harm began when.

What is seen is what could be seen then: a purchase counts if its seller was tagged by that week.
Much looks like growth and is none: a season, a peak of one substance every year, an outage and the
return from it, the end of a rival, one buyer who stocks up, a seller who is tagged late, a listing
with the wrong label. All numbers are ours; what is measured is conditional on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from chainwatch.simulate.health.harms import Harm, reported, spread
from chainwatch.simulate.owners.parts import part_of

WEEKS = 104
"""Two years: the fit part ends where the test part begins."""

CLASSES = (
    "aminoindanes", "benzodiazepines", "fentanyl_analogues", "lysergamides", "nitazenes",
    "phencyclidine_type", "phenethylamines", "phenidates", "piperazines",
    "semi_synthetic_cannabinoids", "synthetic_cannabinoids", "synthetic_cathinones",
    "synthetic_opioids", "tryptamines",
)  # fmt: skip
"""Classes of substances, as tags call them."""

KNOWN = 9
"""Classes that are sold from the first week on."""

SELLERS = 8
"""Sellers of one class."""

EARLIEST, LATEST = 30, 76
"""Weeks between which dangerous substances begin."""

OUTAGE, REBOUND = 0.05, 1.5


@dataclass(frozen=True)
class SimulatedMarket:
    """A market, with what is seen of it and what is true.

    Attributes
    ----------
    part, seed : str, int
        How it was made.
    weeks : tuple of date
        Mondays.
    purchases : polars.DataFrame
        ``payment, payer, substance, week`` (its number): those whose seller was tagged by then.
    listings : polars.DataFrame
        ``group, week, count, dated_by``: sellers who listed a class for the first time.
    harms : tuple of Harm
        Dangerous substances that are new, with the week of the first report by others.
    """

    part: str
    seed: int
    weeks: tuple[date, ...]
    purchases: pl.DataFrame
    listings: pl.DataFrame
    harms: tuple[Harm, ...]

    def payers(self) -> pl.DataFrame:
        """Return how many different buyers each class had in each week, dated by payment."""
        counted = self.purchases.group_by(pl.col("substance").alias("group"), "week").agg(
            pl.col("payer").n_unique().cast(pl.Int64).alias("count")
        )
        return self._dated(counted, "payment")

    def listed(self) -> pl.DataFrame:
        """Return how many sellers listed each class for the first time in each week."""
        return self._dated(self.listings, "listing")

    def _dated(self, rows: pl.DataFrame, how: str) -> pl.DataFrame:
        days = pl.Series(self.weeks, dtype=pl.Date)
        week = days.gather(rows["week"].cast(pl.Int64)).alias("week")
        dated = rows.with_columns(week, dated_by=pl.lit(how))
        return dated.select("group", "week", "count", "dated_by").sort("group", "week")


def simulate_market(seed: int, *, part: str) -> SimulatedMarket:
    """Simulate a market over two years.

    Parameters
    ----------
    seed : int
        The same seed gives the same market.
    part : {"fit", "test"}
        To choose numbers by, or to measure on; the seed must be one of its own.

    Raises
    ------
    ArgumentError
        If there is no such part, or the seed is none of it.
    """
    start = part_of(part, seed).start
    # A generator whose stream is frozen: the same market by every version of numpy.
    draw = np.random.RandomState(seed)
    names = draw.permutation(CLASSES).tolist()
    every = _every(draw)
    sold = [_known(draw, name, every) for name in names[:KNOWN]]
    harms, bought = [], []
    for place in range(1 + draw.randint(2)):
        one, rows = _harm(draw, names, place, every)
        harms.append(one)
        bought.append(rows)
    purchases = _numbered([*sold, *bought, _stores(draw, names[:KNOWN])])
    monday = datetime.fromtimestamp(start, UTC).date()
    monday += timedelta(days=-monday.weekday() % 7)
    weeks = tuple(monday + timedelta(weeks=n) for n in range(WEEKS))
    return SimulatedMarket(
        part, seed, weeks, purchases, _listings(draw, names, harms), tuple(harms)
    )  # fmt: skip


def _every(draw: np.random.RandomState) -> np.ndarray:
    """Return how lively the whole market is in each week: its season, and perhaps an outage."""
    week = np.arange(WEEKS)
    lively = 1 + 0.2 * np.sin(2 * np.pi * (week / 52 + draw.uniform()))
    if draw.uniform() < 0.6:
        begin = draw.randint(15, WEEKS - 15)
        length = draw.randint(2, 5)
        lively[begin : begin + length] *= OUTAGE
        lively[begin + length : begin + length + 2] *= REBOUND
    return lively


Rows = tuple[str, np.ndarray, np.ndarray]
"""A class, and the week and the buyer of each purchase."""


def _known(draw: np.random.RandomState, name: str, every: np.ndarray) -> Rows:
    """Return purchases of a class that is sold all the time."""
    mean = float(np.exp(draw.normal(3.4, 0.8)))
    drift = np.exp(np.cumsum(draw.normal(0, 0.02, WEEKS)))
    own = np.ones(WEEKS)
    if draw.uniform() < 0.15:  # a festival every year
        own[np.isin((np.arange(WEEKS) + draw.randint(52)) % 52, range(6))] = 1.8
    if draw.uniform() < 0.05:  # its sellers are arrested
        own[draw.randint(20, WEEKS) :] = 0.1
    means = mean * drift * own * every * draw.gamma(25, 1 / 25, WEEKS)
    tagged = np.where(draw.uniform(size=SELLERS) < 0.95, 0, draw.randint(0, WEEKS, SELLERS))
    return _bought(draw, name, draw.poisson(means), tagged, pool=int(4 * mean) + 5)


def _harm(
    draw: np.random.RandomState, names: list[str], place: int, every: np.ndarray
) -> tuple[Harm, Rows]:
    """Return a dangerous substance and its purchases; its sellers are tagged weeks after they
    begin, and its class may have been sold before."""
    first, before = int(draw.randint(EARLIEST, LATEST)), bool(draw.uniform() < 0.4)
    name = names[place] if before else names[KNOWN + place]
    bought = draw.poisson(spread(draw, first, WEEKS) * every)
    begin = first + np.concatenate([[0], np.sort(draw.randint(0, 20, SELLERS - 1))])
    tagged = begin + np.ceil(draw.gamma(2.25, 6 / 2.25, SELLERS)).astype(int)
    truth = Harm(name, first, reported(draw, bought), before)
    return truth, _bought(draw, name, bought, tagged, pool=400, begin=begin)


def _bought(
    draw: np.random.RandomState, name: str, counts: np.ndarray, tagged: np.ndarray, pool: int,
    begin: np.ndarray | None = None,
) -> Rows:  # fmt: skip
    """Return who bought when; purchases from sellers who are not tagged yet are not seen."""
    week = np.repeat(np.arange(WEEKS), counts)
    keen = draw.pareto(2.5, pool) + 0.2
    buyer = draw.choice(pool, len(week), p=keen / keen.sum())
    opened = np.zeros(SELLERS, int) if begin is None else begin
    there = np.maximum(1, (opened[None, :] <= week[:, None]).sum(axis=1))
    seller = np.floor(draw.uniform(size=len(week)) * there).astype(int)
    seen = tagged[seller] <= week
    return name, week[seen], buyer[seen]


def _stores(draw: np.random.RandomState, names: list[str]) -> Rows:
    """Return the purchases of a buyer who stocks up in one week."""
    count = draw.randint(20, 80)
    return (
        names[draw.randint(len(names))],
        np.full(count, draw.randint(20, WEEKS)),
        np.zeros(count, int),
    )


def _numbered(parts: list[Rows]) -> pl.DataFrame:
    """Return all purchases, each with a number, and buyers told apart across classes."""
    frames = [
        pl.DataFrame(
            {
                "payer": pl.Series(buyer + 10_000 * place, dtype=pl.Int32),
                "substance": pl.Series([name] * len(week), dtype=pl.String),
                "week": pl.Series(week, dtype=pl.Int64),
            }
        )
        for place, (name, week, buyer) in enumerate(parts)
    ]
    return pl.concat(frames).sort("week", "substance", "payer").with_row_index("payment")


def _listings(draw: np.random.RandomState, names: list[str], harms: list[Harm]) -> pl.DataFrame:
    """Return new listings of each class, some of them with the wrong label."""
    rows = []
    for place, name in enumerate(names):
        pace = np.full(WEEKS, 0.4 if place < KNOWN else 0.01)
        for one in harms:
            if one.substance == name:
                pace[one.first : one.first + 20] += 0.5
        counts = draw.poisson(pace)
        rows += [(name, int(week), int(counts[week])) for week in np.flatnonzero(counts)]
    schema = {"group": pl.String, "week": pl.Int64, "count": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
