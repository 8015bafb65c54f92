"""The history of an address as a provider tells it through bitcoinlib, and the proof of each claim.

The provider's word stands for the list of transactions alone. Each is found in its block, whose
header and merkle root are computed again; bytes, amounts and ids are our own reading of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.bitcoin.block import raw_transaction
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.hashes import hash_from_hex, hash_text
from chainwatch.bitcoin.inclusion import BlockAt, PlacedTx, listed_block, whole_block
from chainwatch.bitcoin.spent import Outputs
from chainwatch.errors import ChainwatchError, SourceError
from chainwatch.ingest.reorg import Moved
from chainwatch.ingest.rows.evidence import answers_frame
from chainwatch.ingest.rows.transactions import transaction_rows
from chainwatch.ledger import schema
from chainwatch.sources.bitcoinlib_provider.headers import ProviderChain

MOST_TRANSACTIONS = 10_000
"""Transactions of one address; beyond them, a source that reads blocks is the right one."""

_OTHER = "pull again; if it stays, read the address from another source"

LARGEST_KEPT = 1 << 20
"""Bytes of an answer that is kept whole; of a longer one the digest is kept."""


class Reading:
    """One reading of a provider: its tip, and the blocks that were read on the way.

    ``recent`` are hash and difficulty of these, by height.
    """

    def __init__(self, source: str, best: ProviderChain, client: Any, *, prevouts: bool) -> None:
        self.source, self.chain, self.questions = source, best.network, best.questions
        self._best, self._client, self._prevouts, self._host = best, client, prevouts, best.name
        self.recent: dict[int, tuple[bytes, int]] = {}
        self._last: BlockAt | None = None
        height = self._ask("the height of the tip", client.blockcount)
        self.tip = self._block(_whole_number(height, "the height of the tip"))

    def history(self, address: bytes, unit: str) -> dict[str, pl.DataFrame]:
        """Return the rows of one address, up to the tip.

        Raises
        ------
        Moved
            If the tip is no longer in the best chain when all is read.
        SourceError, BlockError
            If an answer is missing, contradicts itself or cannot be proven.
        """
        text = canonical.text(address, self.chain)
        first = len(self.questions.answers)
        claims = self._claims(text)
        found = [self._proven(claim) for claim in claims if claim[0] <= self.tip.height]
        tables = transaction_rows(found, self.chain, self._spent(found))
        if self._best.hash_at(self.tip.height) != self.tip.hash:
            raise Moved
        answers = self.questions.answers
        tables["coverage"] = self._coverage(address, unit, answers[first].digest)
        rows = [item.row(self.source, keep=len(item.body) <= LARGEST_KEPT) for item in answers]
        # bitcoinlib asks some things twice: the first answer of the same words is kept.
        tables["answers"] = answers_frame(rows).unique(
            schema.ANSWERS.key, keep="first", maintain_order=True
        )
        answers.clear()
        return tables

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        """Let bitcoinlib ask and read; whatever it raises becomes one sentence."""
        try:
            return question()
        except ChainwatchError:
            raise
        except Exception as error:  # noqa: BLE001  # of all kinds, with what it was given in it
            raise SourceError(
                f"bitcoinlib cannot read what the provider says of {what} ({type(error).__name__})",
                where=self._host,
                remedy="read it from another source",
            ) from None

    def _claims(self, text: str) -> list[tuple[int, str, Any]]:
        """Return height, txid and bitcoinlib's transaction of each that the provider lists."""
        stated = self._ask("an address", lambda: self.questions.stated_count(text))
        if _whole_number(stated, "a count") > MOST_TRANSACTIONS:
            raise SourceError(
                f"{text} has {stated:,} transactions, more than are read this way",
                remedy="read the blocks themselves, from a node",
            )
        listed = self._ask(
            "a history", lambda: self._client.gettransactions(text, limit=MOST_TRANSACTIONS + 1)
        )
        if len({_txid(item.txid) for item in listed}) < stated:
            raise SourceError(
                f"the provider states {stated:,} transactions of {text}, and {len(listed):,} came",
                where=self._host,
                remedy="pull again; if it stays, read it from another source",
            )
        claims = {
            (_whole_number(item.block_height, "a height"), item.txid): item for item in listed
        }
        return [(*place, claims[place]) for place in sorted(claims)]

    def _block(self, height: int) -> BlockAt:
        """Return a block, proven; the last one is kept, for claims come by height."""
        if self._last is None or self._last.height != height:
            name = f"block {height:,}"
            if not hasattr(self._client, "getrawblock"):
                stated = self._ask(name, lambda: self._client.getblock(height, False, 1, 1 << 30))
                self._last = self._ask(name, lambda: listed_block(stated, height, self.chain))
            else:
                raw = self._ask(name, lambda: bytes.fromhex(self._client.getrawblock(height)))
                self._last = whole_block(raw, height, self.chain)
            self.recent[height] = self._last.hash, self._last.header.bits
        return self._last

    def _proven(self, claim: tuple[int, str, Any]) -> PlacedTx:
        height, txid, theirs = claim
        block = self._block(height)
        if block.txs:
            tx = block.txs.get(hash_from_hex(txid) or b"")
        else:
            tx = raw_transaction(theirs.rawtx, self.chain, where=f"transaction {txid}")
        if tx is None or tx.txid not in block.txids:
            raise SourceError(
                f"transaction {txid} is not in block {height:,}, where the provider puts it",
                where=self._host,
                remedy="pull again, for the chain may have changed; else use another source",
            )
        values = [output.value for output in theirs.outputs]
        if values != [value for value, _ in tx.outputs] or any(type(v) is not int for v in values):
            raise SourceError(
                f"the amounts of transaction {txid} are not those of its bytes", where=self._host,
                remedy=_OTHER,
            )  # fmt: skip
        return PlacedTx(tx, block.header, height, block.txids.index(tx.txid))

    def _spent(self, found: list[PlacedTx]) -> dict[bytes, Outputs]:
        """Return the outputs of what the transactions spend from, each proven by its txid."""
        spent = {item.tx.txid: item.tx.outputs for item in found}
        wanted = (txid for item in found if item.position for txid, _, _ in item.tx.inputs)
        for txid in dict.fromkeys(wanted) if self._prevouts else ():
            if txid not in spent:
                spent[txid] = self._raw(txid).outputs
        return spent

    def _raw(self, txid: bytes) -> Tx:
        name = hash_text(txid)
        given = self._ask(
            f"transaction {name}", lambda: bytes.fromhex(self._client.getrawtransaction(name))
        )
        tx = raw_transaction(given, self.chain, where=f"transaction {name}")
        if tx.txid != txid:
            raise SourceError(
                f"the bytes given for transaction {name} are those of another", where=self._host,
                remedy=_OTHER,
            )  # fmt: skip
        return tx

    def _coverage(self, address: bytes, unit: str, digest: bytes) -> pl.DataFrame:
        row: Mapping[str, Any] = {
            "chain": self.chain.id, "unit": unit, "kind": "address", "height": self.tip.height,
            "block": self.tip.hash, "address": address, "contract": None, "from_time": None,
            "to_time": None, "complete": True, "source": self.source, "answer": digest,
        }  # fmt: skip
        return pl.DataFrame([row], schema=schema.COVERAGE.schema, orient="row")


def _whole_number(value: object, what: str) -> int:
    if type(value) is not int or value < 0:
        raise SourceError(f"{what} is not a whole number", remedy=_OTHER)
    return value


def _txid(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise SourceError("what should be a transaction id is none", remedy=_OTHER)
    return value
