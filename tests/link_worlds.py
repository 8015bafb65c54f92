"""Links of small random ledgers, and slow answers about them that search everything.

Nothing here shares code with what is tested: groups are sets, paths are tried one after the
other, and evidence is taken away link by link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from random import Random

RATES = (None, 0.5, 0.75, 0.9, 0.9, 1.0)
RULES = ("co_spend", "change", "change")


@dataclass(frozen=True)
class Edge:
    """A link: two names, a transaction (None for a statement), its rule and rate."""

    a: str
    b: str
    tx: int | None
    rule: str
    rate: float | None
    veto: bool | None = False

    @property
    def order(self):
        rate = inf if self.rate is None else -self.rate
        return rate, inf if self.tx is None else self.tx, self.a, self.b, self.rule

    @property
    def piece(self):
        return ("tx", self.tx) if self.tx is not None else (self.a, self.b, self.rule)


@dataclass(frozen=True)
class World:
    """A ledger's links, the tags on it, and the pairs that must stay apart."""

    edges: tuple[Edge, ...]
    actors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def joining(self) -> list[Edge]:
        return [edge for edge in self.edges if edge.veto is False]


def world(seed: int) -> World:
    """Return the links of a small random ledger: transactions of two to four owners' addresses."""
    rng = Random(seed)  # noqa: S311 - a test, not a secret
    names = [f"n{n:02}" for n in range(rng.randrange(3, 11))]
    edges: set[Edge] = set()
    for tx in range(1, rng.randrange(2, 12)):
        first, *others = sorted(rng.sample(names, min(len(names), rng.choice([2, 2, 3, 4]))))
        rate, veto = rng.choice(RATES), rng.choice([False] * 8 + [True, None])
        edges |= {Edge(first, other, tx, "co_spend", rate, veto) for other in others}
        if rng.random() < 0.4:
            a, b = sorted(rng.sample(names, 2))
            edges.add(Edge(a, b, tx, rng.choice(RULES), rng.choice(RATES)))
    for _ in range(rng.choice([0, 0, 1, 2])):
        a, b = sorted(rng.sample(names, 2))
        edges.add(Edge(a, b, None, "statement", rng.choice(RATES)))
    pairs = {tuple(sorted(rng.sample(names, 2))) for _ in range(rng.choice([0, 0, 1, 3]))}
    actors = {
        name: tuple(sorted(rng.sample(("east", "north", "west"), rng.choice([1, 1, 1, 2]))))
        for name in rng.sample(names, rng.choice([0, 0, 2, 3]))
    }
    return World(tuple(sorted(edges, key=lambda edge: (edge.order, edge.veto is None))), actors,
                 tuple(sorted(pairs)))  # fmt: skip


def parts(names: Iterable[str], edges: Iterable[Edge]) -> set[frozenset[str]]:
    """Return the components of a graph by joining sets until nothing changes."""
    listed = list(edges)
    ends = {name for edge in listed for name in (edge.a, edge.b)}
    groups = [frozenset([name]) for name in sorted({*names, *ends})]
    for edge in listed:
        touched = [group for group in groups if edge.a in group or edge.b in group]
        groups = [group for group in groups if group not in touched]
        groups.append(frozenset().union(*touched))
    return set(groups)


def joined(world: World) -> tuple[set[frozenset[str]], set[tuple]]:
    """Return the groups of two or more, and the links that something kept from joining."""
    group = {name: frozenset([name]) for edge in world.joining for name in (edge.a, edge.b)}
    said = {name: actors[0] for name, actors in world.actors.items() if len(actors) == 1}
    refused = set()
    for edge in sorted(world.joining, key=lambda edge: edge.order):
        one, other = group[edge.a], group[edge.b]
        if one == other:
            continue
        pair = any((a in one and b in other) or (b in one and a in other) for a, b in world.pairs)
        actors = any(
            said[a] != said[b] for a in one for b in other if a in said and b in said
        )  # fmt: skip
        if pair or actors:
            refused.add((edge.a, edge.b, edge.tx, edge.rule, pair))
            continue
        for name in one | other:
            group[name] = one | other
    return {found for found in group.values() if len(found) > 1}, refused


def strongest(edges: list[Edge], a: str, b: str) -> float | None:
    """Return the weakest rate of the strongest path, by trying every threshold; None: no path."""
    rates = sorted({-inf if edge.rate is None else edge.rate for edge in edges}, reverse=True)
    for least in rates:
        strong = [edge for edge in edges if (-inf if edge.rate is None else edge.rate) >= least]
        if any({a, b} <= group for group in parts([a, b], strong)):
            return least
    return None


def splitting(members: frozenset[str], edges: list[Edge]) -> dict[tuple, list[int]]:
    """Return for each piece of evidence without which a group falls apart the sizes left."""
    inside = [edge for edge in edges if edge.a in members and edge.b in members]
    found = {}
    for piece in {edge.piece for edge in inside}:
        left = parts(members, [edge for edge in inside if edge.piece != piece])
        if len(left) > 1:
            found[piece] = sorted(map(len, left), reverse=True)
    return found


def pairs_of(groups: Iterable[frozenset[str]]) -> set[tuple[str, str]]:
    """Return every pair that groups join."""
    return {pair for group in groups for pair in combinations(sorted(group), 2)}
