"""Addresses as dense numbers, smaller bytes first, so that loops need no bytes."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.kernels.graphs.components import Numbers
from chainwatch.kernels.intern import Interner, order_of

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


class Places(Protocol):
    """Addresses by dense numbers, smaller ones first."""

    @property
    def height(self) -> int:
        """How many there are."""
        ...

    def numbers_of(self, rows: pl.DataFrame) -> Numbers:
        """Return the number of each ``chain, address``; -1 where it is none of them."""
        ...


class FramePlaces:
    """Addresses in a frame of ``chain, address``, sorted; a row is a number."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.height = frame.height

    def numbers_of(self, rows: pl.DataFrame) -> Numbers:
        """Return the number of each ``chain, address``; -1 where it is none of them."""
        return numbers_of(self.frame, rows)


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
    made = Interner()
    ids = made.add(keys)
    order = order_of(*made.columns())
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return made.keys().gather(order), ranks[ids]


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
