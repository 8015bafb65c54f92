"""Windows of time over lists of rows: how many others stand in each, and how many nowhere else.

The loop runs compiled where numba is installed and as plain Python where it is not, with the same
result. Its time grows with the rows, however many lie in one window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels import window_loops as loops
from chainwatch.kernels.run import run


class Windows(NamedTuple):
    """The window that begins at each row.

    Attributes
    ----------
    end : array of int64
        The first row of its list behind the window.
    different : array of int64
        How many others stand in it.
    only : array of int64
        How many of these stand in no row of the list outside of it.
    """

    end: NDArray[np.int64]
    different: NDArray[np.int64]
    only: NDArray[np.int64]


def windows(
    begin: NDArray[np.int64], clock: NDArray[np.int64], other: NDArray[np.int32], span: int, *,
    compiled: bool | None = None,
) -> Windows:  # fmt: skip
    """Return the windows that begin at each row.

    Parameters
    ----------
    begin : array of int64
        Where each list begins; one entry more than lists.
    clock : array of int64
        Time of each row, rising within a list.
    other : array of int32
        Whom each row is with, from 0 on; below 0 is nobody, and is not counted.
    span : int
        A row lies in the window if it is at most so much later than the first.
    """
    rows = len(clock)
    end, different, only = (np.zeros(rows, np.int64) for _ in range(3))
    if rows:
        seen = np.zeros(int(other.max()) + 1, np.int64)
        again = _again(begin, other)
        run(loops.windows, compiled, begin, clock, other, again, int(span), seen, end, different,
            only)  # fmt: skip
    return Windows(end, different, only)


def _again(begin: NDArray[np.int64], other: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return of each row in how many rows of its list the same other stands."""
    lists = np.repeat(np.arange(len(begin) - 1, dtype=np.int64), np.diff(begin))
    keys = lists * (int(other.max()) + 2) + other + 1
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    found: NDArray[np.int64] = counts[inverse].astype(np.int64)
    return found


__all__ = ["Windows", "windows"]
