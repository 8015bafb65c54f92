"""Pictures of results; each takes and returns matplotlib Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainwatch.figures.flow_figure import FlowFigure, flow

__all__ = ["FlowFigure", "flow"]


def __getattr__(name: str) -> Any:
    """Load a figure when it is first used: tracing and matplotlib stay out of the import."""
    if name not in __all__:
        raise AttributeError(f"module 'chainwatch.figures' has no attribute {name!r}")
    from chainwatch.figures import flow_figure

    return getattr(flow_figure, name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
