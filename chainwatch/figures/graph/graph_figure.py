"""``flow_graph``: a trace as boxes and lines, drawn when an edition is known, so it is masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainwatch.clusters.peeling.chains import PeelChains
from chainwatch.figures.flow_figure import FlowFigure, ShownFlows
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import read_in_words
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.flows import Owners, Tagged
from chainwatch.results.result import recorded
from chainwatch.tracing.result import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRAPH_HEADING = "Flow graph"


@dataclass(frozen=True)
class ShownGraph(ShownFlows):
    """The flows of a trace as one edition shows them, ready to be drawn as a graph."""

    @property
    def alt(self) -> str:
        """Return what it shows, in words."""
        from chainwatch.figures.graph.graph_drawing import alt_text

        return alt_text(
            self.flows, symbol=self.asset.symbol, decimals=self.asset.decimals, top=self.top,
            sums=self.sums,
        )  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it and return its Axes."""
        from chainwatch.figures.graph.graph_drawing import draw_graph

        return draw_graph(
            self.flows, sums=self.sums, symbol=self.asset.symbol, decimals=self.asset.decimals,
            top=self.top, title=self.title, caption=self.caption, ax=ax, folded=self.folded,
        )  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class GraphFigure(FlowFigure):
    """A flow graph of a trace that has not been drawn yet; see `FlowFigure`."""

    heading = GRAPH_HEADING
    stem = "flow_graph"

    def words(self) -> Mapping[str, Any]:
        """Return what makes it this figure, and that it is a graph."""
        return {**super().words(), "drawn as": self.stem}

    def shown(self, edition: Edition, redact: Callable[[str], str] = str) -> ShownGraph:
        """Return it as an edition shows it, its title without what the edition may not say."""
        return ShownGraph(**vars(super().shown(edition, redact)))


@recorded
def flow_graph(
    trace: Trace,
    clusters: Owners | None = None,
    tags: Tagged | None = None,
    *,
    peels: PeelChains | None = None,
    top: int = 40,
    title: str = "",
    name: str = "",
    ledger: Ledger | None = None,
) -> GraphFigure:
    """Return the figure of a trace as a graph: who paid whom, how much and when.

    Parties are boxes with their marks and names, flows are lines with amount and days. The smaller
    flows of a party are added up beside it, with their number and sum. What was not read is a box
    that says so, with its amount. Days stand in the working edition alone.

    Parameters
    ----------
    trace : Trace
        What to show.
    clusters : Clusters, optional
        Draw each cluster as one entity.
    tags : Tags, optional
        Call entities by their tags, where the edition shows them.
    peels : PeelChains, optional
        What ``peel_chains(ledger)`` returned: each chain becomes one box, which says how many hops
        it has, what was peeled off and what arrived.
    top : int
        Largest flows drawn one by one.
    title : str
        Heading.
    name : str
        What tells it from the figure of another trace in one report.
    ledger : Ledger, optional
        What the trace was followed in: below the figure stands from which sources it was read, and
        up to when.
    """
    data = read_in_words(ledger, trace.asset.chain) if ledger is not None else ""
    return GraphFigure(trace, clusters, tags, top, title, name, peels, data)
