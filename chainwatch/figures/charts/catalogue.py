"""Every figure that a case can hold: a line each, with what it is of, what draws it, what it says.

``flow`` is not among them: it has nodes with a key of its own
(:mod:`chainwatch.figures.flow_figure`).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainwatch.errors import InputError
from chainwatch.tracing.paths.result import APART
from chainwatch.tracing.ranges.range_result import NO_INTERVAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Figure:
    """A kind of figure: a line of the catalogue.

    Attributes
    ----------
    kind : str
        What people write, and the name of its files.
    of : str
        ``module:Class`` of the result that it is of.
    drawn, told : str
        ``module:function`` that draws it on Axes, and that says in words what it shows. Both take
        the result and, by name, what else the figure is given.
    heading : str
        Its heading in a report.
    caption : str
        What must be known to read it, beside what it says itself.
    """

    kind: str
    of: str
    drawn: str
    told: str
    heading: str
    caption: str

    def fits(self, result: object) -> bool:
        """Tell whether a result is of the kind that it is drawn of."""
        return isinstance(result, _load(self.of))

    def draw(self, result: object, ax: Axes | None, **how: Any) -> Axes:
        """Draw it on Axes, new ones if none are given."""
        made: Axes = _load(self.drawn)(result, ax, **how)
        return made

    def words(self, result: object, **how: Any) -> str:
        """Return what it shows, in words."""
        return str(_load(self.told)(result, **how))


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


FIGURES: tuple[Figure, ...] = (
    Figure(
        "range",
        "chainwatch.tracing.ranges.range_result:TraceRange",
        "chainwatch.figures.range_figure:policy_range",
        "chainwatch.figures.range_figure:range_text",
        "What depends on the method of following",
        f"{NO_INTERVAL} A policy is a method of computing, not a finding of law.",
    ),
    Figure(
        "timeline",
        "chainwatch.tracing.result:Trace",
        "chainwatch.figures.time_figure:timeline",
        "chainwatch.figures.time_figure:time_text",
        "When value came in and when it ended",
        "Each lane is what came in, or one way in which it ended, by the time of the payment.",
    ),
    Figure(
        "sum_check",
        "chainwatch.tracing.result:Trace",
        "chainwatch.figures.sum_figure:sum_check",
        "chainwatch.figures.sum_figure:sum_text",
        "What came in and where it ended",
        "Both sides run to the same line: nothing was lost or made while following.",
    ),
    Figure(
        "routes",
        "chainwatch.tracing.paths.result:Paths",
        "chainwatch.figures.between.routes_figure:routes",
        "chainwatch.figures.between.routes_figure:routes_text",
        "Routes from one party to the other",
        APART,
    ),
    Figure(
        "exposure",
        "chainwatch.tracing.exposure:Exposure",
        "chainwatch.figures.charts.exposure_bars:exposure_bars",
        "chainwatch.figures.charts.exposure_bars:exposure_text",
        "What of the value reached whom",
        "Exposure is no knowledge: whoever paid need not have known whom it reached.",
    ),
    Figure(
        "activity",
        "chainwatch.tracing.result:Trace",
        "chainwatch.figures.charts.activity_map:activity_map",
        "chainwatch.figures.charts.activity_map:activity_text",
        "When the subjects paid and were paid",
        "Times are those of blocks, in UTC, and not those at which anybody acted.",
    ),
    Figure(
        "coverage",
        "chainwatch.ledger.lookup.what_was_read:WhatWasRead",
        "chainwatch.figures.charts.coverage_chart:coverage_chart",
        "chainwatch.figures.charts.coverage_chart:coverage_text",
        "What was read, and what was not",
        "What was not read is unknown, and stands in no total.",
    ),
    Figure(
        "cluster_evidence",
        "chainwatch.clusters.explain:Explanation",
        "chainwatch.figures.evidence.cluster_evidence:cluster_evidence",
        "chainwatch.figures.evidence.cluster_evidence:evidence_text",
        "Why two addresses are taken for one owner",
        "One path of links among possibly many; what hangs on each is counted over all links.",
    ),
    Figure(
        "typology_card",
        "chainwatch.typologies.alerts:Alerts",
        "chainwatch.figures.evidence.typology_card:typology_card",
        "chainwatch.figures.evidence.typology_card:card_text",
        "A shape in the payments",
        "A shape of payments is a reason to look and proves nothing.",
    ),
)
"""Every kind of figure, written out."""


def figure_of(kind: str, result: object) -> Figure:
    """Return a line of the catalogue by its name, if a result is what it is drawn of.

    Raises
    ------
    InputError
        If there is no such figure of it.
    """
    for one in FIGURES:
        if one.kind == kind and one.fits(result):
            return one
    fit = [one.kind for one in FIGURES if one.fits(result)]
    every = ", ".join(f"{one.kind} of {one.of.rpartition(':')[2]}" for one in FIGURES)
    raise InputError(
        f"no figure {kind!r} of a {type(result).__name__}",
        remedy=f"draw {' or '.join(fit)}" if fit else f"there are: {every}",
    )
