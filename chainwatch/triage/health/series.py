"""Weekly counts of groups, whatever they come from: exact activity, sightings, noisy releases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from chainwatch.attribution.resolve import Framed
from chainwatch.errors import InputError, expect, refuse
from chainwatch.triage.health.growth import Weekly
from chainwatch.triage.health.market_activity import MarketActivity
from chainwatch.triage.health.noisy_counts import HealthRelease
from chainwatch.triage.health.seller_payments import WEEK, monday_of
from chainwatch.triage.health.sightings import (
    DATED_BY,
    NO_DAY,
    PAYMENT,
    WRITTEN,
    Undated,
    sightings,
    weekly_frame,
)
from chainwatch.triage.health.unread_weeks import NO_ROW, NOT_ASKED, Unread

Source = Any
"""Activity, tags, a release or several of them, or a frame ``group, week, count, dated_by``."""

MOST_WEEKS, MOST_GROUPS = 2_000, 5_000


@dataclass(frozen=True)
class Series:
    """Weekly counts of groups, and what is known of their days and their noise.

    Attributes
    ----------
    groups : tuple of str
        Sorted.
    weeks : tuple of date
        Mondays, one after the other.
    weekly : Weekly
        The counts.
    dated_by : mapping of str to str
        Of each group, by what its counts are dated.
    behind : mapping of (str, date) to str
        The parties behind a count, as ``BEHIND`` holds them, where they are known.
    undated : tuple of Undated
        What has no day.
    exact : bool
        Whether counts bear no noise.
    unread : tuple of Unread
        Weeks that were not read or not watched, and why; ``weekly.read`` is False there.
    """

    groups: tuple[str, ...]
    weeks: tuple[date, ...]
    weekly: Weekly
    dated_by: dict[str, str]
    behind: dict[tuple[str, date], str] = field(default_factory=dict)
    undated: tuple[Undated, ...] = ()
    exact: bool = True
    unread: tuple[Unread, ...] = ()


def series_of(
    source: Source, by: str, since: date | None, until: date | None, counted: str = "payers"
) -> Series:
    """Return weekly counts of what is passed.

    Raises
    ------
    InputError
        If it is no series of weeks, or a release leaves cells out.
    ArgumentError
        If it is something else.
    """
    bounds = (since, until)
    if isinstance(source, HealthRelease):
        return _of_releases([source], by, bounds)
    if isinstance(source, MarketActivity):
        return _of_activity(source, by, counted, bounds)
    if isinstance(source, pl.DataFrame):
        return _of_frame(source, bounds)
    if isinstance(source, Framed):
        seen, undated = sightings(source, by)
        return _made(weekly_frame(seen), bounds, tuple(undated), _without_rows)
    if isinstance(source, Sequence) and not isinstance(source, str) and len(source):
        for one in source:
            expect(one, HealthRelease, "a release", "pass health releases, one after the other")
        return _of_releases(list(source), by, bounds)
    refuse(source, "the series", "pass market_activity, tags, a health release or several, a frame")


Bounds = tuple[date | None, date | None]


def _of_activity(source: MarketActivity, by: str, counted: str, bounds: Bounds) -> Series:
    _named(by, source.by)
    if counted not in ("payers", "payments"):
        raise InputError("activity counts payers or payments", remedy="pass counted='payers'")
    others = [one for one in source.by if one not in (by, WEEK)]
    if others:
        raise InputError(
            f"activity is told by {', '.join(others)} as well, and one owner may be in several",
            remedy=f"ask for market_activity(..., by=['{by}', 'week'])",
        )
    rows = source.frame.select(
        pl.col(by).alias("group"), WEEK, pl.col(counted).alias("count"), "behind",
        dated_by=pl.lit(PAYMENT),
    )  # fmt: skip
    first, last = bounds
    ends = source.weeks[0], source.weeks[-1] + timedelta(days=7)
    lacking = dict(source.unread.rows())

    def unread(weeks: Sequence[date], _: Bounds, __: set[date]) -> Iterator[Unread]:
        for week in weeks:
            if week in lacking or week not in source.weeks:
                yield Unread(week, lacking.get(week, NOT_ASKED))

    return _made(rows, (first or ends[0], last or ends[1]), (), unread)


def _of_frame(source: pl.DataFrame, bounds: Bounds) -> Series:
    """Return the series of a frame; rows without a day of their own are undated, and not counted.

    A frame has ``group``, ``count``, ``dated_by``, and ``week`` or ``day``.
    """
    day = "day" if "day" in source.columns else WEEK
    lacks = {"group", day, "count", "dated_by"} - set(source.columns)
    if lacks:
        raise InputError(
            f"a series lacks {', '.join(sorted(lacks))}",
            remedy="give group, week (or day), count, and dated_by: " + ", ".join(DATED_BY),
        )
    if source[day].dtype not in (pl.Date, pl.Datetime, pl.Null):
        raise InputError(f"{day} holds no days", remedy="write them as YYYY-MM-DD, one a row")
    said = pl.col("dated_by").cast(pl.String)
    dated = said.is_in(DATED_BY) & pl.col(day).is_not_null()
    dated = dated.fill_null(value=False)
    left = source.filter(~dated).select("group", pl.col(day).is_null().alias("no_day"))
    undated = tuple(
        sorted({Undated(str(group), NO_DAY if none else WRITTEN) for group, none in left.rows()})
    )
    rows = source.filter(dated)
    if rows["count"].null_count() or rows["group"].null_count():
        raise InputError(
            "a count or a group is missing", remedy="leave such rows out, or fill them"
        )
    if not rows["count"].dtype.is_integer() or (rows["count"] < 0).any():
        raise InputError("counts are whole numbers, 0 or more", remedy="count things")
    behind = pl.col("behind") if "behind" in rows.columns else pl.lit(None, pl.String)
    whole = rows.select(
        pl.col("group").cast(pl.String), pl.col(day).cast(pl.Date).dt.truncate("1w").alias(WEEK),
        pl.col("count").cast(pl.Int64), behind.alias("behind"), "dated_by",
    )  # fmt: skip
    return _made(whole, bounds, undated, _without_rows)


def _all_read(_: Sequence[date], __: Bounds, ___: set[date]) -> Iterator[Unread]:
    yield from ()


def _without_rows(weeks: Sequence[date], bounds: Bounds, seen: set[date]) -> Iterator[Unread]:
    """Yield weeks without any row, unless both bounds say that they were watched."""
    if None in bounds:
        yield from (Unread(week, NO_ROW) for week in weeks if week not in seen)


def _made(
    rows: pl.DataFrame, bounds: Bounds, undated: tuple[Undated, ...] = (),
    unread_of: Callable[[Sequence[date], Bounds, set[date]], Iterable[Unread]] = _all_read,
) -> Series:  # fmt: skip
    """Return rows as a series; in weeks that were read, what has no row was not seen."""
    weeks = _weeks(rows[WEEK], bounds)
    inside = rows.filter(pl.col(WEEK).is_between(weeks[0], weeks[-1])) if weeks else rows.head(0)
    groups = tuple(sorted(inside["group"].unique().to_list()))
    if len(weeks) > MOST_WEEKS or len(groups) > MOST_GROUPS:
        raise InputError(
            f"{len(groups):,} groups over {len(weeks):,} weeks are more than can be judged",
            remedy="name a shorter period, or fewer groups",
        )
    counts = np.zeros((len(groups), len(weeks)))
    at = {one: n for n, one in enumerate(groups)}
    behind: dict[tuple[str, date], str] = {}
    how: dict[str, set[str]] = {one: set() for one in groups}
    for group, week, count, who, dated in inside.select(
        "group", WEEK, "count", "behind", "dated_by"
    ).iter_rows():
        counts[at[group], (week - weeks[0]).days // 7] += count
        how[group].update(dated.split("; "))
        if who:
            behind[group, week] = ",".join(filter(None, (behind.get((group, week)), who)))
    dated_by = {one: "; ".join(sorted(said)) for one, said in how.items()}
    unread = tuple(unread_of(weeks, bounds, set(inside[WEEK].unique().to_list())))
    lacking = {one.week for one in unread}
    read = np.array([one not in lacking for one in weeks], bool)
    made = Weekly(counts * read, np.zeros(len(weeks)), read=read)
    return Series(groups, weeks, made, dated_by, behind, undated, unread=unread)


def _weeks(days: pl.Series, bounds: Bounds) -> tuple[date, ...]:
    first = bounds[0] or days.min()
    last = bounds[1] - timedelta(days=7) if bounds[1] else days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return ()
    begin = monday_of(first + timedelta(days=6)) if bounds[0] else monday_of(first)
    count = (monday_of(last) - begin).days // 7 + 1
    return tuple(begin + timedelta(weeks=n) for n in range(max(count, 0)))


def _of_releases(given: list[HealthRelease], by: str, bounds: Bounds) -> Series:
    """Return the series of releases, which follow each other; cells of a group are added up."""
    for one in given:
        _named(by, one.terms.by)
        if not one.whole:
            raise InputError(
                "a release with a delta leaves cells out, and they would look like growth",
                remedy="release with delta=0: then every cell has a noisy count",
            )
    frames = [one.frame.group_by(pl.col(by).alias("group"), WEEK).agg(pl.col("count").sum())
              for one in given]  # fmt: skip
    cells = {one.frame.height // frame.height for one, frame in zip(given, frames, strict=True)}
    rows = pl.concat(frames)
    if rows.select("group", WEEK).is_duplicated().any() or len(cells) > 1:
        raise InputError(
            "releases of one week, or of different grids, are not one series",
            remedy="pass releases by the same dimensions, each of other weeks",
        )
    scale = {week: one.noise.scale for one in given for week in one.terms.weeks}
    told = rows.with_columns(dated_by=pl.lit(PAYMENT), behind=pl.lit(None, pl.String))
    made = _made(told, bounds)
    if lacking := [week for week in made.weeks if week not in scale]:
        raise InputError(f"no release is of the week of {lacking[0]}", remedy="pass that one too")
    scales = np.array([scale[week] for week in made.weeks])
    weekly = Weekly(made.weekly.counts, scales, cells.pop(), made.weekly.read)
    return Series(made.groups, made.weeks, weekly, made.dated_by, exact=False)


def _named(by: str, among: Sequence[str]) -> None:
    if by not in among or by == WEEK or WEEK not in among:
        raise InputError(
            f"what was counted is told by {', '.join(among)}",
            remedy="count by week and group",
        )


__all__ = ["Series", "Source", "series_of"]
