"""The flow graph: boxes for parties, lines for flows with amounts and days, and the remainder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from chainwatch.figures import captions, drawing, style
from chainwatch.figures.drawing import FOLDED, INK
from chainwatch.figures.fit import BAR, LABEL, LINE
from chainwatch.figures.frame import MARGIN, PAGE_WIDTH, Frame, KeyRow, legend, points
from chainwatch.figures.graph.columns import BEND, INSET, MARK, Grid, grid
from chainwatch.figures.graph.contents import Contents, contents
from chainwatch.figures.layout import engine_name
from chainwatch.figures.selection import Selection, select
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import MISSING_FACE, printable, set_width, unreadable
from chainwatch.privacy.flow_totals import Totals
from chainwatch.sanitize import apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

SYMBOL_CHARACTERS = 12
LEAST_HEIGHT = 110.0
"""Height of the drawing at least, in points."""
ROOMY = 1.2
"""What a drawing takes of the height that its fullest column needs, where there is room."""
HEAD = 5.0
"""Length of the head of an arrow, in points."""
NOT_LOOKED_FOR = "Peel chains are not folded: none were looked for."
WITHHELD = "This edition gives no days."


def draw_graph(
    flows: pl.DataFrame, *, symbol: str, decimals: int, top: int = 40, title: str = "",
    caption: str = "", ax: Axes | None = None, engine: str | None = None,
    sums: Totals | None = None, folded: bool = False,
) -> Axes:  # fmt: skip
    """Draw the largest flows of a frame as lines between boxes, with amounts and days at them.

    Money runs from left to right; a line that closes a cycle runs back and is broken. Roles are
    told apart by letter, hatch and outline as well as by colour. Smaller flows of a node are added
    up at it. Where the boxes have no room for names, marks stand in them, and a key lies below.

    Parameters
    ----------
    flows : polars.DataFrame
        One row per pair of nodes, see `chainwatch.figures.selection.FLOW_COLUMNS`.
    symbol : str
        Name of the whole coin.
    decimals : int
        Decimals of the base unit.
    top : int
        Number of flows drawn singly.
    title, caption : str
        Texts above and below; the method, the total and the part drawn are added.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure, of the width of A4 landscape where that is enough.
    engine : {"dot", "own"}, optional
        Layout engine; default dot where pygraphviz is installed.
    sums : Totals, optional
        Says what several rounded flows add up to, which nodes are peel chains,
        and who was not read.
    folded : bool
        Whether peel chains were looked for.

    Raises
    ------
    InputError
        If the frame is not a flow frame, or the axes are too small for so many flows.
    """
    written = (title, caption, symbol, *flows["source_label"], *flows["target_label"])
    if any(unreadable(text) for text in written if text):
        caption = f"{caption} {MISSING_FACE}"
    symbol = apart(printable(symbol, limit=SYMBOL_CHARACTERS))
    said = contents(flows, symbol=symbol, decimals=decimals, top=top, sums=sums)
    with style.settings():
        page = _Page(said, symbol, decimals, title, caption, ax, engine, folded)
        page.frame.draw(page.ax, page.height, page.inside)
    words = _in_words(said.chosen, symbol, decimals)
    style.describe(page.ax, title or f"Flow graph of {symbol}", words)
    return page.ax


def alt_text(
    flows: pl.DataFrame, *, symbol: str, decimals: int, top: int = 40, sums: Totals | None = None
) -> str:
    """Describe the graph's main routes in a few sentences, for those who cannot see it."""
    symbol = apart(printable(symbol, limit=SYMBOL_CHARACTERS))
    return _in_words(select(flows, top, sums), symbol, decimals)


def _in_words(chosen: Selection, symbol: str, decimals: int) -> str:
    return captions.caption_in_words(chosen, symbol, decimals, figure="Flow graph", line="line")


def method(said: Contents, symbol: str, decimals: int, engine: str, *, folded: bool) -> str:
    """Return the part of the caption that says how the graph was made and what it leaves out."""
    steps = "a half, a tenth and a hundredth"
    words = [
        f"Money runs from left to right along the lines, which are thicker from {steps} of the"
        " largest amount on.",
        *captions.drawn_of(said.chosen, symbol, decimals),
    ]
    if said.rests:
        words.append("A node's smaller flows are added up beside it, with their number.")
    if captions.rounded(said.chosen):
        words.append("≈: rounded to protect others than subjects, findings and services.")
    words += captions.digits_and_times(said.chosen)
    if said.chosen.moved.flows and not (said.chosen.first and said.chosen.last):
        words.append(WITHHELD)
    if said.chains:
        words.append("A peel chain is one node: what came in, what was peeled off, what arrived.")
    elif not folded:
        words.append(NOT_LOOKED_FOR)
    return " ".join([*words, f"Columns: {captions.layout_in_words(engine)}."])


