"""Windows of time: compiled and plain loops give the same, and what a slow count gives."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from chainwatch.kernels.windows import windows


def slow(begin, clock, other, span):
    found = []
    for one in range(len(begin) - 1):
        own = range(begin[one], begin[one + 1])
        for first in own:
            there = [row for row in own if row >= first and clock[row] - clock[first] <= span]
            inside = {other[row] for row in there if other[row] >= 0}
            outside = {other[row] for row in own if row not in there}
            found.append((there[-1] + 1, len(inside), len(inside - outside)))
    return found


@pytest.mark.parametrize("compiled", [True, False])
def test_windows_are_what_a_slow_count_gives(compiled: bool) -> None:
    for seed in range(60):
        rng = Random(seed)  # noqa: S311 - the same each time
        sizes = [rng.randrange(6) for _ in range(rng.randrange(1, 6))]
        begin = np.cumsum([0, *sizes]).astype(np.int64)
        clock = np.concatenate(
            [
                np.sort(np.array([rng.randrange(20) for _ in range(size)], np.int64))
                for size in sizes
            ]
        )
        other = np.array([rng.randrange(-1, 4) for _ in range(begin[-1])], np.int32)
        span = rng.randrange(8)
        found = windows(begin, clock, other, span, compiled=compiled)
        rows = zip(*(one.tolist() for one in found), strict=True)
        assert list(rows) == slow(begin.tolist(), clock.tolist(), other.tolist(), span), seed


def test_no_rows_and_no_lists_are_no_error() -> None:
    for begin in ([0], [0, 0, 0]):
        found = windows(np.array(begin, np.int64), np.empty(0, np.int64), np.empty(0, np.int32), 5)
        assert [len(one) for one in found] == [0, 0, 0]
