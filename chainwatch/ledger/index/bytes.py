"""Addresses and ids out of the columns of an index, many at once and as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.intern import byte_strings, cut
from chainwatch.ledger.index.build import NONE

Made = Mapping[str, NDArray[Any]]


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
    found = cut(made["addr_bytes"], starts, sizes)
    if whole:
        return found
    places = np.cumsum(known) - 1
    return found.gather(pl.Series(places).set(pl.Series(~known), None))
