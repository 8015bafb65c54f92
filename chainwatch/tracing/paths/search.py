"""Looking from both ends at once: what opens into least is opened first, so a hub is met late.

Exploring back and forth by the size of what is opened is the worklist of tracing systems that
follow both directions; here a budget of edges ends it, and what was not opened is told.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from chainwatch.tracing.stops import End

SOURCE, TARGET = 0, 1
"""The side from which something was reached: from the source forward, from the target backward."""

SIDES = ("source", "target")

BUDGET = "budget"
"""Why something was not opened: it would have taken more edges than were left."""


class Item(NamedTuple):
    """Something to open: a kind of it, and its number; both order what has the same size."""

    kind: int
    number: int


class Limit(NamedTuple):
    """Where looking ended with something left to look at, or for a named reason."""

    side: int
    end: End
    tx: int | None
    txid: bytes | None
    n: int | None
    time: Any
    address: bytes | None
    amount: int | None
    edges: int | None = None


class Ground(Protocol):
    """What is searched: it says what opening something costs, and what it leads to."""

    def begin(self, side: int) -> Iterable[Item]:
        """Return what stands at one end."""
        ...

    def size(self, item: Item) -> int:
        """Return how many edges something opens into."""
        ...

    def refused(self, side: int, item: Item, near: Iterable[Item]) -> bool:
        """Tell whether something is never opened, and note why; ``near`` may be asked as well."""
        ...

    def open(self, side: int, item: Item) -> Iterable[Item]:
        """Open something and return what it leads to, whether that was reached before or not."""
        ...

    def left(self, side: int, item: Item) -> Iterator[Limit]:
        """Yield what is known of something that was not opened."""
        ...


@dataclass
class Searched:
    """How far a search went.

    Attributes
    ----------
    visited : int
        Edges that were looked at.
    opened : int
        Transactions, balances or owners that were opened.
    complete : frozenset of int
        The sides from which all was looked at that limits other than the budget allow. One is
        enough: every route leads through all that lies between its ends.
    left : list of (int, Item)
        What was reached and not opened, with its side.
    """

    visited: int = 0
    opened: int = 0
    complete: frozenset[int] = frozenset()
    left: list[tuple[int, Item]] = field(default_factory=list)


@dataclass
class _Front:
    """What was reached from one side: by size, and how much was spent there."""

    due: list[tuple[int, Item]] = field(default_factory=list)
    waiting: set[Item] = field(default_factory=set)
    charged: set[Item] = field(default_factory=set)
    spent: int = 0

    def reach(self, items: Iterable[Item], ground: Ground) -> None:
        for item in items:
            if item not in self.waiting:
                self.waiting.add(item)
                heapq.heappush(self.due, (ground.size(item), item))

    def price(self) -> int:
        """Return what opening the next costs; what was paid for before is opened again for nothing.

        Something is opened again where it was reached earlier in time, or with fewer hops.
        """
        size, item = self.due[0]
        return 0 if item in self.charged else size

    def take(self) -> Item:
        price = self.price()
        _, item = heapq.heappop(self.due)
        self.waiting.discard(item)
        self.charged.add(item)
        self.spent += price
        return item


def search(ground: Ground, budget: int) -> Searched:
    """Open what was reached from either side until one is exhausted or the budget would be passed.

    The side goes on that has spent least, with what it opens next counted in: a hub on one side
    waits until the other side has cost as much, or has nothing left that the budget allows.
    """
    fronts = (_Front(), _Front())
    found = Searched()
    for side, front in enumerate(fronts):
        front.reach(ground.begin(side), ground)
    while fronts[SOURCE].due and fronts[TARGET].due:
        sides = [one for one in (SOURCE, TARGET) if found.visited + fronts[one].price() <= budget]
        if not sides:
            break
        side = min(sides, key=lambda one: fronts[one].spent + fronts[one].price())
        front = fronts[side]
        near = (item for _, item in front.due[:_ASKED])
        if ground.refused(side, front.due[0][1], near):
            front.waiting.discard(heapq.heappop(front.due)[1])
            continue
        found.visited += front.price()
        found.opened += 1
        front.reach(ground.open(side, front.take()), ground)
    found.complete = frozenset(side for side, front in enumerate(fronts) if not front.due)
    if not found.complete:
        found.left = [
            (side, item) for side, one in enumerate(fronts) for _, item in sorted(one.due)
        ]
    return found


_ASKED = 1_000
"""Transactions that rules on mixes are asked of at once."""
