"""Keys to dense numbers in the order in which they are first seen; whole keys are compared.

Addresses and transaction ids are chosen by strangers, who can make millions that share their
first eight bytes: no prefix stands for a key here, and the hash is keyed anew in each process, so
that keys cannot be made to crowd one part of the table.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chainwatch.errors import InputError
from chainwatch.kernels.run import available

MOST = 2**32 - 2
"""Different keys; the number above stands for *none*."""

_SEED_WORDS, _LEAST, _AHEAD = 11, 1 << 12, 64


class Interned(NamedTuple):
    """The number of each row, and the key of each number."""

    ids: NDArray[np.uint32]
    keys: pl.Series


def intern(keys: pl.Series, *, compiled: bool | None = None) -> Interned:
    """Number keys from 0 in the order in which they are first seen.

    Parameters
    ----------
    keys : polars.Series
        Binary, without nulls.
    compiled : bool, optional
        Use the compiled loop; if not given, where numba is installed. The result is the same.

    Raises
    ------
    InputError
        If a key is null, or there are more than :data:`MOST` rows.
    """
    made = Interner(compiled=compiled)
    return Interned(made.add(keys), made.keys())


class Interner:
    """Numbers keys, some after others: what was seen before keeps its number.

    Parameters
    ----------
    compiled : bool, optional
        Use the compiled loop; if not given, where numba is installed. The result is the same.
    """

    def __init__(self, *, compiled: bool | None = None) -> None:
        self._table: _Plain | _Table = (
            _Table() if (available() if compiled is None else compiled) else _Plain()
        )

    def add(self, keys: pl.Series) -> NDArray[np.uint32]:
        """Return the number of each key.

        Raises
        ------
        InputError
            If a key is null, or there are more than :data:`MOST` different ones.
        """
        if keys.dtype != pl.Binary or keys.null_count():
            raise InputError(
                "keys to be numbered are bytes and never null",
                remedy="drop the nulls and cast first",
            )
        if self._table.known + len(keys) > MOST:
            raise InputError(
                f"{self._table.known + len(keys):,} keys are more than can be numbered",
                remedy=f"number at most {MOST:,} at a time",
            )
        return self._table.add(keys)

    def keys(self) -> pl.Series:
        """Return the key of each number."""
        return series_of(*self.columns())

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the keys by their numbers: all bytes joined, and where each begins."""
        return self._table.columns()


class _Plain:
    """Keys and numbers in a frame."""

    def __init__(self) -> None:
        self._frame = pl.DataFrame(schema={"key": pl.Binary, "id": pl.UInt32})

    @property
    def known(self) -> int:
        return self._frame.height

    def add(self, keys: pl.Series) -> NDArray[np.uint32]:
        rows = keys.to_frame("key")
        new = rows.unique(maintain_order=True).join(
            self._frame, on="key", how="anti", maintain_order="left"
        )
        numbered = new.with_row_index("id", self.known).select("key", pl.col("id").cast(pl.UInt32))
        self._frame = pl.concat([self._frame, numbered])
        found = rows.join(self._frame, on="key", how="left", maintain_order="left")
        return found["id"].to_numpy().copy()

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return bytes_of(self._frame["key"])


class _Table:
    """Keys in a hash table of their own, which grows."""

    def __init__(self) -> None:
        self.known = 0
        self._seed, self._ahead = _seed(), np.zeros(_AHEAD + 1, np.uint64)
        self._tags, self._held = np.zeros(_LEAST, np.uint64), np.empty(_LEAST, np.uint32)
        self._values, self._starts = np.empty(0, np.uint8), np.zeros(1, np.int64)

    def add(self, keys: pl.Series) -> NDArray[np.uint32]:
        from chainwatch.kernels.intern_loops import intern_rows, move

        values, starts = bytes_of(keys)
        ids = np.empty(len(keys), np.uint32)
        self._values = _roomy(self._values, int(self._starts[self.known]) + len(values))
        self._starts = _roomy(self._starts, self.known + len(keys) + 1)
        row = 0
        while True:
            row, self.known = intern_rows(
                values, starts, row, self._seed, self._tags, self._held, self._values,
                self._starts, ids, self.known, self._ahead,
            )  # fmt: skip
            if row == len(keys):
                return ids
            size = 2 * self._tags.size
            larger = np.zeros(size, np.uint64), np.empty(size, np.uint32)
            move(self._tags, self._held, *larger)
            self._tags, self._held = larger

    def columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        starts = self._starts[: self.known + 1].copy()
        return self._values[: starts[-1]].copy(), starts


