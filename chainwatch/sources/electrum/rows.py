"""Proven transactions as rows of a ledger: each a unit of reading, with what proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.spent import Outputs
from chainwatch.chains.base import Chain
from chainwatch.ingest.rows.evidence import answers_frame, transactions_covered
from chainwatch.ingest.rows.transactions import transaction_rows
from chainwatch.ledger import schema
from chainwatch.net.response import Answer
from chainwatch.sources.electrum.headers import HeaderAt

Place = tuple[bytes, int]
"""Id of a transaction (wire order) and the height of its block."""


@dataclass(frozen=True)
class History:
    """The confirmed transactions of a script, and the answer that lists them, without its value."""

    places: tuple[Place, ...]
    answer: Answer


@dataclass(frozen=True)
class TooLong:
    """Why a history cannot be had, and the answer that shows it."""

    what: str
    answer: Answer


@dataclass(frozen=True)
class Proven:
    """A transaction at its place; the answers are its bytes and its proof."""

    placed: PlacedTx
    raw: Answer
    proof: Answer
    header: HeaderAt

    @property
    def place(self) -> Place:
        """Its id and height."""
        return self.placed.tx.txid, self.placed.height

    @property
    def spends(self) -> list[bytes]:
        """Ids of the transactions that it spends from; none if it is a coinbase."""
        return [txid for txid, _, _ in self.placed.tx.inputs] if self.placed.position else []


@dataclass(frozen=True)
class Part:
    """Some transactions of histories: rows by table, their places, and their blocks by height."""

    tables: Mapping[str, pl.DataFrame]
    places: tuple[Place, ...]
    blocks: Mapping[int, tuple[bytes, int]]


NOTHING = Part({}, (), {})
"""The part of histories in which nothing is new."""


def part_of(
    proven: Sequence[Proven], spent: Mapping[bytes, Outputs], before: Sequence[dict[str, Any]],
    chain: Chain, *, source: str, keep_raw: bool,
) -> Part:  # fmt: skip
    """Return transactions as rows.

    Parameters
    ----------
    proven : sequence of Proven
        The transactions.
    spent : mapping of bytes to list
        Outputs of the transactions that they spend from, by txid.
    before : sequence of dict
        Rows of ``answers`` that hold those transactions.
    chain : Chain
        Chain.
    source : str
        Name of the source.
    keep_raw : bool
        Keep the bytes of the transactions; proofs and headers always are.
    """
    tables = transaction_rows([item.placed for item in proven], chain, spent)
    rows = [item.raw.row(source, keep=keep_raw) for item in proven] + list(before)
    for item in proven:
        rows += [answer.row(source, keep=True) for answer in (item.proof, item.header.answer)]
    tables["answers"] = unrepeated(rows)
    tables["coverage"] = transactions_covered(
        [(item.placed, item.proof.digest) for item in proven], chain, source=source
    )
    blocks = {item.header.height: item.header.place for item in proven}
    return Part(tables, tuple(item.place for item in proven), blocks)


def unrepeated(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return answers; of one that came more than once, the first."""
    return answers_frame(rows).unique(schema.ANSWERS.key, keep="first", maintain_order=True)
