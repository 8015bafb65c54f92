"""Pictures of results; each takes and returns matplotlib Axes."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainwatch.results.plotted import draws as _draws

if TYPE_CHECKING:
    from chainwatch.figures.between.routes_figure import routes
    from chainwatch.figures.case_figure import case_figure
    from chainwatch.figures.charts.activity_map import activity_map
    from chainwatch.figures.charts.coverage_chart import coverage_chart
    from chainwatch.figures.charts.exposure_bars import exposure_bars
    from chainwatch.figures.evidence.cluster_evidence import cluster_evidence
    from chainwatch.figures.evidence.typology_card import typology_card
    from chainwatch.figures.flow_figure import FlowFigure, flow
    from chainwatch.figures.path_figure import path
    from chainwatch.figures.range_figure import policy_range
    from chainwatch.figures.rates_figure import rates, reliability
    from chainwatch.figures.style import save
    from chainwatch.figures.sum_figure import sum_check
    from chainwatch.figures.time_figure import timeline

__all__ = [
    "FlowFigure",
    "activity_map",
    "case_figure",
    "cluster_evidence",
    "coverage_chart",
    "exposure_bars",
    "flow",
    "path",
    "policy_range",
    "rates",
    "reliability",
    "routes",
    "save",
    "sum_check",
    "timeline",
    "typology_card",
]

_HOMES = {
    "FlowFigure": "flow_figure",
    "activity_map": "charts.activity_map",
    "case_figure": "case_figure",
    "cluster_evidence": "evidence.cluster_evidence",
    "coverage_chart": "charts.coverage_chart",
    "exposure_bars": "charts.exposure_bars",
    "flow": "flow_figure",
    "path": "path_figure",
    "policy_range": "range_figure",
    "rates": "rates_figure",
    "reliability": "rates_figure",
    "routes": "between.routes_figure",
    "save": "style",
    "sum_check": "sum_figure",
    "timeline": "time_figure",
    "typology_card": "evidence.typology_card",
}


PLOTS = {
    "Alerts": "typology_card",
    "Explanation": "cluster_evidence",
    "Exposure": "exposure_bars",
    "TraceRange": "policy_range",
    "WhatWasRead": "coverage_chart",
}
"""What ``.plot`` of a kind of result draws: the first picture that one wants of it."""


def __getattr__(name: str) -> Any:
    """Load a figure when it is first used: tracing and matplotlib stay out of the import."""
    if name not in _HOMES:
        raise AttributeError(f"module 'chainwatch.figures' has no attribute {name!r}")
    return getattr(import_module(f"chainwatch.figures.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)


def _plot(name: str, result: Any, ax: Any = None, **how: Any) -> Any:
    """Draw a result by a figure, which is loaded now."""
    return __getattr__(name)(result, ax, **how)


for _kind, _name in PLOTS.items():
    _draws(_kind, partial(_plot, _name))
