"""What of a server's chain a ledger holds already, and whether the server still stands by it."""

from __future__ import annotations

import polars as pl

from chainwatch.sources.esplora_history import Moved, Target
from chainwatch.sources.esplora_json import Read
from chainwatch.sources.esplora_rows import shown, transaction_unit
from chainwatch.sources.esplora_server import Server, Tip
from chainwatch.sources.forks import Known


def check_tip(server: Server, tip: Tip) -> None:
    """Let nothing be written that was read before a reorganisation.

    Raises
    ------
    Moved
        If the tip is no longer in the best chain.
    """
    if server.hash_at(tip.height) != tip.hash:
        raise Moved


def behind(known: Known, tip: Tip) -> tuple[str, ...]:
    """Return what is to be said where a server has not yet the blocks of the ledger."""
    highest = max(known.highest(None, 1), default=-1)
    if highest <= tip.height:
        return ()
    return (
        f"the server's chain ends at height {tip.height:,}, below the ledger's {highest:,}:"
        " it is behind",
    )


def held_already(read: Read, units: set[str]) -> bool:
    """Tell whether the ledger has a transaction in its block, or the whole of that block."""
    block = read.block or b""
    return transaction_unit(block, read.tx.txid) in units or f"block/{shown(block)}" in units


def read_up_to(known: Known, target: Target) -> int:
    """Return the height up to which the ledger has a whole history; -1 without one."""
    mine = known.reader.scan("coverage").filter(
        (pl.col("chain") == known.node.network.id)
        & pl.col("unit").str.starts_with(f"{target.key}/")
        & pl.col("complete")
    )
    return max(mine.select("height").collect()["height"].drop_nulls(), default=-1)
