"""Groups given as lists of members: compiled and plain loops give what sets give."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from chainwatch.kernels.graphs import group_loops as loops
from chainwatch.kernels.graphs.components import roots, roots_of_groups
from chainwatch.kernels.graphs.groups import listed, repeated, stars

NONE = 0xFFFFFFFF
SEEDS = range(120)
BOTH = pytest.mark.parametrize("compiled", [True, False])


def groups(rng: Random, count: int) -> list[list[int]]:
    """Return groups of members, some empty, some nobody, one that is long."""
    sizes = [rng.choice([0, 1, 2, 2, 3, 9]) for _ in range(rng.randrange(8))] + [40]
    members = [*range(count), NONE]
    return [[rng.choice(members) for _ in range(size)] for size in sizes]


def packed(rows: list[list[int]], dtype: type = np.uint32) -> tuple[np.ndarray, np.ndarray]:
    begin = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return begin, np.array([one for row in rows for one in row], dtype)


def kind_of(marks: set[int], *, loose: bool) -> int:
    """Return how a member is tied, of the marks of all its rows."""
    if loose:
        return loops.LOOSE
    if any(mark & loops.OF_TWO for mark in marks):
        return loops.SHARED
    if any(mark & loops.TIED for mark in marks):
        return loops.BOUND
    return loops.PARTIAL if any(mark & loops.OPEN for mark in marks) else loops.UNREAD


def slow_stars(rows, marks, rank, loose, asked):
    found = []
    for one, (row, given) in enumerate(zip(rows, marks, strict=True)):
        seen: dict[int, set[int]] = {}
        for member, mark in zip(row, given, strict=True):
            if member != NONE and not mark & loops.SKIPPED:
                seen.setdefault(int(rank[member]), set()).add(mark)
        kinds = {place: kind_of(seen[place], loose=bool(loose[place])) for place in seen}
        bound = sorted((kind, place) for place, kind in kinds.items() if kind != loops.LOOSE)
        if len(row) < 2 or not bound or (asked.size and not asked[one]):
            continue
        strongest, first = bound[0]
        parted = loops.PARTED * (loops.PARTIAL in kinds.values())
        shown = {place: all(mark & loops.SHOWN for mark in seen[place]) for place in seen}
        for place in sorted(set(kinds) - {first}):
            tie = max(kinds[place], strongest) + parted
            tie += loops.SOME_SHOWN * (shown[place] or shown[first])
            found.append((one, *sorted((first, place)), tie))
    return found


@BOTH
def test_stars_tie_each_member_to_the_smallest_of_the_most_bound(compiled: bool) -> None:
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311 - the same each time
        count = rng.randrange(1, 12)
        rows = groups(rng, count)
        given = [0, 1, 1, 2, 4, 5, 6, 8, 9, 17]
        marks = [[rng.choice(given) for _ in row] for row in rows]
        rank = np.array(rng.sample(range(count), count), np.uint32)
        loose = np.array([rng.random() < 0.2 for _ in range(count)], np.uint8)
        asked = np.array([rng.random() < 0.8 for _ in rows if seed % 2], np.uint8)
        begin, member = packed(rows)
        made = stars(
            begin, member, packed(marks, np.uint8)[1], rank, asked, loose, NONE, compiled=compiled
        )
        found = zip(made.group.tolist(), made.a.tolist(), made.b.tolist(), made.tie.tolist(),
                    strict=True)  # fmt: skip
        expected = slow_stars(rows, marks, rank, loose, asked)
        assert list(found) == expected, seed
        assert expected == sorted(expected)


@BOTH
def test_a_long_group_is_put_in_order(compiled: bool) -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    count = 4_000
    row = [rng.randrange(count) for _ in range(3_000)]
    nobody = np.zeros(count, np.uint8)
    rank = np.arange(count, dtype=np.uint32)
    marks = np.full(len(row), loops.TIED, np.uint8)
    made = stars(*packed([row]), marks, rank, nobody[:0], nobody, NONE, compiled=compiled)
    first, *others = sorted(set(row))
    assert made.b.tolist() == others
    assert set(made.a.tolist()) == {first}


@BOTH
def test_repeated_values(compiled: bool) -> None:
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311 - the same each time
        rows = groups(rng, 9)
        asked = np.array([n for n in range(len(rows)) if rng.random() < 0.8], np.int64)
        above = rng.randrange(-1, 6)
        found = repeated(*packed(rows, np.int64), above, asked, compiled=compiled)
        expected = []
        for n in asked.tolist():
            large = [value for value in rows[n] if value > above]
            expected.append(len(large) > len(set(large)))
        assert found.tolist() == expected, seed


@BOTH
def test_rows_are_listed_by_their_owner(compiled: bool) -> None:
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311 - the same each time
        count = rng.randrange(1, 9)
        owner = [rng.choice([*range(count), NONE]) for _ in range(rng.randrange(40))]
        begin, rows = listed(np.array(owner, np.uint32), NONE, count, compiled=compiled)
        for one in range(count):
            mine = rows[begin[one] : begin[one + 1]].tolist()
            assert mine == [row for row, other in enumerate(owner) if other == one]
        assert len(rows) == sum(one != NONE for one in owner)


@BOTH
def test_roots_of_groups_are_those_of_their_ties(compiled: bool) -> None:
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311 - the same each time
        count = rng.randrange(1, 30)
        rows = [[one for one in row if one != NONE][:4] for row in groups(rng, count)]
        ends = [(row[0], other) for row in rows if row for other in row[1:]]
        a, b = np.array(ends, np.int32).reshape(-1, 2).T.copy()
        expected = roots(a, b, count, compiled=False)
        found = roots_of_groups(*packed(rows), count, compiled=compiled)
        assert found.tolist() == expected.tolist(), seed
