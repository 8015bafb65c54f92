"""Every text of a figure is drawn at the size at which its room was measured, and as bold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import chainwatch as cw
from chainwatch import figures
from chainwatch.evaluate.calibration import CALIBRATION, Calibration
from chainwatch.evaluate.evaluation import RECIPE_RATES, RULE_RATES, Evaluation
from chainwatch.figures import style

KELP = "bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0"
Draw = Callable[[Any, Any], Any]


def rates(_: Any, __: Any) -> Any:
    counted = {"recipe": "default", "owners_merged": 2, "owners_merged_of": 80, "owners": 80,
               "worlds": 4, "basis": "simulated owners"}  # fmt: skip
    frame = RECIPE_RATES.frame([[counted.get(name, 0) for name in RECIPE_RATES.names]])
    row = ("simulated owners", "default", "co_spend", 78, 2, *[0] * 5, 80, 2, 80)
    return figures.rates(Evaluation(frame, RULE_RATES.frame([row])))


def reliability(_: Any, __: Any) -> Any:
    rows = [("change", 0.95, 9, 9, 9), ("co_spend", 0.999, 80, 78, 80)]
    return figures.reliability(Calibration(CALIBRATION.frame(rows), "simulated owners"))


def path(case: Any, _: Any) -> Any:
    owners = cw.owners(case.ledger)
    sizes = owners.frame.group_by("cluster", maintain_order=True).len()
    largest = sizes["cluster"][sizes["len"].arg_max()]
    one, other, *_ = owners.frame.filter(cluster=largest)["address"]
    return figures.path(owners.why(one, other))


def routes(case: Any, _: Any) -> Any:
    tags = case.tags
    return figures.routes(cw.paths(case.ledger, KELP, tags.where(actor="harbour"), tags=tags))


def flow(_: Any, ranged: Any) -> Any:
    return figures.flow(ranged.traces["fifo"]).plot()


def sums(_: Any, ranged: Any) -> Any:
    return figures.sum_check(ranged.traces["haircut"])


def timeline(_: Any, ranged: Any) -> Any:
    return figures.timeline(ranged.traces["fifo"])


def across(_: Any, ranged: Any) -> Any:
    return figures.policy_range(ranged)


@pytest.mark.parametrize(
    "draw", [rates, reliability, path, routes, flow, sums, timeline, across]
)  # fmt: skip
def test_a_text_is_drawn_at_the_size_at_which_it_was_measured(
    draw: Draw, otter_case: Any, ranged: Any, working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: dict[str, set[tuple[float, bool]]] = {}
    fit, wrap = style.fit, style.wrap

    def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
        made = fit(text, width, size, bold=bold)
        measured.setdefault(made, set()).add((size, bold))
        return made

    def wrapped(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> Any:
        made = wrap(text, width, size, lines=lines, bold=bold)
        for row in made:
            measured.setdefault(row, set()).add((size, bold))
        return made

    monkeypatch.setattr(style, "fit", fitted)
    monkeypatch.setattr(style, "wrap", wrapped)
    ax = draw(otter_case, ranged)
    drawn = [(item.get_text(), item.get_fontsize(), item.get_fontweight() == "bold")
             for item in ax.texts if item.get_text() in measured]  # fmt: skip
    assert drawn
    for text, size, bold in drawn:
        assert (size, bold) in measured[text], text
