"""Proven transactions of a history as rows of a ledger, with the answers that prove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.chains import Chain
from chainwatch.ledger import schema
from chainwatch.sources.http_answer import Answer, answers_frame
from chainwatch.sources.provider_rows import Found, Outputs, transaction_rows

Place = tuple[bytes, int]
"""Id of a transaction (wire order) and the height of its block."""


@dataclass(frozen=True)
class History:
    """The confirmed transactions of a script, and the answer that lists them."""

    places: tuple[Place, ...]
    answer: Answer


@dataclass(frozen=True)
class TooLong:
    """Why a history cannot be had, and the answer that shows it."""

    what: str
    answer: Answer


@dataclass(frozen=True)
class Proven:
    """A transaction at its place; the answers are its bytes, its proof and the header."""

    found: Found
    raw: Answer
    proof: Answer
    header: Answer


class Parts:
    """The rows of one history, which come some transactions at a time."""

    def __init__(self, chain: Chain, source: str, listed: Answer) -> None:
        self._chain, self._source = chain, source
        self._answers: list[dict[str, Any]] = [listed.row(source, keep=True)]
        self._frames: dict[str, list[pl.DataFrame]] = {}

    def add(
        self, proven: Sequence[Proven], spent: Mapping[bytes, tuple[Outputs, Answer | None]], *,
        keep_raw: bool,
    ) -> None:  # fmt: skip
        """Add transactions, and of ``spent`` what they spend."""
        outputs = {txid: found for txid, (found, _) in spent.items()}
        rows = transaction_rows([item.found for item in proven], self._chain, outputs)
        for name, frame in rows.items():
            self._frames.setdefault(name, []).append(frame)
        before = [txid for item in proven if item.found.position
                  for txid, _, _ in item.found.tx.inputs]  # fmt: skip
        raws = [item.raw for item in proven]
        raws += [answer for txid in before if (answer := spent[txid][1]) is not None]
        proofs = [answer for item in proven for answer in (item.proof, item.header)]
        self._answers += [answer.row(self._source, keep=keep_raw) for answer in raws]
        self._answers += [answer.row(self._source, keep=True) for answer in proofs]

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all rows by table; of an answer that came more than once, the first."""
        tables = {name: pl.concat(frames) for name, frames in self._frames.items()}
        tables["answers"] = answers_frame(self._answers).unique(
            schema.ANSWERS.key, keep="first", maintain_order=True
        )
        return tables
