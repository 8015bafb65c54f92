"""Exposure bars: every base unit once, what was not read apart, policies as a line, all masked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from matplotlib.patches import Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures import bars
from chainwatch.figures.charts import exposure_bars as module
from chainwatch.privacy.edition import WORKING, Edition
from chainwatch.tracing.stops import NOT_READ
from chainwatch.units import total


def texts(ax: Any) -> list[str]:
    return [item.get_text() for item in ax.texts]


def drawn(ax: Any) -> list[Rectangle]:
    return [item for item in ax.patches if isinstance(item, Rectangle)]


def unread(found: cw.Exposure, share: int) -> cw.Exposure:
    """Return an exposure of which the largest kind of end was not read."""
    rows = found.categories.with_row_index()
    lost = pl.col("index") < share
    return replace(found, categories=rows.with_columns(
        category=pl.when(lost).then(pl.lit(NOT_READ)).otherwise("category"),
        reason=pl.when(lost).then(pl.lit(NOT_READ)).otherwise("reason"),
        entity=pl.when(lost).then(None).otherwise("entity"),
    ).drop("index"))  # fmt: skip


def test_every_base_unit_stands_once(exposed: Any, working: None) -> None:
    found = exposed["fifo"]
    ended, _ = module._parts(found, {})
    whole = total(found.categories["amount"])
    assert sum(one.told.amount for one in ended) == whole
    assert sum(one.told.amount for one in module._fold(ended, 2)) == whole
    said = " ".join(texts(figures.exposure_bars(found)))
    assert f"Shares are of {found.asset.shown(whole)}" in said
    for one in ended[:4]:
        assert found.asset.shown(one.told.amount) in said


def test_bars_are_as_long_as_their_amounts(exposed: Any, working: None) -> None:
    found = exposed["fifo"]
    ended, reached = (module._fold(one, 6) for one in module._parts(found, {}))
    widths = sorted(round(one.get_width(), 3) for one in drawn(figures.exposure_bars(found)))
    whole = total(found.categories["amount"])
    full = max(widths) / max(one.told.amount for one in (*ended, *reached))
    for one in (*ended, *reached):
        if one.told.amount / whole > 0.01:
            assert any(abs(width - one.told.amount * full) < 0.01 for width in widths), one


def test_what_was_not_read_is_a_bar_of_its_own_and_last(exposed: Any, working: None) -> None:
    found = unread(exposed["fifo"], 2)
    amount = sum(int(one) for one in found.categories["amount"][:2])
    ended = module._fold(module._parts(found, {})[0], 1)
    assert [one.unread for one in ended].count(True) == 1
    assert ended[-1].unread, "never folded away"
    assert ended[-1].told.amount == amount
    ax = figures.exposure_bars(found, top=1)
    assert [one.get_hatch() for one in drawn(ax)].count(module.HATCHES["unread"]) == 1
    assert any(one == "Not read" for one in texts(ax))


def test_a_line_runs_from_the_lowest_to_the_highest_policy(exposed: Any, working: None) -> None:
    found = exposed["fifo"]
    ended, reached = module._parts(found, exposed)
    slow = {}
    for one in exposed.values():
        sums: dict[str, int] = {}
        for actor, arrived in one.frame.select("actor", "arrived").iter_rows():
            sums[actor] = sums.get(actor, 0) + int(arrived)
        for actor in {name for other in exposed.values() for name in other.frame["actor"]}:
            slow.setdefault(actor, []).append(sums.get(actor, 0))
    assert {one.name.partition(" (")[0]: (one.low.amount, one.high.amount) for one in reached} == {
        actor: (min(each), max(each)) for actor, each in slow.items()
    }
    assert any(one.low != one.high for one in (*ended, *reached))
    said = " ".join(texts(figures.exposure_bars(found, across=exposed)))
    assert "no confidence interval" in said
    assert "no confidence interval" not in " ".join(texts(figures.exposure_bars(found)))


def test_what_tables_round_is_rounded_here(exposed: Any) -> None:
    found = exposed["haircut"]
    rows = found.tables()["categories"]
    told = bars.told_amounts(found, found.asset.chain, rows)
    hidden = {int(amount) for amount, one in zip(rows.frame["amount"], told, strict=True)
              if one.rounded}  # fmt: skip
    hidden -= {one.amount for one in told}
    assert hidden
    ax = figures.exposure_bars(found, across=exposed)
    said = " ".join([*texts(ax), ax.get_label()])
    assert "≈" in said
    assert not [one for one in hidden if found.asset.shown(one) in said]


def test_what_the_table_beside_it_gives_exactly_is_not_rounded(exposed: Any) -> None:
    found = exposed["fifo"]
    rows = found.tables()["categories"]
    edition = Edition(WORKING, bytes(32), rounded=frozenset(map(int, rows.frame["amount"])))
    for exact in (frozenset[int](), edition.rounded):
        with bars.shown_by(edition, exact=exact):
            told = bars.told_amounts(found, found.asset.chain, rows)
        assert {one.rounded for one in told} == {not exact}


def test_where_one_policy_is_rounded_all_are(exposed: Any) -> None:
    for one in module._parts(exposed["fifo"], exposed)[0]:
        assert one.told.rounded == one.low.rounded == one.high.rounded


def test_a_name_that_only_masked_parties_bear_is_not_said(exposed: Any) -> None:
    found = exposed["fifo"]
    actors = set(found.frame["actor"])
    said = " ".join(texts(figures.exposure_bars(found)))
    assert actors
    assert not [one for one in actors if one in said]
    assert "somebody tagged " in said


def test_whom_a_list_names_is_an_address_on_it_and_not_the_list(
    exposed: Any, working: None
) -> None:
    found = exposed["fifo"]
    name = "OFAC sanctions list"
    (entity, *_) = found.categories["entity"].drop_nulls().to_list()
    mine = pl.col("entity") == entity
    rows = found.categories.with_columns(
        category=pl.when(mine).then(pl.lit("sanction")).otherwise("category"),
        entity=pl.when(mine).then(pl.lit(name)).otherwise("entity"),
    )
    said = texts(figures.exposure_bars(replace(found, categories=rows)))
    assert any(f"(listed: {name}) (" in one for one in said)
    assert not [one for one in said if one.startswith(name)]


def test_what_ended_with_somebody_is_said_once_and_in_one_way(exposed: Any) -> None:
    """What an actor got is said exactly below where the same ended with him above."""
    for found in exposed.values():
        whole, arrived = module._exact(found), module._arrived(found)
        for actor, amount in whole:
            rows = found.frame.filter(pl.col("actor") == actor)
            if {total(rows["arrived"]), total(rows["stayed"])} == {amount}:
                assert arrived[actor] == (bars.Told(amount, False), bars.Told(amount, False))


def test_an_edition_is_part_of_the_signature(exposed: Any, otter_case: Any) -> None:
    ax = figures.exposure_bars(exposed["fifo"], edition=Edition(WORKING, bytes(32)), data="Of x.")
    assert set(exposed["fifo"].frame["actor"]) <= set(re.findall(r"\w+", " ".join(texts(ax))))
    assert texts(ax)[-1] == "Of x."
    assert bars.shown_edition().name == "disclosure", "the desk is as it was"


def test_nothing_is_said_to_be_nothing(exposed: Any, working: None) -> None:
    found = exposed["fifo"]
    empty = replace(found, categories=found.categories.clear(), frame=found.frame.clear())
    ax = figures.exposure_bars(empty)
    assert not drawn(ax)
    assert any("there is nothing to draw" in one for one in texts(ax))


def test_arguments_that_do_not_fit(exposed: Any, ranged: Any) -> None:
    with pytest.raises(InputError, match="top is 0"):
        figures.exposure_bars(exposed["fifo"], top=0)
    with pytest.raises(ArgumentError, match="pass what exposure"):
        figures.exposure_bars(ranged)


@pytest.mark.parametrize(
    ("part", "share"),
    [(0, "0 %"), (1, "under 1 %"), (10, "1 %"), (995, "over 99 %"), (999, "over 99 %"),
     (1_000, "100 %")],
)  # fmt: skip
def test_no_part_is_said_to_be_nothing_or_all(part: int, share: str) -> None:
    told = module._share
    assert told(bars.Told(part, False), 1_000) == f" ({share})"
