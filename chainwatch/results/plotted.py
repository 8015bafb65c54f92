"""``.plot`` of results: what draws a kind of result registers here, for it lies above them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainwatch.errors import InputError

_draw: dict[str, Callable[..., Any]] = {}


def draws(kind: str, draw: Callable[..., Any]) -> None:
    """Let a kind of result be drawn by a function of the result, Axes and what else it takes.

    Parameters
    ----------
    kind : str
        Name of the class of the result.
    draw : callable
        Takes the result, then Axes or None, and returns Axes; it never shows anything.
    """
    _draw[kind] = draw


def drawn() -> tuple[str, ...]:
    """Return the kinds of result that can be drawn now, sorted."""
    return tuple(sorted(_draw))


class Plotted:
    """A result that can be drawn: ``chainwatch.figures`` says how."""

    def plot(self, ax: Any = None, **how: Any) -> Any:
        """Draw it and return its Axes; nothing is shown, and no global setting is touched.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure of fitting size.
        **how
            What the figure takes, such as ``edition=``; see its function in ``cw.figures``.

        Raises
        ------
        InputError
            While nothing draws results of this kind.
        """
        kind = type(self).__name__
        if kind not in _draw:
            raise InputError(
                f"nothing draws a {kind}", remedy="import chainwatch.figures, which draws results"
            )
        return _draw[kind](self, ax, **how)