def _roomy(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return an array with room for so many, and for half as many again where it must grow."""
    if size <= len(array):
        return array
    larger = np.empty(size + len(array) // 2, array.dtype)
    larger[: len(array)] = array
    return larger


def bytes_of(keys: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return all keys joined, and where each begins (one place more than keys: the end)."""
    starts = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(keys.bin.size().to_numpy(), out=starts[1:])
    joined = keys.cast(pl.List(pl.UInt8)).explode().drop_nulls()
    return np.ascontiguousarray(joined.to_numpy(), np.uint8), starts


def series_of(values: NDArray[np.uint8], starts: NDArray[np.int64]) -> pl.Series:
    """Return joined keys as a column: what :func:`bytes_of` makes, and back."""
    return cut(values, starts[:-1], np.diff(starts))


def cut(values: NDArray[np.uint8], starts: NDArray[Any], sizes: NDArray[Any]) -> pl.Series:
    """Return byte strings of any sizes out of one row of bytes, those of a size at a time.

    No object is made for a key.
    """
    parts, rows = [], []
    for size in np.unique(sizes).tolist():
        here = np.flatnonzero(sizes == size)
        rows.append(here)
        if size:
            parts.append(byte_strings(sliding_window_view(values, size)[starts[here]]))
        else:
            parts.append(pl.repeat(b"", len(here), dtype=pl.Binary, eager=True))
    if len(parts) < 2:
        return parts[0] if parts else pl.Series(dtype=pl.Binary)
    order = np.empty(len(starts), np.int64)
    order[np.concatenate(rows)] = np.arange(len(starts))
    return pl.concat(parts).gather(order)


def byte_strings(rows: NDArray[np.uint8]) -> pl.Series:
    """Return each row of an array as a byte string."""
    if not len(rows):
        return pl.Series(dtype=pl.Binary)
    return pl.Series(np.ascontiguousarray(rows)).arr.to_list().cast(pl.Binary)


def order_of(values: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of joined keys by their bytes; equal ones stay in the order they have.

    Eight bytes are compared at a time, and more only of keys that are alike so far: strangers can
    make millions that begin alike.
    """
    sizes = np.diff(starts)
    first = eight_bytes(values, starts, sizes, 0)
    order: NDArray[np.int64] = np.argsort(first)
    alike = _runs(first[order])
    for depth in range(1, int(sizes.max(initial=0)) // 8 + 2):
        rows = np.flatnonzero(alike >= 0)
        if not len(rows):
            return order
        keys, groups = order[rows], alike[rows]
        # A key that ends first comes first: beyond its end stand zeros, and its size decides.
        words = eight_bytes(values, starts[keys], sizes[keys], depth)
        last = np.lexsort([keys, np.minimum(sizes[keys], 8 * depth + 8), words, groups])
        order[rows] = keys[last]
        both = np.stack([groups, np.minimum(sizes[keys], 8 * depth + 8)])[:, last]
        again = _runs(words[last], *both)
        alike = np.full(len(order), -1)
        alike[rows] = again
    return order


def eight_bytes(
    values: NDArray[np.uint8], starts: NDArray[Any], sizes: NDArray[Any], depth: int
) -> NDArray[np.uint64]:
    """Return eight bytes of each key as a number; zeros where the key has ended."""
    count = len(sizes)
    word = np.zeros(count, np.uint64)
    for place in range(8 * depth, 8 * depth + 8):
        word <<= np.uint64(8)
        inside = sizes > place
        if inside.all():
            word |= values[starts[:count] + place]
        elif inside.any():
            word[inside] |= values[starts[:count][inside] + place]
    return word


def _runs(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of the run of equal rows that each row is in; -1 for who is alone."""
    same = np.ones(max(len(columns[0]) - 1, 0), np.bool_)
    for column in columns:
        same &= column[1:] == column[:-1]
    starts = np.ones(len(columns[0]), np.bool_)
    starts[1:] = ~same
    runs: NDArray[np.int64] = np.cumsum(starts, dtype=np.int64)
    alone = starts.copy()
    alone[:-1] &= starts[1:]
    runs[alone] = -1
    return runs


def _seed() -> NDArray[np.uint64]:
    return np.array([secrets.randbits(64) | 1 for _ in range(_SEED_WORDS)], np.uint64)
