"""What every figure owes: masked as it is told, readable in print, the same everywhere."""

from __future__ import annotations

import inspect
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from flow_frames import frame
from matplotlib.colors import to_rgb

import chainwatch as cw
from chainwatch import figures
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError, OutputExists
from chainwatch.figures import style, typefaces
from chainwatch.figures.graph.graph_drawing import draw_graph
from chainwatch.figures.sankey import draw_flow
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.roles import roles_of
from chainwatch.tracing.result import NOTHING_CAME

KEY = bytes(32)
ROOT = Path(__file__).parents[2]
KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"

NO_PARTY = {"rates", "reliability"}
"""Figures of numbers of rules, in which nobody stands."""
NO_DRAWING = {
    "FlowFigure",
    "GraphFigure",
    "InteractiveFigure",
    "interactive",
    "case_figure",
    "save",
}
IN_CHARTS = {
    "activity_map", "cluster_evidence", "coverage_chart", "exposure_bars", "typology_card",
}  # fmt: skip
"""Charts of a case: ``charts/test_catalogue.py`` holds each of them to the same."""

Draw = Callable[..., Any]


def explained(case: Any) -> Any:
    owners = cw.owners(case.ledger)
    sizes = owners.frame.group_by("cluster", maintain_order=True).len()
    largest = sizes["cluster"][sizes["len"].arg_max()]
    one, other, *_ = owners.frame.filter(cluster=largest)["address"]
    return owners.why(one, other)


@pytest.fixture(scope="module")
def drawn_of(otter_case: Any, ranged: Any) -> Mapping[str, tuple[Draw, Any]]:
    """Return every figure in which parties stand, with what it is drawn of."""
    fifo = ranged.traces["fifo"]
    tags = otter_case.tags
    routes = cw.paths(otter_case.ledger, KELP, tags.where(actor="harbour"), tags=tags)
    return {
        "flow": (lambda of, edition: figures.flow(of).plot(edition), fifo),
        "flow_graph": (lambda of, edition: figures.flow_graph(of).plot(edition), fifo),
        "path": (lambda of, edition: figures.path(of, edition=edition), explained(otter_case)),
        "policy_range": (lambda of, edition: figures.policy_range(of, edition=edition), ranged),
        "routes": (lambda of, edition: figures.routes(of, edition=edition), routes),
        "sum_check": (lambda of, edition: figures.sum_check(of, edition=edition), fifo),
        "timeline": (lambda of, edition: figures.timeline(of, edition=edition), fifo),
    }


DRAWN = ("flow", "flow_graph", "path", "policy_range", "routes", "sum_check", "timeline")


def texts(ax: Any) -> list[str]:
    return [re.sub("[\u2066-\u2069]", "", one.get_text()) for one in ax.texts]


def test_the_mask_is_part_of_every_signature(drawn_of: Mapping[str, Any]) -> None:
    flow_figures = set(DRAWN) & set(figures.__all__)
    assert set(drawn_of) == set(DRAWN) == flow_figures
    assert flow_figures | NO_PARTY | NO_DRAWING | IN_CHARTS == set(figures.__all__), (
        "say of what it is"
    )
    for name in DRAWN:
        verb = getattr(figures, name)
        draws = figures.FlowFigure.plot if name.startswith("flow") else verb
        given = inspect.signature(draws).parameters
        assert given["edition"].default is None, name
        assert given["ax"].default is None, name


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_of_the_edition_that_it_is_told(
    name: str, drawn_of: Mapping[str, tuple[Draw, Any]], otter_case: Any
) -> None:
    draw, of = drawn_of[name]
    roles = roles_of([of])
    made = [draw(of, Edition(one, KEY, roles=roles)) for one in (DISCLOSURE, WORKING)]
    hidden, open_ = (" ".join([*texts(ax), ax.get_label()]) for ax in made)
    parties = otter_case.ledger.outputs.select("chain", "address").unique().collect().drop_nulls()
    heads = {party: text(party[1], party[0])[:10] for party in parties.iter_rows()}
    open_heads = {head for party, head in heads.items() if party in roles}
    masked = {*heads.values()} - open_heads
    assert len(masked) > 500
    assert not any(head in hidden for head in masked)
    if name in ("flow", "flow_graph", "path", "routes"):
        assert any(head in open_ for head in masked)
    else:
        assert ("≈" in hidden, "≈" in open_) == (True, False)


@pytest.mark.parametrize("name", DRAWN)
def test_axes_are_taken_and_given_back_and_nothing_else_is_touched(
    name: str, drawn_of: Mapping[str, tuple[Draw, Any]]
) -> None:
    _, of = drawn_of[name]
    before = mpl.rcParams.copy()
    ax = style.new_axes(14, 20)
    verb = getattr(figures, name)
    back = verb(of).plot(ax=ax) if name.startswith("flow") else verb(of, ax)
    assert back is ax
    assert mpl.rcParams.copy() == before


