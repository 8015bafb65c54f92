"""The best routes of a graph, in order: by the value that arrives, hops, time, or weakest step.

The best that is still possible from each node is computed once, from the end. Beginnings of routes
are then taken in the order of the best that each can become, so that whole routes come out in
their order and nothing is looked at that is not part of an answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, islice
from typing import Any, NamedTuple

from chainwatch.errors import TraceError
from chainwatch.tracing.paths.graph import END, START, WHOLE, Edge, Pair, RouteGraph

VALUE, HOPS, TIME, WEAKEST = "value", "hops", "time", "weakest"
RANKINGS: Mapping[str, str] = {
    VALUE: "the most value that arrives along it under the haircut, then fewest hops",
    HOPS: "fewest hops, then the shortest time from its first payment to its last",
    TIME: "the shortest time from its first payment to its last, then fewest hops",
    WEAKEST: "the surest of its least sure steps of control, then the largest of its smallest"
    " amounts, then fewest hops",
}
"""Every ranking, and what it goes by; what is still alike goes by the order of the ledger."""

MOST_BEGINNINGS = 1_000_000
"""Beginnings of routes that one ranking looks at: only transfers that bear one time, so that each
may come before the other, can make more than a few for each route."""

NO_BOUND = 1 << 200
UNMEASURED = -1.0
"""The confidence of a link of which nobody measured how often its rule is right: the weakest."""

Sure = Callable[[Pair], float]
"""How sure it is that two addresses are one owner's: ``UNMEASURED``, or up to 1."""


class Route(NamedTuple):
    """One route: its edges in order, and the numbers of its movements, which are its name."""

    edges: tuple[Edge, ...]
    moves: tuple[int, ...]

    @property
    def hops(self) -> int:
        """How many payments it has."""
        return sum(edge.hops for edge in self.edges)

    @property
    def amount(self) -> int | None:
        """The smallest amount on it: no more can have gone this way."""
        return min((e.amount for e in self.edges if e.amount is not None), default=None)

    @property
    def open(self) -> bool:
        """Whether it is there in some order of transfers that bear one time, and not in all."""
        return any(edge.open for edge in self.edges)

    @property
    def flow(self) -> Fraction | None:
        """What arrives along it under the haircut, exactly; None where a part is not known."""
        product = WHOLE
        for edge in self.edges:
            if edge.share is None:
                return None
            product *= edge.share
        return product

    def sure(self, sure: Sure) -> float:
        """Return how sure its least sure step of control is; 1 where it has none."""
        return min((sure(edge.owner) for edge in self.edges if edge.owner), default=1.0)


@dataclass(frozen=True)
class Measure:
    """What routes are compared by: a weight of edges that adds up along them in any order."""

    weight: Callable[[Edge], Any]
    nothing: Any
    plus: Callable[[Any, Any], Any]
    order: Callable[[Any], Any]


def _sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _flow(a: tuple[Fraction, int], b: tuple[Fraction, int]) -> tuple[Fraction, int]:
    return (b[0] if a[0] is WHOLE else a[0] if b[0] is WHOLE else a[0] * b[0]), a[1] + b[1]


