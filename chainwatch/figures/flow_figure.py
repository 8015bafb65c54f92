"""``flow``: the figure of a trace, drawn when an edition is known, so that it passes the mask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, cast

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.atomic import check_new
from chainwatch.clusters.peeling.chains import PeelChains
from chainwatch.errors import ChainwatchError, InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import read_in_words
from chainwatch.privacy.edition import Edition
from chainwatch.privacy.flow_totals import Totals, as_summed, totals
from chainwatch.privacy.flows import Owners, Tagged, flows, node_places
from chainwatch.privacy.peel_runs import peel_runs
from chainwatch.privacy.roles import roles_of
from chainwatch.privacy.session import on_desk
from chainwatch.results.result import Drawing, Result, recorded
from chainwatch.results.table import Rows
from chainwatch.tracing.result import REACHES, Trace
from chainwatch.units import counted, total

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class NodeKey(NamedTuple):
    """A node of a figure: its mark, what the figure calls it, its address, role and amount.

    ``addresses`` is how many it stands for, null where that may not be said.
    """

    mark: str
    label: str
    address: str
    addresses: int | None
    role: str
    amount: str


HEADING = "Main routes"


@dataclass(frozen=True)
class ShownFlows:
    """The flows of a trace as one edition shows them, ready to be drawn.

    Attributes
    ----------
    flows : polars.DataFrame
        The flows between entities.
    sums : Totals
        What they add up to, as far as the edition may say it.
    asset : Asset
        What the amounts are of.
    top : int
        Largest flows drawn one by one; the others are added up and named.
    title, caption : str
        Heading, and what must be known to read it.
    places : mapping of str to (str, int or None)
        Whole address of each node, and how many addresses it stands for.
    left_out : str
        What moved and is not among the flows, in a sentence; empty where nothing is.
    folded : bool
        Whether peel chains were looked for and are one node each.
    """

    flows: pl.DataFrame
    sums: Totals
    asset: Asset
    top: int
    title: str
    caption: str
    places: Mapping[str, tuple[str, int | None]]
    heading: str = HEADING
    stem: str = "flow"
    left_out: str = ""
    folded: bool = False

    @property
    def alt(self) -> str:
        """Return what it shows, in words."""
        from chainwatch.figures.sankey import alt_text

        return alt_text(
            self.flows, symbol=self.asset.symbol, decimals=self.asset.decimals, top=self.top,
            sums=self.sums,
        )  # fmt: skip

    def key(self) -> list[NodeKey]:
        """Return whom each mark in the figure stands for, with whole addresses."""
        from chainwatch.figures.sankey import marks

        nodes = marks(
            self.flows, symbol=self.asset.symbol, decimals=self.asset.decimals, top=self.top,
            sums=self.sums,
        )  # fmt: skip
        return [
            NodeKey(
                one.mark, one.label, *self.places.get(one.name, ("", None)), one.role, one.amount
            )
            for one in nodes
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it and return its Axes."""
        from chainwatch.figures.sankey import draw_flow

        return draw_flow(
            self.flows, sums=self.sums, symbol=self.asset.symbol, decimals=self.asset.decimals,
            top=self.top, title=self.title, caption=self.caption, ax=ax,
        )  # fmt: skip

    def fitted(self, size: str) -> Axes:
        """Draw as many of the largest flows as can be read on a page or slide; see `save`.

        Raises
        ------
        InputError
            If there is no such size, or not even one flow can be read there.
        """
        from chainwatch.figures import style
        from chainwatch.figures.fit import LABEL

        on = style.sheet(size)
        if not on.grows:
            ax = self.plot()
            if style.readable_on(cast("Figure", ax.get_figure(root=True)), on):
                return ax
        # Drawn so small that it has the least readable size once it is made as large as the sheet.
        part = min(LABEL / on.smallest, 1.0)
        top = min(self.top, max(self.flows.height, 1))
        while top:
            try:
                ax = style.new_axes(on.width * part, on.height * part)
                return dataclasses.replace(self, top=top).plot(ax)
            except InputError:
                top = top * 3 // 4
        raise InputError(
            f"not even one flow can be read on {on.name}",
            remedy="shorten the title, or save it without a size",
        )


