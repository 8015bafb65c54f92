"""A trace shows itself in a notebook as a page to move about in, beside what it prints.

Loading this registers it, and loads nothing else; bokeh and layout are asked when a trace is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainwatch.results.frame_view import show_in_frame

if TYPE_CHECKING:
    from chainwatch.tracing.result import Trace

MOST_STEPS = 1_000
"""Steps up to which a trace is drawn where it is the last line of a cell: about a second."""


def trace_frame(trace: Trace) -> str:
    """Return the view of a trace in a frame; nothing where it is large, empty or bokeh is absent.

    What a trace prints stands above it in any case. `chainwatch.figures.interactive` draws larger
    ones, with names and clusters, and says what is missing.
    """
    from chainwatch.errors import MissingExtra
    from chainwatch.figures.interactive_page.view import InteractiveFigure

    if not 0 < trace.steps.height <= MOST_STEPS:
        return ""
    try:
        return InteractiveFigure(trace).framed()
    except MissingExtra:  # the print above it says all that is in it
        return ""


show_in_frame("Trace", trace_frame)
