"""Pictures of results; each takes and returns matplotlib Axes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainwatch.figures.between.routes_figure import routes
    from chainwatch.figures.flow_figure import FlowFigure, flow
    from chainwatch.figures.graph.graph_figure import GraphFigure, flow_graph
    from chainwatch.figures.interactive_page.view import InteractiveFigure, interactive
    from chainwatch.figures.path_figure import path
    from chainwatch.figures.range_figure import policy_range
    from chainwatch.figures.rates_figure import rates, reliability
    from chainwatch.figures.style import save
    from chainwatch.figures.sum_figure import sum_check
    from chainwatch.figures.time_figure import timeline

__all__ = [
    "FlowFigure",
    "GraphFigure",
    "InteractiveFigure",
    "flow",
    "flow_graph",
    "interactive",
    "path",
    "policy_range",
    "rates",
    "reliability",
    "routes",
    "save",
    "sum_check",
    "timeline",
]

_HOMES = {
    "FlowFigure": "flow_figure",
    "GraphFigure": "graph.graph_figure",
    "InteractiveFigure": "interactive_page.view",
    "flow": "flow_figure",
    "flow_graph": "graph.graph_figure",
    "interactive": "interactive_page.view",
    "path": "path_figure",
    "policy_range": "range_figure",
    "rates": "rates_figure",
    "reliability": "rates_figure",
    "routes": "between.routes_figure",
    "save": "style",
    "sum_check": "sum_figure",
    "timeline": "time_figure",
}


def __getattr__(name: str) -> Any:
    """Load a figure when it is first used: tracing and matplotlib stay out of the import."""
    if name not in _HOMES:
        raise AttributeError(f"module 'chainwatch.figures' has no attribute {name!r}")
    return getattr(import_module(f"chainwatch.figures.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
