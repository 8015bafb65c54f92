"""Keys to dense numbers in the order in which they are first seen; whole keys are compared.

Addresses and transaction ids are chosen by strangers, who can make millions that share their
first eight bytes: no prefix stands for a key here, and the hash is keyed anew in each process, so
that keys cannot be made to crowd one part of the table.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.errors import InputError
from chainwatch.kernels.parse import available

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
    if keys.dtype != pl.Binary or keys.null_count():
        raise InputError(
            "keys to be numbered are bytes and never null", remedy="drop the nulls and cast first"
        )
    if len(keys) > MOST:
        raise InputError(
            f"{len(keys):,} keys are more than can be numbered",
            remedy=f"number at most {MOST:,} at a time",
        )
    if available() if compiled is None else compiled:
        ids, firsts = _compiled(keys)
        return Interned(ids, keys.gather(firsts))
    order = keys.unique(maintain_order=True)
    numbered = pl.DataFrame({"key": order}).with_row_index("id")
    rows = keys.to_frame("key").join(numbered, on="key", how="left", maintain_order="left")
    return Interned(rows["id"].cast(pl.UInt32).to_numpy().copy(), order)


def bytes_of(keys: pl.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return all keys joined, and where each begins (one place more than keys: the end)."""
    starts = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(keys.bin.size().to_numpy(), out=starts[1:])
    joined = keys.cast(pl.List(pl.UInt8)).explode().drop_nulls()
    return np.ascontiguousarray(joined.to_numpy(), np.uint8), starts


def _compiled(keys: pl.Series) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    from chainwatch.kernels.intern_loops import intern_rows, move

    values, starts = bytes_of(keys)
    ids, firsts = np.empty(len(keys), np.uint32), np.empty(len(keys), np.uint32)
    tags, held = np.zeros(_LEAST, np.uint64), np.empty(_LEAST, np.uint32)
    seed, ahead = _seed(), np.zeros(_AHEAD + 1, np.uint64)
    row = known = 0
    while True:
        row, known = intern_rows(values, starts, row, seed, tags, held, firsts, ids, known, ahead)
        if row == len(keys):
            return ids, firsts[:known]
        old = tags, held
        tags, held = np.zeros(2 * tags.size, np.uint64), np.empty(2 * tags.size, np.uint32)
        move(*old, tags, held)


def _seed() -> NDArray[np.uint64]:
    return np.array([secrets.randbits(64) | 1 for _ in range(_SEED_WORDS)], np.uint64)
