"""Whirlpool: the transactions that prepare coins for it, and which mixes descend from its first."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger.joint.protocols import WHIRLPOOL_GENESIS
from chainwatch.ledger.joint.tables import Tables

FEWEST, MOST = 5, 10
"""Inputs, and as many outputs, of a mix whose descent is looked for: Dumplings' bounds."""

PAID_LEAST, PAID_MOST = 100, 110_000
"""Satoshi. What a coin made ready for a mix holds beside the pool's amount, for the miner's fee."""

_TX = ["chain", "tx"]


def of_preparation(tables: Tables, prepared: pl.LazyFrame) -> pl.LazyFrame:
    """Return how well transactions fit Whirlpool's *Tx0*, which cuts one wallet's coins for a pool.

    Pools are facts of a chain: nothing fits on one that has none.

    Parameters
    ----------
    tables : Tables
        Its outputs are read.
    prepared : polars.LazyFrame
        ``chain, tx`` of the transactions to look at: those that carry data in one output.

    Returns
    -------
    polars.LazyFrame
        ``chain, tx``, and of the pool for which they fit best, by the money put aside:
        ``premix_outputs`` with just above the pool's amount, ``premix_fees`` with half to three
        times its fee. Transactions without the former are absent.
    """
    pools = pl.LazyFrame(
        [(chain.id, *pool) for chain in all_chains() for pool in chain.pools],
        schema={"chain": pl.String, "pool": pl.Int64, "charge": pl.Int64},
        orient="row",
    )
    value = pl.col("value")
    ready = value.is_between(pl.col("pool") + PAID_LEAST, pl.col("pool") + PAID_MOST)
    fee = value.is_between(pl.col("charge") // 2, pl.col("charge") * 3)
    return (
        tables.outputs.filter("spendable")
        .select(*_TX, "value")
        .join(prepared, on=_TX, how="semi")
        .join(pools, on="chain")
        .group_by(*_TX, "pool")
        .agg(
            ready.sum().cast(pl.Int64).alias("premix_outputs"),
            (fee & ~ready).sum().cast(pl.Int64).alias("premix_fees"),
        )
        .filter(pl.col("premix_outputs") > 0)
        .sort(*_TX, pl.col("premix_outputs") * pl.col("pool"), "pool")
        .group_by(_TX, maintain_order=True)
        .agg(pl.col("premix_outputs", "premix_fees").last())
    )


def of_descent(tables: Tables) -> pl.DataFrame:
    """Return whether mixes descend from Whirlpool's first ones: ``whirlpool_descent``.

    Asked of transactions with as many inputs as outputs, all outputs equal. One descends if it is
    a first mix or spends an output of one that does; it is unknown where what it spends, or what a
    mix above it spends, was not read.

    Returns
    -------
    polars.DataFrame
        ``chain, tx, whirlpool_descent``, and ``whirlpool_shape`` which is true: the transactions
        of that shape.
    """
    shaped = _shaped(tables)
    spent = (
        tables.inputs.select(*_TX, "prev_txid")
        .join(shaped.lazy(), on=_TX)
        .select("chain", "txid", "prev_txid")
        .unique()
        .collect()
    )
    read = (
        tables.transactions.select("chain", prev_txid="txid")
        .join(spent.lazy(), on=["chain", "prev_txid"], how="semi")
        .unique()
        .collect()
    )
    unread = spent.join(read, on=["chain", "prev_txid"], how="anti")
    mixes = set(shaped.select("chain", "txid").iter_rows())
    children = defaultdict(set)
    for chain, txid, parent in spent.iter_rows():
        children[chain, parent].add((chain, txid))
    first = {(chain, txid) for chain in shaped["chain"].unique() for txid in WHIRLPOOL_GENESIS}
    known = _reached(first, children) & mixes
    open_ones = {(chain, txid) for chain, txid, _ in unread.iter_rows()}
    doubtful = _reached(open_ones, children) - known
    answers = [
        None if item in doubtful else item in known
        for item in shaped.select("chain", "txid").iter_rows()
    ]
    answer = pl.Series("whirlpool_descent", answers, pl.Boolean)
    return shaped.select(_TX).with_columns(answer, whirlpool_shape=pl.lit(True))


def _shaped(tables: Tables) -> pl.DataFrame:
    """Return the transactions with as many inputs as outputs, all outputs equal."""
    few = pl.col("input_count").is_between(FEWEST, MOST)
    square = tables.transactions.filter(few & (pl.col("input_count") == pl.col("output_count")))
    equal = (
        tables.outputs.select(*_TX, "value")
        .join(square, on=_TX, how="semi")
        .group_by(_TX)
        .agg((pl.col("value").min() == pl.col("value").max()).alias("equal"))
        .filter("equal")
    )
    return square.select(*_TX, "txid").join(equal, on=_TX, how="semi").sort(_TX).collect()


Mix = tuple[str, bytes]


def _reached(start: Iterable[Mix], children: Mapping[Mix, Collection[Mix]]) -> set[Mix]:
    """Return all that descends from a set of transactions, and the set itself."""
    found = set(start)
    waiting = deque(found)
    while waiting:
        below = set(children.get(waiting.popleft(), ())) - found
        found |= below
        waiting.extend(below)
    return found
