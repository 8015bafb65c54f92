"""Resolves what inputs spend, once, when they are read: number, value, address and script kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from chainwatch.errors import BlockError
from chainwatch.ledger import schema
from chainwatch.ledger.outpoints.outpoints import Outpoints
from chainwatch.ledger.outpoints.records import NotDense
from chainwatch.ledger.outpoints.sorted_runs import Damaged
from chainwatch.ledger.prevouts import basis_once_read
from chainwatch.ledger.spend_order import may_spend_from
from chainwatch.ledger.storage.store import Commit, Snapshot, Store

Scan = Callable[[str], pl.LazyFrame]
"""Table name to table, as :meth:`chainwatch.ledger.storage.store.Store.scan`."""

_KEY = ["chain", "tx", "n"]
_SPENT = ("prev_tx", "value", "address", "script_kind")
_OUTPUT = ["tx", "n", "value", "address", "script_kind"]


class Earlier(Protocol):
    """Where the outputs of transactions that the ledger holds are found, of one chain."""

    def transactions(self, txids: pl.Series) -> pl.DataFrame:
        """Return ``txid, tx, at`` of the transactions that have one of these ids."""
        ...

    def outputs(self, spent: pl.DataFrame) -> pl.DataFrame:
        """Return ``tx, n, value, address, script_kind`` of those of ``tx, n, at`` that exist."""
        ...


@dataclass(frozen=True)
class Searched:
    """Earlier outputs, by a search of the whole tables."""

    chain: str
    scan: Scan

    def transactions(self, txids: pl.Series) -> pl.DataFrame:
        """Return ``txid, tx, at`` of the transactions that have one of these ids."""
        asked = txids.unique().to_frame("txid").lazy()
        held = self._mine("transactions").select("txid", "tx")
        found = held.join(asked, on="txid", how="semi").collect(engine="streaming")
        return found.with_columns(at=pl.lit(None, pl.Int64))

    def outputs(self, spent: pl.DataFrame) -> pl.DataFrame:
        """Return ``tx, n, value, address, script_kind`` of those of ``tx, n`` that exist."""
        asked, held = spent.lazy().select("tx", "n"), self._mine("outputs").select(_OUTPUT)
        return held.join(asked, on=["tx", "n"], how="semi").collect(engine="streaming")

    def _mine(self, table: str) -> pl.LazyFrame:
        return self.scan(table).filter(pl.col("chain") == self.chain)


class Spending:
    """What a pull asks of the outputs before it: by search, or of the list once there is one."""

    def __init__(self, store: Store, chain: str) -> None:
        self._store, self._chain = store, chain
        self._list: Outpoints | None = None
        self._dense = True

    def resolve(self, tables: Mapping[str, pl.DataFrame], before: Snapshot) -> pl.DataFrame:
        """Return the inputs of a batch as :func:`resolve` does, with what was stored before."""
        if self._list is None and self._dense:
            try:
                self._list = Outpoints.of(self._store, self._chain)
            except NotDense:
                self._dense = False
        if self._list is None:
            return resolve(tables, Searched(self._chain, before.scan))
        try:
            return resolve(tables, self._list)
        except Damaged:  # it is derived from the tables
            self._list.renew()
            return resolve(tables, self._list)

    def committed(self, tables: Mapping[str, pl.DataFrame], commit: Commit) -> None:
        """Take in what was committed."""
        if self._list is not None:
            try:
                self._grown(self._list, tables, commit)
            except NotDense:  # each further look-up is a search
                self._list, self._dense = None, False

    def _grown(self, listed: Outpoints, tables: Mapping[str, pl.DataFrame], commit: Commit) -> None:
        try:
            listed.add(tables, commit)
        except Damaged:  # a run that was to be joined; it is derived from the tables
            listed.renew()

    def forgotten(self) -> None:
        """Begin anew: blocks were taken out of the ledger."""
        self._list = None


def resolve(tables: Mapping[str, pl.DataFrame], earlier: Earlier) -> pl.DataFrame:
    """Return the inputs with number, value, address and kind of the outputs that they spend.

    A txid alone does not name a transaction (BIP30): an input spends the latest one that it may.
    Only the transactions and outputs asked for are taken from the ledger. What is not there
    stays as the source states it, which is null where the source does not know it either.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        ``inputs``, ``transactions`` and ``outputs`` of one chain.
    earlier : Earlier
        The outputs that the ledger holds of that chain.

    Raises
    ------
    BlockError
        If an input names an output that its transaction does not have, or the source states
        another value, address or kind than that output has.
    """
    stated = tables["inputs"]
    inputs = stated.drop(_SPENT)
    own = tables["transactions"].select("txid", "tx", at=pl.lit(None, pl.Int64))
    txs = pl.concat([own, earlier.transactions(inputs["prev_txid"])]).rename({"tx": "tx_at"})
    pairs = (
        inputs.join(txs, left_on="prev_txid", right_on="txid")
        .filter(may_spend_from("tx_at"))
        .group_by(*_KEY, "prev_n")
        .agg(pl.col("tx_at", "at").sort_by("tx_at").last())
        .rename({"tx_at": "prev_tx"})
    )
    spent = pairs.select("at", tx="prev_tx", n="prev_n").unique()
    mine = tables["outputs"].select(_OUTPUT).join(spent, on=["tx", "n"], how="semi")
    rest = spent.join(own.select("tx"), on="tx", how="anti")
    outputs = pl.concat([mine, earlier.outputs(rest).select(_OUTPUT)])
    outputs = outputs.rename({"tx": "prev_tx", "n": "prev_n"})
    resolved = pairs.drop("at").join(outputs, on=["prev_tx", "prev_n"], how="left")
    _check_exist(resolved)
    rows = stated.join(
        resolved.drop("prev_n"), on=_KEY, how="left", suffix="_read", maintain_order="left"
    )
    _check_agree(rows)
    # An address that is null beside a value that was read is absent, not unread.
    read = pl.col("value_read").is_not_null()
    kept = [pl.when(read).then(f"{name}_read").otherwise(name).alias(name) for name in _SPENT]
    basis = pl.when(read).then(basis_once_read("address_read")).otherwise("address_basis")
    kept.append(basis.alias("address_basis"))
    return rows.with_columns(kept).select(list(schema.INPUTS.schema))


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
