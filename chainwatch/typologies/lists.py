"""The payments of each party as runs of numbers, and exact sums over runs: what is walked.

Numbers of payments rise with time, so that a run of them is a span of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.units import exact_sum

Rows = NDArray[np.int64]
"""Numbers of payments: places in the order of a ``Flows``."""

Parties = NDArray[np.int32]
"""Numbers of parties."""

NOBODY = -1
"""Stands for a payer who is not known, or a name that nobody gave."""

_WIDE = 190
"""Percent up to which a share of what fits 62 bits fits 63."""

_NARROW = 1 << 62
"""Below this total every partial sum of amounts fits 64 bits; above, amounts are whole numbers of
any width."""


@dataclass(frozen=True, eq=False)
class Lists:
    """The payments of each party, in order: those of party k stand from ``ptr[k]`` on."""

    ptr: NDArray[np.int64]
    rows: Rows

    def of(self, party: int) -> Rows:
        """Return the payments of one party, in order."""
        return self.rows[self.ptr[party] : self.ptr[party + 1]]

    def between(self, parties: Parties, first: Rows, behind: Rows) -> tuple[Rows, Rows]:
        """Return of each party where its payments from one number until before another stand.

        Parameters
        ----------
        parties, first, behind : arrays of the same length
            Parties, and for each the numbers of payments that bound what is asked for.

        Returns
        -------
        tuple of arrays
            Places in ``rows``: the first, and the one behind the last.
        """
        base = parties.astype(np.int64) * self._width
        begin, end = (
            np.searchsorted(self._keys, base + np.clip(bound, 0, self._width - 1))
            for bound in (first, behind)
        )
        return begin, np.maximum(begin, end)

    @property
    def _width(self) -> int:
        return int(self.rows.max(initial=0)) + 2

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """Party and payment of each row as one number: they rise along all rows."""
        owner = np.repeat(np.arange(len(self.ptr) - 1, dtype=np.int64), self.sizes)
        keys: NDArray[np.int64] = owner * self._width + self.rows
        return keys

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many payments each party has."""
        return np.diff(self.ptr)


def lists_of(who: Parties, count: int) -> Lists:
    """Return the rows of each party, in order; those of ``NOBODY`` stand in no list."""
    rows = np.argsort(who, kind="stable")[int((who == NOBODY).sum()) :]
    ptr = np.searchsorted(who[rows], np.arange(count + 1))
    return Lists(ptr.astype(np.int64), rows.astype(np.int64))


def others_of(lists: Lists, other: Parties) -> NDArray[np.int64]:
    """Return how many different others each party deals with; ``other`` is one for each of rows."""
    count, most = len(lists.ptr) - 1, int(other.max(initial=0)) + 1
    whose, known = np.repeat(np.arange(count, dtype=np.int64), lists.sizes), other != NOBODY
    pairs = np.sort(whose[known] * most + other[known])
    # The first of equal ones, as numpy's unique would give them, in a tenth of its time.
    first = np.ones(len(pairs), np.bool_)
    first[1:] = pairs[1:] != pairs[:-1]
    return np.bincount(pairs[first] // most, minlength=count)


def spread_out(begin: Rows, end: Rows) -> tuple[Rows, Rows]:
    """Return runs of places, one place a row: the number of its run, and the place.

    Examples
    --------
    >>> spread_out(np.array([4, 0]), np.array([6, 1]))
    (array([0, 0, 1]), array([4, 5, 0]))
    """
    sizes = end - begin
    runs = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    ahead = np.repeat(np.cumsum(sizes) - sizes, sizes)
    return runs, np.arange(len(runs), dtype=np.int64) - ahead + begin[runs]


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as 64 bits where each fits, else of any width."""
    fits = len(values) == 0 or int(max(values.tolist())) < _NARROW
    return values.astype(np.int64) if fits else values


def running(amounts: NDArray[Any]) -> NDArray[Any]:
    """Return what all amounts before each place add up to, and at the end all: exact at any width.

    Fails when
    ----------
    The total exceeds 64 bits and the amounts are of 64 bits: :func:`amounts_of` makes none such.
    """
    found = np.zeros(len(amounts) + 1, amounts.dtype)
    found[1:] = np.cumsum(amounts)
    return found


def least_of(wholes: NDArray[Any], percent: int) -> NDArray[Any]:
    """Return the smallest whole numbers that are at least so many percent of others, exactly.

    Nothing is multiplied that would not fit: the percentage is taken of hundreds and of the rest.
    """
    hundreds, rest = _parted(wholes, percent)
    found: NDArray[Any] = hundreds * percent + (rest * percent + 99) // 100
    return found


def most_of(wholes: NDArray[Any], percent: int) -> NDArray[Any]:
    """Return the largest whole numbers that are at most so many percent of others, exactly."""
    hundreds, rest = _parted(wholes, percent)
    found: NDArray[Any] = hundreds * percent + rest * percent // 100
    return found


def _parted(wholes: NDArray[Any], percent: int) -> tuple[NDArray[Any], NDArray[Any]]:
    if percent > _WIDE:
        wholes = wholes.astype(object)
    return wholes // 100, wholes % 100


def in_band(parts: NDArray[Any], wholes: NDArray[Any], least: int, most: int) -> NDArray[np.bool_]:
    """Tell which parts are of their wholes at least and at most so many percent, exactly."""
    low, high = least_of(wholes, least), most_of(wholes, most)
    return np.asarray((parts >= low) & (parts <= high), np.bool_)


def amounts_of(values: pl.Series) -> NDArray[Any]:
    """Return amounts as an array: of 64 bits where their total fits, else of any width.

    Raises
    ------
    ConservationError
        If the total exceeds 38 digits.
    """
    summed = values.to_frame("amount").select(exact_sum("amount")).item() if len(values) else 0
    if int(summed or 0) < _NARROW:
        return values.cast(pl.Int64).to_numpy().copy()
    return np.array([int(one) for one in values.to_list()], object)


__all__ = [
    "NOBODY",
    "Lists",
    "Parties",
    "Rows",
    "amounts_of",
    "in_band",
    "least_of",
    "lists_of",
    "most_of",
    "narrow",
    "others_of",
    "running",
    "spread_out",
]
