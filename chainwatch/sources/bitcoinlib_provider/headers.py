"""The best chain as a provider tells it, height by height: so that a reorganisation is seen."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from chainwatch.bitcoin.hashes import hash_from_hex, hash_text
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Chain
from chainwatch.errors import ChainError, SourceError
from chainwatch.ingest.reorg import check_network
from chainwatch.sources.bitcoinlib_provider.requests import Questions

_NOT_THERE = (400, 404)
_REMEDY = "check that the address is that of the provider named; if it is, ask another one"


class ProviderChain:
    """The headers of one provider, asked for without bitcoinlib, which has no word for them."""

    def __init__(self, questions: Questions, chain: Chain) -> None:
        self._questions, self._chain = questions, chain

    @property
    def name(self) -> str:
        """Host, for errors."""
        return self._questions.http.host

    @property
    def network(self) -> Chain:
        """The chain that it must serve."""
        return self._chain

    @property
    def questions(self) -> Questions:
        """How it is asked."""
        return self._questions

    def check_network(self, height: int) -> None:
        """Refuse a provider of another chain; ``height`` is how far it reaches.

        Raises
        ------
        ChainError
            If it is of another, or has no first block to show.
        """
        if self.hash_at(0) is None:
            raise ChainError(
                "the provider has no first block to tell its chain by", where=self.name,
                remedy=_REMEDY,
            )  # fmt: skip
        check_network(self, height)

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash of the best chain's block at a height; None where there is none."""
        try:
            if self._questions.by_hash:
                found = self._questions.only(f"block-height/{height}")
            else:
                found = self._field(self._questions.only(f"block/{height}"), "hash", str)
        except SourceError as error:
            if error.status not in _NOT_THERE:
                raise
            return None
        return self._hash(found)

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        """Return the hash of the best chain's block at each height."""
        found = [self.hash_at(height) for height in heights]
        names = [name for name in found if name is not None]
        if len(names) < len(found):
            raise SourceError(
                "the provider has no block at a height below its tip", where=self.name,
                remedy="pull again, for the chain may have changed; if it stays, ask another one",
            )  # fmt: skip
        return names

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        """Return 80 bytes for each hash."""
        return [self._header(name) for name in hashes]

    def _header(self, name: bytes) -> bytes:
        where = f"{self.name}, block {hash_text(name)}"
        if self._questions.by_hash:
            text = self._questions.only(f"block/{hash_text(name)}/header")
            try:
                data = bytes.fromhex(text)
            except ValueError:
                data = b""
        else:
            data = self._packed(self._questions.only(f"block/{hash_text(name)}"))
        if len(data) != HEADER_SIZE or Header.parse(data).hash != name:
            raise SourceError("the header is of another block", where=where, remedy=_REMEDY)
        return data

    def _packed(self, stated: Any) -> bytes:
        """Return the header that Blockbook's fields make up."""
        version, time = (self._field(stated, name, int) for name in ("version", "time"))
        parent, root, bits, nonce = (
            self._field(stated, name, str)
            for name in ("previousBlockHash", "merkleRoot", "bits", "nonce")
        )
        try:
            return bytes(Header.of(
                version, self._hash(parent), self._hash(root), time, int(bits, 16), int(nonce)
            ))  # fmt: skip
        except (struct.error, ValueError):
            raise SourceError(
                "a field of the header is out of range", where=self.name, remedy=_REMEDY
            ) from None

    def _field(self, stated: Any, name: str, kind: type) -> Any:
        value = stated.get(name) if isinstance(stated, Mapping) else None
        if type(value) is not kind:
            raise SourceError(
                f"the block comes without its {name}", where=self.name, remedy=_REMEDY
            )
        return value

    def _hash(self, text: str) -> bytes:
        data = hash_from_hex(text)
        if data is None:
            raise SourceError("the answer is no block hash", where=self.name, remedy=_REMEDY)
        return data
