"""The flow figure: every unit is somewhere, labels are apart, the same bytes in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from flow_frames import ENGINES, FIGURES, frame, trace
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from chainwatch.errors import InputError
from chainwatch.figures import fit, style
from chainwatch.figures.fit import BAR
from chainwatch.figures.sankey import alt_text, draw_flow
from chainwatch.figures.selection import percent, select, short_amount
from chainwatch.privacy.flow_totals import Totals


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FIGURES)
def test_labels_neither_overlap_nor_leave_the_page(name: str, engine: str) -> None:
    flows, top = FIGURES[name]
    ax = draw_flow(
        flows, symbol="BTC", decimals=8, top=top, title="T" * 300, caption="C " * 900, engine=engine
    )
    with style.settings():
        ax.figure.canvas.draw()
        page = ax.figure.bbox
        texts = [text for text in ax.texts if text.get_text().strip()]
        # a line of text is as high as its letters; half a point of leeway for rounding
        boxes = [(text.get_text(), text.get_window_extent().padded(-0.7)) for text in texts]
    for text, box in boxes:
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)


UNDECIDED = "pays {} alone (custody undecided)"


def undecided(name: str, subjects: int, others: int, hops: int = 0) -> pl.DataFrame:
    """Return subjects who pay a wallet that pays one service alone, and others."""
    roles = {"wallet": "undecided", **{f"s{n}": "subject" for n in range(subjects)}}
    flows: list[tuple[str, str, int | None]] = [
        (f"s{n}", "wallet", 10**13 + n * 10**9) for n in range(subjects)
    ]
    flows += [(f"s{n % subjects}", f"bc1q{n:038d}", 10**12 + n) for n in range(others)]
    flows += [(f"h{n}", f"h{n + 1}", 10**12) for n in range(hops)]
    return frame(flows, roles, {"wallet": UNDECIDED.format(name)})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("subjects", "others", "hops"), [(1, 1, 0), (3, 5, 4), (15, 25, 0), (9, 50, 12), (4, 9, 30)]
)
@pytest.mark.parametrize("name", ["huobi", "binance", "An Exchange of a Name without End " * 40])
def test_undecided_custody_is_said_whole_at_its_node(
    name: str, subjects: int, others: int, hops: int, engine: str
) -> None:
    flows = undecided(name, subjects, others, hops)
    ax = draw_flow(flows, symbol="USDT", decimals=6, top=80, caption="FIFO.", engine=engine)
    (said,) = [text.get_text() for text in ax.texts if "(custody undecided)" in text.get_text()]
    if len(name) < 20:
        assert UNDECIDED.format(name) in said
    assert [text.get_text() for text in ax.texts if text.get_text() == "C1"] != [], "its own mark"
    assert any(text.get_text() == "C custody undecided" for text in ax.texts), "in the legend"
    with style.settings():
        ax.figure.canvas.draw()
        boxes = [text.get_window_extent().padded(-0.7) for text in ax.texts if text.get_text()]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_fit_on_a4_landscape(name: str) -> None:
    flows, top = FIGURES[name]
    wide, high = draw_flow(
        flows, symbol="BTC", decimals=8, top=top, title="Main routes", caption="FIFO."
    ).figure.get_size_inches()
    assert wide <= 297 / 25.4 - 0.8
    assert high <= 210 / 25.4


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.sampled_from("abcdefgh"),
            st.one_of(st.none(), st.integers(0, 10**30)),
        ),
        max_size=40,
        unique_by=lambda row: row[:2],
    ),
    top=st.integers(1, 12),
)
def test_every_unit_is_drawn_or_named(rows: list[tuple[str, str, int | None]], top: int) -> None:
    chosen = select(frame(rows), top)
    parts = (chosen.drawn, chosen.others_out, chosen.others_in, chosen.elsewhere)
    assert sum(part.amount for part in parts) == sum(amount or 0 for *_, amount in rows)
    assert sum(part.flows for part in parts) == len(rows)
    assert sum(part.unknown for part in parts) == sum(amount is None for *_, amount in rows)
    assert chosen.drawn.flows == min(top, len(rows))
    assert all(0 <= flow.source < len(chosen.nodes) for flow in chosen.flows)


def test_the_page_says_what_is_not_drawn() -> None:
    flows = frame(
        [("a", "b", 900), ("b", "c", 60), ("z", "b", 30), ("y", "x", 7), ("b", "b", 3)],
        {"a": "subject"},
    )
    ax = draw_flow(flows, symbol="sat", decimals=0, top=1)
    said = " ".join(text.get_text() for text in ax.texts)
    assert "others: 2 flows, 63 sat, paid out by nodes drawn" in said
    assert "others: 1 flow, 30 sat, paid in to nodes drawn" in said
    assert "others: 1 flow, 7 sat, between nodes that are not drawn" in said
    assert "the largest 1 of 5 flows (9 payments and ends), 900 sat of 1,000 sat in all" in said


def bars(flows: pl.DataFrame, engine: str = "own", sums: Totals | None = None) -> dict[str, float]:
    """Return how high the bar of each node is drawn, in points: its label stands right beside."""
    ax = draw_flow(flows, symbol="sat", decimals=0, engine=engine, sums=sums)
    drawn = [one for one in ax.patches if isinstance(one, Rectangle) and one.get_width() == BAR]
    found = {}
    for node in select(flows, 40, sums).nodes:
        (label,) = (text for text in ax.texts if text.get_text() == node.mark)
        x = label.get_position()[0] - BAR - 8.0
        near = [one for one in drawn if abs(one.get_x() - x) < 1e-6]
        y = label.get_position()[1]
        bar = min(near, key=lambda one: abs(one.get_y() + one.get_height() / 2 - y))
        found[node.name] = bar.get_height()
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_many_thin_bands_make_no_bar_higher(engine: str) -> None:
    """Twenty bands at the least width are not worth more than one that is really wide."""
    small: list[tuple[str, str, int | None]] = [(f"p{n}", "small", 20) for n in range(18)]
    flows = frame([*small, ("q", "large", 5_000), ("small", "end", 360), ("large", "end", 5_000),
                   ("z", "whole", 40_000)])  # fmt: skip
    high = bars(flows, engine)
    assert high["large"] == high["q"] < high["whole"]
    assert high["small"] <= high["large"]
    assert high["whole"] / high["large"] == pytest.approx(40_000 / 5_000, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("ijklmnop"), st.integers(1, 10**12)),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[:2],
    )
)
def test_whoever_moved_more_is_drawn_higher(rows: list[tuple[str, str, int]]) -> None:
    chosen = select(frame(list(rows)), 40)
    plan = fit.plan(chosen, 740.0, 60.0, "own")
    placed = fit.arrange(chosen, plan, max(320.0, fit.least_height(plan) * 1.05), "own")
    amounts = [node.shown.amount for node in chosen.nodes]
    for one, other in combinations(range(len(amounts)), 2):
        if amounts[one] <= amounts[other]:
            assert placed.bar[one] <= placed.bar[other]
    for amount, bar in zip(amounts, placed.bar, strict=True):
        assert bar == pytest.approx(max(amount * placed.scale, fit.LOWEST))


def test_bars_are_as_high_as_their_labels_say_where_bands_are_rounded() -> None:
    """Flows of 1,400 and 1,350 are both drawn as 1,000 and yet the bars stand as 14 to 13.5."""
    pairs = {("s", "one"): 1_400, ("s", "other"): 1_350}
    rounded = frame([("s", "one", 1_000), ("s", "other", 1_000)], {"s": "subject"}, coarse=True)
    parties = {pair: frozenset(bytes([n]) for n in range(5)) for pair in pairs}
    sums = Totals(pairs, parties, frozenset({2_750, 1_400, 1_350}), 2_750)
    high = bars(rounded, sums=sums)
    assert high["one"] / high["other"] == pytest.approx(1_400 / 1_350)
    assert high["s"] / high["one"] == pytest.approx(2_750 / 1_400)
    said = " ".join(text.get_text() for text in draw_flow(
        rounded, symbol="sat", decimals=0, sums=sums).texts)  # fmt: skip
    assert "those at a bar may come to more or less than it" in said


def test_marks_follow_the_order_of_the_case_and_not_the_amounts() -> None:
    """A party that is not drawn keeps its number; those without a place come behind."""
    roles = dict.fromkeys(["one", "two", "three"], "subject")
    flows = [("three", "x", 900), ("one", "y", 500), ("two", "z", 1), ("late", "w", 700)]
    sums = Totals({}, {}, frozenset(), 2_101, order={"one": 0, "two": 1, "three": 2})
    chosen = select(frame(list(flows), roles | {"late": "subject"}), 3, sums)
    marks = {node.name: node.mark for node in chosen.nodes if node.role == "subject"}
    assert marks == {"one": "S1", "three": "S3", "late": "S4"}
    plain = select(frame(list(flows), roles | {"late": "subject"}), 3)
    assert [node.mark for node in plain.nodes if node.role == "subject"] == ["S1", "S2", "S3"]


def test_bands_meet_a_bar_within_its_height_and_in_their_order() -> None:
    whole = [*fit.beside(10.0, [6.0, 5.0, 1.0])]
    assert whole[0] == pytest.approx((5.0, 5.0)), "pressed together: 12 on a bar of 10"
    assert whole[-1][0] - whole[-1][1] == pytest.approx(-5.0)
    thin = [*fit.beside(3.0, [0.1] * 20)]
    assert all(thick == fit.THINNEST for _, thick in thin)
    assert thin[0][0] - (thin[-1][0] - fit.THINNEST) == pytest.approx(2.0 + fit.THINNEST - 0.1)
    assert [*fit.beside(10.0, [4.0])] == [(2.0, 4.0)]


def test_shares_are_of_what_enters_the_figure() -> None:
    flows = frame([("a", "b", 1_000), ("b", "c", 250), ("b", "d", 750), ("c", "b", 100)])
    assert select(flows, 40).entering == 1_000
    said = [text.get_text() for text in draw_flow(flows, symbol="sat", decimals=0).texts]
    assert "250 sat (25 %)" in said
    assert any("1,100 sat (110 %)" in text for text in said)


def test_coarse_and_unknown_amounts_are_marked() -> None:
    flows = pl.concat([frame([("a", "b", 400)], coarse=True), frame([("b", "c", None)])])
    said = [text.get_text() for text in draw_flow(flows, symbol="sat", decimals=0).texts]
    assert "≈ 400 sat" in said, "a share of it would tell more digits than are known"
    assert "unknown amount (0 %)" in said
    assert any("1 flow is of unknown amount" in text for text in said)
    assert "rounded to protect others than subjects, findings and services" in " ".join(said)


def test_a_flow_that_closes_a_cycle_is_marked() -> None:
    ring = frame([("a", "b", 9), ("b", "c", 8), ("c", "a", 1), ("c", "d", 7)])
    ax = draw_flow(ring, symbol="sat", decimals=0)
    assert "runs back" in [text.get_text() for text in ax.texts]
    heads = [line for line in ax.lines if line.get_marker() == "<"]
    assert len(heads) == 2  # the band and its entry in the legend
    plain = draw_flow(ring[:2], symbol="sat", decimals=0)
    assert "runs back" not in [text.get_text() for text in plain.texts]


def test_markup_in_labels_is_text() -> None:
    ax = draw_flow(frame([("a", "b", 5)], labels={"a": "$x$"}), symbol="$_$", decimals=0)
    assert any("$x$" in text.get_text() for text in ax.texts)
    assert not any(text.get_parse_math() for text in ax.texts)


def test_given_axes_are_used_and_global_settings_are_not_touched() -> None:
    import matplotlib

    before = matplotlib.rcParams.copy()
    ax = style.new_axes(9, 5)
    assert draw_flow(trace(12, 8), symbol="BTC", decimals=8, ax=ax) is ax
    assert matplotlib.rcParams.copy() == before


def test_axes_that_are_too_small_are_refused() -> None:
    with pytest.raises(InputError, match="draw fewer flows or on higher axes"):
        draw_flow(trace(40, 30), symbol="BTC", decimals=8, ax=style.new_axes(9, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop("coarse"), "lacks the columns coarse"),
        (lambda rows: rows.with_columns(source_role=pl.lit("boss")), "no style for the roles"),
        (lambda rows: rows.with_columns(amount=-pl.col("amount")), "negative amount"),
        (lambda rows: rows.with_columns(target=pl.lit(None, pl.String)), "without source or"),
    ],
)
def test_what_is_no_flow_frame_is_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(InputError, match=message):
        draw_flow(change(frame([("a", "b", 5)])), symbol="BTC", decimals=8)


def test_alt_text_names_the_main_routes() -> None:
    flows = frame([("a", "b", 9 * 10**8), ("b", "c", 10**8)], {"a": "subject", "b": "mixer"})
    said = alt_text(flows, symbol="BTC", decimals=8, top=1)
    assert "a (subject) to b (mixer) 9 BTC" in said
    assert "9 BTC of 10 BTC in all flows are drawn" in said
    assert "1 further flow is summed up as others" in said
    ax = draw_flow(flows, symbol="BTC", decimals=8, top=1, title="Whom it reached")
    assert (ax.figure.get_label(), ax.get_label()) == ("Whom it reached", said)


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (38_812_345, 8, "0.3881"),
        (123_456_789, 8, "1.2346"),
        (99_999_999, 8, "1"),
        (1_234, 8, "0.00001234"),
        (1, 18, "<0.00000001"),
        (0, 8, "0"),
        (10**38 - 1, 0, "1.000e38"),
        (1_999_999_999_999_999_999, 6, "2.000e12"),
        (1_234_549_999_999_999_999, 6, "1.235e12"),
        (123_456_700_000_000, 8, "1,234,567"),
    ],
)
def test_amounts_are_rounded_in_integers(amount: int, decimals: int, text: str) -> None:
    assert short_amount(amount, decimals) == text


@pytest.mark.parametrize(
    ("part", "said"), [(40, "≈ 53 %"), (50, "≈ 67 %"), (75, "≈ 100 %"), (0, "≈ 0 %")]
)
def test_a_share_of_a_rounded_amount_is_said_about(part: int, said: str) -> None:
    assert percent(part, 75, rounded=True) == said
    assert percent(part, 7500, rounded=True) in ("≈ under 1 %", "≈ 1 %", "≈ 0 %")


def test_shares_reach_neither_end_by_rounding() -> None:
    assert [percent(part, 10**6) for part in (0, 1, 999_999, 10**6, 125_500)] == [
        "0 %", "<0.1 %", "99.9 %", "100 %", "12.6 %",
    ]  # fmt: skip


SCRIPT = """
import sys; sys.path.insert(0, {folder!r})
from pathlib import Path
from flow_frames import trace
from chainwatch.figures import style
from chainwatch.figures.sankey import draw_flow
ax = draw_flow(trace(60, 30).sample(fraction=1.0, shuffle=True, seed=int(sys.argv[2])),
               symbol="BTC", decimals=8, title="t", engine=sys.argv[3])
print(sorted(style.save_figure(ax.figure, Path(sys.argv[1]) / "fig").items()))
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_same_bytes_in_another_process_for_rows_in_any_order(tmp_path: Path, engine: str) -> None:
    said = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                SCRIPT.format(folder=str(Path(__file__).parents[1])),
                *(str(folder), seed, engine),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(run.stdout)
    assert said[0] == said[1]
    assert ".png" in said[0]
