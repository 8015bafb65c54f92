"""``flow``: the figure of a trace, drawn when an edition is known, so that it passes the mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from chainwatch.privacy.edition import SUBJECT, Edition
from chainwatch.privacy.flow_totals import Totals, totals
from chainwatch.privacy.flows import Owners, Tagged, flows
from chainwatch.privacy.session import on_desk
from chainwatch.results.provenance import Record, Result, digest_result, recorded
from chainwatch.tracing.result import Trace
from chainwatch.units import total

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class FlowFigure:
    """A figure of a trace that has not been drawn yet.

    Attributes
    ----------
    trace : Trace
        What it shows.
    clusters : Clusters or None
        Entities drawn as one.
    tags : Tags or None
        Names for entities that the edition shows.
    top : int
        Largest flows drawn one by one; the others are added up and named.
    title : str
        Heading.
    """

    trace: Trace
    clusters: Owners | None
    tags: Tagged | None
    top: int
    title: str
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return no table: what it shows is the trace."""
        return {}

    def words(self) -> Mapping[str, object]:
        """Return what makes it this figure: the trace, the names and how it is drawn."""
        digests = {
            name: digest_result(item)
            for name, item in vars(self).items()
            if isinstance(item, Result)
        }
        return {**digests, "top": self.top, "title": self.title}

    def flows(self, edition: Edition) -> pl.DataFrame:
        """Return the flows between entities as an edition shows them."""
        return flows(self.trace, edition, self.clusters, self.tags)

    def totals(self, edition: Edition) -> Totals:
        """Return what the flows add up to, as far as an edition may say it."""
        return totals(self.trace, edition, self.clusters, self.tags)

    def _desk(self) -> Edition:
        chain = self.trace.asset.chain
        subjects = self.trace.origins.select("address", "subject").rows()
        return on_desk({(chain, item): SUBJECT for row in subjects for item in row})

    def __repr__(self) -> str:
        return f"FlowFigure({self.title!r}, {self.trace.steps.height} steps, top {self.top})"

    def _repr_html_(self) -> str:
        """Return the picture, for notebooks, in the edition of the desk."""
        from chainwatch.figures.style import svg_text

        figure = self.plot().get_figure(root=True)
        return svg_text(figure) if figure else ""

    def caption(self) -> str:
        """Return what must be known to read it: subjects, total, policy, unit."""
        subjects = self.trace.origins["subject"].n_unique()
        who = "one subject" if subjects == 1 else f"{subjects} subjects"
        return (
            f"{self.trace.asset.shown(self.trace.amount)} received by {who}, followed by"
            f" {self.trace.policy.upper()}.{self._shared()} A method of computing, not a finding of"
            " law; consistent with these payments, not proof of who controls an address."
        )

    def _shared(self) -> str:
        """Say that what one subject got from another is counted once: with the first."""
        amount = total(self.trace.overlaps["amount"])
        if not amount:
            return ""
        return (
            " What one subject was paid by another is not counted twice: the node of the receiver"
            f" may show less than it received, {self.trace.asset.shown(amount)} in all."
        )

    def plot(self, edition: Edition | None = None, ax: Axes | None = None) -> Axes:
        """Draw the figure and return its Axes; without an edition, in that of the desk."""
        from chainwatch.figures.sankey import draw_flow

        shown = edition or self._desk()
        return draw_flow(
            self.flows(shown),
            sums=self.totals(shown),
            symbol=self.trace.asset.symbol,
            decimals=self.trace.asset.decimals,
            top=self.top,
            title=self.title,
            caption=self.caption(),
            ax=ax,
        )


@recorded
def flow(
    trace: Trace,
    clusters: Owners | None = None,
    tags: Tagged | None = None,
    *,
    top: int = 40,
    title: str = "",
) -> FlowFigure:
    """Return the figure of the main routes of a trace.

    Parameters
    ----------
    trace : Trace
        What to show.
    clusters : Clusters, optional
        Draw each cluster as one entity.
    tags : Tags, optional
        Call entities by their tags, where the edition shows them.
    top : int
        Largest flows drawn one by one.
    title : str
        Heading.
    """
    return FlowFigure(trace, clusters, tags, top, title)
