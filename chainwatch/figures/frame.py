"""What stands around a flow figure: heading, legend, key, what is not drawn, and how it was made.

All is measured in points before anything is drawn, so that what it surrounds knows its room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.figures import drawing, fit, style
from chainwatch.figures.fit import BAR, LABEL, LINE
from chainwatch.figures.selection import Selection
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import printable, set_width
from chainwatch.sanitize import apart, direction, isolated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_WIDTH = 10.7
"""Width of a figure in inches: A4 landscape less its margins."""
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

Items = Sequence[tuple[str, str]]
"""Name of a mark of the legend, and what it means."""


class KeyRow(NamedTuple):
    """Whom a mark stands for: the mark, the name and the amount."""

    mark: str
    name: str
    amount: str


class Frame:
    """The parts around a figure, from top to bottom, measured for a width."""

    def __init__(
        self, width: float, *, title: str, told: str, method: str, legend: Items,
        others: Sequence[str], key: Sequence[KeyRow] = (),
    ) -> None:  # fmt: skip
        self.width = width
        self.title = style.wrap(printable(title), width, TITLE, lines=2, bold=True)
        self.caption = style.wrap(printable(told), width, SMALL, lines=8)
        self.caption += style.wrap(method, width, SMALL, lines=8)
        self.legend = _rows(legend, width)
        self.others = list(others)
        self.key = list(key)
        self.key_columns = _key_columns(self.key, width)

    @property
    def height(self) -> float:
        """Height of everything but what it surrounds, in points."""
        key = -(-len(self.key) // self.key_columns) + 1 if self.key else 0
        return (
            2 * MARGIN
            + len(self.title) * TITLE * LINE
            + (len(self.legend) * 1.5 + 1) * LABEL * LINE
            + key * LABEL * LINE
            + (1.5 * len(self.others) + 1) * LABEL * LINE
            + (len(self.caption) + 1) * SMALL * LINE
        )

    def draw(self, ax: Axes, inner: float, within: Callable[[float], Sequence[int]]) -> None:
        """Draw all parts, and what they surround; the Axes' units become points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes
            Where to draw.
        inner : float
            Height of what is surrounded, in points.
        within : callable
            Draws it above the place it is given, and returns the order of the rows of the key.
        """
        tall = inner + self.height
        ax.set(xlim=(0, self.width + 2 * MARGIN), ylim=(0, tall))
        ax.axis("off")
        y = tall - MARGIN
        for line in self.title:
            drawing.write(ax, MARGIN, y - TITLE / 2, directed(line), TITLE, bold=True)
            y -= TITLE * LINE
        y = self._draw_legend(ax, y - 0.5 * LABEL * LINE) - 0.5 * LABEL * LINE
        y -= inner
        order = within(y)
        y = self._draw_key(ax, order, y) if self.key else y
        self._draw_foot(ax, y - LABEL * LINE)

    def _draw_legend(self, ax: Axes, y: float) -> float:
        for row in self.legend:
            x = MARGIN
            for name, text, wide in row:
                _sign(ax, name, x, y)
                drawing.write(ax, x + (BAR + 4 if name else 0.0), y - 3.5, text, LABEL)
                x += wide
            y -= 1.5 * LABEL * LINE
        return y

    def _draw_key(self, ax: Axes, order: Sequence[int], y: float) -> float:
        """List marks, names and amounts in columns below what is surrounded."""
        rows = -(-len(order) // self.key_columns)
        wide = self.width / self.key_columns
        for number, place in enumerate(order):
            one = self.key[place]
            x = MARGIN + number // rows * wide
            line = y - (number % rows + 1.5) * LABEL * LINE
            drawing.write(ax, x, line, one.mark, LABEL, bold=True)
            value = style.fit(one.amount, wide * KEY_AMOUNT, LABEL)
            room = wide - KEY_MARK - set_width(value, LABEL)
            fitting = drawing.called(style.fit(one.name, room, LABEL))
            drawing.write(ax, x + 24, line, fitting, LABEL)
            drawing.write(ax, x + wide - 10, line, value, LABEL, align="right")
        return y - (rows + 1) * LABEL * LINE

    def _draw_foot(self, ax: Axes, y: float) -> None:
        for text in self.others:
            drawing.box(ax, MARGIN, y - 3, BAR, 6, "#DDDDDD", "....", ":")
            fitting = style.fit(text, self.width - 20, LABEL)
            drawing.write(ax, MARGIN + BAR + 4, y, fitting, LABEL)
            y -= 1.5 * LABEL * LINE
        for line in self.caption:
            drawing.write(ax, MARGIN, y - SMALL / 2, directed(line), SMALL, colour="#444444")
            y -= SMALL * LINE


def _sign(ax: Axes, name: str, x: float, y: float) -> None:
    """Draw a mark of the legend as it stands in the figure."""
    if name in ROLES:
        role = ROLES[name]
        drawing.box(ax, x, y - 7, BAR, 7, role.colour, role.hatch, role.line)
    elif name == "folded":
        for at, bar in drawing.FOLDED:
            drawing.box(ax, x + at, y - 7, bar, 7, "#FFFFFF", "", "-")
    elif name == "back":
        ax.plot([x, x + BAR], [y - 3.5] * 2, "--<", ms=3, lw=0.6, color=drawing.INK)
    elif name == "rest":
        drawing.box(ax, x, y - 7, BAR, 7, "#DDDDDD", "....", ":")


def legend(chosen: Selection, back: Iterable[bool]) -> list[tuple[str, str]]:
    """Return what a flow figure has to explain: the roles in it, and its other marks."""
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


def directed(line: str) -> str:
    """Return a line of running text as it reads: from right to left, or with names set apart."""
    return apart(line) if direction(line) == "rtl" else isolated(line)


def points(ax: Axes) -> tuple[float, float]:
    """Return width and height of Axes in points."""
    box = ax.get_position()
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the Axes belong to no figure")
    wide, high = figure.get_size_inches()
    return float(box.width * wide * 72), float(box.height * high * 72)


def _key_columns(key: Sequence[KeyRow], width: float) -> int:
    """Return how many columns a key has: as many as leave remarks behind names whole."""
    amounts = [set_width(one.amount, LABEL) for one in key]
    most = 4 if len(amounts) > LONG_KEY and max(amounts) < 95 else 3
    names = [fit.kept(one.name) for one in key]
    for columns in range(most, 1, -1):
        wide = width / columns
        rooms = (wide - KEY_MARK - min(amount, wide * KEY_AMOUNT) for amount in amounts)
        if all(room >= name for room, name in zip(rooms, names, strict=True)):
            return columns
    return 1


def _rows(items: Items, width: float) -> list[list[tuple[str, str, float]]]:
    """Break the legend into rows that fit; its parts stand closer where that saves a row."""
    return min((_spaced(items, width, gap) for gap in LEGEND_GAPS), key=len)


def _spaced(items: Items, width: float, gap: float) -> list[list[tuple[str, str, float]]]:
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
