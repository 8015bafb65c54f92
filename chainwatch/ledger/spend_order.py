"""Which transactions may spend from which: those before, and on some chains any of the block.

Numbers of transactions follow their places in blocks. Most chains place a parent before its
child; where a chain orders its blocks otherwise, its facts say so, and from which height on
(``Consensus.order``, ``Consensus.by_id_height``).
"""

from __future__ import annotations

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger.schema import POSITION_BITS


def parents_first(chain: Chain) -> bool:
    """Tell whether at every height a transaction stands after those that it spends from."""
    return chain.consensus is None or chain.consensus.order == "parents_first"


def may_spend_from(made: str, spender: str = "tx") -> pl.Expr:
    """Return whether a transaction may spend from another, as far as their numbers tell.

    Parameters
    ----------
    made, spender : str
        Columns of transaction numbers, beside the column ``chain``.
    """
    one, other = pl.col(made), pl.col(spender)
    height = other // (1 << POSITION_BITS)
    together = (one // (1 << POSITION_BITS) == height) & (one != other)
    free = pl.lit(False)
    for item in all_chains():
        if item.consensus is not None and not parents_first(item):
            free |= (pl.col("chain") == item.id) & (height >= item.consensus.by_id_height)
    return (one < other) | (free & together)
