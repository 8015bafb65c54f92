"""Figures of a trace for a case: range across policies, timeline and sum check, by its edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import InputError
from chainwatch.figures.bars import shown_by
from chainwatch.figures.between.routes_figure import routes, routes_text
from chainwatch.figures.range_figure import policy_range, range_text
from chainwatch.figures.sum_figure import sum_check, sum_text
from chainwatch.figures.time_figure import time_text, timeline
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.flows import FLOW_SCHEMA
from chainwatch.results.result import Drawing, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.tracing.paths.result import APART, Paths
from chainwatch.tracing.ranges.range_result import NO_INTERVAL, TraceRange
from chainwatch.tracing.result import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["range", "timeline", "sum_check", "routes"]

HEADINGS: dict[str, str] = {
    "range": "What depends on the method of following",
    "timeline": "When value came in and when it ended",
    "sum_check": "What came in and where it ended",
    "routes": "Routes from one party to the other",
}

CAPTIONS: dict[str, str] = {
    "range": f"{NO_INTERVAL} A policy is a method of computing, not a finding of law.",
    "timeline": "Each lane is what came in, or one way in which it ended, by the time of the"
    " payment.",
    "sum_check": "Both sides run to the same line: nothing was lost or made while following.",
    "routes": APART,
}
"""What must be known to read each, beside what it says itself."""

_DRAW: dict[str, tuple[Callable[..., Axes], Callable[..., str]]] = {
    "range": (policy_range, range_text),
    "timeline": (timeline, time_text),
    "sum_check": (sum_check, sum_text),
    "routes": (routes, routes_text),
}

_FITS: Mapping[str, type[Result]] = {"range": TraceRange, "routes": Paths}
"""Of what kind of result a figure is; all others are of a trace."""


@dataclass(frozen=True)
class ShownFigure:
    """A figure as one edition shows it, ready to be drawn.

    Attributes
    ----------
    of : TraceRange, Trace or Paths
        What it shows.
    kind : str
        Which figure.
    edition : Edition
        Who is shown, and what is rounded.
    flows : polars.DataFrame
        No rows: its bars are sums, and lead from nobody to nobody.
    has_flows : bool
        So there is no graph of it.
    name : str
        What tells it from others of its kind.
    """

    of: TraceRange | Trace | Paths
    kind: Kind
    edition: Edition
    flows: pl.DataFrame
    has_flows: bool = False
    name: str = ""

    @property
    def stem(self) -> str:
        """The name of its files."""
        return self.kind

    @property
    def heading(self) -> str:
        """Its heading in a report."""
        return HEADINGS[self.kind] + (f": {self.name}" if self.name else "")

    @property
    def caption(self) -> str:
        """What must be known to read it."""
        return CAPTIONS[self.kind]

    @property
    def alt(self) -> str:
        """What it shows, in words."""
        with shown_by(self.edition):
            return _DRAW[self.kind][1](self.of)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it and return its Axes."""
        with shown_by(self.edition):
            return _DRAW[self.kind][0](self.of, ax)


@dataclass(frozen=True, repr=False, eq=False)
class CaseFigure(Result):
    """A figure of a trace, or of a range across policies, that has not been drawn yet.

    Attributes
    ----------
    of : TraceRange, Trace or Paths
        What it shows.
    kind : str
        ``range`` of a range; ``timeline`` or ``sum_check`` of a trace; ``routes`` of paths.
    name : str
        What tells it from others of its kind in one report.
    """

    of: TraceRange | Trace | Paths
    kind: Kind
    name: str = ""

    @property
    def asset(self) -> Asset:
        """What was followed."""
        return self.of.asset

    def tables(self) -> Mapping[str, Rows]:
        """Return no table: what it shows is what was followed."""
        return {}

    def words(self) -> Mapping[str, Any]:
        """Return what makes it this figure."""
        named = {"name": self.name} if self.name else {}
        return {"of": self.of.digest, "kind": self.kind, **named}

    def drawings(self) -> Sequence[Drawing]:
        """Return itself: it is drawn when an edition is known."""
        return (self,)

    def shown(self, edition: Edition, redact: Callable[[str], str] = str) -> ShownFigure:
        """Return it as an edition shows it: what is rounded there is drawn as it is said."""
        none, name = pl.DataFrame(schema=FLOW_SCHEMA), redact(self.name)
        return ShownFigure(self.of, self.kind, edition, none, name=name)

    def __repr__(self) -> str:
        return f"CaseFigure({self.kind})"


@recorded
def case_figure(of: TraceRange | Trace | Paths, *, kind: Kind, name: str = "") -> CaseFigure:
    """Return a figure that a case draws in each of its editions, masked as that is.

    Parameters
    ----------
    of : TraceRange, Trace or Paths
        What ``trace_all(...)``, ``trace(...)`` or ``paths(...)`` returned.
    kind : str
        ``range`` of a range; ``timeline`` or ``sum_check`` of a trace; ``routes`` of paths.
    name : str
        What tells it from others of its kind in one report.

    Raises
    ------
    InputError
        If there is no such figure of it.
    """
    fits = _FITS.get(kind, Trace)
    if kind not in _DRAW or not isinstance(of, fits):
        raise InputError(
            f"no figure {kind!r} of a {type(of).__name__}",
            remedy="draw range of trace_all(...), timeline or sum_check of trace(...), routes of"
            " paths(...)",
        )
    return CaseFigure(of, kind, name)


def trace_figures(followed: Trace, across: TraceRange, name: str = "") -> list[CaseFigure]:
    """Return what a case draws beside the flow: the range, the timeline and the sum check.

    Reach has no sum, so that the last is left out of a policy that does not conserve value.
    ``name`` tells them from those of another trace.
    """
    made = [
        case_figure(across, kind="range", name=name),
        case_figure(followed, kind="timeline", name=name),
    ]
    return [
        *made,
        *([case_figure(followed, kind="sum_check", name=name)] if followed.conserves else []),
    ]
