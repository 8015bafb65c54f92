"""The picture of what depends on the method: every policy named at its bar, reach in words."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl
import pytest
from matplotlib.patches import Rectangle

from chainwatch import figures
from chainwatch.errors import ArgumentError, InputError
from chainwatch.figures import bars
from chainwatch.figures.style import save_figure
from chainwatch.privacy.mask_rows import hidden_rows
from chainwatch.privacy.mask_tables import mask_table
from chainwatch.tracing.ranges.range_result import COMMON, NO_INTERVAL, kind_in_words


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


def drawn(ax) -> list[Rectangle]:
    return [item for item in ax.patches if isinstance(item, Rectangle)]


def test_every_policy_stands_at_a_bar_with_its_amount(ranged, working):
    told = texts(figures.policy_range(ranged, top=99))
    for row in ranged.kinds.iter_rows(named=True):
        amount = ranged.asset.shown(int(row["amount"]))
        assert any(row["policy"] in one and one.endswith(f": {amount}") for one in told), row


def test_the_width_of_a_bar_is_its_amount(ranged, working):
    ax = figures.policy_range(ranged, top=99)
    largest = int(ranged.summary()["high"].max())
    full = max(one.get_width() for one in drawn(ax))
    widths = {round(one.get_width() / full * largest) for one in drawn(ax)}
    amounts = {
        int(row["amount"])
        for row in ranged.kinds.filter(pl.col("policy") != "poison").iter_rows(named=True)
    }
    seen = {one for one in amounts if one / largest * full >= 0.5}
    assert len(seen) > 3
    assert all(any(abs(width - one) <= 2 for width in widths) for one in seen)


def test_it_says_that_it_is_no_interval_and_what_is_apart(ranged, working):
    ax = figures.policy_range(ranged)
    words = " ".join(texts(ax))
    assert NO_INTERVAL in words
    assert NO_INTERVAL in ax.get_label()
    assert "poison, which tells reach and nobody's share: " in words
    hatched = [one for one in drawn(ax) if one.get_hatch()]
    common = [one for one in texts(ax) if one.startswith((f"{COMMON}: ", f"{COMMON}, that is "))]
    assert 0 < len(hatched) <= len(common)


def test_no_colour_carries_a_meaning(ranged, working):
    faces = {one.get_facecolor() for one in drawn(figures.policy_range(ranged))}
    assert len(faces) == 1


def test_what_does_not_follow_is_dotted_and_on_the_same_scale(ranged, working):
    """Lowest intermediate balance names ends that no other policy has, and larger ones."""
    most = int(ranged.kinds.filter(policy="fifo")["amount"].max())
    rows = pl.DataFrame({"reason": ["unspent", "paid away"], "amount": [most, 2 * most]})
    rows = rows.with_columns(
        pl.lit(None, pl.String).alias("service"), pl.lit("lowest_balance").alias("policy"),
        pl.lit("").alias("behind"), pl.col("amount").cast(ranged.kinds["amount"].dtype),
    ).select(ranged.kinds.columns)  # fmt: skip
    apart = rows.filter(reason="paid away")
    zeros = [apart.with_columns(pl.lit(name).alias("policy"), (pl.col("amount") * 0).cast(
        ranged.kinds["amount"].dtype)) for name in (*ranged.compared, COMMON)]  # fmt: skip
    ax = figures.policy_range(
        replace(ranged, kinds=pl.concat([ranged.kinds, rows, *zeros])), top=99
    )
    dotted = sorted(one.get_width() for one in drawn(ax) if one.get_hatch() == "....")
    assert len(dotted) == 2
    assert dotted[1] == pytest.approx(2 * dotted[0])
    assert dotted[1] == max(one.get_width() for one in drawn(ax))
    assert sum("lowest_balance, which does not follow: " in one for one in texts(ax)) == 2


def test_smaller_kinds_are_counted(ranged, working):
    ax = figures.policy_range(ranged, top=1)
    more = ranged.summary().height - 1
    assert f"{more} smaller kinds of end are not drawn; the table has them." in texts(ax)
    with pytest.raises(InputError, match="top is 0"):
        figures.policy_range(ranged, top=0)


def test_what_a_table_rounds_is_rounded_in_word_and_length(ranged):
    """What a masked party alone holds stands nowhere, not even in the length of a bar."""
    ax = figures.policy_range(ranged)
    told = bars.told_amounts(ranged, ranged.asset.chain, ranged.tables()["policies_by_kind"])
    amounts = map(int, ranged.kinds["amount"])
    hidden = {amount for amount, one in zip(amounts, told, strict=True) if one.rounded}
    hidden -= {one.amount for one in told}
    assert hidden
    said = " ".join([*texts(ax), ax.get_label()])
    assert "≈ " in said
    # Of what was rounded nobody says that every policy finds the same.
    assert not re.search(r"≈ [0-9.]+ \S+ under each", said)
    largest = max(one.amount for one in told if not one.rounded or one.amount)
    full = max(one.get_width() for one in drawn(ax))
    for amount in hidden:
        assert ranged.asset.shown(amount) not in said
        if amount / largest > 0.01:
            assert not [one for one in drawn(ax) if one.get_width() == full * amount / largest]


def test_where_one_policy_is_rounded_all_are(ranged):
    """An exact bound beside a rounded one would give it away: in figure, table and words."""
    rows = ranged.tables()["policies_by_kind"]
    chain = ranged.asset.chain
    told = bars.told_amounts(ranged, chain, rows)
    kinds = list(map(kind_in_words, rows.frame.iter_rows(named=True)))
    by_kind = {kind: {one.rounded for name, one in zip(kinds, told, strict=True) if name == kind}
               for kind in kinds}  # fmt: skip
    assert all(len(one) == 1 for one in by_kind.values())
    edition = bars.shown_edition(ranged)
    alone = hidden_rows(rows._replace(table=replace(rows.table, alike=())),
                        [chain] * rows.frame.height, edition)  # fmt: skip
    single = {kind: {one.transaction for name, one in zip(kinds, alone, strict=True)
                     if name == kind} for kind in kinds}  # fmt: skip
    assert any(len(one) == 2 for one in single.values())  # of such kinds one row gave way
    masked = mask_table(rows, [chain] * rows.frame.height, edition).frame
    shown = dict.fromkeys(zip(masked["reason"], masked["service"], masked["rounded"], strict=True))
    assert len({one[:2] for one in shown}) == len(shown)


def test_the_same_bytes_twice(ranged, working, tmp_path):
    once, again = (
        save_figure(figures.policy_range(ranged).figure, tmp_path / name) for name in ("a", "b")
    )
    assert once == again


def test_a_flow_of_reach_says_that_it_is_reach(ranged):
    said = {name: figures.flow(one).caption() for name, one in ranged.traces.items()}
    assert [name for name, one in said.items() if "nobody's share" in one] == ["poison"]


def test_another_thing_is_refused(ranged):
    with pytest.raises(ArgumentError, match="pass what trace_all"):
        figures.policy_range(ranged.traces["fifo"])


def test_without_a_number_it_can_be_read_on_a_page(ranged, working):
    """Below a heading on A4 on its side nothing is made smaller: text stays at 7 points or more."""
    ax = figures.policy_range(ranged)
    wide, tall = (72 * one for one in ax.figure.get_size_inches())
    assert wide == pytest.approx(bars.WIDE)
    assert tall <= bars.TALLEST
    assert min(one.get_fontsize() for one in ax.texts) >= 7.0
    drawn_names = set(texts(ax)) & {
        kind_in_words(row) for row in ranged.kinds.iter_rows(named=True)
    }
    more = ranged.summary().height - len(drawn_names)
    assert more > 0
    assert f"{more} smaller kinds of end are not drawn; the table has them." in texts(ax)


def test_where_all_say_the_same_of_the_same_places_there_is_one_bar(ranged, working):
    same = ranged.kinds.with_columns(
        pl.lit(5, ranged.kinds["amount"].dtype).alias("amount")
    ).filter(pl.col("policy") != "poison")
    ax = figures.policy_range(replace(ranged, kinds=same), top=99)
    kinds = same.select("reason", "service").unique().height
    assert len(drawn(ax)) == kinds
    assert all(one.get_hatch() for one in drawn(ax))
    said = [one for one in texts(ax) if one.startswith(f"{COMMON}, that is ")]
    assert len(said) == kinds


def test_an_amount_is_never_cut(ranged, working):
    wide = ranged.kinds.with_columns(
        (pl.col("amount") * 10**9 + 123_456_789).cast(ranged.kinds["amount"].dtype)
    )
    told = texts(figures.policy_range(replace(ranged, kinds=wide), top=99))
    for amount in wide["amount"].unique():
        assert any(one.endswith(f" {ranged.asset.shown(int(amount))}") for one in told)


def test_whiskers_stand_apart_from_what_is_written(ranged, working, tmp_path):
    ax = figures.policy_range(ranged)
    save_figure(ax.figure, tmp_path / "range")
    renderer, back = ax.figure.canvas.get_renderer(), ax.transData.inverted()
    boxes = [one.get_window_extent(renderer).transformed(back) for one in ax.texts]
    whiskers = [one for one in ax.lines if one.get_linewidth() == 1.6]
    assert whiskers
    for line in whiskers:
        (x0, x1), (y0, y1) = line.get_data()
        for box in boxes:
            beside = box.x1 < min(x0, x1) or box.x0 > max(x0, x1)
            assert beside or box.y0 > max(y0, y1) + 0.8 or box.y1 < min(y0, y1) - 0.8
