"""The header of a block: 80 bytes that name its parent and commit to its transactions, in fields.

Everything that reads, makes or hashes a header does it here; what a header must fulfil stands in
:mod:`chainwatch.bitcoin.consensus`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from chainwatch.bitcoin.hashes import HASH_SIZE, double_sha256

HEADER_SIZE = 80
"""Bytes."""

NO_PARENT = b""
"""Stands for a parent that whoever hands over a block does not name."""

_FORM = struct.Struct("<i32s32sIII")
_PARENT = 4


@dataclass(frozen=True, slots=True)
class Header:
    """A header in fields.

    Attributes
    ----------
    hash, parent, merkle_root : bytes
        Wire order; a parent may be ``NO_PARENT`` where a source does not name it.
    version : int
        Signed.
    time : int
        Seconds since 1970, as the miner states them.
    bits : int
        Compact difficulty target.
    nonce : int
        What the miner varied.
    """

    hash: bytes
    version: int
    parent: bytes
    merkle_root: bytes
    time: int
    bits: int
    nonce: int

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Return the header that a block begins with.

        Raises
        ------
        struct.error
            If there are fewer than 80 bytes.
        """
        return cls(double_sha256(data[:HEADER_SIZE]), *_FORM.unpack_from(data))

    @classmethod
    def of(
        cls, version: int, parent: bytes, merkle_root: bytes, time: int, bits: int, nonce: int
    ) -> Header:
        """Return the header of these fields, with its hash.

        Raises
        ------
        struct.error
            If a number is out of range, or a hash has not 32 bytes.
        """
        return cls.parse(_packed(version, parent, merkle_root, time, bits, nonce))

    def beside_parent(self) -> bytes:
        """Return the 48 bytes of the other fields: with its parent they hash to the block.

        :func:`chainwatch.ledger.whole_blocks.proven_parent` finds it by them.
        """
        fields = bytes(replace(self, parent=bytes(HASH_SIZE)))
        return fields[:_PARENT] + fields[_PARENT + HASH_SIZE :]

    def __bytes__(self) -> bytes:
        """Return the 80 bytes."""
        return _packed(
            self.version, self.parent, self.merkle_root, self.time, self.bits, self.nonce
        )


def _packed(
    version: int, parent: bytes, merkle_root: bytes, time: int, bits: int, nonce: int
) -> bytes:
    if len(parent) != HASH_SIZE or len(merkle_root) != HASH_SIZE:
        raise struct.error("a hash of another length")  # which would be padded or cut unasked
    return _FORM.pack(version, parent, merkle_root, time, bits, nonce)
