"""``WholeBlocks``: the blocks of a chain that were read whole, and how they are linked.

A block is whole if a unit of coverage says so: its own, or that of an export that could not tell
its parent. Such a unit keeps the other fields of the header, by which the block below, once it was
read, is shown to be the parent. A header that stands in ``blocks`` without a unit says nothing of
its transactions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.chains.base import Chain
from chainwatch.ledger.ledger import Ledger


@dataclass(frozen=True, eq=False)
class WholeBlocks:
    """The whole blocks of one chain, sorted by height and hash.

    Attributes
    ----------
    frame : polars.DataFrame
        ``height, hash, parent, time``; hashes in wire order; ``parent`` null where not stated.
    run : array of int
        Number of the run that each block belongs to: blocks without a gap, each the parent of the
        next. Of several children of one block the first continues its run.
    top : array of int
        Row of the highest block that is linked to each one, itself included, by any branch.
    """

    frame: pl.DataFrame
    run: NDArray[np.int64]
    top: NDArray[np.int64]

    @classmethod
    def read(cls, ledger: Ledger, chain: Chain | str) -> WholeBlocks:
        """Return the whole blocks of a chain, whatever the span of the ledger."""
        one, key = ledger.history.chain_only(chain), ["height", "hash"]
        whole = pl.col("kind").is_in(["block", "dump"]) & pl.col("complete")
        placed = pl.col("block").is_not_null() & pl.col("height").is_not_null()
        units = (
            one.coverage.filter(whole & placed & pl.col("address").is_null())
            .group_by("height", hash="block")
            .agg(
                pl.col("from_time").min().alias("stated"),
                pl.col("unit").str.split("/").list.get(3, null_on_oob=True).max().alias("beside"),
            )
        )
        headers = one.blocks.select(*key, "parent", "time").unique(key)
        frame = (
            units.join(headers, on=key, how="left")
            .select(*key, "parent", pl.coalesce("time", "stated").alias("time"), "beside")
            .sort(key)
            .collect()
        )
        linked = _with_parents(frame)
        return cls(linked, *_linked(linked))

    @property
    def forked(self) -> bool:
        """Whether some height has two blocks: a reorganisation that was not cleared."""
        return self.frame["height"].n_unique() != self.frame.height

    @property
    def highest(self) -> int | None:
        """Row of the highest block."""
        return self.frame.height - 1 if self.frame.height else None

    def place(self, row: int) -> tuple[int, bytes, datetime | None]:
        """Return height, hash and time of a row."""
        place: tuple[int, bytes, datetime | None] = self._places.row(row)
        return place

    def rows_at(self, height: int) -> range:
        """Return the rows of the blocks of a height."""
        first, last = np.searchsorted(self._heights, (height, height + 1))
        return range(int(first), int(last))

    @cached_property
    def _heights(self) -> NDArray[np.int64]:
        return self.frame["height"].to_numpy()

    @cached_property
    def _hashes(self) -> pl.Series:
        return self.frame["hash"]

    @cached_property
    def _places(self) -> pl.DataFrame:
        return self.frame.select("height", "hash", "time")

    def row(self, height: int, own: bytes | None) -> int | None:
        """Return the row of a block; None if it was not read whole."""
        return next((row for row in self.rows_at(height) if self._hashes[row] == own), None)

    def reach(self, height: int, own: bytes | None) -> int | None:
        """Return the row of the highest block that follows a block without a gap.

        Parameters
        ----------
        height, own : int, bytes or None
            A block, which itself need not have been read.

        Returns
        -------
        int or None
            Its own row or that of a later block; None if neither it nor a child was read whole.
        """
        row = self.row(height, own)
        if row is not None:
            return int(self.top[row])
        if own is None:
            return None
        parents = self.frame["parent"]
        tops = [int(self.top[row]) for row in self.rows_at(height + 1) if parents[row] == own]
        return max(tops, default=None)


def proven_parent(block: bytes, beside: bytes, candidates: Iterable[bytes]) -> bytes | None:
    """Return the candidate with which the other fields of a header hash to the block's hash.

    Parameters
    ----------
    block : bytes
        Hash of the block, wire order.
    beside : bytes
        The 48 bytes of its header without the parent, which stands behind the first four.
    candidates : iterable of bytes
        Hashes of blocks that may be its parent.
    """
    for parent in candidates:
        header = beside[:4] + parent + beside[4:]
        if hashlib.sha256(hashlib.sha256(header).digest()).digest() == block:
            return parent
    return None


def _with_parents(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the blocks with the parents that the other fields of their headers prove."""
    orphans = frame.filter(pl.col("parent").is_null() & pl.col("beside").is_not_null())
    below = frame.join(orphans.select(pl.col("height") - 1).unique(), on="height", how="semi")
    known: dict[int, list[bytes]] = {}
    for height, own in below.select("height", "hash").iter_rows():
        known.setdefault(height, []).append(own)
    proven = [
        (own, proven_parent(own, bytes.fromhex(beside), known.get(height - 1, ())))
        for height, own, beside in orphans.select("height", "hash", "beside").iter_rows()
    ]
    found = pl.DataFrame(proven, schema={"hash": pl.Binary, "proven": pl.Binary}, orient="row")
    joined = frame.join(found, on="hash", how="left", maintain_order="left")
    parent = pl.coalesce("parent", "proven").alias("parent")
    return joined.with_columns(parent).drop("beside", "proven")


def _linked(frame: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return run and top of each block."""
    if frame["height"].n_unique() != frame.height:
        return _branched(frame)
    follows = (pl.col("height").shift() + 1 == pl.col("height")) & (
        pl.col("hash").shift() == pl.col("parent")
    )
    starts = frame.select((~follows.fill_null(False)).alias("starts"))["starts"]
    run = np.cumsum(starts.to_numpy()).astype(np.int64)
    ends = np.flatnonzero(np.diff(run, append=run[-1:] + 1))
    return run, ends[run - run[0]] if len(run) else run


def _branched(frame: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the same where a height has several blocks, by following every parent."""
    rows: dict[tuple[int, bytes], int] = {
        (height, own): row
        for row, (height, own) in enumerate(frame.select("height", "hash").iter_rows())
    }
    below = [
        rows.get((height - 1, parent))
        for height, parent in frame.select("height", "parent").iter_rows()
    ]
    run, top = np.zeros(frame.height, np.int64), np.arange(frame.height)
    continued: set[int] = set()
    runs = 0
    for row, parent in enumerate(below):
        if parent is None or parent in continued:
            runs += 1
            run[row] = runs
            continue
        continued.add(parent)
        run[row] = run[parent]
    heights: list[Any] = frame["height"].to_list()
    for row in reversed(range(frame.height)):
        parent = below[row]
        if parent is not None and heights[top[row]] > heights[top[parent]]:
            top[parent] = top[row]
    return run, top
