"""Transactions at their places: proven against a block that a provider handed over.

Whatever reads them on the way, the bytes are parsed again here: the id is the hash of the bytes,
amounts and scripts are those of the bytes, and the place in the block is proven by the merkle root.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainwatch.bitcoin.auxpow import check_own_work
from chainwatch.bitcoin.block import NOT_PROVEN, parse_block
from chainwatch.bitcoin.consensus import FieldError, Tx, merkle_root
from chainwatch.bitcoin.hashes import hash_from_hex
from chainwatch.bitcoin.header import Header
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import consensus_of
from chainwatch.errors import BlockError
from chainwatch.ledger import schema


@dataclass(frozen=True, slots=True)
class PlacedTx:
    """A decoded transaction at its place: the block, the height of that, the position in it."""

    tx: Tx
    header: Header
    height: int
    position: int

    @property
    def number(self) -> int:
        """Its transaction number."""
        return schema.pack_tx(self.height, self.position)


@dataclass(frozen=True)
class BlockAt:
    """A block at a height: header, txids in wire order, transactions by txid if they were read."""

    height: int
    header: Header
    txids: tuple[bytes, ...]
    txs: Mapping[bytes, Tx]

    @property
    def hash(self) -> bytes:
        """Its hash, wire order."""
        return self.header.hash


def whole_block(data: bytes, height: int, chain: Chain) -> BlockAt:
    """Return a block of its raw bytes, checked as :func:`parse_block` checks it."""
    block = parse_block(data, chain, name=f"block {height:,}")
    txs = {tx.txid: tx for tx in block.txs}
    txids = tuple(tx.txid for tx in block.txs)
    return BlockAt(height, block.header, txids, txs)


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
        header = Header.of(
            stated["version"], _hash(stated["prev_block"], where), root, stated["time"],
            stated["bits"], stated["nonce"],
        )  # fmt: skip
        if header.hash != name or stated["height"] != height:
            raise BlockError("the header is not the one asked for", where=where, remedy=NOT_PROVEN)
        if not txids or merkle_root(list(txids)) != root:
            raise BlockError(
                "the transactions do not hash to the merkle root", where=where, remedy=NOT_PROVEN
            )
        check_own_work(header, consensus_of(chain))
    except struct.error:
        what = "a field of the header is out of range"
        raise BlockError(what, where=where, remedy=NOT_PROVEN) from None
    except FieldError as bad:
        raise BlockError(bad.what, where=where, remedy=NOT_PROVEN) from None
    return BlockAt(height, header, txids, {})


def _hash(text: object, where: str) -> bytes:
    data = hash_from_hex(text)
    if data is None:
        raise BlockError("what should be a hash is none", where=where, remedy=NOT_PROVEN)
    return data
