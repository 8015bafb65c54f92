"""The coverage chart: what was read is drawn, what was not is named, with its number and amount."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from matplotlib.patches import Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures.charts import coverage_chart as module
from chainwatch.ledger.coverage import UNREAD
from chainwatch.ledger.lookup.what_was_read import HISTORIES, SPANS


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


def filled(ax: Any) -> list[Rectangle]:
    return [one for one in ax.patches if isinstance(one, Rectangle) and one.get_linestyle() == "-"]


def with_spans(read: cw.WhatWasRead, *runs: tuple[int, int]) -> cw.WhatWasRead:
    chain = read.extent["chain"][0]
    rows = [(chain, low, high, high - low + 1) for low, high in runs]
    return replace(read, spans=SPANS.frame(rows))


def test_what_was_read_is_one_bar_to_the_tip(read: Any) -> None:
    ax = figures.coverage_chart(read)
    told = texts(ax)
    assert "289 blocks in 1 run" in told
    assert {"block 0", "block 288"} <= set(told)
    assert len(filled(ax)) == 1
    assert any(one.startswith("Not read: later blocks") for one in told)
    assert any("up to block 288 (2023-09-30)" in one for one in told), "the date of the data"


def test_gaps_stay_empty_and_are_counted(read: Any) -> None:
    ax = figures.coverage_chart(with_spans(read, (100, 199), (300, 399)))
    first, second = sorted(filled(ax), key=lambda one: one.get_x())
    assert first.get_width() == pytest.approx(second.get_width())
    gap = second.get_x() - first.get_x() - first.get_width()
    assert gap == pytest.approx(first.get_width(), rel=0.02)
    assert any("200 blocks in 2 runs, 100 heights" in one for one in texts(ax))
    broken = [one for one in ax.patches if one.get_linestyle() == ":"]
    assert len(broken) == 2, "before and after"


def test_a_single_block_of_many_is_seen(read: Any) -> None:
    ax = figures.coverage_chart(with_spans(read, (0, 0), (574_200, 574_200)))
    assert len(filled(ax)) == 2
    assert min(one.get_width() for one in filled(ax)) >= module.NARROWEST - 0.01


def test_many_runs_are_merged_where_they_touch(read: Any) -> None:
    runs = [(n * 10, n * 10 + 4) for n in range(5_000)]
    ax = figures.coverage_chart(with_spans(read, *runs))
    assert len(filled(ax)) < module.MOST_RUNS
    assert any("5,000 runs" in one for one in texts(ax))


def test_histories_stand_by_how_far_they_were_read(read: Any) -> None:
    chain = read.extent["chain"][0]
    rows = [
        (chain, height, whole, many)
        for height, whole, many in [
            (200, True, 9),
            (250, False, 3),
            (260, True, 2),
            (270, True, 1),
            (None, False, 4),
        ]
    ]
    some = replace(read, histories=HISTORIES.frame(rows))
    ax = figures.coverage_chart(some)
    said = " ".join(texts(ax))
    assert [one.get_hatch() for one in filled(ax)].count(module.IN_PART) == 1, "what is not whole"
    assert "9 histories, up to block 200" in said
    assert "3 histories, up to block 250" in said
    assert "4 histories, no block is stated" in said
    assert "3 histories, up to other blocks" in said


def test_what_was_not_read_is_named_with_its_amount(read: Any) -> None:
    chain = read.extent["chain"][0]
    rows = [
        ("inputs", chain, 7, 150_000_000, "they are <script>=cmd|' /C calc'!A0\u202e"),
        ("gaps", chain, 0, 0, "none"),
        ("later blocks", chain, None, None, "after"),
    ]
    facts = replace(read, not_read=UNREAD.frame(rows))
    ax = figures.coverage_chart(facts)
    said = " ".join(texts(ax))
    assert "7, 1.5 rBTC: they are <script>" in said
    assert "\u202e" not in said
    assert "Not read: gaps" not in said
    assert "unknown how many" in said
    one = figures.coverage_chart(facts, top=1)
    assert "1 more kinds of what was not read stand in the table." in texts(one)


def test_a_trace_says_what_ended_unread(read: Any, ranged: Any, working: None) -> None:
    said = " ".join(texts(figures.coverage_chart(read, trace=ranged.traces["fifo"])))
    assert "nothing ended at a history that was not read" in said


def test_an_empty_ledger(read: Any) -> None:
    none = replace(read, extent=read.extent.clear(), spans=read.spans.clear(),
                   histories=read.histories.clear(), not_read=read.not_read.clear())  # fmt: skip
    ax = figures.coverage_chart(none)
    assert module.NOTHING in texts(ax)
    assert none.data() == "Nothing was read."


def test_the_tables_are_those_of_coverage(read: Any, otter_case: Any) -> None:
    ledger = otter_case.ledger
    assert read.extent["transactions"][0] == cw.coverage(ledger)["transactions"][0]
    assert read.digest == cw.what_was_read(ledger.between("2023-07-01", "2023-08-01")).digest
    assert isinstance(read.not_read, pl.DataFrame)
    assert read.data("btc-regtest") == read.data()


def test_arguments_that_do_not_fit(read: Any, otter_case: Any) -> None:
    with pytest.raises(InputError, match="top is 0"):
        figures.coverage_chart(read, top=0)
    with pytest.raises(ArgumentError, match="pass what what_was_read"):
        figures.coverage_chart(otter_case.ledger)
    with pytest.raises(ArgumentError, match="open it first"):
        cw.what_was_read("ledger")


def test_without_a_whole_block_all_else_is_unknown(read: Any) -> None:
    chain = read.extent["chain"][0]
    part = UNREAD.frame([("addresses read in part", chain, 20, None, "no completeness")])
    some = replace(read, spans=read.spans.clear(), not_read=part)
    said = " ".join(texts(figures.coverage_chart(some)))
    assert "Not read: all else" in said
    assert "20: no completeness" in said
    assert "Nothing that was not read is named" not in said
