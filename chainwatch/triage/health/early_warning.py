"""``early_warning``: what appeared for the first time, and what grows faster than chance allows.

An alarm is a reason to ask laboratories, clinics and treatment services what they see. It proves
neither harm nor a crime, and points at no person.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.attribution.validity import day_of
from chainwatch.errors import InputError, expect, extra
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import BEHIND, Column, Privacy, Rows, Table
from chainwatch.triage.health.first_seen import Seen, seen_first, watched_before
from chainwatch.triage.health.growth import SEASON, YEAR, Grown, grown
from chainwatch.triage.health.series import Series, Source, series_of
from chainwatch.triage.health.unread_weeks import UNREAD_WEEKS
from chainwatch.units import counted as told

GROWTH, FIRST_SEEN = "growth", "first appearance"

ALARMS = Table(
    "alarms",
    ("group", "kind", "week"),
    "What appeared or grew, a row per episode: weeks of alarm with less than a month between them.",
    (
        Column.kind("group", "the class of substances"),
        Column.kind("kind", "growth, which is tested, or a first appearance, which is seen"),
        Column("week", pl.Date, Privacy.TIME, "Monday of the first week of alarm"),
        Column("since", pl.Date, Privacy.TIME, "Monday of the week in which the change began"),
        Column.count("weeks", "weeks of alarm in the episode"),
        Column.number("count", "counted, with noise if any, from then until the week of alarm"),
        Column.number("expected", "what the baseline lets one expect in those weeks, rounded"),
        Column("statistic", pl.Float64, Privacy.FLAG, "minus the natural logarithm of p"),
        Column("p", pl.Float64, Privacy.FLAG, "bound on the chance of so much without growth"),
        Column("q", pl.Float64, Privacy.FLAG, "p over all groups of the week (Benjamini-Yekutieli)",
               nullable=True),
        Column.word("dated_by", "by what the counts are dated"),
        Column.word("strength", "whether it was held against the others; if not it is weaker"),
        Column.text("why", "what was compared with what"),
        BEHIND,
    ),
)  # fmt: skip

UNJUDGED = Table(
    "not_judged",
    ("what", "group"),
    "What no alarm could be raised for, and why. It is not said to be quiet.",
    (
        Column.kind("what", "weeks without baseline, or what has no day of its own"),
        Column.kind("group", "which group; null for all"),
        Column("count", pl.Int64, Privacy.NUMBER, "how many weeks", nullable=True),
        Column.word("why", "why it is not judged"),
    ),
)

OF_VENDORS = Column.text("group", "the group of vendors, as tags name it")
"""Stands for the class of substances where groups are of people: then few are not named."""

NOISY_OTHERS = "their noisy sum is too unsure"
NOT_NEW = "weeks just before it were not read, so that it may have been there"
NO_BASELINE, UNDATED = "not enough baseline", "undated"
BESIDE_UNREAD = "first count beside unread weeks"

HELD, WEAKER = "held against the others", "weaker: not held against the others"
SEEN = "seen, not tested"
"""How much an alarm says. A weaker one may be a season or a peak of the whole market."""

Row = tuple[object, ...]

LIMITS = (
    "An alarm is a reason to ask laboratories, clinics and treatment services what they see. It"
    " proves neither harm nor a crime and points at no person; that there is none proves no calm."
)
WEAKER_SAYS = (
    "others are too few, or there are none, to tell growth of one from a season or a peak of all."
)
INNOCENT = (
    "Sellers were tagged in a burst, and what they sold before was in no count.",
    "Buyers came over from a market that nobody counts.",
    "A label is wrong: what is sold under a name is often something else.",
)
"""What looks like growth and is none."""

APART = 4
"""Weeks without alarm after which the next one is another episode."""


class Settings(NamedTuple):
    """By what alarms are raised.

    Attributes
    ----------
    weeks_per_false_alarm : int
        In so many weeks in which nothing grows, at most one with a false alarm of growth.
    least, most : int
        Weeks of the shortest and the longest baseline.
    first_count : int
        How many must be counted within four weeks to call something new.
    """

    weeks_per_false_alarm: int
    least: int
    most: int
    first_count: int


@dataclass(frozen=True, repr=False, eq=False)
class EarlyWarning(Result):
    """Alarms, each with what it rests on, and what could not be judged.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``ALARMS``.
    not_judged : polars.DataFrame
        Rows in ``UNJUDGED``.
    unread : polars.DataFrame
        Rows in ``UNREAD_WEEKS``: no window and no baseline rests on these weeks.
    settings : Settings
        By what alarms are raised.
    groups, weeks : int
        How many groups and weeks were looked at.
    exact : bool
        Whether the counts bear no noise.
    by : str
        What is one group.
    """

    frame: pl.DataFrame
    not_judged: pl.DataFrame
    unread: pl.DataFrame
    settings: Settings
    groups: int
    weeks: int
    exact: bool
    by: str

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the digest is of."""
        alarms, unjudged = ALARMS, UNJUDGED
        if self.by == "actor":
            alarms, unjudged = (one.with_column(OF_VENDORS) for one in (alarms, unjudged))
        return {
            "alarms": alarms.rows(self.frame),
            "not_judged": unjudged.rows(self.not_judged),
            "unread_weeks": UNREAD_WEEKS.rows(self.unread),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the alarms with what innocently looks the same; whoever the subjects are."""
        rows = self.tables()["alarms"]
        kinds = self.frame["kind"].to_list()
        said = f"{kinds.count(GROWTH)} grew and {kinds.count(FIRST_SEEN)} appeared"
        weaker = self.frame["strength"].to_list().count(WEAKER)
        also = [f"{weaker} of the alarms are weaker: {WEAKER_SAYS}"] if weaker else []
        if self.unread.height:
            weeks = told(self.unread.height, "week was", "weeks were")
            also.append(f"{weeks} not read, and nothing is said of them.")
        of = f"Of {told(self.groups, 'group', 'groups')} in {told(self.weeks, 'week', 'weeks')}"
        return (
            Finding(
                "What is new and what grows", (f"{of} {said}.", *also, LIMITS), rows, None,
                INNOCENT, f"{of} {said}.",
            ),
        )  # fmt: skip

    def words(self) -> Mapping[str, Any]:
        """Return by what alarms are raised, and whether counts bear noise."""
        return {**self.settings._asdict(), "exact": self.exact}

    def __repr__(self) -> str:
        kinds = self.frame["kind"].to_list()
        without = self.not_judged.filter(pl.col("what") == NO_BASELINE)["count"].sum()
        undated = self.not_judged.filter(pl.col("what") == UNDATED).height
        said = [
            f"EarlyWarning({told(self.groups, 'group', 'groups')} over"
            f" {told(self.weeks, 'week', 'weeks')}, {'exact' if self.exact else 'noisy'} counts:"
            f" {kinds.count(GROWTH)} grew, {kinds.count(FIRST_SEEN)} appeared)"
        ]
        if without:
            said.append(f"  not enough baseline in {told(int(without), 'week', 'weeks')}")
        weaker = self.frame["strength"].to_list().count(WEAKER)
        if weaker:
            said.append(f"  {told(weaker, 'alarm', 'alarms')} weaker: {WEAKER_SAYS}")
        if self.unread.height:
            said.append(
                f"  unread: {told(self.unread.height, 'week', 'weeks')}, which are not zero"
            )
        if undated:
            said.append(f"  {told(undated, 'group', 'groups')} undated: no alarm can rest on them")
        return "\n".join(said)


@recorded
def early_warning(
    series: Source, *, by: str = "substance", since: date | str | None = None,
    until: date | str | None = None, counted: str = "payers", weeks_per_false_alarm: int = 104,
    least: int = 12, most: int = 52, first_count: int = 2,
) -> EarlyWarning:  # fmt: skip
    """Say which substances or vendor groups are new, and which grow faster than chance allows.

    The last 1 to 8 weeks are held against a baseline, against all others, and against the season a
    year ago; growth is what all call growth (:mod:`chainwatch.triage.health.growth`). Where a
    comparison cannot be made ``why`` says so; without that with the others an alarm is *weaker*.

    Parameters
    ----------
    series : MarketActivity, Tags, HealthRelease, sequence of HealthRelease, or polars.DataFrame
        Weekly counts: of payers; of sightings, dated by listing, seizure or report; with noise,
        which is reckoned with; or ``group, week, count, dated_by``. What is dated by the day on
        which a tag was written is listed as *undated*, and warns of nothing.
    by : str
        What is one group, such as ``substance``; of tags also ``actor``.
    since, until : datetime.date or str, optional
        ``since``: from when on it was watched; ``until``: until just before when. With both,
        weeks in it without a row of a frame or of tags count as nothing seen. Without, such weeks
        are *unread*; so are weeks that activity does not hold.
    counted : {"payers", "payments"}
        What of activity is counted: one buyer's store of it is one payer.
    weeks_per_false_alarm : int
        While nothing grows, at most one week in so many has an alarm of growth, over all groups.
    least, most : int
        ``least``: weeks of the shortest baseline; ``most``: weeks of the longest.
    first_count : int
        How many within four weeks make a first appearance, which is seen in exact counts alone.

    Raises
    ------
    InputError
        If it is no series, a release leaves cells out, or a number has no meaning.
    MissingExtra
        If scipy is not installed.

    Fails when
    ----------
    Counts of one week hang on those of the last beyond what is common to all; sellers are tagged in
    a burst; growth is as slow as the baseline. A first appearance is one in what was watched.

    References
    ----------
    Benjamini and Yekutieli, Annals of Statistics 29, 2001. Lai, JRSS B 57, 1995 (windows).
    """
    settings = _settings(weeks_per_false_alarm, least, most, first_count)
    first, last = (None if one is None else day_of(one) for one in (since, until))
    made = series_of(series, by, first, last, counted)
    return _warned(made, settings, by)


def _settings(false_alarm: int, least: int, most: int, first_count: int) -> Settings:
    for name, value, floor in (
        ("weeks_per_false_alarm", false_alarm, 2), ("least", least, 8), ("most", most, least),
        ("first_count", first_count, 1),
    ):  # fmt: skip
        expect(value, int, name, "give a whole number")
        if value < floor:
            raise InputError(f"{name} is {value}", remedy=f"give {floor} or more")
    return Settings(false_alarm, least, most, first_count)


def _warned(made: Series, settings: Settings, by: str) -> EarlyWarning:
    found = grown(made.weekly, settings.least, settings.most)
    over = by_week(found.chance)
    alarm = over <= 1 / settings.weeks_per_false_alarm
    rows = [
        *_growth(made, found, over, alarm),
        *(_first(made, found, over, settings) if made.exact else ()),
    ]
    short = _unjudged(made, found, settings)
    why = f"growth needs {settings.least} weeks before it"
    lacking: list[Row] = [(NO_BASELINE, None, short, why)] if short else []
    if made.exact:
        lacking += [(BESIDE_UNREAD, group, None, NOT_NEW) for group in _beside(made, settings)]
    lacking += [(UNDATED, one.group, None, one.why) for one in made.undated]
    return EarlyWarning(
        ALARMS.frame(rows).sort(ALARMS.key), UNJUDGED.frame(lacking),
        UNREAD_WEEKS.frame(made.unread), settings, len(made.groups), len(made.weeks), made.exact,
        by,
    )  # fmt: skip


def _unjudged(made: Series, found: Grown, settings: Settings) -> int:
    """Return how many weeks that were read have too little baseline that was read."""
    if not made.groups:
        return min(settings.least, len(made.weeks))
    without = np.isnan(found.chance).all(axis=0)
    return int((without & made.weekly.whole).sum())


def by_week(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return q values: in each week over all groups, whatever hangs on what (Benjamini-Yekutieli).

    While nothing grows, the chance that any q of a week is at most ``a`` is at most ``a``.

    Raises
    ------
    MissingExtra
        If scipy is not installed.
    """
    with extra("statistics", "scipy"):
        from scipy.stats import false_discovery_control
    over = np.full(chance.shape, np.nan)
    for week in range(chance.shape[1]):
        judged = ~np.isnan(chance[:, week])
        if judged.any():
            over[judged, week] = false_discovery_control(chance[judged, week], method="by")
    return over


def episodes(weeks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first week of each episode of alarm, and how many weeks of alarm it has.

    Examples
    --------
    >>> list(episodes([3, 4, 8, 20]))
    [(3, 3), (20, 1)]
    """
    first = last = None
    number = 0
    for week in weeks:
        if last is None or week - last > APART:
            if first is not None:
                yield first, number
            first, number = week, 0
        last, number = week, number + 1
    if first is not None:
        yield first, number


def _growth(
    made: Series, found: Grown, over: NDArray[np.float64], alarm: NDArray[np.bool_]
) -> Iterator[Row]:
    for at, group in enumerate(made.groups):
        for week, number in episodes(np.flatnonzero(alarm[at]).tolist()):
            window = int(found.window[at, week])
            count, expected = round(found.number[at, week]), round(found.expected[at, week])
            why = (
                f"{count:,} in {told(window, 'week', 'weeks')}, where the weeks before let one"
                f" expect {expected:,}; the baseline varies {found.dispersion[at, week]:.1f} times"
                f" as much as chance alone; {_compared(made, found, at, week)}"
            )
            strength = HELD if found.others[at, week] else WEAKER
            yield _row(made, at, group, (GROWTH, week, window, number),
                       (count, expected, found.chance[at, week], over[at, week]),
                       (strength, why))  # fmt: skip


def _compared(made: Series, found: Grown, at: int, week: int) -> str:
    """Return which comparisons were made, and which could not be, and why."""
    others, season = bool(found.others[at, week]), bool(found.season[at, week])
    held = ["the weeks before", *["all others in the same weeks"] * others,
            *["the same season a year before"] * season]  # fmt: skip
    said = [f"held against {' and '.join(held)}"]
    if not others:
        alike = max(0.0, float(found.alike[at, week]))
        few = f"they are too few: {alike:.1f} are expected in the longest window"
        why = "there are none" if len(made.groups) == 1 else few if made.exact else NOISY_OTHERS
        said.append(f"not against the others, for {why}")
    if not season:
        begun = week + 1 - int(found.window[at, week]) - YEAR - SEASON < 0
        why = "less than a year was watched before" if begun else "not all of it was read"
        said.append(f"not against the season, for {why}")
    return "; ".join(said)


def _first(
    made: Series, found: Grown, over: NDArray[np.float64], settings: Settings
) -> Iterator[Row]:
    """Yield what was seen for the first time, after so many weeks of watching without it.

    One sighting may have come before by itself: a wrong label must not hide what is new.
    """
    for at, group in enumerate(made.groups):
        seen = _seen(made, at, settings)
        if seen is None or not watched_before(made.weekly.whole, seen.week, settings.least):
            continue
        week, since, count, before = seen
        window = week - since + 1
        once = "one alone" if before else "none"
        watched = int(made.weekly.whole[:since].sum())
        why = (
            f"{count:,} in {told(window, 'week', 'weeks')}, and {once} in the"
            f" {told(watched, 'week', 'weeks')} that were watched before; it is seen, and no test"
            " stands behind it"
        )
        chance, others = found.chance[at, week], over[at, week]
        yield _row(made, at, group, (FIRST_SEEN, week, window, 1), (count, 0, chance, others),
                   (SEEN, why))  # fmt: skip


def _seen(made: Series, at: int, settings: Settings) -> Seen | None:
    return seen_first(made.weekly.counts[at], APART, settings.least, settings.first_count)


def _beside(made: Series, settings: Settings) -> Iterator[str]:
    """Yield the groups whose first count follows weeks that were not read."""
    for at, group in enumerate(made.groups):
        seen = _seen(made, at, settings)
        if seen and not watched_before(made.weekly.whole, seen.week, settings.least):
            yield group


def _row(
    made: Series, at: int, group: str, what: tuple[str, int, int, int],
    figures: tuple[int, int, float, float], said: tuple[str, str],
) -> Row:  # fmt: skip
    kind, week, window, number = what
    count, expected, chance, over = figures
    since = week - window + 1
    who = {
        one
        for day in made.weeks[since : week + 1]
        for one in made.behind.get((group, day), "").split(",")
        if one
    }
    return (
        group, kind, made.weeks[week], made.weeks[since], number, count, expected,
        round(-math.log(max(chance, 1e-300)), 2), _short(chance), _short(over),
        made.dated_by[group], *said, ",".join(sorted(who)) or None,
    )  # fmt: skip


def _short(value: float) -> float:
    """Return a chance to two digits: more are not sure, and may differ from machine to machine."""
    return float(f"{value:.1e}")


__all__ = [
    "ALARMS", "BESIDE_UNREAD", "FIRST_SEEN", "GROWTH", "HELD", "NO_BASELINE", "SEEN", "UNDATED",
    "WEAKER", "EarlyWarning", "Settings", "by_week", "early_warning", "episodes",
]  # fmt: skip