def _most_first(weight: tuple[Fraction, int]) -> tuple[int, Fraction, int]:
    """Return what sorts the largest share first: whole numbers tell most apart, and are quick."""
    share, hops = weight
    return -((share.numerator << 64) // share.denominator), -share, hops


_BY_HOPS = Measure(lambda e: (e.hops, e.clock), (0, 0), _sum, lambda w: w)
_BY_TIME = Measure(lambda e: (e.clock, e.hops), (0, 0), _sum, lambda w: w)
_BY_FLOW = Measure(lambda e: (e.share, e.hops), (WHOLE, 0), _flow, _most_first)
_BY_AMOUNT = Measure(
    lambda e: NO_BOUND if e.amount is None else e.amount, NO_BOUND, min, lambda w: -w
)


def best(graph: RouteGraph, by: str, k: int, sure: Sure) -> list[Route]:
    """Return the k best routes of a graph, the best first.

    Parameters
    ----------
    graph : RouteGraph
        Whose edges lie all between start and end.
    by : str
        One of :data:`RANKINGS`.
    k : int
        How many.
    sure : callable
        How sure it is that two addresses are one owner's.
    """
    ranked = {VALUE: _by_value, HOPS: _by_hops, TIME: _by_time, WEAKEST: _by_weakest}[by]
    return list(islice(_new(ranked(graph, k, sure)), k))


def _new(routes: Iterator[Route]) -> Iterator[Route]:
    """Yield each route once, where it comes first."""
    seen: set[tuple[int, ...]] = set()
    for one in routes:
        if one.moves not in seen:
            seen.add(one.moves)
            yield one


def _by_hops(graph: RouteGraph, k: int, sure: Sure) -> Iterator[Route]:
    yield from in_order(graph, _BY_HOPS)


def _by_time(graph: RouteGraph, k: int, sure: Sure) -> Iterator[Route]:
    yield from in_order(graph, _BY_TIME)


def _by_value(graph: RouteGraph, k: int, sure: Sure) -> Iterator[Route]:
    """Yield the routes along which value arrives, then those of which none does or none is known.

    The latter are alike in value: they follow by hops.
    """
    yield from in_order(graph.kept(lambda edge: bool(edge.share)), _BY_FLOW)
    yield from in_order(graph, _BY_HOPS)


def _by_weakest(graph: RouteGraph, k: int, sure: Sure) -> Iterator[Route]:
    """Yield routes by the surest least sure step, among equals by amount, among these by hops.

    Which of several limits is met is found first, from the largest down; among the routes that
    meet one, hops decide, which no limit alone could.
    """

    def of(edge: Edge) -> float:
        return sure(edge.owner) if edge.owner else 1.0

    certain = Measure(of, 1.0, min, lambda w: -w)
    for level in _levels(graph, certain, k):
        held = graph.kept(lambda edge, level=level: of(edge) >= level)  # type: ignore[misc]
        for least in _levels(held, _BY_AMOUNT, k):
            wide = held.kept(
                lambda edge, least=least: edge.amount is None or edge.amount >= least  # type: ignore[misc]
            )
            yield from in_order(wide, _BY_HOPS)


def _levels(graph: RouteGraph, measure: Measure, k: int) -> list[Any]:
    """Return the weights of the k best routes, each once, the best first."""
    found: dict[Any, None] = {}
    for one in islice(_new(in_order(graph, measure)), k):
        total = measure.nothing
        for edge in one.edges:
            total = measure.plus(total, measure.weight(edge))
        found[total] = None
    return list(found)


def in_order(graph: RouteGraph, measure: Measure) -> Iterator[Route]:
    """Yield all routes by a measure, the best first; what is alike by the numbers of movements."""
    ahead = _ahead(graph, measure)
    if START not in ahead:
        return
    leaving, tick, taken = graph.leaving(), count(), 0
    due: list[tuple[Any, tuple[int, ...], int, int, Any, Any]] = [
        (measure.order(ahead[START]), (), next(tick), START, measure.nothing, None)
    ]
    while due:
        taken += 1
        if taken > MOST_BEGINNINGS:
            raise TraceError(
                f"ranking routes looked at {MOST_BEGINNINGS:,} beginnings: too many transfers bear"
                " one time, and each may come before the others",
                remedy="limit max_hops, look at a shorter span, or read a table that gives the"
                " places of transfers in their blocks",
            )
        _, moves, _, node, weight, way = heapq.heappop(due)
        if node == END:
            yield Route(_walked(way), moves)
            continue
        for place in leaving[node]:
            edge = graph.edges[place]
            if edge.target not in ahead or not _goes_on(graph, edge, moves):
                continue
            after = measure.plus(weight, measure.weight(edge))
            order = measure.order(measure.plus(after, ahead[edge.target]))
            named = (*moves, edge.move) if edge.move >= 0 else moves
            heapq.heappush(due, (order, named, next(tick), edge.target, after, (edge, way)))


def _goes_on(graph: RouteGraph, edge: Edge, moves: tuple[int, ...]) -> bool:
    """Tell whether a route may take an edge: no movement twice, and no control where value flows.

    What a movement lands in by itself needs no owner to go on there.
    """
    if edge.move in moves and edge.move >= 0:
        return False
    return edge.leaves < 0 or graph.lands.get(moves[-1], -1) != edge.leaves


def _walked(way: Any) -> tuple[Edge, ...]:
    edges = []
    while way is not None:
        edge, way = way
        edges.append(edge)
    return tuple(reversed(edges))


def _ahead(graph: RouteGraph, measure: Measure) -> dict[int, Any]:
    """Return for each node the best that can follow it up to the end.

    A node is looked at again where something better is found for it later: shares of a balance are
    written as quotients of what is left of it, of which one alone may be above one.
    """
    entering, tick = graph.entering(), count()
    found: dict[int, Any] = {END: measure.nothing}
    due = [(measure.order(measure.nothing), next(tick), END)]
    while due:
        order, _, node = heapq.heappop(due)
        weight = found[node]
        if order != measure.order(weight):
            continue
        for place in entering[node]:
            edge = graph.edges[place]
            before = measure.plus(measure.weight(edge), weight)
            now = measure.order(before)
            if edge.source not in found or now < measure.order(found[edge.source]):
                found[edge.source] = before
                heapq.heappush(due, (now, next(tick), edge.source))
    return found
