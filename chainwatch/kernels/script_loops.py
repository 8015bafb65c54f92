"""The kind of an output script by its form, as ``addresses.scripts.classify`` tells it.

Forms are bits, as in :class:`chainwatch.chains.base.Forms`.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.jit import bare

_P2PKH, _P2SH, _P2WPKH, _P2WSH, _P2TR, _WITNESS_UNKNOWN, _P2SH32 = range(1, 8)
_TOKEN, _CATEGORY = 0xEF, 32
_RESERVED, _COMMITMENT, _NFT, _AMOUNT = 0x80, 0x40, 0x20, 0x10


@bare
def compact_at(data: Any, p: int, end: int) -> tuple[Any, Any]:
    """Read a number in its shortest form and the place after it; -1 where none stands there."""
    if p >= end:
        return -1, p
    first = int64(data[p])
    if first < 0xFD:
        return first, p + 1
    size = 1 << (first - 0xFC)
    if p + 1 + size > end:
        return -1, p
    # Seven bytes are more than any script is long, and the eighth may only be the sign.
    value = int64(0)
    for k in range(size):
        value |= int64(data[p + 1 + k]) << (8 * k)
    least = int64(0xFD) if size == 2 else int64(1) << (4 * size)
    if value < least:
        return -1, p
    return value, p + 1 + size


@bare
def lock_at(data: Any, p: int, end: int, forms: int) -> int:
    """Return where what locks an output begins behind tokens; -1 where they are not well formed."""
    if forms & at.TOKENS == 0 or p >= end or data[p] != _TOKEN:
        return p
    p += 1 + _CATEGORY
    if p >= end:
        return -1
    what, capability = data[p] & 0xF0, data[p] & 0x0F
    p += 1
    if what & _RESERVED or not what & (_NFT | _AMOUNT) or capability > 2:
        return -1
    if not what & _NFT and (capability or what & _COMMITMENT):
        return -1
    if what & _COMMITMENT:
        size, p = compact_at(data, p, end)
        if size < 1 or size > end - p:
            return -1
        p += size
    if what & _AMOUNT:
        amount, p = compact_at(data, p, end)
        if amount < 1:
            return -1
    return p


@bare
def script_kind(data: Any, p: int, end: int, forms: int) -> int:
    """Return the kind of the script between two places; -1 is none."""
    size = end - p
    if size == 0 or p < 0:
        return at.NONSTANDARD
    first = data[p]
    if (
        size == 25
        and first == 0x76
        and data[p + 1] == 0xA9
        and data[p + 2] == 0x14
        and data[p + 23] == 0x88
        and data[p + 24] == 0xAC
    ):
        return _P2PKH
    if size == 23 and first == 0xA9 and data[p + 1] == 0x14 and data[p + 22] == 0x87:
        return _P2SH
    if 4 <= size <= 42 and data[p + 1] == size - 2 and (first == 0 or 0x51 <= first <= 0x60):
        return program_kind(data, p, size, forms)
    if first == 0x6A:
        return at.NULL_DATA
    if (
        forms & at.TOKENS
        and size == 35
        and first == 0xAA
        and data[p + 1] == 0x20
        and data[p + 34] == 0x87
    ):
        return _P2SH32
    if size > 10_000:
        return at.OVERSIZED
    last = data[end - 1]
    if (size in (35, 67) and last == 0xAC) or (size >= 37 and last == 0xAE):
        return at.WITH_KEYS
    return at.NONSTANDARD


@bare
def program_kind(data: Any, p: int, size: int, forms: int) -> int:
    """Return the kind of a script that is a witness program."""
    opcode, size = data[p], size - 2
    if forms & at.WITNESS == 0:
        return at.NONSTANDARD
    if opcode == 0:
        if size == 20:
            return _P2WPKH
        return _P2WSH if size == 32 else at.NONSTANDARD
    if opcode == 0x51 and size == 32:
        return _P2TR
    if opcode == 0x51 and size == 2 and data[p + 2] == 0x4E and data[p + 3] == 0x73:
        return at.P2A
    if forms & at.EXTENSION and size == 32 and 0x58 <= opcode <= 0x59:
        return at.POOL if opcode == 0x58 else at.ENTRY
    return _WITNESS_UNKNOWN


@bare
def copy_runs(data: Any, starts: Any, kind: int, made: Any) -> None:
    """Copy runs of one length out of the data, each behind its kind byte (none where it is 0)."""
    lead = 1 if kind else 0
    size = made.shape[1] - lead
    for row in range(starts.size):
        if kind:
            made[row, 0] = kind
        p = starts[row]
        for k in range(size):
            made[row, lead + k] = data[p + k]
