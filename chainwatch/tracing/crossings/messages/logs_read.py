"""From when to when all logs of bridges were read, and which transactions with messages failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import polars as pl

from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.block_readings import BlockRun
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.messages.layouts import BRIDGING
from chainwatch.tracing.crossings.messages.logs import KINDS


class LogsRead:
    """When the logs of bridges were read on each chain; each chain is looked up once."""

    def __init__(self, ledgers: Mapping[str, Ledger]) -> None:
        self._ledgers = ledgers
        self._runs: dict[str, tuple[BlockRun, ...]] = {}

    def hold(self, chain: str, first: datetime | None, last: datetime | None) -> bool:
        """Tell whether every log of a chain was read from one moment to another."""
        if first is None or last is None or chain not in self._ledgers:
            return False
        if find_chain(chain).family not in KINDS:
            return False
        if chain not in self._runs:
            self._runs[chain] = log_runs(self._ledgers[chain], chain, BRIDGING)
        return any(
            (run.from_time is None or run.from_time <= first)
            and run.to_time is not None
            and last <= run.to_time
            for run in self._runs[chain]
        )


def failed_among(ledgers: Mapping[str, Ledger], txids: Collection[bytes]) -> set[tuple[str, bytes]]:
    """Return chain and transaction of those whose transfers failed, all that were read."""
    wanted = pl.Series(sorted(txids), dtype=pl.Binary).implode()
    found: set[tuple[str, bytes]] = set()
    for chain, ledger in sorted(ledgers.items()):
        if not txids or find_chain(chain).family == "utxo":
            continue
        rows = ledger.history.chain_only(chain).transfers.filter(pl.col("txid").is_in(wanted))
        each = rows.group_by("txid").agg(failed=pl.col("success").eq_missing(False).all())
        found |= {(chain, txid) for txid in each.filter("failed").collect()["txid"]}
    return found
