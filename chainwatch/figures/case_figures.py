"""Figures of results for a case: each drawn by the edition of the case, whatever the desk shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.figures.bars import shown_by
from chainwatch.figures.charts.catalogue import FIGURES, Figure, figure_of
from chainwatch.figures.flow_figure import FlowFigure, flow
from chainwatch.figures.graph.graph_figure import flow_graph
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import WhatWasRead
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.flow_totals import published
from chainwatch.privacy.flows import FLOW_SCHEMA, Owners, Tagged
from chainwatch.privacy.listed import list_names, lists_in, of_lists
from chainwatch.results.result import Drawing, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.tracing.ends.actors import Actors
from chainwatch.tracing.ends.categories import categories
from chainwatch.tracing.exposure import Exposure, exposure
from chainwatch.tracing.ranges.range_result import TraceRange
from chainwatch.tracing.result import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADINGS: Mapping[str, str] = {one.kind: one.heading for one in FIGURES}
CAPTIONS: Mapping[str, str] = {one.kind: one.caption for one in FIGURES}


@dataclass(frozen=True)
class ShownFigure:
    """A figure as one edition shows it, ready to be drawn.

    Attributes
    ----------
    of : Result
        What it shows.
    figure : Figure
        Which figure.
    edition : Edition
        Who is shown, and what is rounded.
    flows : polars.DataFrame
        No rows: what it shows are sums, or tables of results that the case holds.
    has_flows : bool
        So there is no graph of it.
    name : str
        What tells it from others of its kind.
    how : mapping
        What else the figure is given, by name.
    data : str
        What was read and up to when.
    redact : callable
        Takes out of strangers' words what the edition may not say.
    exact : frozenset of int
        Sums that the table of ends gives to the last unit.
    """

    of: Result
    figure: Figure
    edition: Edition
    flows: pl.DataFrame
    has_flows: bool = False
    name: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    redact: Callable[[str], str] = str
    exact: frozenset[int] = frozenset()

    @property
    def stem(self) -> str:
        """The name of its files."""
        return self.figure.kind

    @property
    def heading(self) -> str:
        """Its heading in a report."""
        return self.figure.heading + (f": {self.name}" if self.name else "")

    @property
    def caption(self) -> str:
        """What must be known to read it."""
        return self.figure.caption

    @property
    def alt(self) -> str:
        """What it shows, in words."""
        with shown_by(self.edition, self.redact, self.data, self.exact):
            return self.figure.words(self.of, **self.how)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it and return its Axes."""
        with shown_by(self.edition, self.redact, self.data, self.exact):
            return self.figure.draw(self.of, ax, **self.how)


