"""Merged mining: a block whose proof of work is that of a block of another chain.

Between header and transactions such a block carries the coinbase of the other chain's block, the
branch that ties this coinbase to that block's merkle root, the branch that ties our block to the
coinbase, and the other block's header, whose hash is the proof.
"""

from __future__ import annotations

import struct

from chainwatch.bitcoin.consensus import FieldError, Tx, check_work
from chainwatch.bitcoin.hashes import HASH_SIZE, double_sha256
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Consensus

FLAG = 0x100
"""Bit of a block's version that says so; the id of the chain stands in the high 16 bits."""

_MARK = bytes.fromhex("fabe6d6d")
_LONGEST_BRANCH = 30  # hashes; the coinbase commits to at most 2**30 chains
_SIZES = struct.Struct("<II")
_INDEX = struct.Struct("<i")


def is_merged(version: int, rules: Consensus) -> bool:
    """Tell of a block's version whether another chain's block bears its work."""
    return rules.auxpow_chain is not None and bool(version & FLAG)


def check_own_work(header: Header, rules: Consensus) -> None:
    """Refuse a header without its proof of work; what merged mining bears elsewhere is not seen.

    Raises
    ------
    FieldError
        If it lacks the work.
    """
    if not is_merged(header.version, rules):
        check_work(header, rules)


class AuxPow:
    """Reads what stands between header and transactions, and checks it.

    Parameters
    ----------
    data : bytes
        The whole block.
    coinbase : Tx
        The first transaction of the other chain's block.
    position : int
        Byte after it.

    References
    ----------
    Merged mining specification of Namecoin, as Dogecoin follows it.
    """

    def __init__(self, data: bytes, coinbase: Tx, position: int) -> None:
        self.data, self.coinbase = data, coinbase
        position += HASH_SIZE  # the hash of the other block, which nobody checks
        self.branch, position = self._branch(position)
        self.index, position = self._index(position)
        self.chain_branch, position = self._branch(position)
        self.chain_index, position = self._index(position)
        self.end = position + HEADER_SIZE
        if self.end > len(data):
            raise FieldError("the block ends within its proof of merged mining", len(data))
        self.proof = Header.parse(data[position : self.end])

    def check(self, header: Header, rules: Consensus) -> None:
        """Refuse a proof that is not one of the block of this header."""
        if (self.proof.version & 0xFFFFFFFF) >> 16 == rules.auxpow_chain:
            raise FieldError("the block is its own proof of merged mining", HEADER_SIZE)
        if self.index != 0 or self.coinbase.txid == bytes(HASH_SIZE):
            raise FieldError("the proof of merged mining is no coinbase", HEADER_SIZE)
        if _root(self.coinbase.txid, self.branch, 0) != self.proof.merkle_root:
            raise FieldError("the proof of merged mining is of another block", HEADER_SIZE)
        self._check_commitment(_root(header.hash, self.chain_branch, self.chain_index)[::-1], rules)
        check_work(self.proof, rules, bits=header.bits)

    def _check_commitment(self, root: bytes, rules: Consensus) -> None:
        """Refuse a coinbase that does not commit to the block at its place among the chains."""
        script = self.coinbase.unlocks[0].script
        at, mark = script.find(root), script.find(_MARK)
        marked = mark >= 0 and script.find(_MARK, mark + 1) < 0 and at == mark + len(_MARK)
        if at < 0 or not (marked or (mark < 0 and at <= 20)):
            raise FieldError("the other chain's coinbase does not name this block", HEADER_SIZE)
        tail = script[at + HASH_SIZE : at + HASH_SIZE + _SIZES.size]
        if len(tail) < _SIZES.size:
            raise FieldError("the other chain's coinbase is cut off", HEADER_SIZE)
        chains, nonce = _SIZES.unpack(tail)
        height = len(self.chain_branch)
        if chains != 1 << height or self.chain_index != _slot(nonce, rules.auxpow_chain, height):
            raise FieldError("this chain is not at its place in the merged mining", HEADER_SIZE)

    def _branch(self, position: int) -> tuple[list[bytes], int]:
        count = self.data[position]
        if count > _LONGEST_BRANCH:
            raise FieldError(f"a merkle branch of {count} hashes is too long", position)
        end = position + 1 + count * HASH_SIZE
        if end > len(self.data):
            raise FieldError("a merkle branch is cut off", position)
        return [self.data[k : k + HASH_SIZE] for k in range(position + 1, end, HASH_SIZE)], end

    def _index(self, position: int) -> tuple[int, int]:
        return _INDEX.unpack_from(self.data, position)[0], position + _INDEX.size


def _root(leaf: bytes, branch: list[bytes], index: int) -> bytes:
    for other in branch:
        leaf = double_sha256(other + leaf if index & 1 else leaf + other)
        index >>= 1
    return leaf


def _slot(nonce: int, chain: int | None, height: int) -> int:
    """Return the place of a chain among those mined together: fixed, so that none mines twice."""
    number = (nonce * 1_103_515_245 + 12_345) & 0xFFFFFFFF
    number = ((number + (chain or 0)) * 1_103_515_245 + 12_345) & 0xFFFFFFFF
    return number % (1 << height)
