"""Which weeks were not read: an unread week is unknown, and never one in which nothing was sold.

A week was read where every height of block from before it until after it was read whole. A hole
between two blocks touches each week that it may lie in, by the times of the blocks on either side.
Before the first block and after the last one, a day that has a block counts as read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.whole_blocks import WholeBlocks
from chainwatch.results.table import Column, Privacy, Table
from chainwatch.units import counted

UNREAD_WEEKS = Table(
    "unread_weeks",
    ("week",),
    "Weeks that were not read, or in part alone. What was counted in them is unknown, not zero.",
    (
        Column("week", pl.Date, Privacy.TIME, "Monday of the week"),
        Column.word("why", "what of it was not read"),
    ),
)

BEFORE, AFTER = "before the first block that was read", "after the last block that was read"
OUTSIDE = "outside the span of time that the ledger looks at"
UNTIMED = "nothing says the time of any block that was read"
NO_ROW = "no row of any group, and since and until do not say that it was watched"
NOT_ASKED = "outside the weeks that activity was counted in"

Numbers = NDArray[np.int64]

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Unread(NamedTuple):
    """A week that was not read whole, by its Monday, and why."""

    week: date
    why: str


class _Hole(NamedTuple):
    """A span of time in which something was not read, and what."""

    begin: datetime
    end: datetime
    why: str


def unread_weeks(ledger: Ledger, chain: str, weeks: Sequence[date]) -> tuple[Unread, ...]:
    """Return which of some weeks were not read whole, and why; in order.

    Parameters
    ----------
    ledger : Ledger
        What was read of the chain; a span of time that it looks at bounds it.
    chain : str
        CAIP-2 id.
    weeks : sequence of date
        Mondays.

    Fails when
    ----------
    No block was read whole, but histories of addresses or a table of transfers: how far those
    reach is a matter of each, and only weeks outside the headers that were read are told.
    """
    frame = _read(ledger, chain)
    if frame.height and frame["time"].null_count() == frame.height:
        return tuple(Unread(week, UNTIMED) for week in weeks)
    edges = [*_span(ledger), *_edges(frame)]
    missing, begins, ends = _between(frame)
    found = []
    for week in weeks:
        first = datetime.combine(week, time.min, UTC)
        last = first + timedelta(days=7)
        why = next((one.why for one in edges if one.begin < last and one.end > first), None)
        touched = (begins < _micros(last)) & (ends > _micros(first))
        if why is None and touched.any():
            heights = counted(int(missing[touched].sum()), "height", "heights")
            why = f"{heights} of blocks that may lie in it were not read"
        if why is not None:
            found.append(Unread(week, why))
    return tuple(found)


def by_blocks(ledger: Ledger, chain: str) -> bool:
    """Tell whether blocks of a chain were read whole, which tells what was not read."""
    return WholeBlocks.read(ledger, chain).highest is not None


def _read(ledger: Ledger, chain: str) -> pl.DataFrame:
    """Return ``height, time`` of the blocks that were read whole; of headers where none was."""
    whole = WholeBlocks.read(ledger, chain).frame.select("height", "time")
    if not whole.height:
        headers = ledger.history.blocks.filter(pl.col("chain") == chain)
        ends = headers.select("height", "time").sort("height").collect()
        # Headers alone say nothing of what lies between them, so that only their ends are kept.
        whole = pl.concat([ends.head(1), ends.tail(1)]).with_columns(headers=True)
    return whole.group_by("height").agg(pl.all().min()).sort("height")


def _span(ledger: Ledger) -> list[_Hole]:
    holes = []
    if ledger.start is not None:
        holes.append(_Hole(EARLIEST, ledger.start, OUTSIDE))
    if ledger.end is not None:
        holes.append(_Hole(ledger.end, LATEST, OUTSIDE))
    return holes


def _edges(frame: pl.DataFrame) -> list[_Hole]:
    """Return what lies before the first block and after the last; the day of a block is read."""
    days = frame["time"].drop_nulls().dt.date().sort().to_list()
    if not days:
        return []
    first, last = days[0], days[-1]
    begin = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last + timedelta(days=1), time.min, UTC)
    after = _Hole(end, LATEST, AFTER)
    whole = frame["height"][0] <= 1  # before the first block of a chain there is nothing
    return [after] if whole else [_Hole(EARLIEST, begin, BEFORE), after]


def _between(frame: pl.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
    """Return of each hole between blocks how many heights it has, and between which times."""
    if "headers" in frame.columns or frame.height < 2:
        none = np.zeros(0, np.int64)
        return none, none, none
    times = pl.col("time").dt.epoch("us")
    rows = frame.select(
        missing=pl.col("height").diff().shift(-1) - 1,
        # Where a block has no time, the hole reaches to the next one that has.
        begin=times.forward_fill().fill_null(_micros(EARLIEST)),
        end=times.backward_fill().shift(-1).fill_null(_micros(LATEST)),
    ).filter(pl.col("missing") > 0)
    return rows["missing"].to_numpy(), rows["begin"].to_numpy(), rows["end"].to_numpy()


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


__all__ = ["NOT_ASKED", "NO_ROW", "UNREAD_WEEKS", "Unread", "by_blocks", "unread_weeks"]
