"""What is asked of an Electrum server, and each answer proven: headers, histories, transactions."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from chainwatch.chains import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.sources.base import Reader
from chainwatch.sources.block_checks import HEADER_SIZE, Tx
from chainwatch.sources.block_links import shown
from chainwatch.sources.electrum_rows import History, Parts, Place, Proven, TooLong
from chainwatch.sources.electrum_wire import NO_METHOD, ElectrumWire, Question, Said
from chainwatch.sources.forks import Tip
from chainwatch.sources.http_answer import Answer
from chainwatch.sources.merkle import BlockHeader, check_branch, read_header
from chainwatch.sources.provider_rows import (
    BlockAt,
    Found,
    Outputs,
    raw_transaction,
)
from chainwatch.sources.rpc_rows import bytes_of, field_of, hash_of

_TOO_LONG = re.compile(
    r"(history|result|response|list).*(large|long|big|many|limit)|too many", re.I
)
_AT_ONCE = 100
_HEADERS_KEPT = 5_000
_OUTPUTS_KEPT = 500_000
_LARGEST_HEIGHT = 2**31
_NO_OUTPUT = (bytes(32), 0xFFFFFFFF)
_LIAR = "ask another server: this one is wrong or lies"


class Histories:
    """One Electrum server, with what was just read of it kept at hand."""

    def __init__(self, wire: ElectrumWire, chain: Chain, *, source: str, keep_raw: bool) -> None:
        self.network, self.name, self._wire, self._keep_raw = chain, source, wire, keep_raw
        self._headers: OrderedDict[int, tuple[BlockHeader, Answer]] = OrderedDict()
        self._seen: set[tuple[bytes, int]] = set()
        self._outputs: OrderedDict[bytes, Outputs] = OrderedDict()
        self._kept = 0

    # The chain ------------------------------------------------------------------------------

    def tip(self) -> Tip:
        """Return the server's best block."""
        question = Question("blockchain.headers.subscribe")
        answer = self._wire.ask([question])[0]
        where = self._wire.where(question)
        height = field_of(answer.value, "height", int, where)
        if not 0 <= height < _LARGEST_HEIGHT:
            raise SourceError("the server's height is none", where=where)
        data = bytes_of(answer.value.get("hex"), where, HEADER_SIZE)
        return Tip(height, read_header(data, self.network, where).hash, height)

    def check_features(self) -> None:
        """Refuse a server that says it is of another chain; some do not say."""
        question = Question("server.features")
        try:
            answer = self._wire.ask([question])[0]
        except Said as refused:
            if refused.code != NO_METHOD:
                raise
            return
        where = self._wire.where(question)
        stated = hash_of(field_of(answer.value, "genesis_hash", str, where), where)
        if stated != self.network.genesis:
            raise ChainError(
                f"the server is not of {self.network.name}: it names the genesis block "
                f"{shown(stated)}",
                where=where,
                remedy="name the chain that it is of, or ask another server",
            )

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height."""
        return [self.header(height).hash for height in self._load(heights)]

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return 80 bytes for each of the hashes just asked for by height."""
        data = {
            header.hash: bytes.fromhex(answer.value) for header, answer in self._headers.values()
        }
        return [data[name] for name in hashes]

    def hash_now(self, height: int) -> bytes:
        """Return the hash at a height as the server has it now."""
        answer = self._wire.ask([_header(height)])[0]
        return self._read(answer, _header(height)).hash

    def header(self, height: int) -> BlockHeader:
        """Return the header at a height."""
        self._load([height])
        return self._headers[height][0]

    def forget(self, height: int) -> None:
        """Forget the transactions read from a height on: the ledger gives them up too."""
        self._seen = {place for place in self._seen if place[1] < height}

    def forget_headers(self) -> None:
        """Forget all headers: the chain was reorganised."""
        self._headers.clear()

    def places(self, rows: pl.DataFrame | None, tip: Tip) -> dict[int, tuple[bytes, int]]:
        """Return hash and bits of the blocks that a history vouches for, by height."""
        heights = {tip.height} if rows is None else {tip.height, *rows["height"]}
        headers = {height: self.header(height) for height in sorted(heights)}
        return {height: (header.hash, header.bits) for height, header in headers.items()}

    def _load(self, heights: Sequence[int]) -> Sequence[int]:
        wanted = [h for h in dict.fromkeys(heights) if h not in self._headers]
        self._take_headers(wanted, self._wire.ask([_header(height) for height in wanted]))
        return heights

    def _take_headers(self, heights: Sequence[int], answers: Sequence[Answer]) -> None:
        for height, answer in zip(heights, answers, strict=True):
            self._headers[height] = self._read(answer, _header(height)), answer
        while len(self._headers) > _HEADERS_KEPT:
            self._headers.popitem(last=False)

    def _read(self, answer: Answer, question: Question) -> BlockHeader:
        where = self._wire.where(question)
        return read_header(bytes_of(answer.value, where, HEADER_SIZE), self.network, where)

    # Histories ------------------------------------------------------------------------------

    def histories(
        self, scripts: Sequence[tuple[str, str]], tip: Tip, most: int
    ) -> list[History | TooLong]:
        """Return the transactions up to a tip of each script, given by its hash and a label.

        A history that the server refuses for its length, or that is longer than ``most``, comes
        as what shows why.
        """
        asked = [
            Question("blockchain.scripthash.get_history", (script,), label)
            for script, label in scripts
        ]
        answers = self._wire.ask_all(asked)
        pairs = zip(asked, answers, strict=True)
        return [self._history(question, answer, tip, most) for question, answer in pairs]

    def _history(
        self, question: Question, answer: Answer | Said, tip: Tip, most: int
    ) -> History | TooLong:
        where = self._wire.where(question)
        if isinstance(answer, Said):
            if not _TOO_LONG.search(answer.words) or answer.answer is None:
                raise answer
            return TooLong(f"the server says {answer.words!r}", answer.answer)
        if not isinstance(answer.value, list):
            raise SourceError("the server's history is no list", where=where)
        places = tuple(self._places(answer.value, tip, where))
        if len(places) > most:
            what = f"it has {len(places):,} transactions, more than the {most:,} allowed"
            return TooLong(what, answer)
        return History(places, answer)

    def _places(self, listed: list[Any], tip: Tip, where: str) -> Iterator[Place]:
        """Yield what is confirmed up to the tip; the rest is of the pool or came since."""
        seen: set[Place] = set()
        for item in listed:
            txid = hash_of(field_of(item, "tx_hash", str, where), where)
            place = (txid, field_of(item, "height", int, where))
            if not -2 < place[1] < _LARGEST_HEIGHT or place in seen:
                raise SourceError("the server's history cannot be", where=where, remedy=_LIAR)
            seen.add(place)
            if 0 < place[1] <= tip.height:
                yield place

    def rows(self, histories: Sequence[History], reader: Reader) -> list[dict[str, pl.DataFrame]]:
        """Return for each history the rows of transactions that nobody has read yet, and answers.

        A transaction of several histories is a row of the first.

        Raises
        ------
        SourceError
            If a transaction does not hash to its id, or its proof fails.
        """
        held = self._held({place for history in histories for place in history.places}, reader)
        owner: dict[Place, int] = {}
        for k, history in enumerate(histories):
            for place in history.places:
                if place not in held and place not in self._seen:
                    owner.setdefault(place, k)
        parts = [Parts(self.network, self.name, history.answer) for history in histories]
        new = list(owner)
        for low in range(0, len(new), _AT_ONCE):
            some = new[low : low + _AT_ONCE]
            proven = self._proven(some)
            spent = self._spent([item.found for item in proven])
            for k in dict.fromkeys(owner[place] for place in some):
                mine = [item for place, item in zip(some, proven, strict=True) if owner[place] == k]
                parts[k].add(mine, spent, keep_raw=self._keep_raw)
        self._seen.update(new)
        return [part.tables() for part in parts]

    def _held(self, places: set[Place], reader: Reader) -> set[Place]:
        wanted = pl.LazyFrame(
            {"txid": [txid for txid, _ in places], "height": [height for _, height in places]},
            schema={"txid": pl.Binary, "height": pl.Int64},
        )
        mine = reader.scan("transactions").filter(pl.col("chain") == self.network.id)
        rows = mine.join(wanted, on=["txid", "height"], how="semi").select("txid", "height")
        return set(rows.collect().rows())

    # Transactions ---------------------------------------------------------------------------

    def _proven(self, places: Sequence[Place]) -> list[Proven]:
        """Return transactions at their proven places, with the answers that prove them."""
        heights = [h for h in dict.fromkeys(h for _, h in places) if h not in self._headers]
        raws = [_raw(txid) for txid, _ in places]
        proofs = [
            Question("blockchain.transaction.get_merkle", (shown(txid), height))
            for txid, height in places
        ]
        # One question after the other without a pause: a server that pads its lines lets each
        # pause cost a second.
        answers = self._wire.ask([*map(_header, heights), *raws, *proofs])
        self._take_headers(heights, answers[: len(heights)])
        raw_answers = answers[len(heights) : len(heights) + len(places)]
        proof_answers = answers[len(heights) + len(places) :]
        proven = []
        for k, (txid, height) in enumerate(places):
            header, header_answer = self._headers[height]
            tx = self._transaction(raw_answers[k], txid, raws[k])
            position = self._position(proof_answers[k], tx, height, header, proofs[k])
            found = Found(tx, BlockAt(height, header.hash, header.time, (), {}), position)
            proven.append(Proven(found, raw_answers[k], proof_answers[k], header_answer))
        return proven

    def _transaction(self, answer: Answer, txid: bytes, question: Question) -> Tx:
        where = self._wire.where(question)
        tx = raw_transaction(bytes_of(answer.value, where), self.network, where=where)
        if tx.txid != txid:
            raise SourceError(
                "the server sent a transaction that does not hash to its id",
                where=where,
                remedy=_LIAR,
            )
        self._keep(txid, tx.outputs)
        return tx

    def _position(
        self, answer: Answer, tx: Tx, height: int, header: BlockHeader, question: Question
    ) -> int:
        where = self._wire.where(question)
        stated = field_of(answer.value, "block_height", int, where)
        position: int = field_of(answer.value, "pos", int, where)
        branch = [hash_of(text, where) for text in field_of(answer.value, "merkle", list, where)]
        if stated != height:
            raise SourceError("the proof is of another block", where=where, remedy=_LIAR)
        check_branch(tx.txid, tx.stripped, branch, position, header.merkle_root, where)
        origin = any(place[:2] == _NO_OUTPUT for place in tx.inputs)
        if origin != (position == 0):
            raise SourceError("a coinbase stands out of place", where=where, remedy=_LIAR)
        return position

    def _spent(self, found: Sequence[Found]) -> dict[bytes, tuple[Outputs, Answer | None]]:
        """Return the outputs of every transaction that is spent from, of its own bytes."""
        wanted = dict.fromkeys(
            txid for item in found if item.position for txid, _, _ in item.tx.inputs
        )
        spent: dict[bytes, tuple[Outputs, Answer | None]] = {}
        for txid in wanted:
            if txid in self._outputs:
                spent[txid] = self._outputs[txid], None
        missing = [txid for txid in wanted if txid not in spent]
        for low in range(0, len(missing), _AT_ONCE):
            some = missing[low : low + _AT_ONCE]
            asked = [_raw(txid) for txid in some]
            for txid, question, answer in zip(some, asked, self._wire.ask(asked), strict=True):
                spent[txid] = self._transaction(answer, txid, question).outputs, answer
        return spent

    def _keep(self, txid: bytes, outputs: Outputs) -> None:
        """Keep the outputs of a transaction at hand, and the latest others as far as they fit."""
        if txid in self._outputs:
            return
        self._outputs[txid] = outputs
        self._kept += len(outputs)
        while self._kept > _OUTPUTS_KEPT and len(self._outputs) > 1:
            self._kept -= len(self._outputs.popitem(last=False)[1])


def _raw(txid: bytes) -> Question:
    return Question("blockchain.transaction.get", (shown(txid), False))


def _header(height: int) -> Question:
    return Question("blockchain.block.header", (height,))
