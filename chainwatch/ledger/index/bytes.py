"""Addresses and ids out of the columns of an index, many at once and as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chainwatch.ledger.index.build import NONE

Made = Mapping[str, NDArray[Any]]


def byte_strings(rows: NDArray[np.uint8]) -> pl.Series:
    """Return each row of an array as a byte string."""
    if not rows.shape[0]:
        return pl.Series(dtype=pl.Binary)
    return pl.Series(np.ascontiguousarray(rows)).arr.to_list().cast(pl.Binary)


def ids_at(made: Made, places: NDArray[Any]) -> pl.Series:
    """Return the ids of transactions by their places."""
    return byte_strings(made["tx_id"][places])


def ranked_at(made: Made, ranks: NDArray[Any]) -> pl.Series:
    """Return addresses by their ranks in the order of bytes."""
    return keys_at(made, made["addr_order"][ranks])


def keys_at(made: Made, ids: NDArray[Any]) -> pl.Series:
    """Return addresses by their dense numbers; null for none."""
    known = ids != NONE
    whole = bool(known.all())
    wanted = ids if whole else ids[known]
    starts = made["addr_ptr"][wanted]
    sizes = made["addr_ptr"][wanted.astype(np.int64) + 1] - starts
    found = _cut(made["addr_bytes"], starts, sizes)
    if whole:
        return found
    places = np.cumsum(known) - 1
    return found.gather(pl.Series(places).set(pl.Series(~known), None))


def _cut(values: NDArray[np.uint8], starts: NDArray[Any], sizes: NDArray[Any]) -> pl.Series:
    """Return byte strings of any sizes out of one row of bytes, those of a size at a time."""
    parts, rows = [], []
    for size in np.unique(sizes).tolist():
        here = np.flatnonzero(sizes == size)
        rows.append(here)
        if size:
            parts.append(byte_strings(sliding_window_view(values, size)[starts[here]]))
        else:
            parts.append(pl.Series([b""], dtype=pl.Binary).new_from_index(0, len(here)))
    if len(parts) < 2:
        return parts[0] if parts else pl.Series(dtype=pl.Binary)
    order = np.empty(len(starts), np.int64)
    order[np.concatenate(rows)] = np.arange(len(starts))
    return pl.concat(parts).gather(order)
