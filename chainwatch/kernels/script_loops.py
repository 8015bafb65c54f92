"""The kind of an output script by its form, as ``addresses.scripts.classify`` tells it."""

from __future__ import annotations

from typing import Any

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.jit import bare

_P2PKH, _P2SH, _P2WPKH, _P2WSH, _P2TR, _WITNESS_UNKNOWN = range(1, 7)


@bare
def script_kind(data: Any, p: int, end: int, witness: bool) -> int:
    """Return the kind of the script between two places."""
    size = end - p
    if size == 0:
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
        return program_kind(first, size - 2) if witness else at.NONSTANDARD
    if first == 0x6A:
        return at.NULL_DATA
    if size > 10_000:
        return at.OVERSIZED
    last = data[end - 1]
    if (size in (35, 67) and last == 0xAC) or (size >= 37 and last == 0xAE):
        return at.WITH_KEYS
    return at.NONSTANDARD


@bare
def program_kind(opcode: int, size: int) -> int:
    """Return the kind of a witness program of a version, given by its opcode, and a size."""
    if opcode == 0:
        if size == 20:
            return _P2WPKH
        return _P2WSH if size == 32 else at.NONSTANDARD
    return _P2TR if opcode == 0x51 and size == 32 else _WITNESS_UNKNOWN


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