@dataclass(frozen=True, repr=False, eq=False)
class CaseFigure(Result):
    """A figure of a result that has not been drawn yet.

    Attributes
    ----------
    of : Result
        What it shows.
    kind : str
        Which figure, by its name in :data:`chainwatch.figures.charts.catalogue.FIGURES`.
    name : str
        What tells it from others of its kind in one report.
    data : str
        What was read and up to when, for its legend.
    how : mapping
        What else the figure is given, by name.
    trace : Trace or None
        Whose table of ends stands in the report: what it gives to the last unit is drawn so.
    """

    of: Result
    kind: str
    name: str = ""
    data: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)
    trace: Trace | None = None

    @property
    def asset(self) -> Asset | None:
        """What its amounts are of; None where it has none."""
        return getattr(self.of, "asset", None)

    def tables(self) -> Mapping[str, Rows]:
        """Return no table: what it shows is in those of results."""
        return {}

    def words(self) -> Mapping[str, Any]:
        """Return what makes it this figure."""
        told = {"name": self.name, "data": self.data, "how": _told(self.how)}
        said = {key: value for key, value in told.items() if value}
        return {"of": self.of.digest, "kind": self.kind, **said}

    def drawings(self) -> Sequence[Drawing]:
        """Return itself: it is drawn when an edition is known."""
        return (self,)

    def shown(self, edition: Edition, redact: Callable[[str], str] = str) -> ShownFigure:
        """Return it as an edition shows it: what is rounded there is drawn as it is said."""
        followed = self.of if isinstance(self.of, Trace) else self.trace
        exact = frozenset[int]() if followed is None else published(followed, edition)[0]
        return ShownFigure(
            self.of, figure_of(self.kind, self.of), edition, pl.DataFrame(schema=FLOW_SCHEMA),
            name=redact(self.name), how=self.how, data=self.data, redact=redact, exact=exact,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"CaseFigure({self.kind})"


def _told(value: Any) -> Any:
    """Return what a figure is given as plain data: results by their digests."""
    if isinstance(value, Result):
        return value.digest
    if isinstance(value, Mapping):
        return {str(key): _told(one) for key, one in value.items()}
    return value


@recorded
def case_figure(
    of: Result, *, kind: str, name: str = "", data: str = "", trace: Trace | None = None,
    **how: Any,
) -> CaseFigure:  # fmt: skip
    """Return a figure that a case draws in each of its editions, masked as that is.

    Parameters
    ----------
    of : Result
        What it shows, such as what ``trace_all(...)``, ``trace(...)`` or ``exposure(...)`` gave.
    kind : str
        Which figure of it: see :data:`chainwatch.figures.charts.catalogue.FIGURES`.
    name : str
        What tells it from others of its kind in one report.
    data : str
        What was read and up to when, for its legend.
    trace : Trace, optional
        Whose table of ends stands in the report: what it gives to the last unit is drawn so.
    **how
        What else the figure is given, by name, such as ``alert=3`` of a typology card.

    Raises
    ------
    InputError
        If there is no such figure of it.
    """
    figure_of(kind, of)
    return CaseFigure(of, kind, name, data, how, trace)


def flow_figures(
    trace: Trace, clusters: Owners | None, tags: Tagged | None, *, graph: bool, ledger: Ledger,
    title: str, name: str,
) -> list[FlowFigure]:  # fmt: skip
    """Return the main routes of a trace for a case, and the same as a graph if it is asked for."""
    how: dict[str, Any] = {"title": title, "name": name, "ledger": ledger}
    routes = flow(trace, clusters, tags, **how)
    return [routes, flow_graph(trace, clusters, tags, **how)] if graph else [routes]


def trace_figures(
    followed: Trace, across: TraceRange, name: str = "", data: str = ""
) -> list[CaseFigure]:
    """Return what a case draws beside the flow: the range, the timeline and the sum check.

    Reach has no sum, so that the last is left out of a policy that does not conserve value.
    ``name`` tells them from those of another trace; ``data`` says what was read.
    """
    of: dict[str, Result] = {"range": across, "timeline": followed}
    if followed.conserves:
        of["sum_check"] = followed
    return [case_figure(one, kind=kind, name=name, data=data) for kind, one in of.items()]


def followed_figures(
    followed: Trace, across: TraceRange, read: WhatWasRead, name: str = "", **asked: Any
) -> list[CaseFigure]:
    """Return the charts of what was followed: exposure bars first, then those of the trace.

    Parameters
    ----------
    followed : Trace
        What was followed, under the policy of the case.
    across : TraceRange
        The same under every policy.
    read : WhatWasRead
        What was read, for the legend of each.
    name : str
        What tells them from those of another trace.
    **asked
        What ``exposure(...)`` is asked with beside the trace, ``tags`` first: the same is asked of
        the trace under each policy that conserves value.
    """
    data = read.data(followed.asset.chain)
    each = {policy: _received(across.traces[policy], **asked) for policy in across.compared}
    reached = _received(followed, **asked)
    first = case_figure(
        reached, kind="exposure", name=name, data=data, trace=followed, across=each
    )  # fmt: skip
    return [first, *trace_figures(followed, across, name, data)]


def _received(
    trace: Trace, tags: Tags, *, clusters: Owners | None = None, spread_unstated: bool = False
) -> Exposure:
    """Return an exposure in which what ended with a service stands under the name of the service.

    That an order or a list names the address at which it ended does not say who received there.
    """
    how: dict[str, Any] = {"clusters": clusters, "spread_unstated": spread_unstated}
    found, at = exposure(trace, tags, **how), Actors(tags, trace.asset.chain, **how)
    hosts = trace.ends.filter(pl.col("service").is_not_null() & pl.col("address").is_not_null())
    host = dict(hosts.select("address", "service").iter_rows())

    several = _listing(found.frame["actor"], tags)

    def said(address: bytes | None, when: Any) -> tuple[str, str | None, str | None] | None:
        told = at.category(address, when)
        if told is None or told[1] is None:
            return told
        concept = told[0] or _listing([told[1]], tags).get(told[1], "")
        return None if address in host and of_lists(concept) else (concept, *told[1:])

    own = dict(trace.subjects.select("address", "subject").iter_rows())
    backward = trace.direction == "backward"
    named = pl.col("actor").replace_strict(several, default=None, return_dtype=pl.String)
    return replace(
        found,
        frame=found.frame.with_columns(
            concept=pl.when(pl.col("concept") == "").then(named).otherwise("concept")
        ).with_columns(pl.col("concept").fill_null("")),
        categories=categories(trace.ends, trace.steps, own, said, backward=backward),
    )


def _listing(actors: Iterable[str], tags: Tags) -> dict[str, str]:
    """Return of actors that are several lists or orders what these are."""
    lists = list_names(tags.frame)
    concepts = dict(tags.frame.select("label", "concept").iter_rows())
    return {
        actor: ", ".join(sorted({concepts[one] for one in names}))
        for actor in actors
        if lists.issuperset(names := lists_in(actor))
    }
