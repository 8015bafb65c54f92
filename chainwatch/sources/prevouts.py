"""Resolves what inputs spend, once, when they are read: number, value, address and script kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from chainwatch.errors import BlockError
from chainwatch.ledger import schema

Scan = Callable[[str], pl.LazyFrame]
"""Table name to table, as :meth:`chainwatch.ledger.store.Store.scan`."""

_KEY = ["chain", "tx", "n"]
_SPENT = ("prev_tx", "value", "address", "script_kind")


def resolve(tables: Mapping[str, pl.DataFrame], scan: Scan) -> pl.DataFrame:
    """Return the inputs with number, value, address and kind of the outputs that they spend.

    A txid alone does not name a transaction (BIP30): an input spends the latest one before it.
    Only the transactions and outputs asked for are taken from the ledger. What is not there
    stays as the source states it, which is null where the source does not know it either.

    Raises
    ------
    BlockError
        If an input names an output that its transaction does not have, or the source states
        another value, address or kind than that output has.
    """
    stated = tables["inputs"]
    inputs = stated.drop(_SPENT)
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
    rows = stated.join(
        resolved.drop("prev_n"), on=_KEY, how="left", suffix="_read", maintain_order="left"
    )
    _check_agree(rows)
    # An address that is null beside a value that was read is absent, not unread.
    read = pl.col("value_read").is_not_null()
    kept = [pl.when(read).then(f"{name}_read").otherwise(name).alias(name) for name in _SPENT]
    return rows.with_columns(kept).select(list(schema.INPUTS.schema))


def _found(
    tables: Mapping[str, pl.DataFrame], scan: Scan, name: str, columns: list[str],
    asked: pl.LazyFrame,
) -> pl.DataFrame:  # fmt: skip
    """Return the rows asked for, of the ledger and of the batch itself."""
    key = asked.collect_schema().names()
    parts = [scan(name), tables[name].lazy()]
    both = [part.select(columns).join(asked, on=key, how="semi") for part in parts]
    return pl.concat([part.collect(engine="streaming") for part in both])


def _check_agree(rows: pl.DataFrame) -> None:
    """Refuse what a source states of an output that was read and says otherwise."""
    differ = [
        ~pl.col(name).eq_missing(pl.col(f"{name}_read"))
        for name in ("value", "address", "script_kind")
    ]
    both = pl.col("value").is_not_null() & pl.col("value_read").is_not_null()
    number = pl.col("prev_tx") != pl.col("prev_tx_read")
    wrong = rows.filter(both & pl.any_horizontal(differ) | number.fill_null(False))
    for tx, n in wrong.select("tx", "n").sort("tx", "n").head(1).iter_rows():
        raise BlockError(
            f"what the source says that input {n} spends is not what that output says",
            where=_place(tx),
            remedy="find out which of the sources is right, and read only that one",
        )


def _place(tx: int) -> str:
    height, position = divmod(tx, 1 << schema.POSITION_BITS)
    return f"height {height:,}, transaction {position:,}"


def _check_exist(resolved: pl.DataFrame) -> None:
    missing = resolved.filter(pl.col("value").is_null())
    for tx, n, prev_n in missing.select("tx", "n", "prev_n").sort("tx", "n").head(1).iter_rows():
        raise BlockError(
            f"input {n} spends output {prev_n} of a transaction that has fewer",
            where=_place(tx),
            remedy="read the block again from a node; it is no block of the best chain",
        )
