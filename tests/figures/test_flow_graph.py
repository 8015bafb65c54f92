"""The flow graph: a flow is a line or is counted, texts are apart, and peel chains fold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import polars as pl
import pytest
from flow_frames import ENGINES, FIGURES, frame
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import PathPatch, Rectangle

import chainwatch as cw
from chainwatch import figures
from chainwatch.clusters.peeling.chains import Shape
from chainwatch.errors import InputError
from chainwatch.figures import captions, style
from chainwatch.figures.graph.contents import contents, days
from chainwatch.figures.graph.graph_drawing import NOT_LOOKED_FOR, WITHHELD, draw_graph
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.peel_runs import peel_runs
from chainwatch.privacy.roles import roles_of
from chainwatch.units import total

KEY = bytes(32)
SHAPE = Shape(least_hops=3, most_percent=50)


def texts(ax) -> list[str]:
    return [item.get_text() for item in ax.texts]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", [one for one in FIGURES if one != "40 of 300 flows"])
def test_texts_neither_overlap_nor_leave_the_page(name: str, engine: str) -> None:
    flows, top = FIGURES[name]
    ax = draw_graph(flows, symbol="BTC", decimals=8, top=top, title="T" * 300, engine=engine)
    with style.settings():
        ax.figure.canvas.draw()
        page = ax.figure.bbox
        boxes = [(text.get_text(), text.get_window_extent().padded(-0.7)) for text in ax.texts
                 if text.get_text().strip()]  # fmt: skip
    for text, box in boxes:
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)
    assert not any(text.get_parse_math() for text in ax.texts)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"),
                  st.one_of(st.none(), st.integers(0, 10**30))),
        max_size=30, unique_by=lambda row: row[:2],
    ),
    top=st.integers(1, 10),
)  # fmt: skip
def test_every_flow_is_a_line_or_is_counted(
    rows: list[tuple[str, str, int | None]], top: int
) -> None:
    flows = frame([row for row in rows if row[0] != row[1]])
    said = contents(flows, symbol="sat", decimals=0, top=top)
    beside = sum(int(re.match(r"[\d,]+", one.texts[0])[0]) for one in said.rests)
    assert len(said.lines) + beside + said.chosen.elsewhere.flows == flows.height
    assert beside == said.chosen.others_out.flows + said.chosen.others_in.flows


def test_amounts_and_days_stand_at_lines_and_the_rest_is_added_up() -> None:
    flows = frame([("a", "b", 900), ("b", "c", 60), ("b", "d", 7), ("b", "e", 3), ("z", "b", 2),
                   ("x", "y", 1)], {"a": "subject", "c": "unread"})  # fmt: skip
    ax = draw_graph(flows, symbol="sat", decimals=0, top=2)
    said = texts(ax)
    assert {"900 sat", "2023-06-01 to 06-02", "60 sat"} <= {*said}
    at = said.index("2 smaller flows")
    assert said[at + 1] == "10 sat"
    assert said[said.index("1 smaller flow") + 1] == "2 sat"
    assert "others: 1 flow, 1 sat, between nodes that are not drawn" in said
    assert "N not followed on" in said
    assert NOT_LOOKED_FOR in " ".join(said)
    lines = [one for one in ax.patches if isinstance(one, PathPatch)]
    assert sorted({round(one.get_linewidth(), 1) for one in lines}) == [0.6, 0.9, 2.4]


def test_days_are_written_as_short_as_they_are_clear() -> None:
    first = datetime(2023, 6, 1, tzinfo=UTC)
    assert days(first, first) == "2023-06-01"
    assert days(first, datetime(2023, 7, 2, tzinfo=UTC)) == "2023-06-01 to 07-02"
    assert days(first, datetime(2024, 7, 2, tzinfo=UTC)) == "2023-06-01 to 2024-07-02"
    assert days(None, None) == ""


def test_a_line_that_closes_a_cycle_is_broken_and_explained() -> None:
    ring = frame([("a", "b", 9), ("b", "c", 8), ("c", "a", 1), ("c", "d", 7)])
    ax = draw_graph(ring, symbol="sat", decimals=0)
    broken = [
        one for one in ax.patches if isinstance(one, PathPatch) and one.get_linestyle() == "--"
    ]
    assert len(broken) == 1
    assert "runs back" in texts(ax)


def test_a_graph_of_nothing_says_so() -> None:
    ax = draw_graph(frame([]), symbol="BTC", decimals=8)
    assert captions.NOTHING in texts(ax)
    assert captions.NOTHING in ax.get_label()


def test_axes_that_are_too_narrow_are_refused() -> None:
    chain = frame([(f"n{n}", f"n{n + 1}", 10**8) for n in range(12)])
    with pytest.raises(InputError, match=r"13 columns need .* fold peel chains"):
        draw_graph(chain, symbol="BTC", decimals=8, ax=style.new_axes(5, 4))
    long = draw_graph(frame([(f"n{n}", f"n{n + 1}", 10**8) for n in range(40)]), symbol="BTC",
                      decimals=8)  # fmt: skip
    assert long.figure.get_size_inches()[0] > 11, "without axes the page grows"


@pytest.fixture(scope="module")
def vendors(otter_case):
    """Return a trace of the vendors, the peel chains of its ledger, and the tags."""
    tags = otter_case.tags
    who = tags.where(concept="vendor").addresses()
    trace = cw.trace(otter_case.ledger, who, policy="fifo", stop=[tags.services()])
    return trace, cw.peel_chains(otter_case.ledger, tags=tags, shape=SHAPE), tags


def edition(name: str, *results) -> Edition:
    return Edition(name, KEY, roles=roles_of(results))


def test_a_peel_chain_is_one_box_and_loses_nothing(vendors) -> None:
    trace, peels, tags = vendors
    shown = edition(WORKING, trace, tags)
    plain = figures.flow_graph(trace, None, tags).flows(shown)
    figure = figures.flow_graph(trace, None, tags, peels=peels)
    folded = figure.flows(shown)
    sums = figure.totals(shown)
    assert len(sums.rest) >= 2
    assert folded.height < plain.height
    for frame_ in (plain, folded):  # what ends is the same, whatever is folded
        nodes = {*frame_["source"], *frame_["target"]}
        ends = nodes - {*frame_["source"]}
        came = total(frame_.filter(pl.col("target").is_in(list(ends)))["amount"])
        assert came == total(trace.ends["amount"])
    for chain, end in sums.rest.items():
        label = folded.filter(source=chain)["source_label"][0]
        assert re.fullmatch(r"peel chain, \d+ hops", label)
        came = total(folded.filter(target=chain)["amount"])
        assert came == total(folded.filter(source=chain)["amount"])
        assert not end or folded.filter(source=chain, target=end).height == 1
    said = " ".join(texts(figure.plot(shown)))
    assert "peel chain, 4 hops" in said
    assert "peeled off" in said
    assert "arrived" in said
    assert "A peel chain is one node" in said


def test_masked_hops_are_said_as_a_band_and_days_are_withheld(vendors) -> None:
    trace, peels, tags = vendors
    shown = edition(DISCLOSURE, trace, tags)
    said = texts(figures.flow_graph(trace, None, tags, peels=peels).plot(shown))
    assert "peel chain, 2-5 hops" in {re.sub(r"[\u2066-\u2069]", "", one) for one in said}
    assert WITHHELD in " ".join(said)
    assert not any(re.search(r"20\d\d-\d\d", one) for one in said)
    addresses = cw.plain(trace.steps)["source"].to_list()
    hidden = [one for one in addresses if one not in str(cw.plain(tags.frame)["address"].to_list())]
    assert hidden
    assert not any(one[:14] in text for one in hidden for text in said)


def test_whoever_is_tagged_or_joined_with_others_does_not_fold(vendors) -> None:
    trace, peels, tags = vendors
    shown = edition(WORKING, trace)
    found = peel_runs(trace, peels, shown)
    (longest,) = [run for run in found.runs.values() if run.hops == 4]
    inside = longest.members[1]
    tagged = replace(tags, frame=pl.concat([tags.frame, tags.frame[:1].with_columns(
        address=pl.lit(inside, pl.Binary), chain=pl.lit(trace.asset.chain))]))  # fmt: skip
    after = peel_runs(trace, peels, shown, None, tagged).runs.values()
    assert not any(inside in run.members for run in after)
    roles = {(trace.asset.chain, inside): "finding"}
    after = peel_runs(trace, peels, Edition(WORKING, KEY, roles=roles)).runs.values()
    assert not any(inside in run.members for run in after)


def test_the_bands_fold_peel_chains_too(vendors) -> None:
    trace, peels, tags = vendors
    shown = edition(WORKING, trace, tags)
    bands = figures.flow(trace, None, tags, peels=peels)
    assert bands.flows(shown).equals(
        figures.flow_graph(trace, None, tags, peels=peels).flows(shown)
    )
    assert any("peel chain, 4 hops" in text for text in texts(bands.plot(shown)))
    assert bands.digest != figures.flow(trace, None, tags).digest


def test_what_was_not_read_is_a_box_that_says_so_with_its_amount(vendors) -> None:
    trace, _, tags = vendors
    ends = trace.ends.with_columns(
        reason=pl.when(pl.col("reason") == "unspent").then(pl.lit("not read"))
        .otherwise(pl.col("reason"))
    )  # fmt: skip
    unread = replace(trace, ends=ends)
    figure = figures.flow_graph(unread, None, tags)
    said = texts(figure.plot(edition(WORKING, unread, tags)))
    assert any(text.startswith("not read: 0.") and "rBTC" in text for text in said)
    dashed = [one for one in figure.plot(edition(WORKING, unread, tags)).patches
              if isinstance(one, Rectangle) and one.get_linestyle() == "--"]  # fmt: skip
    assert dashed


def test_a_graph_is_a_figure_of_a_case(vendors) -> None:
    trace, peels, tags = vendors
    figure = figures.flow_graph(trace, None, tags, peels=peels, name="Kelp")
    (drawing,) = figure.drawings()
    shown = drawing.shown(edition(DISCLOSURE, trace, tags))
    assert (shown.stem, shown.heading) == ("flow_graph", "Flow graph: Kelp")
    assert shown.plot().get_label() == shown.alt
    marks = {one.mark for one in shown.key()}
    assert marks <= {*texts(shown.plot())}
    assert figure.digest != figures.flow(trace, None, tags, peels=peels, name="Kelp").digest


def test_sources_and_dates_of_the_data_stand_below(vendors, otter_case) -> None:
    trace, _, _ = vendors
    shown = edition(DISCLOSURE, trace)
    for verb in (figures.flow, figures.flow_graph):
        figure = verb(trace, ledger=otter_case.ledger)
        said = " ".join(texts(figure.plot(shown)))
        for words in (
            "Data: btc-regtest, read from block_files, up to ",
            "what came later is unknown",
        ):
            assert words in said
        assert figure.digest != verb(trace).digest
        assert "Data: " not in " ".join(texts(verb(trace).plot(shown)))
