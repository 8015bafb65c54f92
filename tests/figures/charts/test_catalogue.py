"""The catalogue of figures: every line can be drawn, in both editions, twice the same bytes."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from matplotlib import rcParams

import chainwatch as cw
from chainwatch import figures
from chainwatch.errors import InputError
from chainwatch.figures import bars
from chainwatch.figures.case_figures import CaseFigure, case_figure
from chainwatch.figures.charts import catalogue
from chainwatch.figures.charts.catalogue import FIGURES
from chainwatch.figures.style import save_figure
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.roles import roles_of
from chainwatch.results.plotted import Plotted, drawn

KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"


@pytest.fixture(scope="module")
def made(otter_case: Any, ranged: Any, exposed: Any, joined: Any, found: Any, read: Any) -> Any:
    """Return a figure of each kind."""
    tags, trace = otter_case.tags, ranged.traces["fifo"]
    alert = int(found.frame["alert"][0])
    sizes = joined.frame.group_by("cluster").len().sort("len", "cluster")
    one, other = joined.members(sizes["cluster"][-1])[:2]
    of: dict[str, tuple[Any, dict[str, Any]]] = {
        "range": (ranged, {}),
        "timeline": (trace, {}),
        "sum_check": (trace, {}),
        "routes": (cw.paths(otter_case.ledger, KELP, tags.where(actor="harbour"), tags=tags), {}),
        "exposure": (exposed["fifo"], {"across": exposed}),
        "activity": (trace, {}),
        "coverage": (read, {"trace": trace}),
        "cluster_evidence": (joined.why(one, other), {"fragility": joined.fragility(one)}),
        "typology_card": (found, {"alert": alert}),
    }
    return {
        kind: case_figure(result, kind=kind, data="Of x.", **how)
        for kind, (result, how) in of.items()
    }


every = pytest.mark.parametrize("kind", [one.kind for one in FIGURES])


def test_the_list_is_complete_and_told_once(made: dict[str, CaseFigure]) -> None:
    assert sorted(made) == sorted(one.kind for one in FIGURES)
    assert len({one.digest for one in made.values()}) == len(FIGURES)
    assert all(one.heading and one.caption.endswith(".") for one in FIGURES)


def test_each_text_of_the_catalogue_keeps_to_its_layer() -> None:
    """What draws lies among figures; what is drawn lies below them."""
    source = Path(catalogue.__file__).read_text("utf-8")
    texts = re.findall(r'"(chainwatch\.[\w.]+):(\w+)"', source)
    assert len(texts) == 3 * len(FIGURES)
    below = ("chainwatch.tracing.", "chainwatch.ledger.", "chainwatch.clusters.",
             "chainwatch.typologies.", "chainwatch.figures.")  # fmt: skip
    for module, name in texts:
        assert module.startswith(below), module
        assert hasattr(importlib.import_module(module), name)


@every
@pytest.mark.parametrize("name", [WORKING, DISCLOSURE])
def test_each_is_drawn_as_its_edition_shows_it(
    made: dict[str, CaseFigure], kind: str, name: str, tmp_path: Path
) -> None:
    (drawing,) = made[kind].drawings()
    shown = drawing.shown(Edition(name, bytes(32), roles_of([made[kind].of])))
    before = dict(rcParams)
    ax = shown.plot()
    assert dict(rcParams) == before, "no global setting is touched"
    assert ax.get_label() == shown.alt
    assert shown.stem == kind
    assert "Of x." in " ".join(item.get_text() for item in ax.texts), "sources and date"
    assert shown.flows.is_empty()
    assert min(item.get_fontsize() for item in ax.texts) >= 7.0
    wide, tall = (72 * one for one in ax.figure.get_size_inches())
    assert wide <= bars.WIDE + 2.0
    if kind != "routes":
        assert tall <= bars.TALLEST + 12.0, "it stays below its heading on a page"
    once = save_figure(ax.figure, tmp_path / "a")
    assert once == save_figure(shown.plot().figure, tmp_path / "b")


@every
def test_no_text_leaves_the_page_or_lies_on_another(made: Any, kind: str) -> None:
    (drawing,) = made[kind].drawings()
    ax = drawing.shown(Edition(WORKING, bytes(32))).plot()
    renderer = ax.figure.canvas.get_renderer()
    wide, tall = ax.figure.get_size_inches() * ax.figure.dpi
    boxes = [item.get_window_extent(renderer) for item in ax.texts if item.get_text().strip()]
    for box in boxes:
        assert box.x0 >= -0.5, box
        assert box.x1 <= wide + 0.5, box
        assert box.y0 >= -0.5, box
        assert box.y1 <= tall + 0.5, box
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            up = min(one.y1, other.y1) - max(one.y0, other.y0)
            # Rows may touch by the tails of letters, not more.
            assert across <= 0.5 or up <= 4.0, (kind, one, other)


def test_axes_that_are_given_are_drawn_on(made: dict[str, CaseFigure]) -> None:
    from chainwatch.figures import style

    ax = style.new_axes(8.0, 5.0)
    for one in made.values():
        ax.clear()
        (drawing,) = one.drawings()
        assert drawing.shown(Edition(WORKING, bytes(32))).plot(ax) is ax


def test_what_else_a_figure_is_given_is_in_its_digest(found: Any) -> None:
    first, second = (case_figure(found, kind="typology_card", alert=n) for n in (1, 2))
    assert first.digest != second.digest
    assert case_figure(found, kind="typology_card", alert=1).digest == first.digest


def test_results_are_plotted_by_what_draws_them(exposed: Any, working: None) -> None:
    found = exposed["fifo"]
    assert found.plot(top=2).get_label() == figures.exposure_bars(found, top=2).get_label()
    assert set(figures.PLOTS) == set(drawn())
    for name in figures.PLOTS.values():
        assert callable(getattr(figures, name))


def test_a_kind_that_nothing_draws_says_so() -> None:
    class Odd(Plotted):
        pass

    with pytest.raises(InputError, match=r"nothing draws a Odd.*import chainwatch.figures"):
        Odd().plot()


def test_a_figure_that_there_is_not_names_those_there_are(exposed: Any, read: Any) -> None:
    with pytest.raises(InputError, match=r"no figure 'pie' of a Exposure.*draw exposure"):
        case_figure(exposed["fifo"], kind="pie")
    with pytest.raises(InputError, match="there are: range of TraceRange"):
        case_figure(case_figure(read, kind="coverage"), kind="coverage")
