"""The picture of the sum check: both sides run to one line, whatever the parts."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from matplotlib.patches import Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.errors import ArgumentError, ConservationError, InputError
from chainwatch.figures import sum_figure
from chainwatch.figures.bars import Told
from chainwatch.figures.style import save_figure
from chainwatch.units import total


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def drawn(ax) -> list[Rectangle]:
    return [item for item in ax.patches if isinstance(item, Rectangle)]


@pytest.mark.parametrize("policy", ["fifo", "haircut", "clean_first"])
def test_each_side_adds_up_to_what_came_in(ranged, policy, working):
    trace = ranged.traces[policy]
    frame = sum_figure.parts_of(trace).frame
    for side in ("came in", "ended"):
        assert total(frame.filter(direction=side)["amount"]) == trace.amount
    told = texts(figures.sum_check(trace))
    assert told.count(trace.asset.shown(trace.amount)) >= 2
    for row in frame.iter_rows(named=True):
        assert trace.asset.shown(int(row["amount"])) in told
        name = f"{row['service']} ({row['part']})" if row["service"] else row["part"]
        assert name in told


def test_both_sides_end_at_the_line(ranged, working):
    trace = ranged.traces["fifo"]
    ax = figures.sum_check(trace)
    (line,) = {one.get_xdata()[0] for one in ax.lines if one.get_linestyle() == "--"}
    came, ended = sum_figure._sides(trace, 20)
    rights = [one.get_x() + one.get_width() for one in drawn(ax)]
    ticks = [one.get_xdata()[0] for one in ax.lines if one.get_linestyle() != "--"]
    assert len(rights) + len(ticks) == len(came) + len(ended)
    assert max(rights) == pytest.approx(line, abs=0.5)
    assert "equal to the last base unit" in ax.get_label()


def test_bars_of_rounded_parts_end_at_the_line_too(otter_case):
    """In the disclosure edition: they share what the exact ones leave, by what is said of each."""
    tags = otter_case.tags
    reed = tags.where(actor="reed").addresses()
    trace = cw.trace(otter_case.ledger, reed, policy="haircut", stop=tags.services())
    ax = figures.sum_check(trace)
    (line,) = {one.get_xdata()[0] for one in ax.lines if one.get_linestyle() == "--"}
    came, ended = sum_figure._sides(trace, 20)
    assert any(one.told.rounded for one in ended)
    assert sum(one.told.amount for one in ended) != trace.amount
    for parts in (came, ended):
        lengths = sum_figure._lengths(parts, trace.amount)
        assert sum(lengths) == pytest.approx(trace.amount)
        for one, long in zip(parts, lengths, strict=True):
            assert one.told.rounded or long == one.told.amount
    assert max(one.get_x() + one.get_width() for one in drawn(ax)) == pytest.approx(line, abs=0.5)


@pytest.mark.parametrize("draw", [figures.sum_check, figures.timeline])
def test_a_name_is_whole_where_there_is_room_and_beside_no_bar(ranged, draw, working):
    """What is measured is what is drawn: names are of the size at which their room was found."""
    name = "a service of rather many words indeed"
    trace = ranged.traces["fifo"]
    ends = trace.ends.with_columns(
        service=pl.when(pl.col("service").is_not_null()).then(pl.lit(name))
    )
    ax = draw(replace(trace, ends=ends))
    found = [one for one in ax.texts if one.get_text().startswith(name)]
    assert found
    left = min(one.get_x() for one in drawn(ax))
    renderer = ax.figure.canvas.get_renderer()
    for one in found:
        box = one.get_window_extent(renderer).transformed(ax.transData.inverted())
        assert box.x1 < left


def test_smaller_parts_are_one(ranged, working):
    told = texts(figures.sum_check(ranged.traces["fifo"], top=2))
    assert any(one.endswith(" smaller parts") for one in told)
    with pytest.raises(InputError, match="top is 0"):
        figures.sum_check(ranged.traces["fifo"], top=0)


def test_reach_has_no_sum(ranged):
    with pytest.raises(InputError, match=r"poison has no sum to check.*such as haircut"):
        figures.sum_check(ranged.traces["poison"])


def test_a_lost_unit_is_never_drawn_over(ranged, working):
    trace = ranged.traces["fifo"]
    with pytest.raises(ConservationError, match="add up to"):
        figures.sum_check(replace(trace, ends=trace.ends[1:]))


def test_what_a_table_rounds_is_rounded_here(otter_case):
    tags = otter_case.tags
    reed = tags.where(actor="reed").addresses()
    trace = cw.trace(otter_case.ledger, reed, policy="haircut", stop=tags.services())
    ax = figures.sum_check(trace)
    said = " ".join([*texts(ax), ax.get_label()])
    exact = {int(one) for one in sum_figure.parts_of(trace).frame["amount"]}
    came, ended = sum_figure._sides(trace, 99)
    hidden = exact - {one.told.amount for one in (*came, *ended)} - {trace.amount}
    assert hidden
    assert not [one for one in hidden if trace.asset.shown(one) in said]
    assert "such parts add up to the sum only about" in said


def test_what_alone_makes_up_a_side_is_said_as_the_side_is(otter_case):
    tags = otter_case.tags
    reed = tags.where(actor="reed").addresses()
    trace = cw.trace(otter_case.ledger, reed, policy="haircut", stop=tags.services())
    alone = trace.origins.with_columns(kind=pl.lit(trace.origins["kind"][0]))
    (part,) = sum_figure._sides(replace(trace, origins=alone), 99)[0]
    assert part.told == Told(trace.amount, False)


def test_the_same_bytes_twice(ranged, working, tmp_path):
    trace = ranged.traces["lifo"]
    once, again = (
        save_figure(figures.sum_check(trace).figure, tmp_path / name) for name in ("a", "b")
    )
    assert once == again


def test_another_thing_is_refused(ranged):
    with pytest.raises(ArgumentError, match="pass what trace"):
        figures.sum_check(ranged)
