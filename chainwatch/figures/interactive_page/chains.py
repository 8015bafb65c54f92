"""Peel chains among the flows of a figure: long runs of payments on, drawn as one until opened.

In a peel chain each wallet gets what it has from the one before, passes most of it on to the next,
and pays a little to others on the way. This says how flows look, for drawing; whether it is the
typology of that name is asked by `chainwatch.typologies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainwatch.results.roles import BYSTANDER

SHORTEST = 3
"""Wallets from which on a run is drawn as one: two are read as quickly one by one."""

Flow = tuple[int, int, int]
"""Source, target and amount of a flow."""


def peel_chains(roles: Sequence[str], flows: Sequence[Flow]) -> list[tuple[int, ...]]:
    """Return the runs of nodes in which each is paid by the one before alone, and passes most on.

    Parameters
    ----------
    roles : sequence of str
        Role of each node. Only nodes that nobody identified stand in a run: subjects, findings,
        services and ends are never folded away.
    flows : sequence of (int, int, int)
        Source, target and amount of each flow; at most one for each pair.

    Returns
    -------
    list of tuple of int
        Runs of `SHORTEST` nodes or more, each from its first to its last; no node is in two.
    """
    next_of = _next(roles, flows)
    following = set(next_of.values())
    runs = []
    for start in sorted(set(next_of) - following):
        run = [start]
        while run[-1] in next_of:
            run.append(next_of[run[-1]])
        if len(run) >= SHORTEST:
            runs.append(tuple(run))
    return runs


def _next(roles: Sequence[str], flows: Sequence[Flow]) -> Mapping[int, int]:
    """Return for each node of a run the one after it."""
    paid_by: dict[int, set[int]] = {}
    paid: dict[int, int] = {}
    largest: dict[int, tuple[int, int]] = {}
    for source, target, amount in flows:
        if source == target:
            continue
        paid_by.setdefault(target, set()).add(source)
        paid[source] = paid.get(source, 0) + amount
        largest[source] = max(largest.get(source, (-1, 0)), (amount, -target))
    return {
        source: -target
        for source, (amount, target) in largest.items()
        if roles[source] == roles[-target] == BYSTANDER
        and 2 * amount > paid[source]
        and len(paid_by.get(source, ())) == 1
        and paid_by[-target] == {source}
    }
