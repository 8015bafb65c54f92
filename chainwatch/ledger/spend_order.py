"""Which transactions may spend from which: those before, and on some chains any of the block.

Numbers of transactions follow their places in blocks. Most chains place a parent before its
child; where a chain orders its blocks otherwise, its facts say so (``Consensus.order``).
"""

from __future__ import annotations

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger.schema import POSITION_BITS


def parents_first(chain: Chain) -> bool:
    """Tell whether a transaction always stands after those of its block that it spends from."""
    return chain.consensus is None or chain.consensus.order == "parents_first"


def may_spend_from(made: str, spender: str = "tx") -> pl.Expr:
    """Return whether a transaction may spend from another, as far as their numbers tell.

    Parameters
    ----------
    made, spender : str
        Columns of transaction numbers, beside the column ``chain``.
    """
    loose = [item.id for item in all_chains() if not parents_first(item)]
    one, other = pl.col(made), pl.col(spender)
    together = (one // (1 << POSITION_BITS) == other // (1 << POSITION_BITS)) & (one != other)
    return (one < other) | (pl.col("chain").is_in(loose) & together)
