"""What is ready to be walked: the index of a chain, built on first need, and what was read of it.

Both belong to one commit and never change: a ledger loads them once and keeps them, for every look
at it. Of a ledger in memory they are made in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import LedgerLocked
from chainwatch.ledger.index.growing import columns_of
from chainwatch.ledger.index.index import Index, build_index, has_index, open_index
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.progress import announce


@dataclass(frozen=True, eq=False)
class Ready:
    """A chain of a ledger at one commit, ready to be walked.

    Attributes
    ----------
    ledger : Ledger
        Its whole history, of one chain.
    index : Index
        What each transaction spends and makes, and who spends it.
    """

    ledger: Ledger
    index: Index

    @cached_property
    def status(self) -> OutputStatus:
        """What is known of outputs without a spender."""
        return OutputStatus.read(self.ledger, self.index.chain)

    @cached_property
    def numbers(self) -> dict[bytes, int | None]:
        """Dense numbers of addresses that were asked for before."""
        return {}

    @cached_property
    def blocks(self) -> dict[int, bytes | None]:
        """Hash of the block of each height with a transaction; None where there are several."""
        rows = self.ledger.transactions.select("height", "block").unique().collect()
        blocks: dict[int, bytes | None] = {}
        for height, block in rows.iter_rows():
            blocks[height] = None if height in blocks else block
        return blocks

    @cached_property
    def misplaced(self) -> dict[tuple[int, int], int]:
        """Number of a transaction that spends an output and yet stands before it, or in a place
        that cannot be told, by number of the transaction and place of the output."""
        made = self.index.columns
        loose = np.flatnonzero(made["stray_tx"] < 0)
        begins = made["stray_id"][loose, :8].copy().view("<u8").ravel()
        ids = made["tx_id"][:, :8].copy().view("<u8").ravel()
        near = loose[np.isin(begins, ids)] if len(loose) else loose
        rows = self.index.strays([made["stray_id"][one].tobytes() for one in near])
        found = {}
        for by, txid, n in rows.sort("prev_txid", "prev_n", "tx").select(
            "tx", "prev_txid", "prev_n"
        ).iter_rows():  # fmt: skip
            for number in self.index.numbers_of(txid):
                found[number, n] = by
        return found

    @cached_property
    def scripts(self) -> dict[tuple[int, int], bytes]:
        """Scripts of outputs without an address, where the history of any script was read."""
        if not self.status.of_scripts:
            return {}
        rows = self.ledger.outputs.filter(pl.col("script").is_not_null())
        found = rows.select("tx", "n", "script").collect()
        return {(tx, n): script for tx, n, script in found.iter_rows()}


def ready(ledger: Ledger, chain: Chain | str) -> Ready:
    """Return a coin chain of a ledger ready to be walked, whatever the span of the ledger.

    The index is opened, or built. That of a small ledger is built in memory, and its folder is left
    as it is; that of a large one, or one that had an index before, is kept in the folder, beside
    the tables. Where the folder cannot be written it is built in memory, with the same columns.

    Raises
    ------
    LedgerError
        If the tables do not fit together, or the index on disk is damaged.
    """
    network = chain_of(chain)
    whole = ledger.history.chain_only(network)
    key = ("ready", whole.commit and whole.commit.number, network.id)
    return whole.kept(key, lambda: Ready(whole, _index(ledger, network)))


LARGE = 100_000
"""Transactions from which on an index is kept: below, it is built in a fraction of a second."""


IN_MEMORY = (
    "the index cannot be kept in the ledger's folder and is built in memory for this process:"
    " run `chainwatch index` where the folder can be written"
)
"""Said where a large ledger is read that cannot be written, or is being written by another."""


def _worth_keeping(ledger: Ledger) -> bool:
    if ledger.store is None:
        return False
    count = ledger.history.transactions.select(pl.len()).collect().item()
    return has_index(ledger.store.path) or count >= LARGE


def _index(ledger: Ledger, chain: Chain) -> Index:
    if ledger.store is None or ledger.commit is None:
        return Index(chain, 0, columns_of(ledger.history.chain_only(chain)))
    found = open_index(ledger, chain)
    if found is not None:
        return found
    built: tuple[Index, ...] = ()
    if _worth_keeping(ledger):
        try:
            built = build_index(ledger.history)
        except (LedgerLocked, OSError):  # who may only read pays for the same columns anew
            announce(IN_MEMORY)
    of_chain = (one for one in built if one.chain == chain)
    here = ledger.history.chain_only(chain)
    return next(of_chain, None) or Index(chain, ledger.commit.number, columns_of(here))


__all__ = ["Ready", "ready"]
