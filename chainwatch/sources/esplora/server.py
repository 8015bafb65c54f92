"""What an Esplora server can be asked, each answer checked by itself and noted for ``answers``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chainwatch.bitcoin.hashes import hash_from_hex, hash_text
from chainwatch.bitcoin.header import Header
from chainwatch.bitcoin.inclusion import PlacedTx
from chainwatch.bitcoin.merkle import LIAR, check_branch, read_header
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.net.client import Answer, Client
from chainwatch.sources.esplora.fields import (
    BlockInfo,
    History,
    Proof,
    Read,
    Transaction,
    from_hex,
    read_transaction,
    typed,
    wire_hash,
)
from chainwatch.sources.esplora.rows import Proven

_AGAIN = "pull again, for the chain may have changed; if it stays, ask another server"
_NOT_FOUND = 404


@dataclass(frozen=True)
class BestBlock:
    """The highest block of a server's chain at one moment."""

    header: Header
    height: int

    @property
    def hash(self) -> bytes:
        """Its hash, wire order."""
        return self.header.hash


@dataclass
class Server:
    """An Esplora server of one chain.

    Attributes
    ----------
    client : Client
        The way to it.
    chain : Chain
        The chain that it must serve.
    source : str
        Name of the source for ``answers``.
    keep : bool
        Keep the bodies of transactions; those of proofs, headers and places in the chain are kept
        in any case.
    answers : list of dict
        Rows of ``answers`` since they were last taken.
    """

    client: Client
    chain: Chain
    source: str
    keep: bool = True
    answers: list[dict[str, Any]] = field(default_factory=list)
    _headers: dict[bytes, tuple[Header, bytes]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Host, for errors."""
        return self.client.host

    @property
    def network(self) -> Chain:
        """The chain that it must serve."""
        return self.chain

    def take(self) -> list[dict[str, Any]]:
        """Return the rows of ``answers`` noted so far, each once, and forget them."""
        taken, self.answers = self.answers, []
        return list({(row["digest"], row["request"]): row for row in reversed(taken)}.values())[
            ::-1
        ]

    def _noted(self, answer: Answer, *, keep: bool) -> Answer:
        self.answers.append(answer.row(self.source, keep=keep))
        return answer

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash of the best chain's block at a height; None above the tip."""
        answer = self.client.get(f"/block-height/{height}", expect="text", accept=(_NOT_FOUND,))
        return None if answer.status == _NOT_FOUND else _hash(self._noted(answer, keep=True))

    def tip(self) -> BestBlock:
        """Return the highest block."""
        answer = self.client.get("/blocks/tip/hash", expect="text")
        name = _hash(self._noted(answer, keep=True))
        info = self.block(name)
        return BestBlock(self.header(name), info.height)

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height."""
        found = [self.hash_at(height) for height in heights]
        names = [name for name in found if name is not None]
        if len(names) < len(found):
            raise SourceError(
                "the server has no block at a height below its tip", where=self.name,
                remedy=_AGAIN,
            )  # fmt: skip
        return names

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return 80 bytes for each hash; their proof of work holds."""
        return [self._header(name)[1] for name in hashes]

    def block(self, name: bytes) -> BlockInfo:
        """Return what is said of a block."""
        answer = self._noted(self.client.get(f"/block/{hash_text(name)}"), keep=True)
        info = typed(answer.value, BlockInfo, self._where(answer))
        if wire_hash(info.id) != name:
            raise self._of_another("block", answer)
        return info

    def header(self, name: bytes) -> Header:
        """Return a header that hashes to a name; asked once."""
        return self._header(name)[0]

    def _header(self, name: bytes) -> tuple[Header, bytes]:
        if name not in self._headers:
            answer = self.client.get(f"/block/{hash_text(name)}/header", expect="text")
            where = self._where(answer)
            data = from_hex(answer.value.strip(), where)
            header = read_header(data, self.chain, where)
            if header.hash != name:
                raise self._of_another("block", answer)
            self._noted(answer, keep=True)
            self._headers[name] = header, data
        return self._headers[name]

    def history(self, path: str) -> tuple[History, Answer]:
        """Return the counts of an address or script."""
        answer = self._noted(self.client.get(path), keep=True)
        return typed(answer.value, History, self._where(answer)), answer

    def transactions(self, path: str) -> tuple[list[Read], Answer]:
        """Return the transactions of a page."""
        answer = self._noted(self.client.get(path), keep=self.keep)
        where = self._where(answer)
        page = typed(answer.value, list[Transaction], where)
        return [read_transaction(item, self.chain, where) for item in page], answer

    def transaction(self, txid: bytes) -> Read:
        """Return one transaction."""
        answer = self._noted(self.client.get(f"/tx/{hash_text(txid)}"), keep=self.keep)
        where = self._where(answer)
        read = read_transaction(typed(answer.value, Transaction, where), self.chain, where)
        if read.tx.txid != txid:
            raise self._of_another("transaction", answer)
        return read

    def place(self, read: Read, height: int, block: bytes) -> Proven:
        """Return a transaction at its place in its block, which is proven.

        Raises
        ------
        SourceError
            If the proof is of another transaction, block or place.
        """
        answer = self.client.get(f"/tx/{hash_text(read.tx.txid)}/merkle-proof")
        where = self._where(answer)
        proof, header = typed(answer.value, Proof, where), self.header(block)
        if proof.block_height != height or (proof.pos == 0) != read.coinbase:
            raise SourceError(
                "the Merkle proof is of another place in the chain", where=where, remedy=_AGAIN
            )
        branch = [wire_hash(item) for item in proof.merkle]
        check_branch(read.tx.txid, read.tx.stripped, branch, proof.pos, header.merkle_root, where)
        self._noted(answer, keep=True)
        return Proven(read, PlacedTx(read.tx, header, height, proof.pos), answer.digest)

    def _of_another(self, thing: str, answer: Answer) -> SourceError:
        what = f"the answer is of another {thing}"
        return SourceError(what, where=self._where(answer), remedy=LIAR)

    def _where(self, answer: Answer) -> str:
        return f"{answer.host}, {answer.request}"


def _hash(answer: Answer) -> bytes:
    found = hash_from_hex(answer.value.strip())
    if found is None:
        raise SourceError(
            "the answer is no block hash", where=f"{answer.host}, {answer.request}",
            remedy="check that the address is that of an Esplora API",
        )  # fmt: skip
    return found
