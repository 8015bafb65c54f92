"""A shape of payments drawn small: lettered circles in columns, numbered arrows between them.

No name reaches the picture: names stand in a key beside it, where there is room for them.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, NamedTuple

from chainwatch.figures.drawing import INK, write
from chainwatch.figures.layout import Link, layers, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CIRCLE, GAP, SIZE = 8.0, 6.0, 7.0
"""Points: radius of a party, least distance of two, size of letters and numbers."""

WIDTHS = (0.8, 3.0)
"""Line widths of the arrow of least and of most value, in points."""


BOW = 0.14
"""How far an arrow bows out where several lie between the same two, as a part of its length."""

PLACES = (0.28, 0.42, 0.56)
"""Where on arrows their numbers stand, in turn: side by side they would lie on each other."""


class Arrow(NamedTuple):
    """Payments of one party to another: their numbers, and the amount in base units."""

    source: int
    target: int
    weight: int


class Shape(NamedTuple):
    """Parties by name, arrows between them, and the parties that are ringed twice."""

    names: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    ringed: frozenset[int]

    def letters(self) -> list[str]:
        """Return the letters that stand for the parties: A to Z, then AA, AB and on."""
        return [_letter(number) for number in range(len(self.names))]


def _letter(number: int) -> str:
    head, tail = divmod(number, 26)
    return (_letter(head - 1) if head else "") + chr(ord("A") + tail)


def draw_shape(
    ax: Axes, shape: Shape, left: float, bottom: float, wide: float, tall: float
) -> None:
    """Draw a shape into a rectangle of the Axes, in points.

    An arrow to the party itself is a loop. Money runs from left to right, but for arrows that
    close a circle.
    """
    if not shape.names:
        return
    spots = _spots(shape, left + 2 * CIRCLE, bottom, wide - 4 * CIRCLE, tall)
    largest = max(arrow.weight for arrow in shape.arrows) if shape.arrows else 1
    pairs = [frozenset((arrow.source, arrow.target)) for arrow in shape.arrows]
    for number, (arrow, pair) in enumerate(zip(shape.arrows, pairs, strict=True), 1):
        width = WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * arrow.weight / largest
        # Several between the same two bow apart, so that none hides another.
        bow = BOW * (1 + pairs[: number - 1].count(pair)) if pairs.count(pair) > 1 else 0.0
        at = PLACES[number % len(PLACES)]
        _arrow(ax, spots[arrow.source], spots[arrow.target], str(number), width, bow, at)
    for number, letter in enumerate(shape.letters()):
        _party(ax, *spots[number], letter, twice=number in shape.ringed)


def _spots(
    shape: Shape, left: float, bottom: float, wide: float, tall: float
) -> list[tuple[float, float]]:
    """Return where each party stands: columns as for a flow figure, by the engine of our own.

    That engine is there on every machine, so that a card is the same bytes everywhere.
    """
    links = [Link(one.source, one.target, one.weight) for one in shape.arrows]
    plan = layers(len(shape.names), links, "own")
    heights = [2 * CIRCLE] * len(shape.names) + [0.0] * (len(plan.column) - len(shape.names))
    fullest = max(plan.column.count(column) for column in range(plan.columns))
    gap = min(GAP, max((tall - 2 * CIRCLE * fullest) / max(fullest, 1), 0.0))
    centre = place(plan, heights, max(tall, 2 * CIRCLE * fullest), gap=gap, engine="own")
    step = wide / max(plan.columns - 1, 1)
    middle = wide / 2 if plan.columns == 1 else 0.0
    return [
        (left + middle + step * plan.column[n], bottom + centre[n]) for n in range(len(shape.names))
    ]


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], mark: str, width: float,
    bow: float, at: float,
) -> None:  # fmt: skip
    if start == end:
        ax.plot([start[0]], [start[1] + 1.6 * CIRCLE], marker="o", markersize=2 * CIRCLE,
                color="white", markeredgecolor=INK, zorder=2)  # fmt: skip
        write(ax, start[0], start[1] + 2.6 * CIRCLE, mark, SIZE, boxed=True, align="center")
        return
    long = hypot(end[0] - start[0], end[1] - start[1])
    across, up = ((end[i] - start[i]) / long for i in (0, 1))
    ax.annotate(
        "", (end[0] - across * CIRCLE, end[1] - up * CIRCLE),
        (start[0] + across * CIRCLE, start[1] + up * CIRCLE),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": width, "shrinkA": 0.0,
                    "shrinkB": 1.0, "connectionstyle": f"arc3,rad={bow}"},
    )  # fmt: skip
    # The bow is a parabola: its middle lies half as far out as its control point.
    off = 2 * bow * at * (1 - at) * long
    x = start[0] + (end[0] - start[0]) * at + up * off
    y = start[1] + (end[1] - start[1]) * at - across * off
    write(ax, x, y, mark, SIZE, bold=True, boxed=True, align="center")


def _party(ax: Axes, x: float, y: float, letter: str, *, twice: bool) -> None:
    if twice:
        ax.plot([x], [y], marker="o", markersize=2 * CIRCLE + 5.0, color="white",
                markeredgecolor=INK, markeredgewidth=0.8, zorder=3)  # fmt: skip
    ax.plot([x], [y], marker="o", markersize=2 * CIRCLE, color="white", markeredgecolor=INK,
            markeredgewidth=1.4 if twice else 0.8, zorder=3)  # fmt: skip
    write(ax, x, y, letter, SIZE, bold=twice, align="center")
