"""Decoded transactions back to the bytes that are hashed, and what a block of them takes up."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from chainwatch.bitcoin.consensus import Tx
from chainwatch.bitcoin.header import HEADER_SIZE

Input = tuple[bytes, int, bytes, int]
"""Previous txid (wire order), place of the output there, script, sequence number."""

_OUTPOINT, _SEQUENCE, _VALUE = struct.Struct("<32sI"), struct.Struct("<I"), struct.Struct("<q")
_ENDS = struct.Struct("<I")  # version and locktime
_WITNESSED = b"\x00\x01"


def compact(number: int) -> bytes:
    """Return a count as it is written, in the fewest bytes.

    Raises
    ------
    struct.error
        If it is negative or needs more than 32 bits.
    """
    if 0 <= number < 0xFD:
        return bytes((number,))
    mark, form = (b"\xfd", "<H") if 0 <= number < 2**16 else (b"\xfe", "<I")
    return mark + struct.pack(form, number)


def sized(data: bytes) -> bytes:
    """Return bytes behind their number."""
    return compact(len(data)) + data


def transaction_bytes(
    version: int, inputs: Sequence[Input], outputs: Sequence[tuple[int, bytes]], locktime: int,
    witnesses: Sequence[Sequence[bytes]] = (),
) -> bytes:  # fmt: skip
    """Return a transaction as it is written: over it without witnesses its txid is taken.

    Parameters
    ----------
    version : int
        Signed or not: its low 32 bits are written.
    inputs, outputs : sequence
        The inputs; value and script of each output.
    locktime : int
        Its lock time.
    witnesses : sequence of sequences, optional
        The items of each input; without them, the form without witnesses.

    Raises
    ------
    struct.error
        If a number is out of range.
    """
    parts = [compact(len(inputs))]
    for txid, n, script, sequence in inputs:
        parts += [_OUTPOINT.pack(txid, n), sized(script), _SEQUENCE.pack(sequence)]
    parts.append(compact(len(outputs)))
    for value, script in outputs:
        parts += [_VALUE.pack(value), sized(script)]
    for items in witnesses:
        parts += [compact(len(items)), *map(sized, items)]
    mark = _WITNESSED if witnesses else b""
    body = b"".join(parts)
    return _ENDS.pack(version & 0xFFFFFFFF) + mark + body + _ENDS.pack(locktime)


def signed_version(version: int) -> int:
    """Return a version as it is read from 32 bits, whichever way a source writes it."""
    return (version + 2**31) % 2**32 - 2**31


def block_size(txs: Sequence[Tx]) -> int:
    """Return the bytes of a block of these transactions, without a proof of merged mining."""
    return HEADER_SIZE + len(compact(len(txs))) + sum(tx.size for tx in txs)
