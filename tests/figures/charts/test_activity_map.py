"""Activity maps: cells are sums of rows, and no time is finer than the edition allows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from chainwatch import figures
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures.charts import activity_map as module


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


@pytest.mark.parametrize("by", module.GRAINS)
def test_cells_are_counts_of_the_rows(ranged: Any, by: str, working: None) -> None:
    trace = ranged.traces["fifo"]
    grain, maps = module._maps(trace, by, "payments")
    assert grain == by
    for one in maps:
        slow = Counter(
            (module._row_of(by, time), module._column_of(by, time))
            for side, time in module.payments_of(trace).select("direction", "time").iter_rows()
            if side == one.side and module._row_of(by, time) in one.rows
        )
        assert {(cell.row, cell.column): int(cell.told) for cell in one.cells} == slow
        assert max(cell.shade for cell in one.cells) == 1.0


def test_the_title_says_both_sides(ranged: Any, working: None) -> None:
    ax = module.activity_map(ranged.traces["fifo"])
    assert ax.texts[0].get_text() == "When the subjects paid and were paid"


def test_an_hour_is_that_of_utc_on_its_day_of_the_week(ranged: Any, working: None) -> None:
    _, maps = module._maps(ranged.traces["fifo"], "hour", "payments")
    rows = module.payments_of(ranged.traces["fifo"]).filter(direction=module.GOT)
    slow = Counter((f"{time:%A}", time.hour) for time in rows["time"])
    assert {(cell.row, cell.column): int(cell.told) for cell in maps[0].cells} == slow


def test_amounts_add_up_to_what_came_in(ranged: Any, working: None) -> None:
    trace = ranged.traces["fifo"]
    rows = module.payments_of(trace)
    assert sum(map(int, rows.filter(direction=module.GOT)["amount"])) == trace.amount
    ax = figures.activity_map(trace, by="month", of="amount")
    assert "The darkest holds " in " ".join(texts(ax))


def test_beside_masked_parties_a_cell_is_a_month_and_counts_are_bands(ranged: Any) -> None:
    trace = ranged.traces["fifo"]
    for by in module.GRAINS:
        grain, maps = module._maps(trace, by, "payments")
        assert grain == "month"
        rounded = [cell for one in maps for cell in one.cells if cell.rounded]
        assert rounded
        assert all(re.fullmatch(r"\d+-\d+|[01]|more than 100", cell.told) for cell in rounded)
    said = " ".join(texts(figures.activity_map(trace)))
    assert "told to the month, and no hour is drawn" in said
    assert not re.search(r"Monday|2023-\d\d", said)


def test_it_says_that_times_are_those_of_blocks(ranged: Any, working: None) -> None:
    ax = figures.activity_map(ranged.traces["fifo"])
    assert "Times are those of blocks, in UTC" in " ".join(texts(ax))
    assert "Times are those of blocks, in UTC" in ax.get_label()


def test_earlier_rows_are_counted(ranged: Any, working: None) -> None:
    trace = ranged.traces["fifo"]
    early = trace.origins.with_columns(pl.col("time").dt.offset_by("-20y"))
    long = replace(trace, origins=pl.concat([early, trace.origins]))
    _, maps = module._maps(long, "month", "payments")
    assert len(maps[0].rows) == module.MOST_ROWS
    assert maps[0].more == 21 - module.MOST_ROWS
    assert f"in {maps[0].more} earlier rows too" in " ".join(
        texts(figures.activity_map(long, by="month"))
    )


def test_what_bears_no_time_is_counted(ranged: Any, working: None) -> None:
    trace = ranged.traces["fifo"]
    never = pl.lit(None, trace.origins.schema["time"]).alias("time")
    none = replace(trace, origins=trace.origins.with_columns(never), steps=trace.steps.clear())
    assert "there is nothing to draw" in " ".join(texts(figures.activity_map(none)))
    empty = replace(trace, origins=trace.origins.clear(), steps=trace.steps.clear())
    assert "paid nobody and were paid by nobody" in " ".join(texts(figures.activity_map(empty)))


def test_arguments_that_do_not_fit(ranged: Any) -> None:
    trace = ranged.traces["fifo"]
    for how in ({"by": "minute"}, {"of": "joy"}):
        with pytest.raises(InputError, match="write"):
            figures.activity_map(trace, **how)
    with pytest.raises(ArgumentError, match="pass what trace"):
        figures.activity_map(ranged)
