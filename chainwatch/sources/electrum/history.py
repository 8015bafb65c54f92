"""What an Electrum server says of scripts, each answer proven: histories and transactions."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from chainwatch.bitcoin.block import raw_transaction
from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.json_fields import bytes_of, field_of, hash_of
from chainwatch.bitcoin.merkle import LIAR, check_branch
from chainwatch.bitcoin.spent import Outputs
from chainwatch.errors import SourceError
from chainwatch.ingest.protocol import Reader
from chainwatch.net.response import Answer
from chainwatch.sources.electrum.headers import LARGEST_HEIGHT, ElectrumHeaders, HeaderAt
from chainwatch.sources.electrum.messages import Question, ServerRefusal, in_loads
from chainwatch.sources.electrum.rows import (
    NOTHING,
    History,
    Part,
    Place,
    Proven,
    TooLong,
    part_of,
)
from chainwatch.sources.electrum.wire import ElectrumWire

_TOO_LONG = re.compile(
    r"(history|result|response|list).*(large|long|big|many|limit)|too many", re.I
)
_BUSY = re.compile(r"request|rate|connection|second|slow|busy", re.I)
_HISTORIES, _TRANSACTIONS, _SPENT = 100, 200, 100
"""Histories, transactions with their proofs, and transactions spent from that are asked for at
once: fewer where the answers are too long together."""

_INPUTS = 500
"""Inputs of a part, for each may spend from a transaction of its own."""

_OUTPUTS_KEPT = 500_000
_NO_OUTPUT = (bytes(32), 0xFFFFFFFF)


class Histories:
    """The histories of one server, and which of their transactions were handed on."""

    def __init__(
        self, wire: ElectrumWire, headers: ElectrumHeaders, *, source: str, keep_raw: bool
    ) -> None:
        self.network, self.headers, self.name = headers.network, headers, source
        self._wire, self._keep_raw = wire, keep_raw
        self._handed_on: set[Place] = set()
        self._outputs: OrderedDict[bytes, Outputs] = OrderedDict()
        self._kept = 0

    def hand_on(self, places: Sequence[Place]) -> None:
        """Read these transactions no more, though the ledger may not hold them yet."""
        self._handed_on.update(places)

    def forget(self, height: int) -> None:
        """Forget the transactions handed on from a height on: the ledger gives them up too."""
        self._handed_on = {place for place in self._handed_on if place[1] < height}

    # Histories ------------------------------------------------------------------------------

    def histories(
        self, scripts: Sequence[tuple[str, str]], tip: int, most: int
    ) -> Iterator[list[History | TooLong]]:
        """Yield the transactions up to a height of each script, given by its hash and a label.

        Those that fit into memory together come together. A history that the server refuses for
        its length, or that is longer than ``most``, comes as what shows why.
        """
        asked = [
            Question("blockchain.scripthash.get_history", (script,), label)
            for script, label in scripts
        ]
        for some, answers in in_loads(self._wire.ask_all, asked, _HISTORIES):
            pairs = zip(some, answers, strict=True)
            yield [self._history(question, answer, tip, most) for question, answer in pairs]

    def _history(
        self, question: Question, answer: Answer | ServerRefusal, tip: int, most: int
    ) -> History | TooLong:
        where = self._wire.where(question)
        if isinstance(answer, ServerRefusal):
            long = _TOO_LONG.search(answer.words) and not _BUSY.search(answer.words)
            if not long or answer.answer is None:
                raise answer
            return TooLong(f"the server says {answer.words!r}", answer.answer)
        if not isinstance(answer.value, list):
            raise SourceError("the server's history is no list", where=where, remedy=LIAR)
        places = tuple(_places(answer.value, tip, where))
        listed = replace(answer, value=None)  # the list itself is many times as large
        if len(places) > most:
            what = f"it has {len(places):,} transactions, more than max_transactions, {most:,}"
            return TooLong(what, listed)
        return History(places, listed)

    def unread(self, histories: Sequence[Sequence[Place]], reader: Reader) -> list[list[Place]]:
        """Return for each history the transactions that nobody has read yet.

        A transaction of several histories is one of the first.
        """
        listed = {place for places in histories for place in places}
        held = self._held(listed | self._handed_on, reader)
        self._handed_on -= held  # what the ledger holds need not be known twice
        taken = held | self._handed_on
        new = []
        for places in histories:
            mine = [place for place in places if place not in taken]
            taken.update(mine)
            new.append(mine)
        return new

    def _held(self, places: set[Place], reader: Reader) -> set[Place]:
        if not places:
            return set()
        wanted = pl.LazyFrame(
            {"txid": [txid for txid, _ in places], "height": [height for _, height in places]},
            schema={"txid": pl.Binary, "height": pl.Int64},
        )
        mine = reader.scan("transactions").filter(pl.col("chain") == self.network.id)
        rows = mine.join(wanted, on=["txid", "height"], how="semi").select("txid", "height")
        return set(rows.collect().rows())

    # Transactions ---------------------------------------------------------------------------

    def parts(self, places: Sequence[Place]) -> Iterator[Part]:
        """Yield transactions as rows, in their order and some at a time; one part at least.

        Raises
        ------
        SourceError
            If a transaction does not hash to its id, or its proof fails.
        """
        if not places:
            yield NOTHING
        for _, proven in in_loads(self._proven, places, _TRANSACTIONS):
            for some in _by_inputs(proven):
                spent, before = self._spent_by(some)
                yield part_of(
                    some, spent, before, self.network, source=self.name, keep_raw=self._keep_raw
                )

    def _proven(self, places: Sequence[Place]) -> list[Proven]:
        """Return transactions at their proven places, with the answers that prove them."""
        raws = [_raw(txid) for txid, _ in places]
        proofs = [
            Question("blockchain.transaction.get_merkle", (hash_text(txid), height))
            for txid, height in places
        ]
        headers, answers = self.headers.read([height for _, height in places], [*raws, *proofs])
        proven = []
        for k, (txid, height) in enumerate(places):
            raw, proof, header = answers[k], answers[len(places) + k], headers[height]
            tx = self._transaction(raw, txid, raws[k])
            position = self._position(proof, tx, header, proofs[k])
            placed = PlacedTx(tx, header.fields, height, position)
            proven.append(Proven(placed, raw, proof, header))
        return proven

    def _transaction(self, answer: Answer, txid: bytes, question: Question) -> Tx:
        where = self._wire.where(question)
        tx = raw_transaction(bytes_of(answer.value, where), self.network, where=where)
        if tx.txid != txid:
            raise SourceError(
                "the server sent a transaction that does not hash to its id",
                where=where,
                remedy=LIAR,
            )
        self._keep(txid, tx.outputs)
        return tx

    def _position(self, answer: Answer, tx: Tx, header: HeaderAt, question: Question) -> int:
        where = self._wire.where(question)
        stated = field_of(answer.value, "block_height", int, where)
        position: int = field_of(answer.value, "pos", int, where)
        branch = [hash_of(text, where) for text in field_of(answer.value, "merkle", list, where)]
        if stated != header.height:
            raise SourceError("the proof is of another block", where=where, remedy=LIAR)
        root = header.fields.merkle_root
        check_branch(tx.txid, tx.stripped, branch, position, root, where)
        origin = any(place[:2] == _NO_OUTPUT for place in tx.inputs)
        if origin != (position == 0):
            raise SourceError("a coinbase stands out of place", where=where, remedy=LIAR)
        return position

    def _spent_by(
        self, proven: Sequence[Proven]
    ) -> tuple[dict[bytes, Outputs], list[dict[str, Any]]]:
        """Return the outputs of every transaction that is spent from, and the answers asked for."""
        wanted = dict.fromkeys(txid for item in proven for txid in item.spends)
        # Taken out of what is at hand before anything is asked, which may push them out there.
        spent = {txid: self._outputs[txid] for txid in wanted if txid in self._outputs}
        missing = [_raw(txid) for txid in wanted if txid not in spent]
        names = iter([txid for txid in wanted if txid not in spent])
        rows = []
        for some, answers in in_loads(self._wire.ask, missing, _SPENT):
            for question, answer in zip(some, answers, strict=True):
                txid = next(names)
                spent[txid] = self._transaction(answer, txid, question).outputs
                rows.append(answer.row(self.name, keep=self._keep_raw))
        return spent, rows

    def _keep(self, txid: bytes, outputs: Outputs) -> None:
        """Keep the outputs of a transaction at hand, and the latest others as far as they fit."""
        if txid in self._outputs:
            return
        self._outputs[txid] = outputs
        self._kept += len(outputs)
        while self._kept > _OUTPUTS_KEPT and len(self._outputs) > 1:
            self._kept -= len(self._outputs.popitem(last=False)[1])


def _places(listed: list[Any], tip: int, where: str) -> Iterator[Place]:
    """Yield what is confirmed up to the tip; the rest is of the pool or came since."""
    seen: set[Place] = set()
    for item in listed:
        txid = hash_of(field_of(item, "tx_hash", str, where), where)
        place = (txid, field_of(item, "height", int, where))
        if not -2 < place[1] < LARGEST_HEIGHT or place in seen:
            raise SourceError("the server's history cannot be", where=where, remedy=LIAR)
        seen.add(place)
        if 0 < place[1] <= tip:
            yield place


def _by_inputs(proven: Sequence[Proven]) -> Iterator[list[Proven]]:
    """Yield transactions in groups of so many inputs; one that has more is on its own."""
    some: list[Proven] = []
    count = 0
    for item in proven:
        if some and count + len(item.spends) > _INPUTS:
            yield some
            some, count = [], 0
        some.append(item)
        count += len(item.spends)
    if some:
        yield some


def _raw(txid: bytes) -> Question:
    return Question("blockchain.transaction.get", (hash_text(txid), False))