@pytest.mark.parametrize("size", sorted(style.SHEETS))
@pytest.mark.parametrize("name", DRAWN)
def test_the_smallest_text_can_be_read_in_print(
    name: str, size: str, drawn_of: Mapping[str, tuple[Draw, Any]], tmp_path: Path
) -> None:
    draw, of = drawn_of[name]
    on = style.SHEETS[size]
    path = tmp_path / "one.svg"
    if name.startswith("flow"):
        ax = getattr(figures, name)(of).shown(Edition(DISCLOSURE, KEY)).fitted(size)
    else:
        ax = draw(of, None)
    if not style.readable_on(ax.figure, on):
        assert not name.startswith("flow"), "these are drawn to the size"
        assert size == "slide", "A4 has room for all of them"
        with pytest.raises(InputError, match="is the least that can be read"):
            figures.save(ax, path, size=size)
        assert not path.exists()
        return
    figures.save(ax, path, size=size)
    wide, high = (float(re.search(rf'{side}="([\d.]+)pt"', path.read_text())[1]) / 72
                  for side in ("width", "height"))  # fmt: skip
    assert min(wide, high) <= on.height + 0.01
    assert max(wide, high) <= on.width + 0.01
    scale = wide / ax.figure.get_size_inches()[0]
    assert style.smallest_text(ax.figure) * scale >= on.smallest - 0.01


def test_what_cannot_be_read_on_a_page_is_not_written_for_it(tmp_path: Path) -> None:
    chain = frame([(f"n{n}", f"n{n + 1}", 10**8) for n in range(60)])
    ax = draw_graph(chain, symbol="BTC", decimals=8, top=60)
    with pytest.raises(InputError, match=r"on a page of A4 the smallest text .* draw less"):
        figures.save(ax, tmp_path / "one.svg", size="a4")
    with pytest.raises(InputError, match="no size 'a3'"):
        figures.save(ax, tmp_path / "one.svg", size="a3")
    assert not list(tmp_path.iterdir())
    figures.save(ax, tmp_path / "one.svg")


def test_a_png_has_its_size_in_print_too(tmp_path: Path) -> None:
    from PIL import Image

    ax = draw_flow(frame([("a", "b", 5)]), symbol="BTC", decimals=8, ax=style.new_axes(8, 4))
    figures.save(ax, tmp_path / "one.png", size="slide")
    with Image.open(tmp_path / "one.png") as image:
        inches = [side / dots for side, dots in zip(image.size, image.info["dpi"], strict=True)]
    assert max(inches[0] / 12.3, inches[1] / 6.7) == pytest.approx(1, abs=0.01)


SEEN = {
    # Machado, Oliveira and Fernandes 2009, severity 1.0, on linear light.
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}  # fmt: skip
APART = 15.0
"""Distance in CIELAB from which two fills are told apart: some six just noticeable differences."""


