"""Where boxes, lines and texts of a flow graph stand: columns of boxes, and gutters between them.

Boxes stand in the even columns. Each line has one cell in each column that it passes, so that it
runs under no box, and in one gutter a cell as high as its text: no text can lie over another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chainwatch.errors import InputError
from chainwatch.figures.fit import BAR, LABEL, LINE
from chainwatch.figures.graph.contents import Box, Contents
from chainwatch.figures.layout import Layers, Link, layers, place
from chainwatch.figures.typefaces import set_width

GAP = 5.0
"""Least distance of two cells of a column, in points."""
INSET = 4.0
"""From the bar of a box to its text, and from the text to its edge, in points."""
BEND = 15.0
"""Room at either side of a text at a line, where the line bends and ends, in points."""
PASSAGE = 3.0
"""Height that a line takes where nothing stands at it, in points."""
PORT = 4.0
"""Distance of two lines at the side of a box, at least, in points."""
WAYS = (
    *((room, False) for room in (150.0, 120.0, 100.0, 84.0)),
    *((room, True) for room in (84.0, 66.0)),
    (0.0, False),
    (0.0, True),
)
"""Room for the name in a box, in points, and whether lines are broken: the first way that fits the
page is taken, or else the last. Without room a box holds its mark alone."""
WIDEST_GUTTER = 96.0
"""Width up to which gutters share what room is left, in points."""
MARK = 20.0
"""Room for the mark of a box, in points."""


@dataclass(frozen=True)
class Grid:
    """The cells of a flow graph, and how wide its columns are.

    Attributes
    ----------
    said : Contents
        What is drawn, its lines broken where that saves room.
    layers : Layers
        Columns of all cells, boxes first, and the cells of each line and then of each rest.
    label, rest : tuple of int
        The cell of the text of each line, and of each rest.
    widths, left : tuple of float
        Width and left edge of each column, in points.
    heights : tuple of float
        Height of each cell, in points.
    keyed : bool
        Whether boxes hold their marks alone, and a key says the rest.
    boxes_at : int
        Boxes stand in the even columns, 0, or in the odd ones, 1.
    """

    said: Contents
    layers: Layers
    label: tuple[int, ...]
    rest: tuple[int, ...]
    widths: tuple[float, ...]
    left: tuple[float, ...]
    heights: tuple[float, ...]
    keyed: bool
    boxes_at: int

    @property
    def width(self) -> float:
        """Width of all columns, in points."""
        return self.left[-1] + self.widths[-1] if self.widths else 0.0

    @property
    def least_height(self) -> float:
        """Height that the fullest column needs, in points."""
        needed = [0.0] * self.layers.columns
        for column, height in zip(self.layers.column, self.heights, strict=True):
            needed[column] += height + GAP
        return max(needed, default=0.0)

    def centres(self, height: float, engine: str) -> list[float]:
        """Return the vertical centre of each cell."""
        return place(self.layers, self.heights, height, gap=GAP, engine=engine)


def grid(said: Contents, width: float, engine: str, *, fixed: bool) -> Grid:
    """Give each box, text and passage its column, and each column its width.

    Parameters
    ----------
    said : Contents
        What is drawn.
    width : float
        Room, in points.
    engine : str
        Layout engine.
    fixed : bool
        Whether the room is all there is; otherwise the page grows to what marks alone need.

    Raises
    ------
    InputError
        If there is too little room even for marks.
    """
    cells = _cells(said, engine)
    for room, tight in WAYS:
        shown = said.tight() if tight else said
        widths = _widths(shown, cells, room)
        if sum(widths) <= width:
            break
    if fixed and sum(widths) > width:
        raise InputError(
            f"{len(widths) // 2 + 1} columns need {sum(widths):.0f} points, there are {width:.0f}",
            remedy="draw fewer flows, fold peel chains, or draw on wider axes",
        )
    widths = _spread(widths, width, cells.shift)
    spare = max(width - sum(widths), 0.0) / 2
    left = [spare + sum(widths[:at]) for at in range(len(widths))]
    heights = _heights(shown, cells, keyed=not room)
    return Grid(
        shown,
        cells.layers,
        cells.label,
        cells.rest,
        tuple(widths),
        tuple(left),
        heights,
        not room,
        cells.shift,
    )


class Cells(NamedTuple):
    """All cells; those of texts of lines, and of rests; and whether boxes stand in odd columns."""

    layers: Layers
    label: tuple[int, ...]
    rest: tuple[int, ...]
    shift: int

    def texts(self, said: Contents) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield the cell of each text, and the text."""
        yield from zip(self.label, (one.texts for one in said.lines), strict=True)
        yield from zip(self.rest, (one.texts for one in said.rests), strict=True)


