"""Groups over numbers: compiled and plain loops give the same, and what a slow search gives."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from chainwatch.errors import InputError
from chainwatch.kernels.graphs import components
from chainwatch.kernels.graphs.components import Limits, join_in_order, roots, splits, trees, way

SEEDS = range(150)


def numbers(values) -> np.ndarray:
    return np.array(values, np.int32)


def graph(rng: Random):
    count = rng.randrange(1, 14)
    rows = rng.randrange(30)
    a, b = (numbers([rng.randrange(count) for _ in range(rows)]) for _ in range(2))
    return a, b, count


def limits(rng: Random, count: int) -> Limits:
    pairs = [(rng.randrange(count), rng.randrange(count)) for _ in range(rng.choice([0, 0, 3, 8]))]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]
    actor = [rng.choice([-1, -1, 0, 1]) for _ in range(count)] if rng.random() < 0.5 else []
    tagged = sorted(rng.sample(range(count), min(count, 3)))
    apart = numbers(pairs).reshape(-1, 2).T.copy()
    return Limits(apart, numbers(actor), numbers(tagged), rng.choice([2, 3, 100]))


def slow(a, b, count: int, given: Limits):
    """Join with sets, and look at every pair each time."""
    group = {n: {n} for n in range(count)}
    rows, refused, met = [], [], []
    for row, (x, y) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        one, other = group[x], group[y]
        if one is other:
            continue
        pairs = [
            number
            for number, (p, q) in enumerate(given.apart.T.tolist())
            if (p in one and q in other) or (q in one and p in other)
        ]
        whose = [{given.actor[n] for n in side if given.actor.size and given.actor[n] >= 0}
                 for side in (one, other)]  # fmt: skip
        if pairs or (all(whose) and whose[0] != whose[1]):
            refused.append((row, pairs[0] if pairs else -1))
            continue
        rows.append(row)
        tags = [[n for n in side if n in given.tagged] for side in (one, other)]
        if all(tags) or min(len(one), len(other)) >= given.large:
            met.append((row, len(one), len(other)))
        both = one | other
        group |= dict.fromkeys(both, both)
    return [min(group[n]) for n in range(count)], rows, refused, met


@pytest.mark.parametrize("compiled", [True, False])
def test_joining_in_order_is_what_sets_give(compiled):
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311
        a, b, count = graph(rng)
        given = limits(rng, count)
        made = join_in_order(a, b, count, given, compiled=compiled)
        root, rows, refused, met = slow(a, b, count, given)
        assert made.root.tolist() == root
        assert made.rows.tolist() == rows
        found = zip(made.refused.tolist(), made.because.tolist(), strict=True)
        assert list(found) == refused
        assert list(zip(made.met.tolist(), *made.sizes.tolist(), strict=True)) == met
        assert roots(a, b, count, compiled=compiled).tolist() == slow(a, b, count, Limits())[0]


def test_both_ways_give_the_same_arrays():
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311
        a, b, count = graph(rng)
        given = limits(rng, count)
        one, other = (join_in_order(a, b, count, given, compiled=way) for way in (True, False))
        for left, right in zip(one, other, strict=True):
            assert left.shape == right.shape
            assert (left == right).all()
        forest = a[one.rows], b[one.rows], count
        for left, right in zip(trees(*forest, compiled=True), trees(*forest, compiled=False),
                               strict=True):  # fmt: skip
            assert (left == right).all()


@pytest.mark.parametrize("compiled", [True, False])
def test_a_way_leads_over_rows_of_the_forest(compiled):
    for seed in SEEDS:
        rng = Random(seed)  # noqa: S311
        a, b, count = graph(rng)
        made = join_in_order(a, b, count)
        one, other = a[made.rows], b[made.rows]
        forest = trees(one, other, count, compiled=compiled)
        x, y = rng.randrange(count), rng.randrange(count)
        found = way(forest, x, y, compiled=compiled)
        assert (found is None) == bool(made.root[x] != made.root[y])
        if found is None:
            continue
        rows, passed = found
        assert (passed[0], passed[-1]) == (x, y)
        assert len(set(passed.tolist())) == len(passed) == len(rows) + 1
        for row, here, there in zip(rows, passed, passed[1:], strict=False):
            assert {one[row], other[row]} == {here, there}


def test_many_links_between_groups_kept_apart_are_refused_one_by_one():
    """The answer is remembered: each list is long, and must not be read for every link."""
    half = 3000
    left, right = np.arange(half, dtype=np.int32), np.arange(half, 2 * half, dtype=np.int32)
    a = np.concatenate([np.zeros(half - 1, np.int32), np.full(half - 1, half, np.int32), left])
    b = np.concatenate([left[1:], right[1:], right])
    made = join_in_order(a, b, 2 * half, Limits(apart=np.stack([left, right[::-1].copy()])))
    assert made.rows.size == 2 * (half - 1)
    assert made.refused.tolist() == list(range(2 * (half - 1), 2 * (half - 1) + half))
    assert set(made.because.tolist()) == {0}


@pytest.mark.parametrize("compiled", [True, False])
def test_a_long_chain_needs_no_recursion(compiled):
    count = 5000
    a = np.arange(count, dtype=np.int32)
    links, last = np.arange(count, 2 * count - 1, dtype=np.int32), 2 * count - 1
    ends = np.concatenate([a[:-1], a[1:]]), np.concatenate([links, links])
    found = splits(*ends, count, last, compiled=compiled)
    assert len(found.point) == count - 1
    assert sorted(found.size.tolist()) == list(range(1, count))


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(components, "MOST", 2)
    with pytest.raises(InputError, match="3 addresses or links are more than can be joined"):
        join_in_order(numbers([0]), numbers([1]), 3)


def test_nothing_is_joined_from_nothing():
    made = join_in_order(numbers([]), numbers([]), 0)
    assert [one.size for one in made] == [0] * 8
    assert roots(numbers([]), numbers([]), 2).tolist() == [0, 1]
