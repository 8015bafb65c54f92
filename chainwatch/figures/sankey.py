"""The flow figure: who passed how much to whom, as bands from left to right, and what is not shown.

Nothing of the frame vanishes: a flow is either a band (or a note of a flow to itself), or it is
counted in one of the *others* lines, and the caption says how much of the total is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from chainwatch.figures import captions, drawing, fit, style
from chainwatch.figures.fit import BAR, LABEL
from chainwatch.figures.frame import MARGIN, PAGE_WIDTH, Frame, KeyRow, legend, points
from chainwatch.figures.layout import engine_name
from chainwatch.figures.selection import Selection, Sums, node_lines, select
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import MISSING_FACE, printable, unreadable
from chainwatch.sanitize import apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_HEIGHT = 7.4
"""Height in inches that a figure stays below as long as its labels allow."""
SYMBOL_CHARACTERS = 12


def draw_flow(
    flows: pl.DataFrame,
    *,
    symbol: str,
    decimals: int,
    top: int = 40,
    title: str = "",
    caption: str = "",
    ax: Axes | None = None,
    engine: str | None = None,
    sums: Sums | None = None,
) -> Axes:
    """Draw the largest flows of a frame as bands whose width is proportional to the amount.

    Columns run from left to right; a flow that closes a cycle runs back and is dashed, with an
    arrow head. Roles are told apart by letter, hatch and outline as well as by colour. Where the
    labels would not fit beside their nodes they move to a numbered key below.

    Parameters
    ----------
    flows : polars.DataFrame
        One row per pair of nodes, see `chainwatch.figures.selection.FLOW_COLUMNS`.
    symbol : str
        Name of the whole coin.
    decimals : int
        Decimals of the base unit.
    top : int
        Number of flows drawn singly; the others are summed up by side.
    title, caption : str
        Texts above and below; the method, the total and the part drawn are added.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure of the width of A4 landscape.
    engine : {"dot", "own"}, optional
        Layout engine; default dot where pygraphviz is installed.
    sums : Totals, optional
        Says what several rounded flows add up to; else the rounded amounts are added.

    Returns
    -------
    matplotlib.axes.Axes
        Its label holds the description that `chainwatch.figures.style.save_figure` writes.

    Raises
    ------
    InputError
        If the frame is not a flow frame, or the axes are too small for so many flows.
    """
    written = (title, caption, symbol, *flows["source_label"], *flows["target_label"])
    if any(unreadable(text) for text in written if text):
        caption = f"{caption} {MISSING_FACE}"
    symbol = apart(printable(symbol, limit=SYMBOL_CHARACTERS))
    chosen = select(flows, top, sums)
    with style.settings():
        page = _Page(chosen, symbol, decimals, title, caption, ax, engine)
        page.draw()
    words = captions.caption_in_words(chosen, symbol, decimals)
    style.describe(page.ax, title or f"Flow of {symbol}", words)
    return page.ax


def alt_text(
    flows: pl.DataFrame, *, symbol: str, decimals: int, top: int = 40, sums: Sums | None = None
) -> str:
    """Describe the figure's main routes in a few sentences, for those who cannot see it."""
    chosen = select(flows, top, sums)
    return captions.caption_in_words(
        chosen, apart(printable(symbol, limit=SYMBOL_CHARACTERS)), decimals
    )


class Marked(NamedTuple):
    """A node of a figure, for a table beside it: mark, name, role in words and amount."""

    mark: str
    name: str
    label: str
    role: str
    amount: str


def marks(
    flows: pl.DataFrame, *, symbol: str, decimals: int, top: int = 40, sums: Sums | None = None
) -> list[Marked]:
    """Return the nodes that `draw_flow` draws of a frame, by the marks that it gives them."""
    chosen = select(flows, top, sums)
    symbol = printable(symbol, limit=SYMBOL_CHARACTERS)
    nodes = sorted(chosen.nodes, key=lambda node: ([*ROLES].index(node.role), int(node.mark[1:])))
    return [
        Marked(
            node.mark, node.name, node.label, ROLES[node.role].meaning,
            node_lines(node, chosen.entering, symbol, decimals)[1],
        )
        for node in nodes
    ]  # fmt: skip


class _Page:
    """The bands and what stands around them, measured in points before they are drawn."""

    def __init__(
        self,
        chosen: Selection,
        symbol: str,
        decimals: int,
        title: str,
        caption: str,
        ax: Axes | None,
        engine: str | None,
    ) -> None:
        self.chosen = chosen
        self.engine = engine_name(engine)
        full = points(ax)[0] if ax is not None else PAGE_WIDTH * 72
        width = full - 2 * MARGIN
        self.lines = [node_lines(node, chosen.entering, symbol, decimals) for node in chosen.nodes]
        amounts = [style.text_width(value, LABEL) for _, value in self.lines]
        self.plan = fit.plan(chosen, width, max(amounts, default=0.0), self.engine)
        marks = [node.mark for node in chosen.nodes]
        key = [KeyRow(mark, *line) for mark, line in zip(marks, self.lines, strict=True)]
        self.frame = Frame(
            width, title=title, told=caption,
            method=captions.method(chosen, symbol, decimals, self.engine),
            legend=legend(chosen, self.plan.layers.backward),
            others=captions.others(chosen, symbol, decimals),
            key=() if self.plan.labels.lines else key,
        )  # fmt: skip
        around = self.frame.height
        needed = fit.least_height(self.plan)
        most = max(PAGE_HEIGHT * 72 - around, 150.0)
        comfort = max(150.0, min(needed * 1.5, 320.0, most), needed * 1.05)
        height = points(ax)[1] - around if ax is not None else comfort
        self.height = max(height, 0.0)
        self.ax = ax or style.new_axes(PAGE_WIDTH, (self.height + around) / 72)
        self.placed = fit.arrange(chosen, self.plan, self.height, self.engine)

    def draw(self) -> None:
        """Draw all parts; the Axes' units become points."""
        self.frame.draw(self.ax, self.height, self._bands)

    def _bands(self, y: float) -> list[int]:
        """Draw the bands above a place, and return the nodes in the order of the key."""
        if not self.chosen.nodes:
            drawing.write(self.ax, MARGIN, y + self.height / 2, captions.NOTHING, LABEL)
        order = drawing.draw(self.ax, self.chosen, self.plan, self.placed, y, MARGIN)
        if self.plan.labels.lines:
            drawing.label(self.ax, self.chosen, self.plan, self.placed, self.lines, y, MARGIN)
            return order
        for node in order:
            at = MARGIN + self.plan.across(self.plan.layers.column[node]) + BAR + 2
            code, centre = self.chosen.nodes[node].mark, self.placed.centre[node]
            drawing.write(self.ax, at, y + centre, code, LABEL, boxed=True)
        return order
