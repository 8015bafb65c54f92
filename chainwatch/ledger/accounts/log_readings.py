"""Of which blocks the logs of contracts were read: elsewhere that there is no log says nothing."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.accounts.contract_events import (
    CONTRACT_EVENTS,
    EDITION,
    LOGS,
    ContractEvent,
    edition_of,
)
from chainwatch.ledger.block_readings import BlockRun, runs_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.whole_blocks import WholeBlocks


def log_runs(
    ledger: Ledger, chain: str, events: Iterable[ContractEvent] = CONTRACT_EVENTS
) -> tuple[BlockRun, ...]:
    """Return the runs of whole blocks in which every log of some events was read.

    Rows of ``contract_logs`` may stand elsewhere too, as a table of logs gave them: that there is
    none says something in these blocks alone.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    chain : str
        CAIP-2 id of an account chain.
    events : iterable of ContractEvent
        Those that are asked for. An event that joined the list later than a block was read was
        not read in it.
    """
    edition = max((event.since for event in events), default=1)
    network = chain_of(chain)
    blocks = WholeBlocks.read(ledger, network)
    if network.family == "utxo" or blocks.highest is None:
        return ()
    read = logged_blocks(ledger, network.id, edition).select(hash="block").collect()
    told = blocks.frame.with_columns(run=pl.Series(blocks.run))
    return runs_of(told.join(read, on="hash", how="semi", maintain_order="left"))


def logged_blocks(ledger: Ledger, chain: str, edition: int = EDITION) -> pl.LazyFrame:
    """Return ``block``: hashes of blocks of which the logs of an edition were read, each once."""
    mine = (pl.col("chain") == chain) & (pl.col("kind") == LOGS)
    units = ledger.history.coverage.filter(mine).filter(edition_of() >= edition)
    return units.select("block").unique()
