"""What arrives along all routes together under the haircut: every share of every way, added up."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from chainwatch.tracing.paths.graph import END, START, Edge, RouteGraph

SCALE = 256
"""Bits behind the point that are kept of each share: what is lost is less than 1 in 2^200."""


class Arriving(NamedTuple):
    """An amount in base units, rounded down, and whether more may have arrived."""

    amount: int
    at_least: bool


def arriving(graph: RouteGraph) -> Arriving:
    """Return what arrives along all routes of a graph.

    Steps of control carry nothing. Steps of which the share is not known carry what nobody knows,
    so that it is at least so much.
    """
    known = [edge for edge in graph.edges if edge.share and not edge.open]
    unknown = any(edge.share is None and not edge.control for edge in graph.edges)
    held: dict[int, int] = {START: 1 << SCALE}
    for edge in _in_order(known, graph.nodes):
        assert edge.share is not None  # noqa: S101 - chosen so
        here = held.get(edge.source, 0) * edge.share.numerator // edge.share.denominator
        held[edge.target] = held.get(edge.target, 0) + here
    # Each edge loses less than one unit of the last bit; a sum that is whole is not one less.
    return Arriving((held.get(END, 0) + len(known)) >> SCALE, unknown)


def _in_order(edges: list[Edge], nodes: int) -> list[Edge]:
    """Return edges so that all that enter a node come before those that leave it."""
    leaving: list[list[Edge]] = [[] for _ in range(nodes)]
    before = [0] * nodes
    for edge in edges:
        leaving[edge.source].append(edge)
        before[edge.target] += 1
    due = deque(node for node in range(nodes) if not before[node])
    found = []
    while due:
        for edge in leaving[due.popleft()]:
            found.append(edge)
            before[edge.target] -= 1
            if not before[edge.target]:
                due.append(edge.target)
    return found
