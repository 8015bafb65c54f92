"""By what a result shows itself to be moved about in, in a notebook: nothing, until one registers.

Results lie below the modules that draw and mask, so the view comes to them from above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainwatch.sanitize import preformatted

View = Callable[[Any], str]
"""Of a result the HTML of its view, or nothing where it has none."""

_views: dict[str, View] = {}


def show_in_frame(kind: str, view: View | None) -> View | None:
    """Let results of a kind show themselves by a view; return by which they did before.

    Parameters
    ----------
    kind : str
        Name of the class.
    view : callable or None
        Makes its HTML; None for none.
    """
    before = _views.pop(kind, None)
    if view is not None:
        _views[kind] = view
    return before


def with_view(result: object) -> str:
    """Return what a result prints as HTML, and below it its view where somebody registered one."""
    view = _views.get(type(result).__name__)
    return preformatted(repr(result)) + (view(result) if view else "")
