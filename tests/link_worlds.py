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
RULES = ("co_spend", "change: a rule", "change: a rule")


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
    def rests(self):
        """Tell whether it rests on what its transaction claims of its inputs."""
        return self.tx is not None and self.rule != "co_spend"

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
    """Return the groups of two or more, and the links that something kept from joining.

    Links come in batches; what hangs together in one joins whole, or falls whole. What else rests
    on a transaction comes last, and falls with what claims that its inputs are one.
    """
    groups = {name: frozenset([name]) for edge in world.joining for name in (edge.a, edge.b)}
    refused, down = set(), {}
    batches: dict[tuple, list[Edge]] = {}
    for edge in world.joining:
        batches.setdefault(batch(edge, world.joining), []).append(edge)
    for key in sorted(batches):
        fell = [edge for edge in batches[key] if edge.rests and edge.tx in down]
        refused |= {(edge.a, edge.b, edge.tx, edge.rule, False) for edge in fell}
        for part in hanging([edge for edge in batches[key] if edge not in fell], groups):
            sides = {groups[name] for edge in part for name in (edge.a, edge.b)}
            against = against_joining(world, sides)
            if against is None:
                whole = frozenset().union(*sides)
                groups |= dict.fromkeys(whole, whole)
                continue
            pair, speaks, every = against
            falls = between(part, groups, every) if part[0].tx is None else part
            for edge in part:
                if edge not in falls:
                    whole = groups[edge.a] | groups[edge.b]
                    groups |= dict.fromkeys(whole, whole)
            for edge in falls:
                told = pair and any(name in side for side in speaks for name in (edge.a, edge.b))
                refused.add((edge.a, edge.b, edge.tx, edge.rule, told))
                if edge.tx is not None and not edge.rests:
                    down[edge.tx] = against
    return {found for found in groups.values() if len(found) > 1}, refused


def batch(edge: Edge, edges: list[Edge]) -> tuple:
    """Return when a link joins: claims of transactions, and what is equal without one, at once."""
    claim = [one for one in edges if one.tx == edge.tx and one.rule == edge.rule == "co_spend"]
    rates = [one.rate for one in claim] if edge.tx is not None and claim else [edge.rate]
    weakest = inf if None in rates else -min(rates)
    return edge.rests, weakest, inf if edge.tx is None else edge.tx, edge.rule


def hanging(edges: list[Edge], groups: dict[str, frozenset[str]]) -> list[list[Edge]]:
    """Return the links that hang together through the groups that there are."""
    ends = [Edge(min(groups[edge.a]), min(groups[edge.b]), *_rest(edge)) for edge in edges]
    return [
        [edge for edge, end in zip(edges, ends, strict=True) if end.a in part]
        for part in parts([], ends)
    ]


def _rest(edge: Edge):
    return edge.tx, edge.rule, edge.rate


def between(edges: list[Edge], groups: dict[str, frozenset[str]], ends: set) -> list[Edge]:
    """Return the links that are left when what leads to nothing is taken off, one by one."""
    left = list(edges)
    while True:
        beside: dict[frozenset[str], set] = {}
        for edge in left:
            beside.setdefault(groups[edge.a], set()).add(groups[edge.b])
            beside.setdefault(groups[edge.b], set()).add(groups[edge.a])
        loose = {side for side, others in beside.items() if side not in ends and len(others) < 2}
        if not loose:
            return left
        left = [edge for edge in left if not {groups[edge.a], groups[edge.b]} & loose]


def against_joining(world: World, sides: set[frozenset[str]]):
    """Return what forbids joining sides: whether a pair does, whom it speaks of, and all such."""
    if len(sides) < 2:
        return None
    where = {name: side for side in sides for name in side}
    pairs = [{where[a], where[b]} for a, b in world.pairs if a in where and b in where]
    said = {name: actors[0] for name, actors in world.actors.items() if len(actors) == 1}
    named = sorted({said[name] for name in where if name in said})
    told = {where[name] for name in where if name in said} if len(named) > 1 else set()
    every = told.union(*pairs)
    if pairs:
        return True, pairs[0], every
    two = (named[0], named[-1]) if told else ()
    return (False, {where[n] for n in where if said.get(n) in two}, every) if told else None


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
