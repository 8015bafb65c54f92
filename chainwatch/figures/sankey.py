"""The flow figure: who passed how much to whom, as bands from left to right, and what is not shown.

Nothing of the frame vanishes: a flow is either a band (or a note of a flow to itself), or it is
counted in one of the *others* lines, and the caption says how much of the total is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from chainwatch.figures import captions, drawing, fit, style
from chainwatch.figures.fit import BAR, LABEL, LINE
from chainwatch.figures.layout import engine_name
from chainwatch.figures.selection import Selection, Sums, node_lines, select
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import MISSING_FACE, printable, unreadable
from chainwatch.sanitize import apart, direction, isolated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_WIDTH = 10.7
"""Width of a figure in inches: A4 landscape less its margins."""
PAGE_HEIGHT = 7.4
"""Height in inches that a figure stays below as long as its labels allow."""
MARGIN = 14.0
"""Empty border inside the Axes, in points."""
TITLE = 11.0
SMALL = 7.0
LONG_KEY = 45
"""Nodes beyond which the key gets a fourth column."""
LEGEND_GAPS = (16.0, 8.0)
"""Distances of what stands in the legend, in points: the wide one, and that which saves a row."""
KEY_MARK, KEY_AMOUNT = 38.0, 0.55
"""What a key's column keeps for marks and gaps, in points, and at most for an amount, of it."""
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
    """The parts of a figure from top to bottom, measured in points before they are drawn."""

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
        full = _points(ax)[0] if ax is not None else PAGE_WIDTH * 72
        self.width = full - 2 * MARGIN
        self.lines = [node_lines(node, chosen.entering, symbol, decimals) for node in chosen.nodes]
        amounts = [style.text_width(value, LABEL) for _, value in self.lines]
        self.plan = fit.plan(chosen, self.width, max(amounts, default=0.0), self.engine)
        self.key_columns = self._key_columns(amounts)
        head, told = printable(title), printable(caption)
        self.title = style.wrap(head, self.width, TITLE, lines=2, bold=True)
        method = captions.method(chosen, symbol, decimals, self.engine)
        self.caption = style.wrap(told, self.width, SMALL, lines=8)
        self.caption += style.wrap(method, self.width, SMALL, lines=6)
        self.legend = _flow_rows(_legend(chosen, self.plan.layers.backward), self.width)
        self.others = captions.others(chosen, symbol, decimals)
        needed = fit.least_height(self.plan)
        most = max(PAGE_HEIGHT * 72 - self._frame(), 150.0)
        comfort = max(150.0, min(needed * 1.5, 320.0, most), needed * 1.05)
        height = _points(ax)[1] - self._frame() if ax is not None else comfort
        self.height = max(height, 0.0)
        self.ax = ax or style.new_axes(PAGE_WIDTH, (self.height + self._frame()) / 72)
        self.placed = fit.arrange(chosen, self.plan, self.height, self.engine)

    def _key_columns(self, amounts: list[float]) -> int:
        """Return how many columns a key has: as many as leave remarks behind names whole."""
        most = 4 if len(amounts) > LONG_KEY and max(amounts) < 95 else 3
        names = [fit.kept(name) for name, _ in self.lines]
        for columns in range(most, 1, -1):
            wide = self.width / columns
            rooms = (wide - KEY_MARK - min(amount, wide * KEY_AMOUNT) for amount in amounts)
            if all(room >= name for room, name in zip(rooms, names, strict=True)):
                return columns
        return 1

    def _frame(self) -> float:
        """Height of everything but the bands."""
        key = (
            -(-len(self.chosen.nodes) // self.key_columns) + 1 if not self.plan.labels.lines else 0
        )
        return (
            2 * MARGIN
            + len(self.title) * TITLE * LINE
            + (len(self.legend) * 1.5 + 1) * LABEL * LINE
            + key * LABEL * LINE
            + (1.5 * len(self.others) + 1) * LABEL * LINE
            + (len(self.caption) + 1) * SMALL * LINE
        )

    def draw(self) -> None:
        """Draw all parts; the Axes' units become points."""
        full = self.width + 2 * MARGIN
        self.ax.set(xlim=(0, full), ylim=(0, self.height + self._frame()))
        self.ax.axis("off")
        y = self.height + self._frame() - MARGIN
        for line in self.title:
            drawing.write(self.ax, MARGIN, y - TITLE / 2, _directed(line), TITLE, bold=True)
            y -= TITLE * LINE
        y = self._draw_legend(y - 0.5 * LABEL * LINE) - 0.5 * LABEL * LINE
        y -= self.height
        order = drawing.draw(self.ax, self.chosen, self.plan, self.placed, y, MARGIN)
        if not self.plan.labels.lines:
            y = self._draw_key(order, y)
        else:
            drawing.label(self.ax, self.chosen, self.plan, self.placed, self.lines, y, MARGIN)
        y -= LABEL * LINE
        for text in self.others:
            drawing.box(self.ax, MARGIN, y - 3, BAR, 6, "#DDDDDD", "....", ":")
            fitting = style.fit(text, self.width - 20, LABEL)
            drawing.write(self.ax, MARGIN + BAR + 4, y, fitting, LABEL)
            y -= 1.5 * LABEL * LINE
        for line in self.caption:
            drawing.write(self.ax, MARGIN, y - SMALL / 2, _directed(line), SMALL, colour="#444444")
            y -= SMALL * LINE

    def _draw_legend(self, y: float) -> float:
        for row in self.legend:
            x = MARGIN
            for name, text, wide in row:
                if name in ROLES:
                    role = ROLES[name]
                    drawing.box(self.ax, x, y - 7, BAR, 7, role.colour, role.hatch, role.line)
                elif name == "folded":
                    for at, bar in drawing.FOLDED:
                        drawing.box(self.ax, x + at, y - 7, bar, 7, "#FFFFFF", "", "-")
                elif name == "back":
                    self.ax.plot(
                        [x, x + BAR], [y - 3.5] * 2, "--<", ms=3, lw=0.6, color=drawing.INK
                    )
                indent = BAR + 4 if name else 0.0
                drawing.write(self.ax, x + indent, y - 3.5, text, LABEL)
                x += wide
            y -= 1.5 * LABEL * LINE
        return y

    def _draw_key(self, order: list[int], y: float) -> float:
        """Number the nodes, and list numbers and names in columns below the bands."""
        rows = -(-len(order) // self.key_columns)
        wide = self.width / self.key_columns
        for number, node in enumerate(order):
            code = self.chosen.nodes[node].mark
            at = MARGIN + self.plan.across(self.plan.layers.column[node]) + BAR + 2
            drawing.write(self.ax, at, y + self.placed.centre[node], code, LABEL, boxed=True)
            x = MARGIN + number // rows * wide
            line = y - (number % rows + 1.5) * LABEL * LINE
            drawing.write(self.ax, x, line, code, LABEL, bold=True)
            name, value = self.lines[node]
            value = style.fit(value, wide * KEY_AMOUNT, LABEL)
            room = wide - KEY_MARK - style.text_width(value, LABEL)
            fitting = drawing.called(style.fit(name, room, LABEL))
            drawing.write(self.ax, x + 24, line, fitting, LABEL)
            drawing.write(self.ax, x + wide - 10, line, value, LABEL, align="right")
        return y - (rows + 1) * LABEL * LINE


def _directed(line: str) -> str:
    """Return a line of running text as it reads: from right to left, or with names set apart."""
    return apart(line) if direction(line) == "rtl" else isolated(line)


def _points(ax: Axes) -> tuple[float, float]:
    """Return width and height of Axes in points."""
    box = ax.get_position()
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the Axes belong to no figure")
    wide, high = figure.get_size_inches()
    return float(box.width * wide * 72), float(box.height * high * 72)


def _legend(chosen: Selection, back: tuple[bool, ...]) -> list[tuple[str, str]]:
    used = {node.role for node in chosen.nodes}
    items = [
        (name, f"{role.letter} {role.meaning}") for name, role in ROLES.items() if name in used
    ]
    if any(node.itself.flows for node in chosen.nodes):
        items.append(("", "↻ to itself"))
    if any(node.folded for node in chosen.nodes):
        items.append(("folded", "several parties, drawn together"))
    if any(back):
        items.append(("back", "runs back"))
    return items


def _flow_rows(items: list[tuple[str, str]], width: float) -> list[list[tuple[str, str, float]]]:
    """Break the legend into rows that fit; its parts stand closer where that saves a row."""
    return min((_spaced(items, width, gap) for gap in LEGEND_GAPS), key=len)


def _spaced(
    items: list[tuple[str, str]], width: float, gap: float
) -> list[list[tuple[str, str, float]]]:
    rows: list[list[tuple[str, str, float]]] = [[]]
    used = 0.0
    for name, text in items:
        wide = BAR + 4 + style.text_width(text, LABEL) + gap
        if used + wide > width and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((name, text, wide))
        used += wide
    return rows
