"""Groups given as lists of members: compiled and plain loops give what sets give."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from chainwatch.kernels.components import listed, repeated, roots, roots_of_groups, stars

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


@BOTH
def test_stars_tie_each_member_to_the_smallest_that_is_bound(compiled: bool) -> None:
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311 - the same each time
        count = rng.randrange(1, 12)
        rows = groups(rng, count)
        rank = np.array(rng.sample(range(count), count), np.uint32)
        loose = np.array([rng.random() < 0.2 for _ in range(count)], np.uint8)
        asked = np.array([rng.random() < 0.8 for _ in rows if seed % 2], np.uint8)
        made = stars(*packed(rows), rank, asked, loose, NONE, compiled=compiled)
        expected = []
        for one, row in enumerate(rows):
            ranks = sorted({int(rank[member]) for member in row if member != NONE})
            bound = [place for place in ranks if not loose[place]]
            if bound and (not asked.size or asked[one]):
                expected += [
                    (one, *sorted((bound[0], place)), bool(loose[place]))
                    for place in ranks if place != bound[0]
                ]  # fmt: skip
        found = zip(made.group.tolist(), made.a.tolist(), made.b.tolist(), made.loose.tolist(),
                    strict=True)  # fmt: skip
        assert list(found) == expected, seed
        assert expected == sorted(expected, key=lambda tie: tie[:3])


@BOTH
def test_a_long_group_is_put_in_order(compiled: bool) -> None:
    rng = Random(1)  # noqa: S311 - the same each time
    count = 4_000
    row = [rng.randrange(count) for _ in range(3_000)]
    nobody = np.zeros(count, np.uint8)
    rank = np.arange(count, dtype=np.uint32)
    made = stars(*packed([row]), rank, nobody[:0], nobody, NONE, compiled=compiled)
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
