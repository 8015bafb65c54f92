"""Where look-ups of a coin chain find rows: in an index, or by scanning the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import polars as pl

from chainwatch.addresses.bip32 import hash160
from chainwatch.ledger.index.build import COMPRESSED, bare_keys
from chainwatch.ledger.index.index import open_index
from chainwatch.ledger.index.rows import INPUTS, OUTPUTS, STRAYS, TRANSACTIONS, Frames
from chainwatch.ledger.ledger import Ledger


class Finder(Protocol):
    """Where look-ups of a coin chain find rows; columns as in the rows of an index."""

    def touching(self, address: bytes) -> Frames:
        """Return all transactions that name an address, with all their inputs and outputs."""
        ...

    def numbers_of(self, txid: bytes) -> list[int]:
        """Return the numbers of the transactions with an id."""
        ...

    def transaction(self, number: int) -> Frames:
        """Return one transaction with its inputs and outputs."""
        ...

    def ids_of(self, numbers: Collection[int]) -> dict[int, bytes]:
        """Return ids of transactions by their numbers, without those that are not there."""
        ...

    def strays(self, txids: Sequence[bytes] | None) -> pl.DataFrame:
        """Return the inputs that no transaction before them was read for.

        Parameters
        ----------
        txids : sequence of bytes or None
            Only those that say to spend from one of these; None is all.

        Returns
        -------
        polars.DataFrame
            ``tx, n, prev_txid, prev_n, value``; the value is null where no source told it.
        """
        ...

    def bare_keys(self, hashed: bytes, *, compressed: bool) -> pl.DataFrame:
        """Return the P2PK outputs of the key that hashes to 20 bytes.

        Parameters
        ----------
        hashed : bytes
            RIPEMD-160 of SHA-256 of the key.
        compressed : bool
            Only where the key has 33 bytes: a witness program takes no other (BIP143).

        Returns
        -------
        polars.DataFrame
            ``tx, n``, in order.
        """
        ...


class Scans:
    """Finds rows of one coin chain in the tables."""

    def __init__(self, ledger: Ledger) -> None:
        self.whole = ledger.history

    def touching(self, address: bytes) -> Frames:
        """Return all transactions that name an address, with all their inputs and outputs."""
        ours = pl.col("address") == address
        named = [rows.filter(ours).select("tx") for rows in (self.whole.outputs, self.whole.inputs)]
        return self._of(pl.concat(named).unique().collect()["tx"].to_list())

    def numbers_of(self, txid: bytes) -> list[int]:
        """Return the numbers of the transactions with an id."""
        rows = self.whole.transactions.filter(pl.col("txid") == txid).select("tx").collect()
        return sorted(rows["tx"].to_list())

    def transaction(self, number: int) -> Frames:
        """Return one transaction with its inputs and outputs."""
        return self._of([number])

    def ids_of(self, numbers: Collection[int]) -> dict[int, bytes]:
        """Return ids of transactions by their numbers, without those that are not there."""
        rows = self.whole.transactions.filter(pl.col("tx").is_in(list(numbers)))
        return dict(rows.select("tx", "txid").collect().iter_rows())

    def strays(self, txids: Sequence[bytes] | None) -> pl.DataFrame:
        """Return the inputs that no transaction before them was read for."""
        rows = self.whole.inputs.filter(pl.col("prev_tx").is_null())
        if txids is not None:
            named = pl.LazyFrame({"prev_txid": list(set(txids))}, schema={"prev_txid": pl.Binary})
            rows = rows.join(named, on="prev_txid", how="semi")
        return rows.select(STRAYS).sort("tx", "n").collect()

    def bare_keys(self, hashed: bytes, *, compressed: bool) -> pl.DataFrame:
        """Return the P2PK outputs of the key that hashes to 20 bytes."""
        rows = bare_keys(self.whole)
        keys = rows["key"].unique().to_list()
        ours = [
            key for key in keys if not (compressed and len(key) != COMPRESSED)
            and hash160(key) == hashed
        ]  # fmt: skip
        return rows.filter(pl.col("key").is_in(ours)).select("tx", "n")

    def _of(self, numbers: list[int]) -> Frames:
        ours = pl.col("tx").is_in(numbers)
        inputs = self.whole.inputs
        spenders = (
            inputs.filter(pl.col("prev_tx").is_in(numbers))
            .group_by(tx=pl.col("prev_tx"), n=pl.col("prev_n"))
            .agg(spender=pl.col("tx").min())
        )
        outputs = self.whole.outputs.filter(ours).join(spenders, on=["tx", "n"], how="left")
        return (
            self.whole.transactions.filter(ours).select(TRANSACTIONS).sort("tx").collect(),
            inputs.filter(ours).select(INPUTS).sort("tx", "n").collect(),
            outputs.select(OUTPUTS).sort("tx", "n").collect(),
        )


def finder(ledger: Ledger, *, index: bool = True) -> Finder:
    """Return the index of a ledger that looks at one chain, or what scans its tables."""
    found = open_index(ledger, ledger.chain or "") if index else None
    return found if found is not None else Scans(ledger)
