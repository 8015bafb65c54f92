"""Addresses as dense numbers, smaller bytes first, so that loops need no bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.components import Numbers
from chainwatch.kernels.intern import bytes_of, intern

PLACE = ("chain", "address")


class Numbered(NamedTuple):
    """Each address once, sorted by chain and bytes: its row is its number; and both ends of rows.

    Attributes
    ----------
    places : polars.DataFrame
        ``chain, address``.
    a, b : arrays
        The numbers of the two ends of each row.
    """

    places: pl.DataFrame
    a: Numbers
    b: Numbers


def number(edges: pl.DataFrame) -> Numbered:
    """Number the addresses of rows with ``chain, a, chain_b, b``."""
    chains = pl.concat([edges["chain"], edges["chain_b"]], rechunk=True)
    keys = pl.concat([edges["a"], edges["b"]], rechunk=True)
    ends = np.empty(len(keys), np.int32)
    parts: list[pl.DataFrame] = []
    before = 0
    for name in chains.unique().sort().to_list():
        here = (chains == name).to_numpy()
        known, ranks = _ranked(keys if here.all() else keys.filter(pl.Series(here)))
        ends[here] = ranks + before
        before += len(known)
        parts.append(pl.DataFrame({"chain": pl.repeat(name, len(known), eager=True),
                                   "address": known}))  # fmt: skip
    empty = pl.DataFrame(schema={"chain": pl.String, "address": pl.Binary})
    return Numbered(
        pl.concat([empty, *parts], rechunk=True),
        ends[: edges.height].copy(),
        ends[edges.height :].copy(),
    )


def _ranked(keys: pl.Series) -> tuple[pl.Series, NDArray[Any]]:
    """Return each key once, sorted, and the place of each row's key among them."""
    found = intern(keys)
    order = _sorted(found.keys)
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return found.keys.gather(order), ranks[found.ids]


def _sorted(keys: pl.Series) -> NDArray[Any]:
    """Return the order of different keys by their bytes."""
    values, starts = bytes_of(keys)
    head = np.zeros(len(keys), np.uint64)
    for place in range(8):
        at = starts[:-1] + place
        inside = at < starts[1:]
        head <<= np.uint64(8)
        head[inside] |= values[at[inside]]
    order = np.argsort(head, kind="stable")
    # Eight bytes tell nearly all keys apart; whoever makes keys alike costs us time, no more.
    if (head[order[1:]] == head[order[:-1]]).any():
        return keys.arg_sort().to_numpy()
    return order


def numbers_of(places: pl.DataFrame, rows: pl.DataFrame) -> Numbers:
    """Return the number of each ``chain, address`` of rows; -1 where it is none of the places."""
    if rows.is_empty():
        return np.empty(0, np.int32)
    numbered = places.with_row_index("number")
    found = rows.select(PLACE).join(numbered, on=PLACE, how="left", maintain_order="left")
    return found["number"].cast(pl.Int32).fill_null(-1).to_numpy().copy()


def place_of(places: pl.DataFrame, chain: str, address: bytes) -> int | None:
    """Return the row of an address among rows sorted by chain and address; None without one."""
    chains, addresses = places["chain"], places["address"]
    low, high = 0, places.height
    while low < high:
        middle = (low + high) // 2
        if (chains[middle], addresses[middle]) < (chain, address):
            low = middle + 1
        else:
            high = middle
    found = low < places.height and (chains[low], addresses[low]) == (chain, address)
    return low if found else None
