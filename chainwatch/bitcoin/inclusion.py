"""Transactions that a provider handed over, proven against their block, as rows of a ledger.

Whatever reads them on the way, the bytes are parsed again here: the id is the hash of the bytes,
amounts and scripts are those of the bytes, and the place in the block is proven by the merkle root.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainwatch.bitcoin.auxpow import FLAG
from chainwatch.bitcoin.block import _NOT_PROVEN, parse_block
from chainwatch.bitcoin.consensus import FieldError, Tx, check_work, double_sha256, merkle_root
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.ledger import schema

Outputs = list[tuple[int, bytes]]
"""Value and script of each output of a transaction."""

_HEADER = struct.Struct("<i32s32sIII")


@dataclass(frozen=True)
class BlockAt:
    """A block at a height: hash, time (seconds), txids in wire order, transactions if read.

    ``bits`` is its compact difficulty where whoever made it says so.
    """

    height: int
    hash: bytes
    time: int
    txids: tuple[bytes, ...]
    txs: Mapping[bytes, Tx]
    bits: int = 0


@dataclass(frozen=True)
class Found:
    """A transaction and its proven place."""

    tx: Tx
    block: BlockAt
    position: int

    @property
    def number(self) -> int:
        """Its transaction number."""
        return schema.pack_tx(self.block.height, self.position)


def whole_block(data: bytes, height: int, chain: Chain) -> BlockAt:
    """Return a block of its raw bytes, checked as :func:`parse_block` checks it."""
    block = parse_block(data, chain, name=f"block {height:,}")
    txs = {tx.txid: tx for tx in block.txs}
    txids = tuple(tx.txid for tx in block.txs)
    return BlockAt(height, block.hash, block.time, txids, txs, block.bits)


def listed_block(stated: Mapping[str, Any], height: int, chain: Chain) -> BlockAt:
    """Return a block of its header fields and list of txids; refuse it unless they hash to it.

    Raises
    ------
    BlockError
        If header, merkle root or proof of work do not fit. Where merged mining bears the work, it
        cannot be checked here.
    """
    where = f"block {height:,}"
    name = _hash(stated["block_hash"], where)
    txids = tuple(_hash(txid, where) for txid in stated["txs"])
    try:
        root = _hash(stated["merkle_root"], where)
        header = _HEADER.pack(
            stated["version"], _hash(stated["prev_block"], where), root, stated["time"],
            stated["bits"], stated["nonce"],
        )  # fmt: skip
        if double_sha256(header) != name or stated["height"] != height:
            raise BlockError("the header is not the one asked for", where=where, remedy=_NOT_PROVEN)
        if not txids or merkle_root(list(txids)) != root:
            raise BlockError(
                "the transactions do not hash to the merkle root", where=where, remedy=_NOT_PROVEN
            )
        rules = consensus_of(chain)
        if not (rules.auxpow_chain is not None and stated["version"] & FLAG):
            check_work(header, name, stated["bits"], rules)
    except struct.error:
        what = "a field of the header is out of range"
        raise BlockError(what, where=where, remedy=_NOT_PROVEN) from None
    except FieldError as bad:
        raise BlockError(bad.what, where=where, remedy=_NOT_PROVEN) from None
    return BlockAt(height, name, stated["time"], txids, {}, stated["bits"])


def _hash(text: object, where: str) -> bytes:
    try:
        data = bytes.fromhex(text)[::-1] if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != 32:
        raise BlockError("what should be a hash is none", where=where, remedy=_NOT_PROVEN)
    return data