def _cells(said: Contents, engine: str) -> Cells:
    """Return the columns of all cells and their routes, and which cells hold texts."""
    many = len(said.boxes)
    links = [Link(one.source, one.target, max(flow.amount or 0, 1))
             for one, flow in zip(said.lines, said.chosen.flows, strict=True)]  # fmt: skip
    found = layers(many, links, engine)
    shift = int(any(not one.out and not found.column[one.node] for one in said.rests))
    column = [2 * at + shift for at in found.column[:many]]
    routes: list[tuple[int, ...]] = []
    label: list[int] = []
    load: Counter[int] = Counter()
    for link, back in zip(links, found.backward, strict=True):
        start, end = (link.target, link.source) if back else (link.source, link.target)
        between = range(column[start] + 1, column[end])
        passed = range(len(column), len(column) + len(between))
        # The text stands in the emptiest gutter that the line passes, the first of these.
        gutter = min(between[::2], key=lambda at: (load[at], at))
        load[gutter] += 1
        label.append(passed[gutter - between[0]])
        column.extend(between)
        routes.append((start, *passed, end))
    rest = []
    for one in said.rests:
        rest.append(len(column))
        routes.append((one.node, len(column)) if one.out else (len(column), one.node))
        column.append(column[one.node] + (1 if one.out else -1))
    backward = (*found.backward, *[False] * len(rest))
    made = Layers(many, tuple(column), tuple(routes), backward)
    return Cells(made, tuple(label), tuple(rest), shift)


def text_room(box: Box) -> tuple[float, float]:
    """Return the room that the name of a box needs to stand whole, and that its lines need."""
    name = MARK + set_width(box.name, LABEL)
    return name, max(set_width(line, LABEL) for line in box.lines)


def _widths(said: Contents, cells: Cells, room: float) -> list[float]:
    """Return the widths of columns where names have ``room``; without room, marks alone stand."""
    column = cells.layers.column
    widths = [2 * BEND] * cells.layers.columns
    for at, box in zip(column, said.boxes, strict=False):
        name, lines = text_room(box)
        need = max(min(name, room), lines) if room else MARK
        widths[at] = max(widths[at], BAR + 2 * INSET + need)
    for cell, texts in cells.texts(said):
        need = max(set_width(line, LABEL) for line in texts) + 2 * BEND
        widths[column[cell]] = max(widths[column[cell]], need)
    return widths


def _spread(widths: list[float], width: float, shift: int) -> list[float]:
    """Return widths in which the gutters share what room is left, up to `WIDEST_GUTTER`."""
    spare, gutters = width - sum(widths), len(range(1 - shift, len(widths), 2))
    return [
        wide + min(spare / gutters, max(WIDEST_GUTTER - wide, 0.0))
        if spare > 0 and at % 2 != shift else wide
        for at, wide in enumerate(widths)
    ]  # fmt: skip


def _heights(said: Contents, cells: Cells, *, keyed: bool) -> tuple[float, ...]:
    """Return the height of each cell: a box has room for its text and for its lines."""
    heights = [PASSAGE] * len(cells.layers.column)
    ports: Counter[tuple[int, bool]] = Counter()
    for route in cells.layers.routes:
        ports[route[0], True] += 1
        ports[route[-1], False] += 1
    for node, box in enumerate(said.boxes):
        rows = 1 if keyed else 1 + len(box.lines)
        met = max(ports[node, True], ports[node, False])
        heights[node] = max(rows * LABEL * LINE + 5.0, met * PORT + 4.0)
    for cell, texts in cells.texts(said):
        heights[cell] = len(texts) * LABEL * LINE
    return tuple(heights)
