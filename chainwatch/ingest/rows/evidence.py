"""Rows that say what was read, and from whom: units of coverage, and answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.chains.base import Chain
from chainwatch.ledger import schema

Row = dict[str, Any]


def block_unit(block: bytes) -> str:
    """Return the unit of reading that a whole block is."""
    return f"block/{hash_text(block)}"


def transaction_unit(block: bytes, txid: bytes) -> str:
    """Return the unit of reading that one transaction of one block is."""
    return f"transaction/{hash_text(block)}/{hash_text(txid)}"


def time_of(header: Header) -> datetime:
    """Return the time that a header states."""
    return datetime.fromtimestamp(header.time, UTC)


def coverage_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Return rows of coverage as a frame of the schema; what a row leaves out is null."""
    return pl.DataFrame(list(rows), schema=schema.COVERAGE.schema, orient="row")


def transactions_covered(
    proven: Iterable[tuple[PlacedTx, bytes]], chain: Chain, *, source: str
) -> pl.DataFrame:
    """Return the units of transactions, each with the digest of the answer that proves its place.

    Parameters
    ----------
    proven : iterable of (PlacedTx, bytes)
        Transactions and digests.
    chain : Chain
        Their chain.
    source : str
        Source, as coverage lists it.
    """
    return coverage_frame([
        {
            "chain": chain.id, "unit": transaction_unit(item.header.hash, item.tx.txid),
            "kind": "transaction", "height": item.height, "block": item.header.hash,
            "from_time": time_of(item.header), "to_time": time_of(item.header), "complete": True,
            "source": source, "answer": digest,
        }
        for item, digest in proven
    ])  # fmt: skip


def answers_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows of ``answers`` as a frame of the schema."""
    return pl.DataFrame(rows, schema=schema.ANSWERS.schema, orient="row")
