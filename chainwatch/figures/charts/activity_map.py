"""``activity_map``: by hours of the week, days or months, when subjects paid and were paid.

Where masked parties stand in a payment, its time may be told to the month alone, so that no map is
finer than that. Times are those of blocks, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.errors import InputError, expect
from chainwatch.figures import bars, style
from chainwatch.figures.bars import LABEL, MARGIN, WIDE, Told
from chainwatch.figures.drawing import box, write
from chainwatch.figures.typefaces import printable
from chainwatch.privacy.edition import BANDS, Edition, band
from chainwatch.privacy.mask_rows import hidden_rows, rounded_alike
from chainwatch.results.table import BEHIND, DIRECTION, WHEN, Column, Rows, Table, behind
from chainwatch.tracing.result import REACHES, Trace
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import exact_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD, ROW, SECTION, NAMES = 28.0, 15.0, 32.0, 66.0
"""Points: height of the heading, of a row of cells, of the heading of a map with the names of its
columns; room for names at the left."""

GOT, PAID = "was paid", "paid"
TITLES = {GOT: "The subjects were paid", PAID: "The subjects paid"}

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

GRAINS = ("hour", "day", "month")
"""Cells: an hour of a day of the week, a day of a month, a month of a year."""

COUNTS, AMOUNTS = "payments", "amount"

MOST_ROWS = 7
"""Rows of a map, the latest; what lies before is counted."""

ACTIVITY = Table(
    "activity",
    (),
    "Payments of subjects by cells of time.",
    (DIRECTION, WHEN, ENDS["amount"], Column.count("payments", "how many"), BEHIND),
    # What a side adds up to is exact elsewhere: one rounded cell among exact ones would follow.
    alike=("direction",),
)

BLOCK_TIMES = (
    "Times are those of blocks, in UTC: a payment is made before its block is, by minutes or hours,"
    " and nobody's time zone follows from it."
)


@dataclass(frozen=True)
class Cell:
    """A cell of a map: its row and column, what it says, and how dark it is, from 0 to 1."""

    row: str
    column: int
    told: str
    shade: float
    rounded: bool


@dataclass(frozen=True)
class Map:
    """A map: which side, the names of its rows and columns, its cells, and the rows left out."""

    side: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    more: int = 0


def activity_map(
    trace: Trace, ax: Axes | None = None, *, by: str = "hour", of: str = COUNTS,
    edition: Edition | None = None, data: str = "",
) -> Axes:  # fmt: skip
    """Draw when the subjects of a trace paid and were paid, a cell for each hour, day or month.

    The darker a cell, the more; what it holds stands in it. Only payments of traced value count.

    Parameters
    ----------
    trace : Trace
        What ``trace(...)`` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of fitting height.
    by : str
        ``hour`` of the day by day of the week, ``day`` of the month, or ``month`` of the year.
        Where masked parties stand in payments it is the month, whatever is asked.
    of : str
        ``payments``, counted; or ``amount``.
    edition : Edition, optional
        Who is shown; without one, the edition of the desk.
    data : str
        What was read and up to when, for the legend.

    Raises
    ------
    InputError
        If ``by`` or ``of`` is another word.
    """
    expect(trace, Trace, "trace", "pass what trace(...) returned")
    _check(by, of)
    with bars.drawn_for(edition, data), style.settings():
        grain, maps = _maps(trace, by, of)
        words = bars.wrapped(_words(trace, by, grain, of, maps))
        rows = sum(SECTION + ROW * len(one.rows) + 6.0 for one in maps)
        tall = HEAD + rows + bars.LINE * len(words) + MARGIN + 10.0
        ax = bars.page(tall, "When the subjects paid and were paid",
                       activity_text(trace, by=by, of=of), ax)  # fmt: skip
        y = tall - HEAD
        for one in maps:
            y = _draw(ax, one, y)
        bars.lines(ax, y - 4.0, words)
    return ax


def activity_text(trace: Trace, *, by: str = "hour", of: str = COUNTS) -> str:
    """Return what the figure shows, in words, for those who cannot see it."""
    _check(by, of)
    grain, maps = _maps(trace, by, of)
    told = []
    for one in maps:
        most = sorted(one.cells, key=lambda cell: (-cell.shade, cell.row, cell.column))[:3]
        cells = "; ".join(
            f"{cell.row} {one.columns[cell.column]}{' h' if grain == 'hour' else ''}: {cell.told}"
            for cell in most
        )
        told.append(f"{TITLES[one.side]} in {len(one.cells)} cells; most in {cells}.")
    return " ".join([*told, *_words(trace, by, grain, of, maps)])


def _check(by: str, of: str) -> None:
    if by not in GRAINS:
        raise InputError(f"by is {by!r}", remedy=f"write one of {', '.join(GRAINS)}")
    if of not in (COUNTS, AMOUNTS):
        raise InputError(f"of is {of!r}", remedy=f"write {COUNTS} or {AMOUNTS}")


def _words(trace: Trace, by: str, grain: str, of: str, maps: Sequence[Map]) -> list[str]:
    undated = trace.origins["time"].null_count() + _made(trace)["time"].null_count()
    if not maps:
        return [
            "Of no payment of the subjects a time was read: there is nothing to draw."
            if undated
            else "The subjects paid nobody and were paid by nobody, in what was read."
        ]
    what = "how many payments" if of == COUNTS else f"how much {trace.asset.symbol}"
    said = [f"A cell says {what}, the darker the more; an empty one says none.{_darkest(of, maps)}"
            f" {BLOCK_TIMES}",
            f"Payments of value followed by {trace.policy.upper()} alone."]  # fmt: skip
    if not trace.conserves:
        said.append(REACHES)
    if grain != by:
        said.append(f"Others than subjects, findings and services stand in these payments: their"
                    f" times are told to the month, and no {by} is drawn.")  # fmt: skip
    if any(cell.rounded for one in maps for cell in one.cells):
        said.append("≈, and a span of numbers: rounded to protect them.")
    for one in maps:
        if one.more:
            said.append(f"{TITLES[one.side]} in {one.more:,} earlier rows too, not drawn.")
    if undated:
        said.append(f"Of {undated:,} payments no time was read: they are in no cell.")
    return said


def _darkest(of: str, maps: Sequence[Map]) -> str:
    """Return what the darkest cells hold: a number too long for its cell is not written there."""
    if of == COUNTS:
        return ""
    most = [max(one.cells, key=lambda cell: (cell.shade, cell.told)).told for one in maps]
    told = " and ".join(f"{said} where they {_VERBS[one.side]}"
                        for said, one in zip(most, maps, strict=True))  # fmt: skip
    return f" The darkest holds {told}; a number too long for its cell is left out."


_VERBS = {GOT: "were paid", PAID: "paid"}


def _made(trace: Trace) -> pl.DataFrame:
    """Return the steps by which the subjects themselves paid."""
    own = trace.subjects.select("address").unique()
    return trace.steps.join(own, left_on="source", right_on="address", how="semi")


def payments_of(trace: Trace) -> pl.DataFrame:
    """Return the payments of the subjects: ``direction, time, amount, who``, one row each."""
    # Of a coin's payer its transaction alone is known here.
    got = trace.origins.select(
        pl.lit(GOT).alias("direction"), "time", "amount",
        pl.coalesce("paid_by", "txid").alias("who"), "txid",
    )  # fmt: skip
    made = _made(trace).select(
        pl.lit(PAID).alias("direction"), "time", "amount", pl.col("target").alias("who"), "txid"
    )
    return pl.concat([got, made]).drop_nulls("time")


def _maps(trace: Trace, by: str, of: str) -> tuple[str, list[Map]]:
    """Return how fine the maps may be, and a map for each side on which anything is."""
    rows = payments_of(trace)
    grain = by if _all_shown(trace, rows) else "month"
    maps = [
        _map(trace, side, grain, of, rows.filter(direction=side))
        for side in (GOT, PAID)
        if rows.filter(direction=side).height
    ]
    return grain, maps


def _all_shown(trace: Trace, rows: pl.DataFrame) -> bool:
    """Return whether the edition may say the time of each of the payments."""
    edition, chain = bars.shown_edition(trace), trace.asset.chain
    return edition.names_all() or not any(
        edition.hides(chain, txid, who) for txid, who in rows.select("txid", "who").iter_rows()
    )


_SLOT = {"hour": "1h", "day": "1d", "month": "1mo"}


def _map(trace: Trace, side: str, grain: str, of: str, rows: pl.DataFrame) -> Map:
    placed = rows.with_columns(pl.col("time").dt.truncate(_SLOT[grain]))
    if grain == "hour":  # all weeks lie on each other: the first of January 2018 was a Monday
        week = pl.datetime(2018, 1, pl.col("time").dt.weekday(), pl.col("time").dt.hour(),
                           time_zone="UTC", time_unit="us")  # fmt: skip
        placed = placed.with_columns(time=week)
    sums = (
        placed.group_by("direction", "time")
        .agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("payments"), behind("who"))
        .sort("direction", "time")
    )
    listed = ACTIVITY.rows(sums.select(ACTIVITY.names))
    cells = _cells(trace, grain, of, listed)
    names = _rows_named(grain, listed.frame["time"].to_list())
    shown = names[-MOST_ROWS:]
    kept = tuple(cell for cell in cells if cell.row in shown)
    return Map(side, tuple(shown), _columns(grain), kept, len(names) - len(shown))


def _cells(trace: Trace, grain: str, of: str, rows: Rows) -> list[Cell]:
    edition = bars.shown_edition(trace)
    chain = trace.asset.chain
    few = hidden_rows(rows, [chain] * rows.frame.height, edition)
    amounts = bars.told_amounts(trace, chain, rows)
    most = max((told.amount for told in amounts), default=0) or 1
    counts = [int(count) for count in rows.frame["payments"]]
    coarse = rounded_alike(rows, [hide.party or hide.transaction for hide in few])
    darkness = _of_band if any(coarse) else (lambda count: count / max(counts))
    found = []
    for time, told, count, hide in zip(rows.frame["time"], amounts, counts, coarse, strict=True):
        rounded = told.rounded or hide
        if of == AMOUNTS:
            said, shade = _amount(told, trace), told.amount / most
        else:
            said, shade = (band(count) if rounded else f"{count:,}"), darkness(count)
        found.append(Cell(_row_of(grain, time), _column_of(grain, time), said, shade, rounded))
    return found


def _amount(told: Told, trace: Trace) -> str:
    number, _, _ = trace.asset.shown(told.amount).partition(" ")
    return f"{'≈' if told.rounded else ''}{number}"


def _of_band(count: int) -> float:
    """Return how dark a band is: as dark as its place among the bands."""
    place = next((n for n, (top, _) in enumerate(BANDS) if count <= top), len(BANDS))
    return place / len(BANDS)


def _row_of(grain: str, time: datetime) -> str:
    if grain == "hour":
        return WEEKDAYS[time.weekday()]
    return f"{time:%Y-%m}" if grain == "day" else f"{time:%Y}"


def _column_of(grain: str, time: datetime) -> int:
    return {"hour": time.hour, "day": time.day - 1, "month": time.month - 1}[grain]


def _columns(grain: str) -> tuple[str, ...]:
    if grain == "month":
        return MONTHS
    return tuple(f"{n:02d}" for n in (range(24) if grain == "hour" else range(1, 32)))


def _rows_named(grain: str, times: Sequence[datetime]) -> list[str]:
    """Return the names of the rows from the first to the last, those without a payment too."""
    if grain == "hour":
        return list(WEEKDAYS)
    if grain == "month":
        return [str(year) for year in range(times[0].year, times[-1].year + 1)]
    months = range(times[0].year * 12 + times[0].month - 1, times[-1].year * 12 + times[-1].month)
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in months]


def _draw(ax: Axes, one: Map, top: float) -> float:
    """Draw a map below its heading; return where it ends."""
    write(ax, MARGIN, top - 8.0, TITLES[one.side], LABEL + 1, bold=True)
    left = MARGIN + NAMES
    wide = (WIDE - MARGIN - left) / len(one.columns)
    for number, name in enumerate(one.columns):
        write(ax, left + wide * (number + 0.5), top - 23.0, name, LABEL, align="center")
    place = {name: number for number, name in enumerate(one.rows)}
    for name, number in place.items():
        y = top - SECTION - ROW * (number + 0.5)
        write(ax, MARGIN, y, name, LABEL)
        box(ax, left, y - ROW / 2, wide * len(one.columns), ROW, "#FFFFFF", "", "-")
    for cell in one.cells:
        y = top - SECTION - ROW * (place[cell.row] + 0.5)
        grey = round(255 * (1 - 0.12 - 0.73 * min(cell.shade, 1.0)))
        fill = f"#{grey:02X}{grey:02X}{grey:02X}"
        box(ax, left + wide * cell.column, y - ROW / 2, wide, ROW, fill, "", "-")
        said = printable(cell.told)
        if style.text_width(said, LABEL) > wide - 2.0:
            continue  # a number that is cut is another number: its shade stays
        ink = "#FFFFFF" if grey < 128 else "#000000"
        write(ax, left + wide * (cell.column + 0.5), y, said, LABEL, align="center", colour=ink)
    return top - SECTION - ROW * len(one.rows) - 6.0
