"""From when to when every movement of an asset was read, because whole blocks of its chain were.

A token moves by logs, and whole blocks have them all. The coin moves by calls, fees and rewards
too: it was read only where the calls inside of the blocks were, on a chain whose fees are known.
On Tron each transaction tells its fee, and what it stakes stands apart; a block in which something
moved an unknown amount is no reading of the coin.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.whole_blocks import WholeBlocks

INTERNAL = "internal"
"""Kind of the units of coverage that tell that the calls inside the transactions of a block were
read; their names begin so."""


class BlockRun(NamedTuple):
    """Blocks without a gap: heights, and from when to when; from the genesis block on, None."""

    first: int
    last: int
    from_time: datetime | None
    to_time: datetime | None


def block_runs(ledger: Ledger, chain: str, *, coin: bool) -> tuple[BlockRun, ...]:
    """Return the runs of blocks in which every movement of tokens, or of the coin, was read.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    chain : str
        CAIP-2 id of an account chain.
    coin : bool
        Of the coin; else of every token.
    """
    network = chain_of(chain)
    if network.family == "utxo" or (coin and network.family == "evm" and network.moves is None):
        return ()
    blocks = WholeBlocks.read(ledger, network)
    if blocks.highest is None:
        return ()
    told = blocks.frame.with_columns(run=pl.Series(blocks.run))
    if coin:
        units = ledger.history.coverage.filter(
            (pl.col("chain") == network.id) & (pl.col("kind") == INTERNAL)
        )
        read = units.select(hash="block").unique().collect()
        told = told.join(read, on="hash", how="semi", maintain_order="left")
        open_ = _unknown_moves(ledger, network.id)
        told = told.join(open_, on="height", how="anti", maintain_order="left")
    return runs_of(told)


def runs_of(told: pl.DataFrame) -> tuple[BlockRun, ...]:
    """Return the runs that blocks of ``run, height, time`` make, without those that are lacking."""
    parts = told.sort("run", "height").with_columns(
        part=(pl.col("height").diff().fill_null(0) != 1).cum_sum()
    )
    spans = parts.group_by("run", "part").agg(
        pl.col("height").min().alias("first"), pl.col("height").max().alias("last"),
        pl.col("time").min().alias("begun"), pl.col("time").max().alias("ended"),
    ).sort("first", "last")  # fmt: skip
    rows = spans.select("first", "last", "begun", "ended").iter_rows()
    return tuple(
        BlockRun(first, last, begun if first else None, ended) for first, last, begun, ended in rows
    )


def _unknown_moves(ledger: Ledger, chain: str) -> pl.DataFrame:
    """Return the heights of blocks in which an account did what moved an unknown amount."""
    rows = ledger.history.stakes.filter((pl.col("chain") == chain) & pl.col("moved").is_null())
    return rows.select("height").drop_nulls().unique().collect()