class _Page:
    """The graph and what stands around it, measured in points before it is drawn."""

    def __init__(
        self, said: Contents, symbol: str, decimals: int, title: str, caption: str,
        ax: Axes | None, engine: str | None, folded: bool,
    ) -> None:  # fmt: skip
        engine = engine_name(engine)
        full = points(ax)[0] if ax is not None else PAGE_WIDTH * 72
        self.grid = grid(said, full - 2 * MARGIN, engine, fixed=ax is not None)
        self.said = self.grid.said
        back = self.grid.layers.backward
        rests = [("rest", "smaller flows, added up")] if said.rests else []
        key = [KeyRow(one.mark, one.name, one.lines[0]) for one in said.boxes]
        if self.grid.keyed:
            caption = " ".join([caption, *(one.lost for one in said.boxes if one.lost)])
        self.frame = Frame(
            max(full - 2 * MARGIN, self.grid.width), title=title, told=caption,
            method=method(said, symbol, decimals, engine, folded=folded),
            legend=[*legend(said.chosen, back), *rests],
            others=captions.elsewhere(said.chosen, symbol, decimals),
            key=key if self.grid.keyed else (),
        )  # fmt: skip
        needed = self.grid.least_height
        comfort = max(LEAST_HEIGHT, needed * ROOMY)
        self.height = comfort if ax is None else max(points(ax)[1] - self.frame.height, 0.0)
        wide = (self.frame.width + 2 * MARGIN) / 72
        self.ax = ax or style.new_axes(wide, (self.height + self.frame.height) / 72)
        self.centre = self.grid.centres(self.height, engine)

    def inside(self, bottom: float) -> list[int]:
        """Draw lines, boxes and rests above a place; return the boxes from left to right."""
        if not self.said.boxes:
            drawing.write(self.ax, MARGIN, bottom + self.height / 2, captions.NOTHING, LABEL)
        routes, many = self.grid.layers.routes, len(self.said.lines)
        ports = _ports(self.grid, self.centre)
        for number, line in enumerate(self.said.lines):
            back = self.grid.layers.backward[number]
            _line(self.ax, self._way(number, ports, bottom), line.width, back=back)
            self._text(self.grid.label[number], line.texts, bottom)
        for number, one in enumerate(self.said.rests, many):
            _line(self.ax, self._way(number, ports, bottom), 0.6, dotted=True)
            self._text(routes[number][1 if one.out else 0], one.texts, bottom, rest=True)
        for node in range(len(self.said.boxes)):
            self._box(node, bottom + self.centre[node])
        column = self.grid.layers.column
        return sorted(range(len(self.said.boxes)), key=lambda n: (column[n], -self.centre[n], n))

    def _sides(self, cell: int) -> tuple[float, float]:
        """Return the left and the right edge of a cell."""
        at = self.grid.layers.column[cell]
        left = MARGIN + self.grid.left[at]
        return left, left + self.grid.widths[at]

    def _way(
        self, number: int, ports: dict[tuple[int, int], float], bottom: float
    ) -> list[tuple[float, float]]:
        """Return the points of a line: two at each cell that it passes, one at either end."""
        route = self.grid.layers.routes[number]
        way: list[tuple[float, float]] = []
        for place, cell in enumerate(route):
            left, right = self._sides(cell)
            y = bottom + ports.get((number, place), self.centre[cell])
            # In a gutter it bends at either side of where texts stand.
            bend = BEND if self.grid.layers.column[cell] % 2 != self.grid.boxes_at else 0.0
            way += [(right - bend, y)] if not place else [(left + bend, y)]
            if 0 < place < len(route) - 1:
                way.append((right - bend, y))
        return way

    def _text(
        self, cell: int, texts: Sequence[str], bottom: float, *, rest: bool = False
    ) -> None:  # fmt: skip
        left, right = self._sides(cell)
        middle, y = (left + right) / 2, bottom + self.centre[cell]
        tall = len(texts) * LABEL * LINE
        wide = max(set_width(text, LABEL) for text in texts) + 2.0
        self.ax.add_artist(_ground(middle - wide / 2, y - tall / 2, wide, tall))
        if rest:
            drawing.box(self.ax, left + BEND - 4, y - tall / 2, 3.0, tall, "#DDDDDD", "....", ":")
        for number, text in enumerate(texts):
            at = y + ((len(texts) - 1) / 2 - number) * LABEL * LINE
            fitting = style.fit(text, right - left - 2 * BEND + 2, LABEL)
            drawing.write(self.ax, middle, at, fitting, LABEL, align="center")

    def _box(self, node: int, y: float) -> None:
        """Draw a box: a bar in the manner of its role, and its mark and text beside the bar."""
        item, tall = self.said.boxes[node], self.grid.heights[node]
        left, right = self._sides(node)
        role = ROLES[item.role]
        drawing.box(self.ax, left, y - tall / 2, right - left, tall, "white", "", role.line)
        for at, wide in FOLDED if item.folded else ((0.0, BAR),):
            drawing.box(self.ax, left + at, y - tall / 2, wide, tall, role.colour, role.hatch, "-")
        x, rows = left + BAR + INSET, () if self.grid.keyed else item.lines
        y += len(rows) * LABEL * LINE / 2
        drawing.write(self.ax, x, y, item.mark, LABEL, bold=True)
        if self.grid.keyed:
            return
        used = min(style.text_width(item.mark, LABEL, bold=True) + INSET, MARK)
        name = style.fit(item.name, right - INSET - x - used, LABEL)
        drawing.write(self.ax, x + used, y, drawing.called(name), LABEL)
        for row in rows:
            y -= LABEL * LINE
            drawing.write(self.ax, x, y, style.fit(row, right - x - INSET / 2, LABEL), LABEL)


