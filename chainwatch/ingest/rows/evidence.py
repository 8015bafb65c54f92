"""Rows that say what was read, and from whom: units of coverage, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chainwatch.bitcoin.header_tree import shown
from chainwatch.bitcoin.merkle import BlockHeader
from chainwatch.ledger import schema

Row = dict[str, Any]


def transaction_unit(block: bytes, txid: bytes) -> str:
    """Return the unit of reading that one transaction of one block is."""
    return f"transaction/{shown(block)}/{shown(txid)}"


def time_of(header: BlockHeader) -> datetime:
    """Return the time that a header states."""
    return datetime.fromtimestamp(header.time, UTC)


def coverage_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Return rows of coverage as a frame of the schema; what a row leaves out is null."""
    return pl.DataFrame(list(rows), schema=schema.COVERAGE.schema, orient="row")


def answers_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows of ``answers`` as a frame of the schema."""
    return pl.DataFrame(rows, schema=schema.ANSWERS.schema, orient="row")
