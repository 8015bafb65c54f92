"""How large and where: bands, nodes and labels of a selection fitted into a box of known size.

One unit is one point (1/72 inch), so that text and shapes are measured against each other before
anything is drawn: that is how labels are kept from overlapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chainwatch.figures.layout import Layers, Link, layers, place
from chainwatch.figures.selection import Selection
from chainwatch.figures.style import remarked, text_width

BAR = 9.0
"""Width of a node, in points."""
THINNEST = 0.8
"""Least width of a band, in points: no flow is too small to be seen. It takes no room of others:
bands that are thinner in truth lie over each other, so that no bar is higher for having many."""
LOWEST = 3.0
"""Least height of a bar, in points."""
TALLEST = 120.0
"""Greatest height of a node, in points."""
GAP, SMALL_GAP = 5.0, 2.0
"""Least distance of two nodes of a column, and that in a crowded figure, in points."""
LABEL = 6.5
"""Size of labels, in points."""
LINE = 1.25
"""Height of a line of text in multiples of its size."""
WIDEST_LABEL = 200.0
"""Room that a label is given at most, in points."""
SURE_NAME = 90.0
"""Room that is kept at most for a name before a remark of ours, and for the remark, in points."""
LETTER = 20.0
"""Width of the mark of a node before its name, in points."""
LAST_COLUMN = (26.0, 230.0, 140.0)
"""Room for the labels of the last column, by number of label lines, in points."""
TALLEST_DRAWING = 330.0
"""Height up to which labels stay beside their nodes, in points: what A4 landscape leaves."""


@dataclass(frozen=True)
class Style:
    """How labels stand: lines beside the node (none: in a key), gap, least room, most height."""

    lines: int
    gap: float
    room: float
    height: float


STYLES = (
    Style(2, GAP, 62.0, TALLEST_DRAWING),
    Style(1, SMALL_GAP, 58.0, TALLEST_DRAWING + 100.0),
    Style(0, SMALL_GAP, 0.0, TALLEST_DRAWING),
)
"""Ways to label, the most readable first; the first that fits is taken, or else the last."""


@dataclass(frozen=True)
class Plan:
    """Layers of a selection, and how its labels stand.

    Attributes
    ----------
    layers : Layers
        Columns and routes.
    width : float
        Width of the drawing in points.
    last : float
        Width kept for the labels of the last column.
    labels : Style
        Beside the nodes or in a key.
    """

    layers: Layers
    width: float
    last: float
    labels: Style

    @property
    def pitch(self) -> float:
        """Distance of two columns, in points."""
        return (self.width - BAR - self.last) / max(self.layers.columns - 1, 1)

    @property
    def label_height(self) -> float:
        """Height that a node's label takes, in points."""
        return max(self.labels.lines, 1) * LABEL * LINE

    def across(self, column: int) -> float:
        """Left edge of a column, in points."""
        return column * self.pitch

    def room(self, column: int) -> float:
        """Width that a label of a column may take, in points."""
        last = column == self.layers.columns - 1
        return (self.last if last else min(self.pitch - BAR, WIDEST_LABEL + 30)) - 12.0


@dataclass
class Placed:
    """Heights and centres of all cells, and the thickness of each band."""

    scale: float
    thickness: list[float]
    bar: list[float]
    centre: list[float] = field(default_factory=list)


def kept(name: str) -> float:
    """Return the room that a name needs so that a remark of ours behind it stays; 0 without one."""
    head, remark = remarked(name)
    said = text_width(remark, LABEL)
    return min(text_width(head, LABEL), SURE_NAME) + said if 0 < said <= SURE_NAME else 0.0


