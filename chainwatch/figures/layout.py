"""Where things stand in a flow figure: columns from left to right, no two cells over each other.

Nodes are the integers ``0 .. n-1``; no label ever reaches the layout program. A link that spans
several columns gets one invisible *cell* in each column between, so that its band has room of its
own and never runs under a node. Two engines fill the same two tables: ``dot`` of Graphviz when
pygraphviz is installed, otherwise networkx layers with barycentre sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

from chainwatch.errors import InputError, MissingExtra

POINTS_PER_INCH = 72
SWEEPS = 12
"""Barycentre sweeps of the own engine."""


@dataclass(frozen=True)
class Link:
    """A flow from one node to another with a positive integer weight."""

    source: int
    target: int
    weight: int = 1


@dataclass(frozen=True)
class Layers:
    """Cells by column, and the cells that each link passes.

    Attributes
    ----------
    nodes : int
        Cells below this number are nodes, the others are points of passage.
    column : tuple of int
        Column of each cell, from 0 at the left.
    routes : tuple of tuple of int
        For each link its cells from left to right; empty for a flow to itself.
    backward : tuple of bool
        Whether the link runs from right to left: it closes a cycle.
    """

    nodes: int
    column: tuple[int, ...]
    routes: tuple[tuple[int, ...], ...]
    backward: tuple[bool, ...]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return max(self.column, default=-1) + 1

    def steps(self) -> list[tuple[int, int]]:
        """Return all pairs of neighbouring cells, each from one column to the next."""
        return [pair for route in self.routes for pair in pairwise(route)]


def engine_name(engine: str | None = None) -> str:
    """Return the engine that will be used: ``"dot"`` where pygraphviz is installed, or ``"own"``.

    Raises `MissingExtra` for dot without pygraphviz, `InputError` for an unknown name.
    """
    present = find_spec("pygraphviz") is not None
    if engine is None:
        return "dot" if present else "own"
    if engine not in ENGINES:
        raise InputError(f"no layout engine {engine!r}", remedy=f"use one of {sorted(ENGINES)}")
    if engine == "dot" and not present:
        raise MissingExtra(
            "pygraphviz is not installed", remedy="run: pip install 'chainwatch[layout]'"
        )
    return engine


def layers(nodes: int, links: Sequence[Link], engine: str | None = None) -> Layers:
    """Give every node a column and every long link its points of passage.

    Cycles are broken by turning round links of small weight; these are marked ``backward``.

    Parameters
    ----------
    nodes : int
        Number of nodes.
    links : sequence of Link
        Flows between them, in a fixed order; flows to itself are allowed.
    engine : {"dot", "own"}, optional
        Default: dot when it is installed.
    """
    rank = _acyclic_order(nodes, links)
    backward = tuple(rank[link.source] > rank[link.target] for link in links)
    forward = [
        (link.target, link.source) if back else (link.source, link.target)
        for link, back in zip(links, backward, strict=True)
    ]
    column = ENGINES[engine_name(engine)].columns(
        nodes, [pair for pair in forward if len({*pair}) == 2]
    )
    routes: list[tuple[int, ...]] = []
    for left, right in forward:
        between = range(column[left] + 1, column[right])
        passed = range(len(column), len(column) + len(between))
        column.extend(between)
        routes.append((left, *passed, right) if left != right else ())
    return Layers(nodes, tuple(column), tuple(routes), backward)


def place(
    plan: Layers,
    heights: Sequence[float],
    height: float,
    *,
    gap: float,
    engine: str | None = None,
) -> list[float]:
    """Return the vertical centre of each cell, so that no two cells of a column overlap.

    Parameters
    ----------
    plan : Layers
        Columns and routes.
    heights : sequence of float
        Height of each cell, in points.
    height : float
        Height of the drawing, in points; all cells lie between 0 and it.
    gap : float
        Least distance of two cells of a column, in points.

    Raises
    ------
    InputError
        If one column needs more than ``height``.
    """
    columns: list[list[int]] = [[] for _ in range(plan.columns)]
    for cell, column in enumerate(plan.column):
        columns[column].append(cell)
    for cells in columns:
        needed = sum(heights[cell] for cell in cells) + gap * (len(cells) - 1)
        if needed > height + 1e-6:
            raise InputError(
                f"{len(cells)} flows side by side need {needed:.0f} points, there are {height:.0f}",
                remedy="draw fewer flows or on higher axes",
            )
    wish = ENGINES[engine_name(engine)].centres(plan, columns, heights, gap)
    pairs = list(zip(wish, heights, strict=True))
    low = min((y - h / 2 for y, h in pairs), default=0.0)
    high = max((y + h / 2 for y, h in pairs), default=0.0)
    scale = min(1.0, height / (high - low)) if high > low else 1.0
    middle = (low + high) / 2
    wish = [height / 2 + (y - middle) * scale for y in wish]
    for cells in columns:
        _separate(sorted(cells, key=lambda cell: (wish[cell], cell)), wish, heights, height, gap)
    return wish


def _acyclic_order(nodes: int, links: Sequence[Link]) -> list[int]:
    """Order nodes so that little weight runs backwards (greedy removal of sources and sinks)."""
    left, head, tail = set(range(nodes)), list[int](), list[int]()
    pairs = [link for link in links if link.source != link.target]
    while left:
        out, into = dict.fromkeys(left, 0), dict.fromkeys(left, 0)
        for link in pairs:
            if link.source in left and link.target in left:
                out[link.source] += link.weight
                into[link.target] += link.weight
        sinks = sorted(node for node in left if not out[node] and into[node])
        sources = sorted(node for node in left if not into[node])
        if sources:
            head.extend(sources)
        elif sinks:
            tail[:0] = sinks
        else:
            head.append(max(left, key=lambda node: (out[node] - into[node], -node)))
        left.difference_update(head, tail)
    rank = [0] * nodes
    for position, node in enumerate(head + tail):
        rank[node] = position
    return rank


def _separate(
    cells: list[int], centre: list[float], heights: Sequence[float], top: float, gap: float
) -> None:
    """Push cells of one column apart, upwards first and then back below the upper edge."""
    floor = 0.0
    for cell in cells:
        centre[cell] = max(centre[cell], floor + heights[cell] / 2)
        floor = centre[cell] + heights[cell] / 2 + gap
    for cell in reversed(cells):
        centre[cell] = min(centre[cell], top - heights[cell] / 2)
        top = centre[cell] - heights[cell] / 2 - gap


def _own_columns(nodes: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Longest path from the left; what nothing else holds moves right, next to what it feeds."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(pairs)
    column = [0] * nodes
    for depth, layer in enumerate(nx.topological_generations(graph)):
        for node in layer:
            column[node] = depth
    for node in range(nodes):
        if not graph.pred[node] and graph.succ[node]:
            column[node] = min(column[after] for after in graph.succ[node]) - 1
    return column


def _own_centres(
    plan: Layers, columns: list[list[int]], heights: Sequence[float], gap: float
) -> list[float]:
    """Barycentre sweeps: order each column by its neighbours' mean position, left and right."""
    near: list[list[list[int]]] = [[[] for _ in plan.column] for _ in range(2)]
    for left, right in plan.steps():
        near[0][right].append(left)
        near[1][left].append(right)
    centre = [0.0] * len(plan.column)
    total = max((sum(heights[cell] + gap for cell in cells) for cells in columns), default=0.0)
    for cells in columns:
        _stack(cells, centre, heights, total, gap)
    for sweep in range(SWEEPS):
        for cells in columns if sweep % 2 == 0 else columns[::-1]:
            before = near[sweep % 2]
            pull = {}
            for cell in cells:
                beside = before[cell] or [cell]
                pull[cell] = sum(centre[other] for other in beside) / len(beside)
            cells.sort(key=lambda cell: (pull[cell], centre[cell], cell))
            for cell in cells:
                centre[cell] = pull[cell]
            _separate(cells, centre, heights, total, gap)
    return centre


