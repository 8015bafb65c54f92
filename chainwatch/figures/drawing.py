"""The drawing itself: bands, nodes and labels, each at the place that was found for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chainwatch.figures import style
from chainwatch.figures.fit import BAR, LABEL, LINE, Placed, Plan, beside
from chainwatch.figures.selection import Selection
from chainwatch.figures.style import ROLES
from chainwatch.figures.typefaces import families
from chainwatch.sanitize import apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STUB = 6.0
"""Length of the mark for flows that are not drawn singly, in points."""
INK = "#222222"
Edge = tuple[float, float]
"""Upper edge and height of what meets a bar, in points."""
FOLDED = ((0.0, 2.0), (3.5, 2.0), (7.0, 2.0))
"""Place and width of the bars by which a node that stands for several parties is drawn."""


def draw(
    ax: Axes, chosen: Selection, plan: Plan, placed: Placed, bottom: float, left: float
) -> list[int]:
    """Draw bands, then nodes; return the nodes in the order of their numbers in the key."""
    centre = [bottom + y for y in placed.centre]
    edges, stubs = _stacks(chosen, plan, placed, centre)
    order = sorted(range(len(chosen.flows)), key=lambda i: (-placed.thickness[i], i))
    for index in order:
        _band(ax, chosen, plan, placed, index, edges[index], left)
    for node, (into, out) in enumerate(stubs):
        x = left + plan.across(plan.layers.column[node])
        for at, tall, x0 in ((*into, x - STUB), (*out, x + BAR)):
            if tall:
                box(ax, x0, at, STUB, tall, "#DDDDDD", "....", ":")
    for node, item in enumerate(chosen.nodes):
        role = ROLES[item.role]
        x = left + plan.across(plan.layers.column[node])
        tall = placed.bar[node]
        bars = FOLDED if item.folded else ((0.0, BAR),)
        for at, wide in bars:
            box(ax, x + at, centre[node] - tall / 2, wide, tall, role.colour, role.hatch, role.line)
    return sorted(
        range(len(centre[: plan.layers.nodes])),
        key=lambda n: (plan.layers.column[n], -centre[n], n),
    )


def _stacks(
    chosen: Selection, plan: Plan, placed: Placed, centre: list[float]
) -> tuple[list[list[Edge]], list[tuple[Edge, Edge]]]:
    """Return upper edge and thickness of each band at its cells, and the place of each stub."""
    edges = [
        [(centre[cell] + thick / 2, thick) for cell in route]
        for route, thick in zip(plan.layers.routes, placed.thickness, strict=True)
    ]
    stubs = []
    for node, item in enumerate(chosen.nodes):
        places = []
        for end, undrawn in ((-1, item.undrawn_in), (0, item.undrawn_out)):
            meets = [
                i for i, route in enumerate(plan.layers.routes) if route and route[end] == node
            ]
            towards = -2 if end else 1
            meets.sort(key=lambda i: (-centre[plan.layers.routes[i][towards]], i))
            parts = [*((chosen.flows[i].amount or 0) * placed.scale for i in meets),
                     undrawn * placed.scale]  # fmt: skip
            *bands, (top, tall) = beside(placed.bar[node], parts)
            for i, (upper, thick) in zip(meets, bands, strict=True):
                edges[i][end] = (centre[node] + upper, thick)
            places.append((centre[node] + top - tall, tall) if undrawn else (centre[node], 0.0))
        stubs.append((places[0], places[1]))
    return edges, stubs


def _band(
    ax: Axes,
    chosen: Selection,
    plan: Plan,
    placed: Placed,
    index: int,
    edges: list[Edge],
    left: float,
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    flow, thick = chosen.flows[index], placed.thickness[index]
    route, back = plan.layers.routes[index], plan.layers.backward[index]
    upper: list[tuple[float, float]] = []
    lower: list[tuple[float, float]] = []
    codes: list[Any] = []
    for (cell, after), ((y0, tall), (y1, wide)) in zip(
        pairwise(route), pairwise(edges), strict=True
    ):
        x0 = left + plan.across(plan.layers.column[cell]) + BAR
        x1 = left + plan.across(plan.layers.column[after])
        middle = (x0 + x1) / 2
        upper += [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
        lower += [(x0, y0 - tall), (middle, y0 - tall), (middle, y1 - wide), (x1, y1 - wide)]
        codes += [Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    shape = Path(
        [*upper, *reversed(lower), upper[0]], [Path.MOVETO, *codes[1:], *codes, Path.CLOSEPOLY]
    )
    role = ROLES[chosen.nodes[flow.source].role]
    colour = "#999999" if back or role.colour == "#FFFFFF" else role.colour
    alpha = 0.2 if back else 0.38 if thick > 2 else 0.8
    ax.add_artist(PathPatch(shape, facecolor=colour, alpha=alpha, linewidth=0, zorder=1))
    ax.add_artist(
        PathPatch(
            shape,
            fill=False,
            edgecolor=INK if back else colour,
            linewidth=0.4 if thick > 2 else 0.15,
            linestyle="--" if back else "-",
            zorder=1.5,
        )
    )
    if back:
        _arrow(ax, [*upper[:4], *lower[:4]])


def _arrow(ax: Axes, around: list[tuple[float, float]]) -> None:
    """Mark a band that runs from right to left."""
    x, y = (sum(point[axis] for point in around) / len(around) for axis in (0, 1))
    ax.plot([x], [y], marker="<", markersize=4, color=INK, linestyle="", zorder=4)


def box(
    ax: Axes, x: float, y: float, wide: float, tall: float, colour: str, hatch: str, line: str
) -> None:
    """Draw the bar of a node."""
    from matplotlib.patches import Rectangle

    ax.add_artist(
        Rectangle(
            (x, y), wide, tall, facecolor=colour, edgecolor=INK, hatch=hatch, linestyle=line,
            linewidth=0.6, zorder=3,
        )
    )  # fmt: skip


def write(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    bold: bool = False,
    boxed: bool = False,
    align: str = "left",
    colour: str = INK,
) -> None:
    """Write one line of text, centred on ``y``; nothing in it is markup.

    ``size`` is to be the one, in points, at which its room was measured.
    """
    item = ax.text(
        x, y, text, fontsize=size, family=families(text), ha=align, va="center", color=colour,
        fontweight="bold" if bold else "normal", parse_math=False, zorder=6, clip_on=False,
    )  # fmt: skip
    if boxed:
        item.set_bbox({"facecolor": "white", "alpha": 0.93, "linewidth": 0, "pad": 0.8})


def called(name: str) -> str:
    """Return the name of a node set apart as a whole, without a remark of ours behind it."""
    head, remark = style.remarked(name)
    return f"{apart(head)}{remark}"


def label(
    ax: Axes,
    chosen: Selection,
    plan: Plan,
    placed: Placed,
    lines: Sequence[tuple[str, str]],
    bottom: float,
    left: float,
) -> None:
    """Write the labels beside their nodes, each inside the room kept for it."""
    for node, item in enumerate(chosen.nodes):
        column = plan.layers.column[node]
        x = left + plan.across(column) + BAR + 8.0
        y = bottom + placed.centre[node]
        name, value = lines[node]
        used, room = style.text_width(f"{item.mark} ", LABEL, bold=True), plan.room(column)
        step = LABEL * LINE / 2 if plan.labels.lines == 2 else 0.0
        write(ax, x, y + step, item.mark, LABEL, bold=True, boxed=True)
        if plan.labels.lines == 2:
            fitting = called(style.fit(name, room - used, LABEL))
            write(ax, x + used, y + step, fitting, LABEL, boxed=True)
            write(ax, x, y - step, style.fit(value, room, LABEL), LABEL, boxed=True)
        else:
            value = style.fit(value, room * 0.6, LABEL)
            name = style.fit(name, room - used - style.text_width(f"  {value}", LABEL), LABEL)
            write(ax, x + used, y, f"{called(name)}  {value}", LABEL, boxed=True)
