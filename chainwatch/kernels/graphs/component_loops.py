"""Loops over graphs of dense numbers: joining in order, trees and their paths, points of a cut.

They are written so that they run compiled, over arrays, and uncompiled, over lists, and give the
same; nothing in them makes an array, and nothing recurses.
:mod:`chainwatch.kernels.graphs.components` makes the room they need and says what it means.
"""

from __future__ import annotations

from typing import Any

FREE, ACTORS = -2, -1
"""Why a join is stopped: not at all, by actors; a number from 0 is that of a pair."""

MEMO = 1 << 12
"""Slots that remember what stopped two groups, four numbers each."""


def join_in_order(
    a: Any, b: Any, parent: Any, size: Any, tagged: Any, actor: Any, head: Any, tail: Any,
    listed: Any, following: Any, partner: Any, memo: Any, large: int, joined: Any, stops: Any,
    met: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Join row by row what nothing keeps apart; return how many joined, were stopped, and met."""
    kept = stopped = meetings = 0
    pairs, actors, tags = len(listed) > 0, len(actor) > 0, len(tagged) > 0
    for row in range(len(a)):
        x, y = a[row], b[row]
        while parent[x] != x:
            parent[x] = x = parent[parent[x]]  # halves the way for the next who asks
        while parent[y] != y:
            parent[y] = y = parent[parent[y]]
        if x == y:
            continue
        why = FREE
        if pairs and listed[x] > 0 and listed[y] > 0:
            # Many links may speak of two groups kept apart: the answer holds until a list grows.
            slot, both = 4 * ((x ^ y) & (MEMO - 1)), listed[x] + listed[y]
            if memo[slot] == x and memo[slot + 1] == y and memo[slot + 2] == both:
                why = memo[slot + 3]
            else:
                few, other = (x, y) if listed[x] <= listed[y] else (y, x)
                entry = head[few]
                while entry >= 0:
                    z = partner[entry]
                    while parent[z] != z:
                        parent[z] = z = parent[parent[z]]
                    if z == other and (why < 0 or entry // 2 < why):
                        why = entry // 2
                    entry = following[entry]
                memo[slot], memo[slot + 1], memo[slot + 2], memo[slot + 3] = x, y, both, why
        if why == FREE and actors and actor[x] >= 0 and actor[y] >= 0 and actor[x] != actor[y]:
            why = ACTORS
        if why != FREE:
            stops[4 * stopped], stops[4 * stopped + 1] = row, why
            if actors:
                stops[4 * stopped + 2], stops[4 * stopped + 3] = actor[x], actor[y]
            stopped += 1
            continue
        joined[kept], kept = row, kept + 1
        if tags and tagged[x] >= 0 and tagged[y] >= 0:
            met[5 * meetings + 3], met[5 * meetings + 4] = tagged[x], tagged[y]
        if met[5 * meetings + 3] >= 0 or (size[x] >= large and size[y] >= large):
            met[5 * meetings], met[5 * meetings + 1], met[5 * meetings + 2] = row, size[x], size[y]
            meetings += 1
        low, high = (x, y) if x < y else (y, x)
        parent[high] = low  # the smallest number is the root
        size[low] += size[high]
        if tags:
            tagged[low] = max(tagged[low], tagged[high])
        if actors:
            actor[low] = max(actor[low], actor[high])
        if pairs and listed[high] > 0:
            if listed[low] > 0:
                following[tail[low]] = head[high]
            head[low] = head[low] if listed[low] > 0 else head[high]
            tail[low], listed[low] = tail[high], listed[low] + listed[high]
    return kept, stopped, meetings


def union(a: Any, b: Any, parent: Any) -> None:
    """Join every row; the smallest number of a group is its root, and every number's parent."""
    for row in range(len(a)):
        x = a[row]
        y = b[row]
        while parent[x] != x:
            parent[x] = x = parent[parent[x]]
        while parent[y] != y:
            parent[y] = y = parent[parent[y]]
        if y < x:
            parent[x] = y
        elif x < y:
            parent[y] = x


def union_groups(begin: Any, member: Any, parent: Any) -> None:
    """Join the members of every group; the smallest number is the root, and others' parent."""
    end = begin[0]
    for group in range(len(begin) - 1):
        first, end = end, begin[group + 1]
        if end - first < 2:
            continue
        x = member[first]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        for row in range(first + 1, end):
            y = member[row]
            while parent[y] != y:
                parent[y] = parent[parent[y]]
                y = parent[y]
            if x == y:
                continue
            if x < y:
                parent[y] = x
            else:
                parent[x] = y
                x = y


def flatten(parent: Any) -> None:
    """Point every number at its root; every parent is smaller, and so is final already."""
    for x in range(len(parent)):
        parent[x] = parent[parent[x]]


def neighbours(a: Any, b: Any, begin: Any, fill: Any, to: Any, via: Any) -> None:
    """Write the neighbours of each number side by side, each with its row."""
    nodes = len(begin) - 1
    for row in range(len(a)):
        begin[a[row] + 1] += 1
        begin[b[row] + 1] += 1
    for node in range(nodes):
        begin[node + 1] += begin[node]
        fill[node] = begin[node]
    for row in range(len(a)):
        x, y = a[row], b[row]
        to[fill[x]] = y
        via[fill[x]] = row
        fill[x] += 1
        to[fill[y]] = x
        via[fill[y]] = row
        fill[y] += 1


def root_trees(
    begin: Any, to: Any, via: Any, up: Any, edge: Any, depth: Any, queue: Any
) -> None:  # fmt: skip
    """Hang each tree of a forest on its smallest number: who is above, by which row, how deep."""
    for root in range(len(up)):
        if depth[root] >= 0:
            continue
        depth[root] = 0
        queue[0] = root
        first, last = 0, 1
        while first < last:
            here = queue[first]
            first += 1
            for place in range(begin[here], begin[here + 1]):
                there = to[place]
                if depth[there] < 0:
                    depth[there] = depth[here] + 1
                    up[there] = here
                    edge[there] = via[place]
                    queue[last] = there
                    last += 1


def climb(x: int, y: int, up: Any, edge: Any, depth: Any, rows: Any, nodes: Any) -> tuple[int, int]:
    """Write the way from x, and from the end of the room the way from y, to where they meet."""
    here, there = 0, len(rows)
    while x != y:
        if depth[x] >= depth[y]:
            if up[x] < 0:
                return -1, -1  # two roots: no way leads from one to the other
            rows[here] = edge[x]
            nodes[here] = x
            here += 1
            x = up[x]
        else:
            there -= 1
            rows[there] = edge[y]
            nodes[there] = y
            y = up[y]
    return here, there


def cut_points(
    begin: Any, to: Any, addresses: int, place: Any, found: Any, low: Any, up: Any, held: Any,
    least: Any, point: Any, split: Any, first: Any,
) -> int:  # fmt: skip
    """Walk a connected graph from number 0 and write what each point above ``addresses`` splits.

    The numbers below ``addresses`` are addresses, the others evidence that ties them. Tarjan's
    search for articulation points, with a path of its own instead of recursion: what hangs below
    evidence and reaches nothing above it falls off without it.
    """
    for node in range(addresses):
        held[node] = 1
    for node in range(len(least)):
        least[node] = node
        place[node] = begin[node]
    count, clock, node = 0, 1, 0
    found[0] = low[0] = 1
    up[0] = -1
    while node >= 0:
        if place[node] < begin[node + 1]:
            there = to[place[node]]
            place[node] += 1
            if found[there] == 0:
                clock += 1
                found[there] = low[there] = clock
                up[there] = node
                node = there
            elif there != up[node]:
                low[node] = min(low[node], found[there])
            continue
        above = up[node]
        if above >= 0:
            low[above] = min(low[above], low[node])
            held[above] += held[node]
            least[above] = min(least[above], least[node])
            if above >= addresses and low[node] >= found[above]:
                point[count] = above
                split[count] = held[node]
                first[count] = least[node]
                count += 1
        node = above
    return count