def lab(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, float, float]:
    """Return a colour as somebody sees it, in CIELAB under D65."""
    light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    r, g, b = (min(max(sum(m * c for m, c in zip(row, light, strict=True)), 0.0), 1.0)
               for row in matrix)  # fmt: skip
    xyz = ((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b,
           (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089)  # fmt: skip
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("eye", SEEN)
def test_roles_are_told_apart_in_grey_and_by_the_colour_blind(eye: str) -> None:
    for one, other in combinations(style.ROLES.values(), 2):
        assert one.letter != other.letter
        pairs = zip(lab(one.colour, SEEN[eye]), lab(other.colour, SEEN[eye]), strict=True)
        apart = sum((a - b) ** 2 for a, b in pairs) ** 0.5
        marked = (one.hatch, one.line) != (other.hatch, other.line)
        assert apart >= APART or marked, (one.meaning, other.meaning, apart)


@pytest.mark.parametrize("name", ["policy_range", "sum_check", "timeline", "flow", "flow_graph"])
def test_a_figure_of_nothing_says_so_in_its_place(name: str, ranged: Any) -> None:
    trace = ranged.traces["fifo"]
    empty = replace(trace, origins=trace.origins[:0], steps=trace.steps[:0], ends=trace.ends[:0],
                    balances=trace.balances[:0], bounds=trace.bounds[:0])  # fmt: skip
    if name == "policy_range":
        ax = figures.policy_range(replace(ranged, kinds=ranged.kinds[:0]))
    elif name.startswith("flow"):
        ax = getattr(figures, name)(empty).plot()
    else:
        ax = getattr(figures, name)(empty)
    said = " ".join(texts(ax))
    assert NOTHING_CAME in said or "Nothing to draw: no value was followed" in said
    assert "Nothing" in ax.get_label()


SCRIPTS = {
    "Arabic": "\u0633\u0648\u0642", "Hebrew": "\u05e9\u05d5\u05e7", "Greek": "αγορά",
    "Cyrillic": "рынок", "Devanagari": "\u092c\u093e\u091c", "Thai": "\u0e15\u0e25\u0e32",
    "Chinese": "黑市", "Japanese": "やみいち", "Korean": "암시장", "emoji": "\U0001f600\U0001fae0",
}  # fmt: skip


BARE = re.compile("[\u200e\u200f\u2066-\u2069\u061c]")


@pytest.mark.parametrize("draw", [draw_flow, draw_graph])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_label_of_any_script_is_drawn_or_written_by_its_numbers(script: str, draw: Draw) -> None:
    """No box stands for a letter: what no typeface has is written by its number in Unicode."""
    label = SCRIPTS[script]
    ax = draw(frame([("a", "b", 5)], labels={"a": label}), symbol="BTC", decimals=8)
    said = " ".join(texts(ax))
    written = typefaces.printable(label)
    assert BARE.sub("", written) in BARE.sub("", said)
    known = typefaces.glyphs()
    for item in ax.texts:
        assert all(ord(char) in known for char in BARE.sub("", item.get_text())), item.get_text()
    with style.settings():
        ax.figure.canvas.draw()  # a missing glyph would be a warning, and so an error


@pytest.mark.parametrize("draw", [draw_flow, draw_graph])
def test_missing_typefaces_are_told_and_no_boxes_drawn(
    draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typefaces, "east_asian_file", lambda: None)
    typefaces.glyphs.cache_clear()
    try:
        ax = draw(frame([("a", "b", 5)], labels={"a": "黑市"}), symbol="BTC", decimals=8)
        said = " ".join(texts(ax))
    finally:
        monkeypatch.undo()
        typefaces.glyphs.cache_clear()
    assert "‹U+9ED1›" in said
    assert "no typeface for them is" in said
    assert "pip install 'chainwatch[typefaces]'" in said


SAME = """
import sys; sys.path.insert(0, {folder!r})
from pathlib import Path
from flow_frames import HOSTILE, frame
from chainwatch.figures import style
from chainwatch.figures.graph.graph_drawing import draw_graph
labels = {{f"n{{n}}": text for n, text in enumerate(HOSTILE)}}
flows = frame([(f"n{{n % 8}}", f"n{{(n * 3 + 1) % 8}}", 100 - n) for n in range(7)], labels=labels)
ax = draw_graph(flows.sample(fraction=1.0, shuffle=True, seed=int(sys.argv[2])), symbol="BTC",
                decimals=8, title="t")
print(sorted(style.save_figure(ax.figure, Path(sys.argv[1]) / "fig").items()))
"""


def test_the_same_bytes_in_two_processes_wherever_they_run(tmp_path: Path) -> None:
    said = []
    places = (("1", "0", "UTC", "C"), ("2", "77", "Asia/Kathmandu", "tr_TR.UTF-8"))
    for seed, hashes, zone, language in places:
        (tmp_path / seed).mkdir()
        run = subprocess.run(
            [sys.executable, "-c", SAME.format(folder=str(Path(__file__).parents[1])),
             str(tmp_path / seed), seed],
            capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": hashes, "TZ": zone, "LC_ALL": language},
        )  # fmt: skip
        said.append(run.stdout)
    assert said[0] == said[1]


def test_a_file_that_is_there_and_a_folder_that_is_not_ours_are_left_alone(
    ranged: Any, tmp_path: Path
) -> None:
    figure = figures.flow_graph(ranged.traces["fifo"])
    (tmp_path / "one.svg").write_text("mine")
    with pytest.raises(OutputExists):
        figure.save(tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_text() == "mine"
    with pytest.raises(InputError, match="name it"):
        figure.save(tmp_path / "one.gif")
    assert [one.name for one in tmp_path.iterdir()] == ["one.svg"]


def test_the_pictures_of_the_page_are_as_they_are_drawn(otter_case: Any, tmp_path: Path) -> None:
    pytest.importorskip("pygraphviz", reason="pygraphviz is not installed")
    tool = runpy.run_path(str(ROOT / "tools" / "figures.py"))
    made = tool["draw"](otter_case.ledger, otter_case.tags, tmp_path)
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for file in made:
        kept = ROOT / "docs" / "figures" / file.name
        assert f"(figures/{file.name})" in page
        assert kept.read_bytes() == file.read_bytes(), "run: python tools/figures.py"


def test_the_page_says_the_sizes_that_hold() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for name, on in style.SHEETS.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f'| `"{name}"`')]
        assert f"| {on.smallest:g} points |" in line


@pytest.mark.skipif(os.name == "nt", reason="this system has rights of another kind")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    ax = draw_flow(frame([("a", "b", 5)]), symbol="BTC", decimals=8)
    figures.save(ax, tmp_path / "first.svg")  # what is read on the way is read by now
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)  # nobody: root may write everywhere
    try:
        with pytest.raises(InputError, match=r"cannot be written into this folder") as told:
            figures.save(ax, tmp_path / "one.svg")
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o700)
    assert "one.svg" in str(told.value)
    assert [one.name for one in tmp_path.iterdir()] == ["first.svg"]
