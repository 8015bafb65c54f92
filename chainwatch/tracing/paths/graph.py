"""``RouteGraph``: what can follow what between two parties, as numbered nodes and edges.

Every route is one walk from :data:`START` to :data:`END`. An edge bears what a ranking asks of it:
hops, a bound on the amount, the share that a payment takes, how sure it is that one owner holds
both ends, whether it rests on an order that nobody knows, and the transaction that makes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

START, END = 0, 1
"""Nodes before the first and behind the last movement of every route."""

WHOLE = Fraction(1)

Pair = tuple[bytes, bytes]
"""Two addresses that one owner is said to hold."""


class Edge(NamedTuple):
    """One edge.

    Attributes
    ----------
    source, target : int
        Nodes.
    hops : int
        1 where value moves from one address to the next, else 0.
    amount : int or None
        No more than this can pass; None bounds nothing.
    share : Fraction or None
        What part of what arrives goes on under the haircut, or the amount with which a route
        begins; None where that is not known.
    owner : tuple of bytes or None
        Two addresses that must be one owner's for this edge to be there.
    control : bool
        Whether one owner's coins or balances are joined here in place of value moving.
    open : bool
        Whether it is there in some order of transfers that bear one time, and not in all.
    move : int
        Number of the movement that it is, or -1.
    label : int
        Number of the transaction without which it is not there, or -1.
    clock : int
        Microseconds: less the time at which a route begins, or the time at which it ends.
    leaves : int
        Of a step of control, where it leaves; a movement that lands there goes on by itself.
    """

    source: int
    target: int
    hops: int = 0
    amount: int | None = None
    share: Fraction | None = WHOLE
    owner: Pair | None = None
    control: bool = False
    open: bool = False
    move: int = -1
    label: int = -1
    clock: int = 0
    leaves: int = -1


@dataclass(eq=False)
class RouteGraph:
    """Edges between numbered nodes.

    Attributes
    ----------
    edges : list of Edge
        All of them, in an order that depends on the ledger alone.
    lands : dict of int to int
        Where each movement lands: the transaction that spends a coin; see ``Edge.leaves``.
    """

    edges: list[Edge] = field(default_factory=list)
    lands: dict[int, int] = field(default_factory=dict)
    _numbers: dict[Hashable, int] = field(default_factory=dict, repr=False)
    _grouped: dict[str, list[list[int]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Number the two nodes that every graph has."""
        self._numbers.setdefault("start", START)
        self._numbers.setdefault("end", END)

    def node(self, key: Hashable) -> int:
        """Return the number of a node, new where it has none."""
        return self._numbers.setdefault(key, len(self._numbers))

    def add(self, source: int, target: int, **told: object) -> None:
        """Add an edge with what is said of it."""
        self.edges.append(Edge(source, target, **told))  # type: ignore[arg-type]  # named as fields
        self._grouped.clear()

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return max((max(edge.source, edge.target) for edge in self.edges), default=END) + 1

    def leaving(self) -> list[list[int]]:
        """Return for each node the edges that leave it, by their places."""
        return self._by("source")

    def entering(self) -> list[list[int]]:
        """Return for each node the edges that enter it, by their places."""
        return self._by("target")

    def _by(self, end: str) -> list[list[int]]:
        if end not in self._grouped:
            whose = (edge.source if end == "source" else edge.target for edge in self.edges)
            self._grouped[end] = _grouped(self.nodes, whose)
        return self._grouped[end]

    def kept(self, fits: Callable[[Edge], bool]) -> RouteGraph:
        """Return the graph of some of the edges, of them what lies between start and end."""
        return RouteGraph([edge for edge in self.edges if fits(edge)], self.lands).between()

    def between(self) -> RouteGraph:
        """Return the graph of the edges that lie on a walk from start to end."""
        from_start = _reached(START, self.leaving(), [edge.target for edge in self.edges])
        to_end = _reached(END, self.entering(), [edge.source for edge in self.edges])
        on_way = [e for e in self.edges if e.source in from_start and e.target in to_end]
        if len(on_way) == len(self.edges):
            return self
        number = {START: START, END: END}
        for edge in on_way:
            for node in (edge.source, edge.target):
                number.setdefault(node, len(number))
        return RouteGraph(
            [e._replace(source=number[e.source], target=number[e.target]) for e in on_way],
            self.lands,
        )

    def movements(self) -> dict[int, int]:
        """Return for each transaction the first movement of it that a route may take."""
        behind = {edge.target: edge.label for edge in self.edges if edge.label >= 0}
        found: dict[int, int] = {}
        for edge in self.edges:
            label = edge.label if edge.label >= 0 else behind.get(edge.source, -1)
            if edge.move >= 0 and label >= 0:
                found[label] = min(edge.move, found.get(label, edge.move))
        return found

    def without(self, labels: Collection[int]) -> RouteGraph:
        """Return the graph that is left where some transactions are rejected."""
        return self.kept(lambda edge: edge.label not in labels)

    def within(self, hops: int) -> RouteGraph:
        """Return a graph whose walks are those of this one with at most so many hops.

        A node stands in it once for each count of hops with which it can lie on such a walk.
        """
        first = _fewest(START, self.leaving(), [e.target for e in self.edges], self.edges)
        last = _fewest(END, self.entering(), [e.source for e in self.edges], self.edges)
        made = RouteGraph(lands=self.lands)
        for edge in self.edges:
            if edge.source not in first or edge.target not in last:
                continue
            most = hops - edge.hops - last[edge.target]
            if edge.source == START:
                most = min(most, 0)  # every walk begins with none
            for used in range(first[edge.source], most + 1):
                ends = [(edge.source, used), (edge.target, used + edge.hops)]
                here, there = (n if n in (START, END) else made.node((n, h)) for n, h in ends)
                made.edges.append(edge._replace(source=here, target=there))
        return made.between()


def _grouped(nodes: int, whose: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(nodes)]
    for place, node in enumerate(whose):
        found[node].append(place)
    return found


def _reached(begin: int, edges_of: list[list[int]], to: list[int]) -> set[int]:
    found, due = {begin}, [begin]
    while due:
        for place in edges_of[due.pop()]:
            if to[place] not in found:
                found.add(to[place])
                due.append(to[place])
    return found


def _fewest(
    begin: int, edges_of: list[list[int]], to: list[int], edges: list[Edge]
) -> dict[int, int]:
    """Return the fewest hops between a node and each that it reaches."""
    found, due = {begin: 0}, deque([begin])
    while due:
        node = due.popleft()
        for place in edges_of[node]:
            hops = found[node] + edges[place].hops
            if hops < found.get(to[place], hops + 1):
                found[to[place]] = hops
                (due.append if edges[place].hops else due.appendleft)(to[place])
    return found
