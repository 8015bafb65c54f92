"""``Coins``: a coin chain in memory: what each transaction spends and makes, and who spends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import AsOf, OutputStatus, owner_key
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.spend_order import parents_first

Place = tuple[int, int]
Spent = tuple[int | None, int, int | None, bytes | None]
Made = tuple[int, bytes | None, str, bool]


@dataclass(frozen=True)
class Coins:
    """The transactions of a ledger's span on one chain.

    Attributes
    ----------
    ids : dict
        Transaction id and time by transaction number.
    spent, made : dict
        Inputs (``prev_tx, prev_n, value, address``) and outputs (``value, address, script_kind,
        spendable``) by transaction number, in order.
    spender : dict
        Number of the transaction that spends an output, also where it lies outside the span.
    older : dict
        Transaction id of what an input spends, by transaction and place, where that transaction
        is not in the span.
    earlier : dict
        Time of the transactions that were read and lie before the span.
    status : OutputStatus
        What was ever read of the chain, to be asked about outputs without a spender.
    blocks : dict
        Hash of the block of each height that holds a transaction; None where there are several.
    scripts : dict
        Scripts of outputs without an address, where the history of any script was read.
    misplaced : dict
        Number of a transaction that spends an output and yet stands before it, or in a place that
        cannot be told: the ledger is wrong there.
    depth : dict
        How many transactions of its own block stand one behind the other before one that spends
        from them, where the order of the block does not say it.
    """

    ids: dict[int, tuple[bytes, datetime]]
    spent: dict[int, list[Spent]]
    made: dict[int, list[Made]]
    spender: dict[Place, int]
    older: dict[Place, bytes]
    earlier: dict[int, datetime]
    status: OutputStatus
    blocks: dict[int, bytes | None]
    scripts: dict[Place, bytes] = field(default_factory=dict)
    misplaced: dict[Place, int] = field(default_factory=dict)
    depth: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, ledger: Ledger, chain: str) -> Coins:
        """Load one chain of a ledger."""
        here = pl.col("chain") == chain
        ids = {
            tx: (txid, time)
            for tx, txid, time in ledger.transactions.filter(here)
            .select("tx", "txid", "time")
            .collect()
            .iter_rows()
        }
        inputs = ledger.inputs.filter(here).collect()
        ever = _ever(ledger, chain, inputs)
        earlier, status = _earlier(ledger, chain), OutputStatus.read(ledger, chain)
        coins = cls(ids, {}, {}, _spenders(ever), {}, earlier, status, _blocks(ledger, chain))
        coins.misplaced.update(_misplaced(ledger, chain, ever))
        coins._add_inputs(inputs)
        if not parents_first(chain_of(chain)):
            coins.depth.update(_depths(coins.spent))
        outputs = ledger.outputs.filter(here).sort("tx", "n")
        columns = ("tx", "value", "address", "script_kind", "spendable")
        for tx, value, address, kind, spendable in outputs.select(columns).collect().iter_rows():
            coins.made.setdefault(tx, []).append((value, address, kind, spendable))
        if status.of_scripts:
            nameless = outputs.filter(pl.col("script").is_not_null()).select("tx", "n", "script")
            coins.scripts.update(((t, n), own) for t, n, own in nameless.collect().iter_rows())
        return coins

    def _add_inputs(self, inputs: pl.DataFrame) -> None:
        columns = ("tx", "prev_tx", "prev_n", "value", "address", "prev_txid")
        for tx, prev, *rest in inputs.sort("tx", "n").select(columns).iter_rows():
            prev_n, value, address, prev_txid = rest
            row = self.spent.setdefault(tx, [])
            if prev not in self.ids:
                self.older[tx, len(row)] = prev_txid
            row.append((prev, prev_n, value, address))

    def unspent(self, tx: int, n: int) -> AsOf | str:
        """Return up to which block an output without a spender is unspent, or why nobody knows."""
        height, address = tx >> POSITION_BITS, self.made[tx][n][1]
        owner = owner_key(address, self.scripts.get((tx, n)))
        known = self.status.unspent(height, self.blocks.get(height), owner)
        return known or self.status.why_not(height, owner)


def _depths(spent: dict[int, list[Spent]]) -> dict[int, int]:
    """Return for each transaction that spends from its own block how deep it lies in it."""
    parents = {
        tx: [
            prev for prev, *_ in rows
            if prev is not None and prev >> POSITION_BITS == tx >> POSITION_BITS
        ]
        for tx, rows in spent.items()
    }  # fmt: skip
    depth: dict[int, int] = {}
    for tx in TopologicalSorter(parents).static_order():
        if above := parents.get(tx):
            depth[tx] = 1 + max(depth.get(prev, 0) for prev in above)
    return depth


def _earlier(ledger: Ledger, chain: str) -> dict[int, datetime]:
    """Return number and time of the transactions from before the span."""
    if ledger.start is None:
        return {}
    here = (pl.col("chain") == chain) & (pl.col("time") < ledger.start)
    rows = ledger.history.transactions.filter(here).select("tx", "time").collect()
    return dict(rows.iter_rows())


def _ever(ledger: Ledger, chain: str, inputs: pl.DataFrame) -> pl.DataFrame:
    """Return all inputs, whatever the span: what is known is never narrowed."""
    if ledger.start is None and ledger.end is None:
        return inputs
    return ledger.history.inputs.filter(pl.col("chain") == chain).collect()


def _spenders(inputs: pl.DataFrame) -> dict[Place, int]:
    """Return who spends each output."""
    known = inputs.filter(pl.col("prev_tx").is_not_null()).sort("tx", "n")
    return {(prev, n): tx for prev, n, tx in known.select("prev_tx", "prev_n", "tx").iter_rows()}


def _misplaced(ledger: Ledger, chain: str, inputs: pl.DataFrame) -> dict[Place, int]:
    """Return who spends an output by the id of its transaction alone, since it stands before it."""
    made = ledger.history.transactions.filter(pl.col("chain") == chain)
    strays = inputs.lazy().filter(pl.col("prev_tx").is_null())
    found = (
        strays.select("prev_txid", "prev_n", spender="tx")
        .join(made.select("tx", prev_txid="txid"), on="prev_txid")
        .sort("tx", "prev_n", "spender")
    )
    return {(tx, n): by for tx, n, by in found.select("tx", "prev_n", "spender").collect().rows()}


def _blocks(ledger: Ledger, chain: str) -> dict[int, bytes | None]:
    """Return the block of the transactions of each height; None where they name several."""
    here = ledger.transactions.filter(pl.col("chain") == chain).select("height", "block").unique()
    blocks: dict[int, bytes | None] = {}
    for height, block in here.collect().iter_rows():
        blocks[height] = None if height in blocks else block
    return blocks