def _ground(x: float, y: float, wide: float, tall: float) -> Rectangle:
    """Return what a text stands on, so that the line under it does not cross it."""
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), wide, tall, facecolor="white", alpha=0.93, linewidth=0, zorder=1.8)


def _ports(found: Grid, centre: Sequence[float]) -> dict[tuple[int, int], float]:
    """Return where each line meets its boxes: by the order in which lines come, none crosses."""
    routes = found.layers.routes
    meets: dict[tuple[int, bool], list[int]] = {}
    for number, route in enumerate(routes):
        for place, right in ((0, True), (len(route) - 1, False)):
            if route[place] < found.layers.nodes:
                meets.setdefault((route[place], right), []).append(number)
    ports = {}
    for (node, right), numbers in meets.items():
        beside = 1 if right else -2
        numbers.sort(key=lambda n: (centre[routes[n][beside]], n))
        step = (found.heights[node] - 4.0) / len(numbers)
        for rank, number in enumerate(numbers):
            place = 0 if right else len(routes[number]) - 1
            ports[number, place] = centre[node] + step * (rank + 0.5 - len(numbers) / 2)
    return ports


def _line(
    ax: Axes, way: list[tuple[float, float]], width: float, *, back: bool = False,
    dotted: bool = False,
) -> None:  # fmt: skip
    """Draw a line through points: curved between columns, level where it passes one."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), far = way[0], way[-1]
    tip = (x, y) if back else far
    if not dotted:
        way = [(x + HEAD, y), *way[1:]] if back else [*way[:-1], (far[0] - HEAD, far[1])]
    path, codes = [way[0]], [Path.MOVETO]
    for place, ((x0, y0), (x1, y1)) in enumerate(pairwise(way)):
        if place % 2:
            path.append((x1, y1))
            codes.append(Path.LINETO)
        else:
            middle = (x0 + x1) / 2
            path += [(middle, y0), (middle, y1), (x1, y1)]
            codes += [Path.CURVE4] * 3
    ax.add_artist(PathPatch(
        Path(path, codes), fill=False, edgecolor=INK, linewidth=width, zorder=1.5,
        linestyle=":" if dotted else "--" if back else "-", capstyle="butt",
    ))  # fmt: skip
    if not dotted:
        _head(ax, tip, 1 if back else -1, width)


def _head(ax: Axes, tip: tuple[float, float], side: int, width: float) -> None:
    """Draw the head of an arrow, which ends at a box."""
    from matplotlib.patches import Polygon

    x, y = tip
    half = 1.8 + width / 2
    corners: Any = [(x, y), (x + side * HEAD, y + half), (x + side * HEAD, y - half)]
    ax.add_artist(Polygon(corners, closed=True, facecolor=INK, linewidth=0, zorder=2.5))
