"""``interactive``: a trace as a page to move about in, made when an edition is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.atomic import check_new, write_new
from chainwatch.errors import InputError, MissingExtra
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.figures.interactive_page.evidence import Behind, evidence
from chainwatch.figures.interactive_page.page import frame, page
from chainwatch.figures.interactive_page.payload import Shown, payload
from chainwatch.figures.selection import Sum, sum_text
from chainwatch.privacy.drawn.flow_rows import UNTIMED, FlowRows, flow_rows
from chainwatch.privacy.edition import DISCLOSURE, POOLED, Edition
from chainwatch.privacy.flow_totals import Totals
from chainwatch.privacy.flows import Names, Owners, Tagged
from chainwatch.privacy.mask_rows import masked_names, parties
from chainwatch.privacy.mask_tables import ROUNDED, mask_table
from chainwatch.privacy.redact_text import TextMask
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Rows
from chainwatch.sanitize import preformatted
from chainwatch.tracing.result import Trace, ends_by_reason
from chainwatch.units import counted

MASKING = {
    DISCLOSURE: "disclosure: all but subjects, findings and services are masked; amounts behind"
    " which a masked party stands are rounded (≈), and their transactions withheld",
}
"""What is said of an edition beside its name."""

MOST_FLOWS = 5_000
"""Flows that a page draws: beyond it browsers are slow, and nobody sees one from the other."""

FOLLOWING = "A method of computing, not a finding of law."


@dataclass(frozen=True)
class ShownPage:
    """The page of a trace as one edition shows it."""

    data: Mapping[str, Any]

    def html(self) -> str:
        """Return it as one HTML file."""
        return page(self.data)

    def said(self, text: TextMask) -> ShownPage:
        """Return it with all its texts as an edition may say them."""
        return ShownPage(text.plain(self.data))

    def frame(self) -> str:
        """Return it in a frame, for notebooks."""
        return frame(self.data)


@dataclass(frozen=True, repr=False, eq=False)
class InteractiveFigure(Result):
    """A trace as a page to move about in, not made yet.

    Attributes
    ----------
    trace : Trace
        What it shows.
    clusters : Clusters or None
        Entities drawn as one until they are opened.
    tags : Tags or None
        Names for entities that the edition shows, with their sources.
    title : str
        Heading.
    data : tuple of (str, str)
        What is known of the data beside the trace: when it was acquired, and up to when read.
    top : int
        Largest flows that are in the page; of the others it says how many, and how much.
    """

    trace: Trace
    clusters: Owners | None = None
    tags: Tagged | None = None
    title: str = ""
    data: tuple[tuple[str, str], ...] = ()
    top: int = MOST_FLOWS

    def tables(self) -> Mapping[str, Rows]:
        """Return no table: what it shows is the trace."""
        return {}

    def words(self) -> Mapping[str, Any]:
        """Return what makes it this page: the trace, the names and the heading."""
        digests = {
            name: item.digest for name, item in vars(self).items() if isinstance(item, Result)
        }
        data = [list(fact) for fact in self.data]
        return {**digests, "title": self.title, "data": data, "top": self.top}

    @property
    def _flow(self) -> FlowFigure:
        return FlowFigure(self.trace, self.clusters, self.tags, 1, self.title)

    def _given(self) -> list[Result]:
        given: tuple[object, ...] = (self.trace, self.clusters, self.tags)
        return [item for item in given if isinstance(item, Result)]

    def __repr__(self) -> str:
        steps = counted(self.trace.steps.height, "step", "steps")
        return f"InteractiveFigure({self.title!r}, {steps})"

    def _repr_html_(self) -> str:
        """Return the view in a frame, for notebooks; in words what it is where bokeh is absent."""
        try:
            return self.framed()
        except MissingExtra as missing:
            return preformatted(f"{self!r}\n{missing}")

    def framed(self) -> str:
        """Return the view in a frame, for notebooks, in the edition of the desk.

        Raises
        ------
        MissingExtra
            If bokeh is not installed.
        """
        return self.shown(self._flow.desk()).frame()

    def save(
        self, path: str | Path, edition: Edition | None = None, *, replace: bool = False
    ) -> Path:
        """Write the page: one HTML file that needs nothing else and asks nobody.

        Parameters
        ----------
        path : path
            The file, ``.html``.
        edition : Edition, optional
            Who is shown; without one, the edition of the desk.
        replace : bool
            Put it in the place of a file of that name.

        Raises
        ------
        InputError
            If the name ends otherwise.
        MissingExtra
            If bokeh is not installed.
        OutputExists
            If the file exists and may not be replaced.
        """
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"{target.name!r} is no name of a page", remedy="end it in .html")
        check_new(target, replace=replace)
        text = self.shown(edition or self._flow.desk()).html()
        write_new(target, text.encode(), replace=replace)
        return target

    def shown(self, edition: Edition, redact: Callable[[str], str] = str) -> ShownPage:
        """Return it as an edition shows it, its heading without what the edition may not say."""
        flow = self._flow.shown(edition, redact)
        rows = flow_rows(self.trace, edition, self.clusters, self.tags)
        drawn = flow.flows.sort(["amount", "source", "target"], descending=[True, False, False])
        left = drawn[self.top :]
        drawn = drawn[: self.top].sort("source", "target")
        facts = [*self._facts(edition), *self._left_out(left, flow.sums)]
        shown = Shown(
            drawn, rows, flow.sums, self._behind(edition), flow.places, self.trace.asset,
            self._words(edition, flow.title), facts, self._ends(edition),
        )  # fmt: skip
        page = ShownPage(payload(shown))
        return page.said(self._mask(edition, rows, page)) if edition.name == DISCLOSURE else page

    def _left_out(self, left: pl.DataFrame, sums: Totals) -> list[tuple[str, str]]:
        """Say of the smallest flows that they are not in the page, and what they come to."""
        if left.is_empty():
            return []
        amount, coarse = sums.of(left.select("source", "target").iter_rows())
        said = Sum(left.height, 0, amount, coarse=coarse, exact=True)
        asset = self.trace.asset
        many = counted(left.height, "smaller flow", "smaller flows")
        return [("Not drawn", f"{many}, {sum_text(said, asset.symbol, asset.decimals)} in all")]

    def _mask(self, edition: Edition, rows: FlowRows, page: ShownPage) -> TextMask:
        """Return what takes out of texts what an edition may not say."""
        given = self._given()
        everybody = set().union(*(parties(one) for one in given))
        ids = frozenset(
            row.txid for listed in (*rows.shown.values(), *rows.inside.values()) for row in listed
        ) | {link[3] for node in page.data["nodes"] for link in node.get("links", ())}
        return TextMask(edition, everybody, names=masked_names(given, edition), ids=ids)

    def _words(self, edition: Edition, title: str) -> dict[str, str]:
        return {
            "title": title or f"Flow of {self.trace.asset.symbol}",
            "caption": self._flow.caption(),
            "edition": MASKING.get(edition.name, f"{edition.name}: nobody is masked"),
        }

    def _facts(self, edition: Edition) -> list[tuple[str, str]]:
        """Return method, policy, unit, sources and date of the data."""
        trace, asset = self.trace, self.trace.asset
        read = [*trace.origins["time"], *trace.steps["time"], *trace.ends["time"]]
        times = [time for time in read if time is not None]
        way = "backward, to where value came from" if trace.direction == "backward" else "forward"
        facts = [
            ("Method", f"{trace.policy.upper()}, followed {way}. {FOLLOWING}"),
            ("Unit", f"{asset.symbol}, {asset.decimals} decimals, on {asset.chain}"),
            ("Came in", asset.shown(trace.amount)),
            *self.data,
        ]
        if times:
            days = [f"{day:%Y-%m}" if edition.name == DISCLOSURE else f"{day:%Y-%m-%d}"
                    for day in (min(times), max(times))]  # fmt: skip
            rest = "; of some no time was read" if len(times) < len(read) else ""
            facts.append(("Payments", f"{days[0]} to {days[1]} (UTC){rest}"))
        elif read:
            facts.append(("Payments", UNTIMED))
        if as_of := trace.unspent_as_of().strip():
            facts.append(("Unspent", as_of))
        for what, said in (
            ("Not read", trace.lacking()),
            ("Order", trace.order_open()),
            ("Effect", trace.effect_doubt),
        ):
            facts += [(what, said)] if said else []
        facts.append(("Trace", edition.digest(trace.digest)))
        return facts

    def _ends(self, edition: Edition) -> list[tuple[str, str, str]]:
        """Return where value ends, as the table of a report says it."""
        rows, asset = ends_by_reason(self.trace), self.trace.asset
        told = mask_table(rows, [asset.chain] * rows.frame.height, edition).frame
        found = []
        for row in told.iter_rows(named=True):
            beside = ", ".join(row[one] for one in ("service", "certainty", "basis") if row[one])
            amount = Sum(1, 1, int(row["amount"]), coarse=bool(row.get(ROUNDED)), exact=True)
            found.append((
                row["reason"] + (f" ({beside})" if beside else ""),
                sum_text(amount, asset.symbol, asset.decimals), str(row["ends"]),
            ))  # fmt: skip
        return found

    def _behind(self, edition: Edition) -> dict[str, Behind]:
        """Return what stands behind each node, by the address by which its entity is called."""
        names = Names(self.trace, edition, self.clusters, self.tags)
        chain = self.trace.asset.chain
        touched = {
            one
            for frame, column in (
                (self.trace.steps, "source"), (self.trace.steps, "target"),
                (self.trace.ends, "address"),
            )
            for one in frame[column].drop_nulls()
        }  # fmt: skip
        wholes = {names.whole(one) for one in touched}
        entities = {one: names.whole(one) for one in (*touched, *names.owner, *names.subject_of)}
        called = {
            one: edition.name_of(chain, whole)
            for one, whole in entities.items()
            if whole in wholes and not edition.masks(chain, whole)
        }
        found = evidence(chain, edition, called, self.clusters, self.tags)
        return {name: one for name, one in found.items() if not name.startswith(POOLED)}


@recorded
def interactive(
    trace: Trace,
    clusters: Owners | None = None,
    tags: Tagged | None = None,
    *,
    title: str = "",
    data: tuple[tuple[str, str], ...] = (),
    top: int = MOST_FLOWS,
) -> InteractiveFigure:
    """Return a trace as a page to move about in: search, filters, evidence at a click.

    Parameters
    ----------
    trace : Trace
        What to show.
    clusters : Clusters, optional
        Draw each cluster as one entity, which opens into its addresses.
    tags : Tags, optional
        Call entities by their tags, where the edition shows them.
    title : str
        Heading.
    data : tuple of (str, str)
        What is known of the data, as names and values: when it was acquired, up to when read.
    top : int
        Largest flows that are in the page; of the others it says how many, and how much.

    Returns
    -------
    InteractiveFigure
        ``save(path)`` writes it as one HTML file; the last line of a notebook's cell shows it.

    Raises
    ------
    InputError
        If ``top`` is below one.
    """
    if top < 1:
        raise InputError(f"a page of {top} flows shows nothing", remedy="ask for one or more")
    return InteractiveFigure(trace, clusters, tags, title, data, top)