def plan(chosen: Selection, width: float, widest: float, engine: str | None = None) -> Plan:
    """Lay out columns, and decide how the labels stand.

    Parameters
    ----------
    chosen : Selection
        What is drawn.
    width : float
        Width of the drawing, in points.
    widest : float
        Width of the widest amount, in points: a name may be shortened, an amount may not.
    engine : str, optional
        Layout engine.
    """
    links = [Link(flow.source, flow.target, max(flow.amount or 0, 1)) for flow in chosen.flows]
    found = layers(len(chosen.nodes), links, engine)
    for labels in STYLES:
        beside = _beside(chosen, found, labels, widest)
        last = LAST_COLUMN[labels.lines]
        if labels.lines:
            last = max(last, beside[-1] + 12.0, widest + LETTER + 12.0)
        proposal = Plan(found, width, last, labels)
        room = all(proposal.room(at) >= max(labels.room, need) for at, need in enumerate(beside))
        if room and least_height(proposal) <= labels.height:
            break
    return proposal


def _beside(chosen: Selection, found: Layers, labels: Style, widest: float) -> list[float]:
    """Return the width that the labels of each column need: amounts and remarks are never cut."""
    names = [0.0] * max(found.columns, 1)
    for node, column in zip(chosen.nodes, found.column, strict=False):
        names[column] = max(names[column], kept(node.label))
    if labels.lines == 1:
        return [widest + LETTER + max(labels.room, name) for name in names]
    return [LETTER + max(widest, name) for name in names]


def least_height(plan: Plan) -> float:
    """Return the height that the fullest column needs with its bands at their thinnest."""
    needed = [0.0] * max(plan.layers.columns, 1)
    for cell, column in enumerate(plan.layers.column):
        own = plan.label_height if cell < plan.layers.nodes else THINNEST
        needed[column] += own + plan.labels.gap
    return max(needed)


def arrange(chosen: Selection, plan: Plan, height: float, engine: str | None = None) -> Placed:
    """Find the greatest scale at which every column fits, and place the cells."""
    tallest = max((node.shown.amount for node in chosen.nodes), default=0)
    low, high = 0.0, min(TALLEST, height * 0.8) / max(tallest, 1)
    for _ in range(40):
        half = (low + high) / 2
        fits = _fits(chosen, plan, half, height)
        low, high = (half, high) if fits else (low, half)
    thickness, bar, cells = _sizes(chosen, plan, low)
    return Placed(
        low, thickness, bar, place(plan.layers, cells, height, gap=plan.labels.gap, engine=engine)
    )


def _fits(chosen: Selection, plan: Plan, scale: float, height: float) -> bool:
    needed = [0.0] * plan.layers.columns
    for cell, own in enumerate(_sizes(chosen, plan, scale)[2]):
        needed[plan.layers.column[cell]] += own + plan.labels.gap
    return max(needed, default=0.0) <= height


def _sizes(
    chosen: Selection, plan: Plan, scale: float
) -> tuple[list[float], list[float], list[float]]:
    """Return the thickness of bands, the height of bars, and the height of cells.

    A bar is as high as the amount that its label says, whatever meets it.
    """
    thickness = [max((flow.amount or 0) * scale, THINNEST) for flow in chosen.flows]
    bar = [max(node.shown.amount * scale, LOWEST) for node in chosen.nodes]
    cells = [max(tall, plan.label_height) for tall in bar]
    cells.extend([0.0] * (len(plan.layers.column) - len(cells)))
    for route, thick in zip(plan.layers.routes, thickness, strict=True):
        for cell in route[1:-1]:
            cells[cell] = thick
    return thickness, bar, cells


def beside(bar: float, parts: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yield where each of the parts that meet a bar begins below its middle, and how thick it is.

    They are stacked by their true heights, and pressed together where they come to more than the
    bar, as amounts do that are rounded one by one. One that is thinner than `THINNEST` is drawn as
    thick as that around its own place.

    Parameters
    ----------
    bar : float
        Height of the bar, in points.
    parts : sequence of float
        True heights from top to bottom, in points.
    """
    whole = sum(parts)
    squeeze = min(1.0, bar / whole) if whole else 1.0
    at = whole * squeeze / 2
    for part in parts:
        slot = part * squeeze
        thick = max(slot, THINNEST)
        yield at + (thick - slot) / 2, thick
        at -= slot
