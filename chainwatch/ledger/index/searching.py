"""Many addresses looked up in an index at once: the same answers as one by one, without a loop.

The addresses of an index stand in the order of their bytes. Eight bytes are compared at a time, and
more only where they are alike so far: strangers can grind addresses that begin alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chainwatch.kernels.intern import bytes_of, eight_bytes

Made = Mapping[str, NDArray[Any]]

_STEP = 32
"""Every so many addresses one is looked at first, to know between which two another stands."""

_MOST = 1 << 20
"""Addresses that are looked up at a time: what is held grows with it."""


def ranks_of(made: Made, addresses: pl.Series) -> NDArray[np.int64]:
    """Return the place of each address among all of an index in the order of their bytes.

    Parameters
    ----------
    made : mapping of str to array
        Columns of an index.
    addresses : polars.Series
        Canonical addresses; a null is in no index.

    Returns
    -------
    numpy.ndarray
        int64, one of each address; -1 where the index does not have it.
    """
    found = np.full(len(addresses), -1, np.int64)
    known = addresses.is_not_null().to_numpy()
    keys = addresses.drop_nulls()
    parts = [_ranks(made, keys[at : at + _MOST]) for at in range(0, len(keys), _MOST)]
    found[known] = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return found


class _Keys:
    """Byte strings in one row of bytes."""

    def __init__(self, values: NDArray[np.uint8], starts: Any, sizes: Any) -> None:
        self.values, self.starts, self.sizes = values, starts, sizes

    def word(self, depth: int) -> NDArray[np.uint64]:
        """Return eight bytes of each as a number; zeros where it has ended."""
        if len(self.sizes) and self.sizes.min() >= 8 * (depth + 1):
            rows = sliding_window_view(self.values, 8)[self.starts + 8 * depth]
            found: NDArray[np.uint64] = rows.view(">u8").ravel().astype(np.uint64)
            return found
        return eight_bytes(self.values, self.starts, self.sizes, depth)

    def at(self, rows: NDArray[Any]) -> _Keys:
        return _Keys(self.values, self.starts[rows], self.sizes[rows])


def _ranks(made: Made, keys: pl.Series) -> NDArray[np.int64]:
    values, starts = bytes_of(keys)
    wanted = _Keys(values, starts[:-1], np.diff(starts))
    low, high = _between(made, wanted)
    while len(rows := np.flatnonzero(low < high)):
        middle = (low[rows] + high[rows]) // 2
        order = _compared(_held(made, middle), wanted.at(rows))
        low[rows] = np.where(order < 0, middle + 1, low[rows])
        high[rows] = np.where(order < 0, high[rows], middle)
    inside = np.flatnonzero(low < len(made["addr_order"]))
    same = _compared(_held(made, low[inside]), wanted.at(inside)) == 0
    found = np.full(len(low), -1, np.int64)
    found[inside[same]] = low[inside[same]]
    return found


def _held(made: Made, ranks: NDArray[np.int64]) -> _Keys:
    """Return the addresses of an index at some places in the order of their bytes."""
    ids = made["addr_order"][ranks].astype(np.int64)
    starts = made["addr_ptr"][ids]
    return _Keys(made["addr_bytes"], starts, made["addr_ptr"][ids + 1] - starts)


def _between(made: Made, wanted: _Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of each key between which two places it stands, by the first bytes of some."""
    size = len(made["addr_order"])
    sample = _held(made, np.arange(0, size, _STEP)).word(0)
    first = wanted.word(0)
    low = np.searchsorted(sample, first, side="left").astype(np.int64) - 1
    high = np.searchsorted(sample, first, side="right").astype(np.int64)
    return np.maximum(low, 0) * _STEP, np.minimum(high * _STEP, size)


def _compared(held: _Keys, wanted: _Keys) -> NDArray[np.int8]:
    """Return -1, 0 or 1 where what is held comes before what is wanted, is it, or comes after."""
    order = np.zeros(len(held.sizes), np.int8)
    open_ = np.arange(len(order))
    longest = int(max(held.sizes.max(initial=0), wanted.sizes.max(initial=0)))
    for depth in range(longest // 8 + 1):
        if not len(open_):
            return order
        ours, theirs = held.at(open_).word(depth), wanted.at(open_).word(depth)
        order[open_] = np.where(ours < theirs, -1, np.where(ours > theirs, 1, 0))
        open_ = open_[ours == theirs]
    # Where one ends and the other goes on with zeros the shorter comes first.
    order[open_] = np.sign(held.sizes[open_] - wanted.sizes[open_])
    return order
