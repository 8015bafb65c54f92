"""``timeline``: when traced value came in, and when and why it ended: a lane for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import INK, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.results.table import BEHIND, DIRECTION, WHEN, Column, Rows, Table, behind
from chainwatch.tracing.ends.holders import NAMELESS, holders
from chainwatch.tracing.result import NOTHING_CAME, REACHES, Trace
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import exact_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, LANE, TALL, NAMES = 34.0, 35.0, 22.0, 150.0
"""Points: height of the heading, of a lane, of its tallest bar; least room for names at the
left."""

MOST_TICKS = 7
"""Beginnings of stretches of time that are written below the lanes, where there is room."""

CAME, ENDED = "came in", "ended"

STEPS = (("1d", "day", 62), ("1w", "week", 430), ("1mo", "month", 3650), ("1y", "year", 10**6))
"""Length of a bar as polars writes it, its name, and up to how many days it is taken."""

MOMENTS = Table(
    "moments",
    (),
    "What came in, and what ended by reason and service, by stretches of time.",
    (
        DIRECTION,
        Column.kind("part", "why it ended; null of what came in"),
        ENDS["service"],
        WHEN,
        ENDS["amount"],
        BEHIND,
    ),
    # What a lane adds up to is exact elsewhere: one rounded stretch among exact ones would follow.
    alike=("direction", "part", "service"),
)

KEY = ("direction", "part", "service", "time")


class Lane(NamedTuple):
    """One lane: its name, and the amounts by the time at which their stretch begins."""

    name: str
    bars: tuple[tuple[datetime, Told], ...]

    @property
    def highest(self) -> Told:
        """Its largest amount."""
        return max(told for _, told in self.bars)


def timeline(
    trace: Trace, ax: Axes | None = None, *, edition: Edition | None = None, top: int = 6
) -> Axes:
    """Draw when value came in and when and why it ended, and return the Axes.

    A lane has its name at the left and below it its largest bar in figures; all lanes share the
    axis of time and one scale of amounts. Bars are a day, a week, a month or a year wide, as the
    time is long; where others than subjects, findings and services are masked, a month at least.
    What the edition of the desk rounds is drawn as it is said; where it rounds one bar of a lane,
    all of that lane are rounded, for the sum of a lane is known.

    Parameters
    ----------
    trace : Trace
        What ``trace(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    top : int
        Lanes of ends, those with the largest bars first; the others are counted.
    """
    expect(trace, Trace, "trace", "pass what trace(...) returned")
    if top < 1:
        raise InputError(f"top is {top}", remedy="draw at least one lane")
    with bars.drawn_for(edition), style.settings():
        every, unit, lanes = _lanes(trace)
        words = bars.wrapped(_words(trace, unit, lanes, len(lanes) - top - 1))
        drawn = lanes[: top + 1]
        tall = HEAD + LANE * len(drawn) + bars.LINE * (len(words) + 2) + 2 * MARGIN
        ax = bars.page(tall, f"When value came in and ended ({trace.policy})",
                       time_text(trace), ax)  # fmt: skip
        y = tall - HEAD
        if drawn:
            y = _draw(ax, drawn, every, y, trace)
        bars.lines(ax, y, words)
    return ax


def time_text(trace: Trace) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    _, unit, lanes = _lanes(trace)
    told = [
        f"{lane.name}: {lane.bars[0][0]:{FORMATS[unit]}} to {lane.bars[-1][0]:{FORMATS[unit]}}, at"
        f" most {lane.highest.text(trace.asset)} in a {unit}."
        for lane in lanes
    ]
    return " ".join([*told, *_words(trace, unit, lanes, 0)])


FORMATS = {"day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
"""How the beginning of a stretch of time is written."""


NO_TIMES = "Of no payment that was followed a time was read: nothing can be drawn by time."
UNDATED = "Of some payments no time was read: they are in no bar."


def _words(trace: Trace, unit: str, lanes: Sequence[Lane], more: int) -> list[str]:
    undated = sum(part["time"].null_count() for part in (trace.origins, trace.ends))
    if not lanes:
        return [NO_TIMES if undated else NOTHING_CAME]
    said = [f"A bar is a {unit}; all bars share one scale of amounts."]
    if undated:
        said.append(UNDATED)
    if not trace.conserves:
        said.append(REACHES)
    if more > 0:
        said.append(f"{more:,} lanes with smaller bars are not drawn; the table of ends has them.")
    if any(told.rounded for lane in lanes for _, told in lane.bars):
        said.append("≈: rounded to protect others than subjects, findings and services.")
    return said


def moments(trace: Trace, every: str) -> tuple[Rows, Rows]:
    """Return what came in and ended by stretches of time: with who holds it, and with who paid.

    Parameters
    ----------
    trace : Trace
        What to add up.
    every : str
        Length of a stretch, as polars writes it: ``1d``, ``1w``, ``1mo``, ``1y``.
    """
    begins = pl.col("time").dt.truncate(every)
    nothing = pl.lit(None, pl.String)
    who = pl.coalesce("paid_by", "txid")  # of a coin's payer its transaction alone is known here
    came = trace.origins.select(
        pl.lit(CAME).alias("direction"), nothing.alias("part"), nothing.alias("service"),
        begins.alias("time"), "amount", who.alias("holder"), who.alias("payer"),
    )  # fmt: skip
    ended = holders(trace.ends, trace.steps).select(
        pl.lit(ENDED).alias("direction"), pl.col("reason").alias("part"), "service",
        begins.alias("time"), "holder", pl.coalesce("payer", pl.lit(NAMELESS)).alias("payer"),
    )  # fmt: skip
    sums = trace.ends.select(
        pl.lit(ENDED).alias("direction"), pl.col("reason").alias("part"), "service",
        begins.alias("time"), "amount",
    )  # fmt: skip
    amounts = pl.concat([came.select(sums.columns), sums]).group_by(KEY).agg(exact_sum("amount"))
    each = []
    for side in ("holder", "payer"):
        parties = pl.concat([came.select(*KEY, side), ended.select(*KEY, side)])
        known = parties.group_by(KEY).agg(behind(side))
        rows = amounts.join(known, on=KEY, nulls_equal=True).filter(pl.col("amount") > 0)
        each.append(MOMENTS.rows(rows.sort(KEY, nulls_last=True)))
    return each[0], each[1]


def _lanes(trace: Trace) -> tuple[str, str, list[Lane]]:
    """Return how long a stretch is, its name, and the lanes, what came in first."""
    times = pl.concat([trace.origins["time"], trace.ends["time"]]).drop_nulls()
    days = (times.max() - times.min()).days if len(times) else 0  # type: ignore[operator, union-attr]
    fit = [(every, unit) for every, unit, most in STEPS if days <= most]
    if bars.shown_edition().name != WORKING:
        fit = [one for one in fit if one[1] not in ("day", "week")]
    every, unit = fit[0]
    holding, paying = moments(trace, every)
    told = bars.told_amounts(trace, trace.asset.chain, holding, paying)
    found: dict[tuple[str, str], list[tuple[datetime, Told]]] = {}
    for row, one in zip(holding.frame.iter_rows(named=True), told, strict=True):
        if row["time"] is None:
            continue
        name = f"{row['service']} ({row['part']})" if row["service"] else row["part"] or "Came in"
        found.setdefault((row["direction"], name), []).append((row["time"], one))
    lanes = [(side, Lane(name, tuple(listed))) for (side, name), listed in found.items()]
    lanes.sort(key=lambda one: (one[0] != CAME, -one[1].highest.amount, one[1].name))
    return every, unit, [lane for _, lane in lanes]


def _draw(ax: Axes, lanes: Sequence[Lane], every: str, top: float, trace: Trace) -> float:
    """Draw the lanes and the axis of time below them; return where that ends."""
    starts = sorted({when for lane in lanes for when, _ in lane.bars})
    first, end = starts[0], _after(starts[-1], every)
    names = bars.names_room([lane.name for lane in lanes], NAMES, bold=True)
    left, right = MARGIN + names, WIDE - MARGIN
    largest = max(lane.highest.amount for lane in lanes)

    def x(when: datetime) -> float:
        return left + (right - left) * ((when - first) / (end - first))

    for number, lane in enumerate(lanes):
        base = top - LANE * (number + 1) + 6.0
        room = names - 12.0
        name = style.fit(printable(lane.name), room, LABEL, bold=True)
        write(ax, MARGIN, base + 17.0, name, LABEL, bold=True)
        most = f"at most {lane.highest.text(trace.asset)}"
        write(ax, MARGIN, base + 5.0, style.fit(most, room, LABEL), LABEL)
        ax.plot([left, right], [base, base], color=INK, linewidth=0.6, zorder=1)
        for when, told in lane.bars:
            wide = max(x(_after(when, every)) - x(when) - 0.8, 1.2)
            high = max(TALL * told.amount / largest, 0.8)
            bars.bar(ax, x(when), x(when) + wide, base + high / 2, tall=high)
    begins = pl.datetime_range(first, starts[-1], every, eager=True).to_list()
    return _axis(ax, [(when, x(when)) for when in begins], every, top - LANE * len(lanes))


def _after(when: datetime, every: str) -> datetime:
    """Return when a stretch of time ends."""
    return pl.Series([when]).dt.offset_by(every).item()  # type: ignore[no-any-return]


def _axis(ax: Axes, begins: Sequence[tuple[datetime, float]], every: str, top: float) -> float:
    """Write where some of the stretches begin, as many as there is room for."""
    unit = next(name for step, name, _ in STEPS if step == every)
    words = [f"{when:{FORMATS[unit]}}" for when, _ in begins]
    wide = max(style.text_width(one, LABEL) for one in words)
    most = min(MOST_TICKS, max(int((WIDE - MARGIN - begins[0][1]) / (wide + 6.0)), 1))
    apart, free = -(-len(begins) // most), 0.0
    for said, (_, x) in list(zip(words, begins, strict=True))[::apart]:
        ax.plot([x, x], [top + 2.0, top + 6.0], color=INK, linewidth=0.6)
        at = min(x, WIDE - 2.0 - wide)  # the last may reach into the margin
        if at >= free:
            write(ax, at, top - 4.0, said, LABEL)
            free = at + wide + 4.0
    return top - 2 * bars.LINE