def _stack(
    cells: list[int], centre: list[float], heights: Sequence[float], total: float, gap: float
) -> None:
    """Stand the cells of a column on one another around the middle."""
    at = (total - sum(heights[cell] + gap for cell in cells)) / 2
    for cell in cells:
        centre[cell] = at + heights[cell] / 2
        at += heights[cell] + gap


def _dot_positions(
    cells: int,
    pairs: list[tuple[int, int]],
    heights: Sequence[float] | None = None,
    gap: float = 18.0,
) -> list[tuple[float, float]]:
    import pygraphviz

    graph = pygraphviz.AGraph(
        directed=True, strict=False, rankdir="LR", nodesep=gap / POINTS_PER_INCH
    )
    graph.node_attr.update(shape="box", label="", fixedsize="true", width="0.2")
    for cell in range(cells):
        inches = max(heights[cell], 1.0) / POINTS_PER_INCH if heights else 0.2
        graph.add_node(f"c{cell}", height=f"{inches:.4f}")
    for left, right in pairs:
        graph.add_edge(f"c{left}", f"c{right}")
    graph.layout(prog="dot")
    places = [graph.get_node(f"c{cell}").attr["pos"].split(",") for cell in range(cells)]
    return [(float(x), float(y)) for x, y in places]


def _dot_columns(nodes: int, pairs: list[tuple[int, int]]) -> list[int]:
    across = [round(x) for x, _ in _dot_positions(nodes, pairs)]
    number = {x: column for column, x in enumerate(sorted(set(across)))}
    return [number[x] for x in across]


def _dot_centres(
    plan: Layers, columns: list[list[int]], heights: Sequence[float], gap: float
) -> list[float]:
    return [y for _, y in _dot_positions(len(plan.column), plan.steps(), heights, gap)]


@dataclass(frozen=True)
class Engine:
    """A way to choose columns and then heights."""

    columns: Callable[[int, list[tuple[int, int]]], list[int]]
    centres: Callable[[Layers, list[list[int]], Sequence[float], float], list[float]]


ENGINES = {
    "dot": Engine(_dot_columns, _dot_centres),
    "own": Engine(_own_columns, _own_centres),
}
"""Every layout engine by name."""
