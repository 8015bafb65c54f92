"""Trees of whole numbers: against a slow walk over every way, and what is refused as no tree."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import polars as pl
import pytest

from chainwatch.change_models.features import FEATURES, NAMES, TOP, UNKNOWN, array_of, unpacked
from chainwatch.change_models.trees import LEAF, WHOLE, Trees, rows_of
from chainwatch.errors import InputError

Node = tuple[int, int, int, int, int]


def random_tree(random: Random, depth: int) -> list[Node]:
    """Return a random tree, a branch before the other, as a fitted one is numbered."""
    nodes: list[Node] = []

    def grow(left: int) -> int:
        place = len(nodes)
        nodes.append((LEAF, 0, LEAF, LEAF, random.randrange(WHOLE + 1)))
        if left and random.random() < 0.8:
            asked, at_most = random.randrange(len(FEATURES)), random.randrange(4)
            low = grow(left - 1)
            high = grow(left - 1)
            nodes[place] = (asked, at_most, low, high, random.randrange(WHOLE + 1))
        return place

    grow(depth)
    return nodes


def slow_shares(nodes: list[Node], values: list[int], node: int = 0) -> set[int]:
    """Return every share that a tree can give one output, going both ways where nobody knows."""
    asked, at_most, low, high, share = nodes[node]
    if asked == LEAF:
        return {share}
    if values[asked] == UNKNOWN:
        return slow_shares(nodes, values, low) | slow_shares(nodes, values, high)
    return slow_shares(nodes, values, low if values[asked] <= at_most else high)


def random_values(random: Random, unknown: float) -> list[int]:
    return [UNKNOWN if random.random() < unknown else random.randrange(5) for _ in FEATURES]


@pytest.mark.parametrize("unknown", [0.0, 0.3, 1.0])
def test_scores_are_those_of_a_slow_walk(unknown):
    random = Random(f"trees {unknown}")  # noqa: S311 - a test, not a secret
    forest = [random_tree(random, 6) for _ in range(12)]
    rows = [random_values(random, unknown) for _ in range(60)]
    found = Trees(rows_of(forest)).bounds(np.array(rows))
    for place, values in enumerate(rows):
        each = [slow_shares(tree, values) for tree in forest]
        assert found.low[place] == sum(map(min, each))
        assert found.high[place] == sum(map(max, each))
        assert found.votes_low[place] == sum(2 * min(one) > WHOLE for one in each)
        assert found.votes_high[place] == sum(2 * max(one) > WHOLE for one in each)
        if unknown == 0:
            assert found.low[place] == found.high[place]


def test_bounds_hold_whatever_the_unknown_is():
    """No value that a feature can have leads out of the bounds that stand where it is unknown."""
    random = Random("bounds")  # noqa: S311 - a test, not a secret
    trees = Trees(rows_of([random_tree(random, 5) for _ in range(8)]))
    for _ in range(20):
        values = random_values(random, 0.15)
        gaps = [place for place, value in enumerate(values) if value == UNKNOWN][:3]
        for place in range(len(values)):
            if values[place] == UNKNOWN and place not in gaps:
                values[place] = 0
        (low,), (high,), *_ = trees.bounds(np.array([values]))
        for filled in product(range(5), repeat=len(gaps)):
            known = list(values)
            for place, value in zip(gaps, filled, strict=True):
                known[place] = value
            (score,), (same,), *_ = trees.bounds(np.array([known]))
            assert low <= score == same <= high


def test_packed_features_are_what_was_packed(example):
    known = example(**{name: place for place, name in enumerate(NAMES)})
    gaps = example(zeros=None, fee_agrees=None, last=TOP)
    for row in (known, gaps):
        values = array_of(row)
        digits = [TOP + 1 if value == UNKNOWN else value for value in values[0]]
        code = sum(int(digit) << (4 * place) for place, digit in enumerate(digits))
        assert code < 1 << 63
        assert unpacked(np.array([code])).tolist() == values.tolist()


GOOD = [(0, 0, 1, 2, 0), (LEAF, 0, LEAF, LEAF, 0), (LEAF, 0, LEAF, LEAF, WHOLE)]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({0: (99, 0, 1, 2, 0)}, "a feature that there is not"),
        ({0: (-2, 0, 1, 2, 0)}, "a feature that there is not"),
        ({0: (0, 0, 1, 3, 0)}, "a branch leads to no node behind it"),
        ({0: (0, 0, 0, 2, 0)}, "a branch leads to no node behind it"),
        ({0: (0, 0, 2, 2, 0)}, "a branch leads to no node behind it"),
        ({0: (0, -1, 1, 2, 0)}, "a number that no feature has"),
        ({1: (LEAF, 0, LEAF, LEAF, WHOLE + 1)}, "a share is none"),
        ({1: (LEAF, 0, 2, LEAF, 0)}, "a branch leads to no node behind it"),
        ({0: (LEAF, 0, LEAF, LEAF, 0)}, "reached from several others, or from none"),
    ],
)
def test_what_is_no_tree_is_refused(changed, fault):
    assert Trees(rows_of([GOOD])).count == 1
    nodes = [changed.get(place, node) for place, node in enumerate(GOOD)]
    with pytest.raises(InputError, match=fault):
        Trees(rows_of([nodes]))


def test_a_node_that_two_branches_share_is_refused():
    """Such trees need not end soon: forty nodes can have a million million ways."""
    nodes = [(0, 0, 1, 2, 0), (1, 0, 2, 3, 0), *[(LEAF, 0, LEAF, LEAF, 0)] * 2]
    with pytest.raises(InputError, match="reached from several"):
        Trees(rows_of([nodes]))


def test_rows_out_of_order_or_of_other_columns_are_refused():
    rows = rows_of([GOOD])
    for wrong, fault in (
        (rows.reverse(), "not numbered"),
        (rows.with_columns(tree=pl.lit(1, pl.Int64)), "not numbered"),
        (rows.drop("share"), "columns"),
        (rows.clear(), "there is none"),
        (rows.with_columns(share=pl.lit(None, pl.Int64)), "a number is missing"),
    ):
        with pytest.raises(InputError, match=fault):
            Trees(wrong)
