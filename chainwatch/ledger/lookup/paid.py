"""The outputs of one transaction, each with its spender and what is known of it."""

from __future__ import annotations

import polars as pl

from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.finder import Finder
from chainwatch.ledger.lookup.summaries import STATUS
from chainwatch.ledger.output_status import OutputStatus, owner_key
from chainwatch.ledger.schema import POSITION_BITS


def block_of(ledger: Ledger, number: int) -> bytes:
    """Return the hash of the block of a transaction, which must be there."""
    ours = ledger.history.transactions.filter(pl.col("tx") == number).select("block")
    found: bytes = ours.collect()["block"].item()
    return found


def outputs_with_status(
    ledger: Ledger, number: int, rows: Finder, known: OutputStatus
) -> pl.DataFrame:
    """Return the outputs of a transaction by its number, which must be there.

    Parameters
    ----------
    ledger : Ledger
        Looks at one chain.
    number : int
        Of the transaction.
    rows : Finder
        Where to look for it.
    known : OutputStatus
        What was read of the chain.

    Returns
    -------
    polars.DataFrame
        ``tx, n, value, address, script_kind, spender`` and the columns of
        :data:`chainwatch.ledger.lookup.summaries.STATUS`.
    """
    txs, _, outs = rows.transaction(number)
    txid, block = txs["txid"].item(), block_of(ledger, number)
    here = pl.col("tx") == number
    facts = ledger.history.outputs.filter(here).select("n", "script", "spendable").collect()
    facts_of = {n: (script, spendable) for n, script, spendable in facts.iter_rows()}
    spent, said = _all_spenders(outs, rows.strays([txid]), txid), []
    for n, address, spender in spent.select("n", "address", "spender").iter_rows():
        script, spendable = facts_of[n]
        height, owner = number >> POSITION_BITS, owner_key(address, script)
        said.append(known.status(height, block, owner, spender=spender, spendable=spendable))
    made = pl.DataFrame(said, schema=STATUS.schema, orient="row")
    return pl.concat([spent, made], how="horizontal")


def _all_spenders(outs: pl.DataFrame, strays: pl.DataFrame, txid: bytes) -> pl.DataFrame:
    """Add the spenders that name an output by its id alone, since they stand before it."""
    by_id = strays.filter(pl.col("prev_txid") == txid).group_by(n="prev_n").agg(pl.col("tx").min())
    return (
        outs.join(by_id.rename({"tx": "by_id"}), on="n", how="left", maintain_order="left")
        .with_columns(pl.coalesce("spender", "by_id").alias("spender"))
        .drop("by_id")
    )
