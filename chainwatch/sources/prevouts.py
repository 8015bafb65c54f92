"""Resolves what inputs spend, once, when they are read: number, value, address and script kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from chainwatch.errors import BlockError
from chainwatch.ledger import schema

Scan = Callable[[str], pl.LazyFrame]
"""Table name to table, as :meth:`chainwatch.ledger.store.Store.scan`."""

_SPENT = ("prev_tx", "value", "address", "script_kind")


def resolve(tables: Mapping[str, pl.DataFrame], scan: Scan) -> pl.DataFrame:
    """Return the inputs with number, value, address and kind of the outputs that they spend.

    A txid alone does not name a transaction (BIP30): an input spends the latest one before it.
    Only the transactions and outputs asked for are taken from the ledger. What is not there
    stays null.

    Raises
    ------
    BlockError
        If an input names an output that its transaction does not have.
    """
    inputs = tables["inputs"].drop(_SPENT)
    asked = inputs.lazy().select("chain", txid="prev_txid").unique()
    txs = _found(tables, scan, "transactions", ["chain", "txid", "tx"], asked)
    pairs = (
        inputs.join(txs, left_on=["chain", "prev_txid"], right_on=["chain", "txid"], suffix="_at")
        .filter(pl.col("tx_at") < pl.col("tx"))
        .group_by("chain", "tx", "n", "prev_n")
        .agg(prev_tx=pl.col("tx_at").max())
    )
    spent = pairs.lazy().select("chain", tx="prev_tx", n="prev_n").unique()
    columns = ["chain", "tx", "n", "value", "address", "script_kind"]
    outputs = _found(tables, scan, "outputs", columns, spent)
    outputs = outputs.rename({"tx": "prev_tx", "n": "prev_n"})
    resolved = pairs.join(outputs, on=["chain", "prev_tx", "prev_n"], how="left")
    _check_exist(resolved)
    rows = inputs.join(resolved.drop("prev_n"), on=["chain", "tx", "n"], how="left")
    return rows.select(list(schema.INPUTS.schema))


def _found(
    tables: Mapping[str, pl.DataFrame], scan: Scan, name: str, columns: list[str],
    asked: pl.LazyFrame,
) -> pl.DataFrame:  # fmt: skip
    """Return the rows asked for, of the ledger and of the batch itself."""
    key = asked.collect_schema().names()
    parts = [scan(name), tables[name].lazy()]
    both = [part.select(columns).join(asked, on=key, how="semi") for part in parts]
    return pl.concat([part.collect(engine="streaming") for part in both])


def _check_exist(resolved: pl.DataFrame) -> None:
    missing = resolved.filter(pl.col("value").is_null())
    for tx, n, prev_n in missing.select("tx", "n", "prev_n").sort("tx", "n").head(1).iter_rows():
        height, position = tx >> schema.POSITION_BITS, tx & (1 << schema.POSITION_BITS) - 1
        raise BlockError(
            f"input {n} spends output {prev_n} of a transaction that has fewer",
            where=f"height {height:,}, transaction {position:,}",
            remedy="read the block again from a node; it is no block of the best chain",
        )
