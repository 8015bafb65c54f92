"""What a block must fulfil by itself: proof of work, shape, merkle root, witness commitment."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from chainwatch.addresses.unlocking import Unlock
from chainwatch.bitcoin.hashes import double_sha256
from chainwatch.bitcoin.header import HEADER_SIZE, Header
from chainwatch.chains.base import Consensus

_NO_TXID = bytes(32)
_NO_OUTPUT = 0xFFFFFFFF
_COMMITMENT = bytes.fromhex("6a24aa21a9ed")  # BIP141: OP_RETURN, 36 bytes, header
_COMMITMENT_SIZE = 38

MARKS = 3
"""Bytes by which a transaction is larger that ends in an extension block: two before its inputs,
one before its lock time (see :mod:`chainwatch.bitcoin.extension`)."""


class Tx(NamedTuple):
    """One transaction: inputs are (previous txid, n, sequence), outputs (value, script).

    Attributes
    ----------
    wtxid : bytes or None
        None without witnesses.
    size, stripped : int
        Bytes as it was read, and without witnesses and marks.
    unlocks : tuple of Unlock
        What unlocks each input.
    extended : bool
        It bears the marks of the one that ends in an extension block.
    """

    txid: bytes
    wtxid: bytes | None
    version: int
    locktime: int
    inputs: list[tuple[bytes, int, int]]
    outputs: list[tuple[int, bytes]]
    size: int
    stripped: int
    unlocks: tuple[Unlock, ...]
    extended: bool = False

    @property
    def weight(self) -> int:
        """Weight units (BIP 141); marks of an extension block weigh nothing."""
        return 3 * self.stripped + self.size - (MARKS if self.extended else 0)


class FieldError(Exception):
    """What is wrong, and at which byte of the block; becomes a ``BlockError`` with the file."""

    def __init__(self, what: str, position: int) -> None:
        self.what, self.position = what, position


def target_of(bits: int) -> int:
    """Return the proof-of-work target of its compact form; 0 where it is malformed."""
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    if bits & 0x800000 or size > 34:
        return 0
    return mantissa >> 8 * (3 - size) if size <= 3 else mantissa << 8 * (size - 3)


def work_of(bits: int) -> int:
    """Return the expected number of hashes behind a block."""
    return 2**256 // (target_of(bits) + 1)


def check_work(header: Header, rules: Consensus, *, bits: int | None = None) -> None:
    """Refuse a target above the chain's limit and a header above its target.

    ``bits`` is the target of the block that the header proves, where that is another's.
    """
    bits = header.bits if bits is None else bits
    target = target_of(bits)
    if not 0 < target <= rules.easiest:
        raise FieldError(f"the difficulty {bits:08x} is not one of this chain", 72)
    proof = _scrypt(bytes(header)) if rules.scrypt else header.hash
    if int.from_bytes(proof, "little") > target:
        raise FieldError("the block lacks the proof of work that it claims", 0)


@lru_cache(maxsize=64)
def _scrypt(header: bytes) -> bytes:
    return hashlib.scrypt(header, salt=header, n=1024, r=1, p=1, dklen=32)


def check_shape(txs: list[Tx]) -> None:
    """Refuse a block without one coinbase, at its first place, of a legal length."""
    for k, tx in enumerate(txs):
        origin = [(txid, n) == (_NO_TXID, _NO_OUTPUT) for txid, n, _ in tx.inputs]
        if (k == 0) != any(origin) or (k == 0 and len(origin) != 1):
            raise FieldError(f"transaction {k} is a coinbase out of place", HEADER_SIZE)
    if not txs or not 2 <= len(txs[0].unlocks[0].script) <= 100:
        raise FieldError("the block has no coinbase of a legal form", HEADER_SIZE)


def merkle_root(leaves: list[bytes]) -> bytes:
    """Return the root over ids; refuse leaves repeated so as to keep it (CVE-2012-2459)."""
    while len(leaves) > 1:
        if any(a == b for a, b in zip(leaves[::2], leaves[1::2], strict=False)):
            raise FieldError("transactions are repeated so as to keep the merkle root", HEADER_SIZE)
        if len(leaves) % 2:
            leaves = [*leaves, leaves[-1]]
        leaves = [double_sha256(leaves[k] + leaves[k + 1]) for k in range(0, len(leaves), 2)]
    return leaves[0]


def check_commitment(txs: list[Tx]) -> bool:
    """Check the witnesses against the coinbase; true where a commitment could not be checked."""
    made = [
        script[6:_COMMITMENT_SIZE]
        for _, script in txs[0].outputs
        if script.startswith(_COMMITMENT) and len(script) >= _COMMITMENT_SIZE
    ]
    witnessed = any(tx.wtxid for tx in txs)
    if not witnessed:
        return bool(made)
    nonce = txs[0].unlocks[0].witness
    if not made or len(nonce) != 1 or len(nonce[0]) != 32:
        raise FieldError("the coinbase does not commit to the witnesses", HEADER_SIZE)
    root = merkle_root([_NO_TXID, *(tx.wtxid or tx.txid for tx in txs[1:])])
    if double_sha256(root + nonce[0]) != made[-1]:
        raise FieldError("the witnesses do not hash to the commitment of the coinbase", HEADER_SIZE)
    return False


def claimed_height_of(script: bytes) -> int | None:
    """Return the number that a script begins with, if it is written as BIP34 asks."""
    first = script[0]
    if 0x51 <= first <= 0x60:
        return first - 0x50
    number = script[1 : 1 + first]
    if not 1 <= first <= 5 or len(number) != first or number[-1] & 0x80:
        return None
    minimal = number[-1] != 0 or (first > 1 and number[-2] & 0x80 != 0)
    return int.from_bytes(number, "little") if minimal else None