@dataclass(frozen=True, repr=False, eq=False)
class FlowFigure(Result):
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
    name : str
        What tells it from the figure of another trace in one report.
    peels : PeelChains or None
        Peel chains that are drawn as one node each.
    data : str
        From which sources it was read, and up to when; empty where nobody said.
    """

    trace: Trace
    clusters: Owners | None
    tags: Tagged | None
    top: int
    title: str
    name: str = ""
    peels: PeelChains | None = None
    data: str = ""

    heading: ClassVar[str] = HEADING
    stem: ClassVar[str] = "flow"

    def tables(self) -> Mapping[str, Rows]:
        """Return no table: what it shows is the trace."""
        return {}

    def words(self) -> Mapping[str, Any]:
        """Return what makes it this figure: the trace, the names and how it is drawn."""
        digests = {
            name: item.digest for name, item in vars(self).items() if isinstance(item, Result)
        }
        named = {key: value for key in ("name", "data") if (value := getattr(self, key))}
        return {**digests, "top": self.top, "title": self.title, **named}

    def flows(self, edition: Edition) -> pl.DataFrame:
        """Return the flows between entities as an edition shows them."""
        found = flows(self.trace, edition, self.owners(edition), self.tags)
        return as_summed(found, self.totals(edition))

    def totals(self, edition: Edition) -> Totals:
        """Return what the flows add up to, as far as an edition may say it."""
        return totals(self.trace, edition, self.owners(edition), self.tags)

    def owners(self, edition: Edition) -> Owners | None:
        """Return who is drawn as one: clusters, and peel chains where they were looked for."""
        if self.peels is None:
            return self.clusters
        return peel_runs(self.trace, self.peels, edition, self.clusters, self.tags)

    def desk(self) -> Edition:
        """Return the edition of the desk, with the roles that a report gives as well."""
        given: tuple[object, ...] = (self.trace, self.clusters, self.tags)
        return on_desk(roles_of(item for item in given if isinstance(item, Result)))

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return the flows between entities as a graph of networkx, in the edition of the desk."""
        from chainwatch.privacy.drawn.flow_graph import flow_graph

        edition = self.desk()
        facts = {"result": self.called, "edition": edition.name, "digest": self.digest}
        if told := self._left_out().strip():
            facts["left_out"] = told
        return flow_graph(self.flows(edition), self.asset, facts)

    def __repr__(self) -> str:
        title = f"{self.title!r}, " if self.title else ""
        steps = counted(self.trace.steps.height, "step", "steps")
        return f"{type(self).__name__}({title}{steps}, top {self.top})"

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
            f" {self.trace.policy.upper()}.{self._reach()}{self._shared()}{self._left_out()}"
            " A method of computing, not a finding of law; consistent with these payments, not"
            f" proof of who controls an address. {self.data}"
        ).rstrip()

    def _reach(self) -> str:
        """Say of a policy that does not conserve value what its amounts are."""
        return "" if self.trace.conserves else f" {REACHES}"

    def _left_out(self) -> str:
        """Say of transfers too wide to add up that they are not drawn; nothing of none."""
        count = self.trace.unknown.height
        if not count:
            return ""
        many, are = ("A transfer", "is") if count == 1 else ("Transfers", "are")
        return f" {many} of an amount wider than 38 digits {are} not drawn."

    def _shared(self) -> str:
        """Say that what one subject got from another is counted once: with the first."""
        amount = total(self.trace.overlaps["amount"])
        if not amount:
            return ""
        return (
            " What one subject was paid by another is not counted twice: the node of the receiver"
            f" may show less than it received, {self.trace.asset.shown(amount)} in all."
        )

    @property
    def asset(self) -> Asset:
        """What was followed."""
        return self.trace.asset

    def drawings(self) -> Sequence[Drawing]:
        """Return itself: it is drawn when an edition is known."""
        return (self,)

    def shown(self, edition: Edition, redact: Callable[[str], str] = str) -> ShownFlows:
        """Return it as an edition shows it, its title without what the edition may not say."""
        return ShownFlows(
            self.flows(edition), self.totals(edition), self.asset, self.top, redact(self.title),
            self.caption(), node_places(self.trace, edition, self.owners(edition), self.tags),
            heading=self.heading + (f": {redact(self.name)}" if self.name else ""),
            stem=self.stem, left_out=self._left_out().strip(), folded=self.peels is not None,
        )  # fmt: skip

    def save(
        self, path: str | Path, edition: Edition | None = None, *, size: str = "",
        replace: bool = False,
    ) -> Path:  # fmt: skip
        """Write the figure at print size, A4 on its side, on which no label lies over another.

        Parameters
        ----------
        path : path
            The file: ``.svg`` for print, or ``.png`` with 150 dots per inch.
        edition : Edition, optional
            Who is shown; without one, the edition of the desk.
        size : {"a4", "slide"}, optional
            Draw as many of the largest flows as can be read there, and give the file that size;
            the others are added up, as ever.
        replace : bool
            Put it in the place of a file of that name.

        Raises
        ------
        InputError
            If the name ends otherwise, there is no such size, or not even one flow can be read.
        OutputExists
            If the file exists and may not be replaced.
        """
        from chainwatch.figures.style import save_one

        check_new(Path(path), replace=replace)
        shown = self.shown(edition or self.desk())
        figure = (shown.fitted(size) if size else shown.plot()).get_figure(root=True)
        if figure is None:
            raise ChainwatchError("the figure lost its drawing")
        save_one(figure, path, size=size, replace=replace)
        return Path(path)

    def plot(self, edition: Edition | None = None, ax: Axes | None = None) -> Axes:
        """Draw the figure and return its Axes; without an edition, in that of the desk."""
        return self.shown(edition or self.desk()).plot(ax)


@recorded
def flow(
    trace: Trace,
    clusters: Owners | None = None,
    tags: Tagged | None = None,
    *,
    top: int = 40,
    title: str = "",
    name: str = "",
    peels: PeelChains | None = None,
    ledger: Ledger | None = None,
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
    name : str
        What tells it from the figure of another trace in one report.
    peels : PeelChains, optional
        What ``peel_chains(ledger)`` returned: each chain is drawn as one node.
    ledger : Ledger, optional
        What the trace was followed in: below the figure stands from which sources it was read, and
        up to when.
    """
    data = read_in_words(ledger, trace.asset.chain) if ledger is not None else ""
    return FlowFigure(trace, clusters, tags, top, title, name, peels, data)
