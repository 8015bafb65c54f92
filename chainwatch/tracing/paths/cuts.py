"""Which transactions, if they are rejected, end every route: the smallest such sets.

How many are needed is the number of routes that share no transaction (Menger's theorem), found by
augmenting paths. The sets themselves are found by branching: one transaction of any route that is
left has to go, and a branch is given up where what is left needs more than may still go. Where a
transaction stands in a graph more than once (it pays several times, or routes have a limit of hops)
the theorem does not hold, and branching alone decides.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from chainwatch.tracing.paths.graph import END, START, RouteGraph

MOST = 3
"""The largest sets that are looked for: more transactions than that are no thread to pull."""

LISTED = 20
"""Sets of several transactions that are listed; single ones are, however many there are."""

MOST_LOOKS = 20_000_000
"""Edges that are looked at before it is said that the smallest sets were not found."""


@dataclass(frozen=True)
class Cuts:
    """Smallest sets of transactions, by their labels, and how many of each are needed.

    Attributes
    ----------
    sets : tuple of tuple of int
        The sets, each sorted; none where no route is there, or more than ``MOST`` are needed.
    more : bool
        Whether more than ``MOST`` transactions are needed.
    gave_up : bool
        Whether looking took too long: then nothing is said.
    unlisted : bool
        Whether there are more sets than are listed.
    """

    sets: tuple[tuple[int, ...], ...] = ()
    more: bool = False
    gave_up: bool = False
    unlisted: bool = False


class _GaveUpError(Exception):
    """Too many edges were looked at."""


def smallest_cuts(graph: RouteGraph) -> Cuts:
    """Return the smallest sets of transactions without which no walk leads from start to end."""
    if not graph.edges:
        return Cuts()
    search = _Search(graph)
    try:
        sizes = range(1, MOST + 1)
        if search.single:
            needed = search.disjoint(frozenset(), MOST + 1)
            sizes = range(needed, min(needed, MOST) + 1)
        for size in sizes:
            found: dict[tuple[int, ...], None] = {}
            for one in search.sets(frozenset(), size):
                found[tuple(sorted(one))] = None
                if size > 1 and len(found) > LISTED:
                    break
            if found:
                listed = tuple(sorted(found))
                more = size > 1 and len(found) > LISTED
                return Cuts(listed[:LISTED] if more else listed, unlisted=more)
    except _GaveUpError:
        return Cuts(gave_up=True)
    return Cuts(more=True)


@dataclass
class _Search:
    graph: RouteGraph
    looked: int = 0
    seen: set[tuple[frozenset[int], int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.leaving, self.entering = self.graph.leaving(), self.graph.entering()
        counts = Counter(edge.label for edge in self.graph.edges if edge.label >= 0)
        self.single = max(counts.values(), default=0) == 1

    def sets(self, gone: frozenset[int], size: int) -> Iterator[frozenset[int]]:
        """Yield the sets that end all routes, of so many transactions beside those gone."""
        if (gone, size) in self.seen:
            return
        self.seen.add((gone, size))
        if self.single and size and self.disjoint(gone, size + 1) > size:
            return
        labels = self.route(gone)
        if labels is None:
            yield gone
        elif size:
            for label in sorted(labels):
                yield from self.sets(gone | {label}, size - 1)

    def route(self, gone: frozenset[int]) -> set[int] | None:
        """Return the transactions of a walk with few edges; None where there is no walk."""
        came: dict[int, int] = {START: -1}
        due = deque([START])
        edges = self.graph.edges
        while due and END not in came:
            for place in self.leaving[due.popleft()]:
                self._look()
                edge = edges[place]
                if edge.label not in gone and edge.target not in came:
                    came[edge.target] = place
                    due.append(edge.target)
        if END not in came:
            return None
        labels, node = set(), END
        while node != START:
            edge = edges[came[node]]
            labels |= {edge.label} if edge.label >= 0 else set()
            node = edge.source
        return labels

    def disjoint(self, gone: frozenset[int], most: int) -> int:
        """Return how many walks share no transaction, up to so many."""
        used: Counter[int] = Counter()
        for count in range(most):
            if not self._augmented(gone, used):
                return count
        return most

    def _augmented(self, gone: frozenset[int], used: Counter[int]) -> bool:
        came: dict[int, tuple[int, int]] = {START: (-1, 0)}
        due = deque([START])
        edges = self.graph.edges
        while due and END not in came:
            node = due.popleft()
            for place in self.leaving[node]:
                self._look()
                edge = edges[place]
                free = edge.label < 0 or (edge.label not in gone and not used[place])
                if free and edge.target not in came:
                    came[edge.target] = (place, 1)
                    due.append(edge.target)
            for place in self.entering[node]:
                if used[place] and edges[place].source not in came:
                    came[edges[place].source] = (place, -1)
                    due.append(edges[place].source)
        if END not in came:
            return False
        node = END
        while node != START:
            place, way = came[node]
            used[place] += way
            node = edges[place].source if way > 0 else edges[place].target
        return True

    def _look(self) -> None:
        self.looked += 1
        if self.looked > MOST_LOOKS:
            raise _GaveUpError
