"""The picture of when value came in and ended: sums by stretches of time, a month where masked."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest
from matplotlib.patches import Rectangle

from chainwatch import figures
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures import bars, time_figure
from chainwatch.figures.style import SHEETS, save_figure, smallest_text
from chainwatch.units import total


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def slow(rows: pl.DataFrame, by: tuple[str, ...]) -> dict[tuple[object, ...], int]:
    """Add up amounts by month, row by row."""
    sums: dict[tuple[object, ...], int] = {}
    for row in rows.iter_rows(named=True):
        key = (*(row[name] for name in by), f"{row['time']:%Y-%m}")
        sums[key] = sums.get(key, 0) + int(row["amount"])
    return sums


def test_sums_by_month_are_those_of_the_rows(ranged):
    trace = ranged.traces["haircut"]
    for rows in time_figure.moments(trace, "1mo"):
        ended = rows.frame.filter(direction="ended").rename({"part": "reason"})
        assert slow(ended, ("reason", "service")) == slow(trace.ends, ("reason", "service"))
        came = rows.frame.filter(direction="came in")
        assert slow(came, ()) == slow(trace.origins, ())
        assert total(came["amount"]) == total(ended["amount"]) == trace.amount


def test_each_lane_is_named_with_its_largest_amount(ranged, working):
    trace = ranged.traces["fifo"]
    ax = figures.timeline(trace)
    told = texts(ax)
    assert told[1] == "Came in"
    for service in trace.ends["service"].drop_nulls().unique():
        assert any(one.startswith(f"{service} (") for one in told)
    every, _, lanes = time_figure._lanes(trace)
    assert every == "1w"
    for lane in lanes:
        assert f"at most {trace.asset.shown(lane.highest.amount)}" in told
    heights = [one.get_height() for one in ax.patches if isinstance(one, Rectangle)]
    assert max(heights) == pytest.approx(time_figure.TALL)
    assert "A bar is a week; all bars share one scale of amounts." in told


@pytest.mark.parametrize("size", sorted(SHEETS))
@pytest.mark.parametrize("top", [1, 6])
def test_it_fits_a_page_and_a_slide(ranged, size, top, tmp_path):
    ax = figures.timeline(ranged.traces["haircut"], top=top)
    assert smallest_text(ax.figure) == bars.LABEL
    figures.save(ax, tmp_path / "one.png", size=size)


def test_beside_masked_parties_a_bar_is_a_month_and_rounded(ranged):
    trace = ranged.traces["haircut"]
    every, unit, lanes = time_figure._lanes(trace)
    assert (every, unit) == ("1mo", "month")
    holding, _ = time_figure.moments(trace, "1mo")
    shown = {told.amount for lane in lanes for _, told in lane.bars}
    hidden = {int(one) for one in holding.frame["amount"]} - shown
    assert hidden
    ax = figures.timeline(trace)
    said = " ".join([*texts(ax), ax.get_label()])
    assert not [one for one in hidden if trace.asset.shown(one) in said]
    assert "2023-07-" not in said
    assert "≈" in said


def test_who_paid_alone_is_rounded_though_a_service_holds_it(ranged):
    """An exact sum of a month at a service leads to the one stranger who paid it."""
    trace = ranged.traces["fifo"]
    holding, paying = time_figure.moments(trace, "1mo")
    from chainwatch.figures.bars import told_amounts

    one, both = (told_amounts(trace, trace.asset.chain, *each)
                 for each in ((holding,), (holding, paying)))  # fmt: skip
    assert sum(told.rounded for told in both) > sum(told.rounded for told in one)


@pytest.mark.parametrize("policy", ["fifo", "haircut", "lifo"])
def test_a_lane_with_one_rounded_bar_has_no_exact_one(ranged, policy):
    """The sum of a lane is printed elsewhere: less the exact bars it would be the rounded one."""
    trace = ranged.traces[policy]
    _, _, lanes = time_figure._lanes(trace)
    for lane in lanes:
        assert len({told.rounded for _, told in lane.bars}) == 1, lane.name
    holding, paying = time_figure.moments(trace, "1mo")
    free = [replace(rows.table, alike=()).rows(rows.frame) for rows in (holding, paying)]
    apart = bars.told_amounts(trace, trace.asset.chain, *free)
    mixed = set()
    for key, of in pl.concat(
        [holding.frame, pl.DataFrame({"rounded": [told.rounded for told in apart]})],
        how="horizontal",
    ).group_by("direction", "part", "service"):
        mixed |= {key} if of["rounded"].n_unique() > 1 else set()
    assert mixed, "without the rule some lane would be rounded in part"


def test_a_sum_of_what_is_said_has_no_digits_that_mean_nothing():
    told = bars.added([bars.Told(300_000, True), bars.Told(1_234_567, False)])
    assert told == bars.Told(1_500_000, True)
    assert bars.added([bars.Told(3, False), bars.Told(4, False)]) == bars.Told(7, False)
    assert bars.added([bars.Told(300_000, True)]) == bars.Told(300_000, True)
    assert bars.added([]) == bars.Told(0, False)


@pytest.mark.parametrize("service", ["a", "a service whose name takes much of the room there is"])
def test_times_below_the_lanes_stand_apart_and_on_the_page(ranged, service, working):
    trace = ranged.traces["fifo"]
    named = pl.when(pl.col("service").is_not_null()).then(pl.lit(service))
    ax = figures.timeline(replace(trace, ends=trace.ends.with_columns(service=named)))
    renderer, back = ax.figure.canvas.get_renderer(), ax.transData.inverted()
    told = [one for one in ax.texts if re.fullmatch(r"2023-\d\d-\d\d", one.get_text())]
    boxes = [one.get_window_extent(renderer).transformed(back) for one in told]
    assert len(boxes) >= 3
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert boxes[-1].x1 <= bars.WIDE


def test_smaller_lanes_are_counted(ranged, working):
    trace = ranged.traces["fifo"]
    more = len(time_figure._lanes(trace)[2]) - 2
    told = texts(figures.timeline(trace, top=1))
    assert f"{more} lanes with smaller bars are not drawn; the table of ends has them." in told
    with pytest.raises(InputError, match="top is 0"):
        figures.timeline(trace, top=0)


def test_reach_says_what_it_is(ranged, working):
    assert "nobody's share" in figures.timeline(ranged.traces["poison"]).get_label()


def test_nothing_is_said_to_be_nothing(ranged, working):
    from dataclasses import replace

    trace = ranged.traces["fifo"]
    empty = replace(trace, origins=trace.origins.clear(), ends=trace.ends.clear(),
                    steps=trace.steps.clear())  # fmt: skip
    assert "Nothing was read to come in." in texts(figures.timeline(empty))


def test_the_same_bytes_twice(ranged, working, tmp_path):
    trace = ranged.traces["lifo"]
    once, again = (
        save_figure(figures.timeline(trace).figure, tmp_path / name) for name in ("a", "b")
    )
    assert once == again


def test_another_thing_is_refused(ranged):
    with pytest.raises(ArgumentError, match="pass what trace"):
        figures.timeline(ranged)


def test_what_bears_no_time_is_in_no_bar_and_said(ranged, working):
    trace = ranged.traces["fifo"]
    never = pl.lit(None, trace.ends.schema["time"]).alias("time")
    some = replace(trace, ends=pl.concat([trace.ends[:1].with_columns(never), trace.ends[1:]]))
    ax = figures.timeline(some)
    assert time_figure.UNDATED in texts(ax)
    drawn = {told.amount for lane in time_figure._lanes(some)[2] for _, told in lane.bars}
    assert {told.amount for lane in time_figure._lanes(trace)[2] for _, told in lane.bars} != drawn
    none = replace(
        trace, origins=trace.origins.with_columns(never), ends=trace.ends.with_columns(never)
    )
    assert time_figure.NO_TIMES in " ".join(texts(figures.timeline(none)))
    assert time_figure.UNDATED not in texts(figures.timeline(trace))
