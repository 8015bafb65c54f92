"""Transactions that were proven one by one to the rows of a ledger.

What an input spends is filled in as the server says; the number of the transaction that made it
is left to the ledger, which knows it where that one was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.evidence import transactions_covered
from chainwatch.ingest.rows.transactions import TransactionRows
from chainwatch.sources.esplora.fields import Read


@dataclass(frozen=True, slots=True)
class Proven:
    """A transaction at its proven place; ``answer`` is the digest of the proof."""

    read: Read
    placed: PlacedTx
    answer: bytes


def proven_rows(proven: Sequence[Proven], chain: Chain, *, source: str) -> dict[str, pl.DataFrame]:
    """Return the rows of transactions and of their units of coverage."""
    rows = TransactionRows(chain)
    for item in proven:
        rows.add(item.placed, item.read.spends)
    covered = [(item.placed, item.answer) for item in proven]
    return rows.frames() | {"coverage": transactions_covered(covered, chain, source=source)}
