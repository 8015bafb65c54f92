"""When a group was first seen, and whether one can say that it was not there before."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Seen(NamedTuple):
    """The week in which enough were seen, since when, how many, and how many before that."""

    week: int
    since: int
    number: int
    before: int


def seen_first(counts: NDArray[np.float64], within: int, least: int, enough: int) -> Seen | None:
    """Return when a group was first seen often enough.

    Parameters
    ----------
    counts : array, weeks
        How many were seen; 0 in weeks that were not read.
    within, least : int
        Weeks within which they must be seen, and that must have been watched before.
    enough : int
        How many make a first appearance.

    Returns
    -------
    Seen or None
        None if it never was, was from the beginning on, or more than once before.
    """
    upto = np.concatenate([[0.0], np.cumsum(counts)])
    starts = np.maximum(0, np.arange(1, len(upto)) - within)
    reached = np.flatnonzero(upto[1:] - upto[starts] >= enough)
    week = int(reached[0]) if len(reached) else 0
    before = int(upto[starts[week]]) if len(counts) else 0
    if week < least or before > 1:
        return None
    since = int(np.flatnonzero(counts[starts[week] : week + 1])[0] + starts[week])
    return Seen(week, since, int(upto[week + 1]) - before, before)


def watched_before(read: NDArray[np.bool_], week: int, least: int) -> bool:
    """Tell whether a week and those before it, in which it might have been there, were read."""
    return bool(read[max(0, week - least) : week + 1].all())


__all__ = ["Seen", "seen_first", "watched_before"]
