"""The one pass over block bytes: every length is checked against the end before it is used.

A failure is written to ``fail`` as (code, byte, number) and turns the position into -1. The
checks, their order and the byte they name are those of :mod:`chainwatch.bitcoin.block`;
codes and columns are named in :mod:`chainwatch.kernels.block_columns`.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint64

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.jit import bare
from chainwatch.kernels.script_loops import lock_at, script_kind

# Above this many inputs, those spent twice are found with a hash table.
_FEW = 8

SHORT, LONG_FORM, BAD_FORM = at.SHORT, at.LONG_FORM, at.BAD_FORM


@bare
def two_at(data: Any, p: int) -> Any:
    """Return two bytes as an unsigned number, least significant first."""
    return uint64(data[p]) | uint64(data[p + 1]) << uint64(8)


@bare
def four_at(data: Any, p: int) -> Any:
    """Return four bytes as an unsigned number."""
    return two_at(data, p) | two_at(data, p + 2) << uint64(16)


@bare
def eight_at(data: Any, p: int) -> Any:
    """Return eight bytes as an unsigned number."""
    return four_at(data, p) | four_at(data, p + 4) << uint64(32)


@bare
def fails(fail: Any, code: int, byte: int, number: Any) -> int:
    """Note a failure; the position that stands for it."""
    fail[0], fail[1], fail[2] = code, byte, int64(number)
    return -1


@bare
def number_at(data: Any, p: int, end: int, fail: Any) -> tuple[Any, int]:
    """Read a compact number and the place after it."""
    if p >= end:
        return uint64(0), fails(fail, SHORT, end, 0)
    first = data[p]
    if first < 0xFD:
        return uint64(first), p + 1
    size, least = 2, uint64(0xFD)
    if first == 0xFE:
        size, least = 4, uint64(0x10000)
    elif first == 0xFF:
        size, least = 8, uint64(0x100000000)
    if p + 1 + size > end:
        return uint64(0), fails(fail, SHORT, end, 0)
    value = two_at(data, p + 1)
    if size == 4:
        value = four_at(data, p + 1)
    elif size == 8:
        value = eight_at(data, p + 1)
    if value < least:
        return value, fails(fail, LONG_FORM, p, 0)
    return value, p + 1 + size


@bare
def count_at(data: Any, p: int, end: int, smallest: int, code: int, fail: Any) -> tuple[Any, Any]:
    """Read a count and refuse one that the bytes left cannot hold."""
    value, after = number_at(data, p, end, fail)
    if after < 0:
        return 0, -1
    if value > uint64((end - after) // smallest):
        return 0, fails(fail, code, p, value)
    return int64(value), after


@bare
def bytes_at(data: Any, p: int, end: int, fail: Any) -> tuple[Any, Any]:
    """Return where a run of bytes that states its length begins and ends."""
    if p >= end:
        return 0, fails(fail, SHORT, end, 0)
    if data[p] < 0xFD:
        size, p = int64(data[p]), p + 1
        if p + size > end:
            return 0, fails(fail, at.NO_ROOM_BYTES, p, size)
        return p, p + size
    size, p = count_at(data, p, end, 1, at.NO_ROOM_BYTES, fail)
    return p, p + size if p >= 0 else -1


@bare
def same(data: Any, a: int, b: int) -> bool:
    """Compare two runs of 32 bytes."""
    for k in range(0, 32, 8):  # noqa: SIM110  # compiled code takes no generator
        if eight_at(data, a + k) != eight_at(data, b + k):
            return False
    return True


@bare
def mixed(data: Any, p: int, seed: Any) -> Any:
    """Return a keyed hash of 32 bytes: nobody can aim at a slot."""
    total = uint64(0)
    for k in range(0, 32, 8):
        low = four_at(data, p + k) + seed[k // 4]
        high = four_at(data, p + k + 4) + seed[k // 4 + 1]
        total += low * high
    return total


@bare
def repeated(data: Any, ins: Any, first: int, last: int, seed: Any, table: Any) -> bool:
    """Say whether two of the inputs spend one output; full keys are compared."""
    count = last - first
    if count <= _FEW:
        for j in range(first + 1, last):
            for k in range(first, j):
                alike = ins[j, at.IN_N] == ins[k, at.IN_N]
                if alike and same(data, ins[j, at.IN_AT], ins[k, at.IN_AT]):
                    return True
        return False
    bits = 4
    while (1 << bits) < 2 * count:
        bits += 1
    for slot in range(1 << bits):
        table[slot] = 0
    for j in range(first, last):
        p = ins[j, at.IN_AT]
        hashed = mixed(data, p, seed) + uint64(ins[j, at.IN_N]) * seed[8]
        slot = int64(hashed >> uint64(64 - bits))
        while table[slot] != 0:
            other = table[slot] - 1
            if ins[other, at.IN_N] == ins[j, at.IN_N] and same(data, ins[other, at.IN_AT], p):
                return True
            slot = (slot + 1) & ((1 << bits) - 1)
        table[slot] = j + 1
    return False


@bare
def origin(data: Any, p: int) -> bool:
    """Say whether an outpoint is the one that stands for new coins."""
    for k in range(0, 32, 8):
        if eight_at(data, p + k) != uint64(0):
            return False
    return bool(four_at(data, p + 32) == uint64(0xFFFFFFFF))


@bare
def inputs_at(
    data: Any, p: int, end: int, tx: int, ins: Any, filled: Any, block: Any, seed: Any,
    table: Any, fail: Any,
) -> tuple[Any, bool]:  # fmt: skip
    """Read the inputs; return the place after them and whether one makes new coins."""
    count, p = count_at(data, p, end, at.SMALLEST_INPUT, at.NO_ROOM_INPUTS, fail)
    if p < 0:
        return -1, False
    first, new = filled[1], False
    for k in range(count):
        if p + 36 > end:
            return fails(fail, SHORT, end, 0), False
        row, place = filled[1], p
        script, p = bytes_at(data, p + 36, end, fail)
        if p < 0:
            return -1, False
        if p + 4 > end:
            return fails(fail, SHORT, end, 0), False
        ins[row, at.IN_TX], ins[row, at.IN_AT] = tx, place
        ins[row, at.IN_N] = int64(four_at(data, place + 32))
        ins[row, at.IN_SEQUENCE] = int64(four_at(data, p))
        ins[row, at.IN_SCRIPT], ins[row, at.IN_SCRIPT_END] = script, p
        ins[row, at.IN_WITNESS] = -1
        new |= origin(data, place)
        if k == 0 and tx == block[at.BLOCK_TX]:
            block[at.BLOCK_SCRIPT], block[at.BLOCK_SCRIPT_END] = script, p
        p += 4
        filled[1] = row + 1
    if count == 0 or repeated(data, ins, first, filled[1], seed, table):
        return fails(fail, at.BAD_INPUTS, p, 0), False
    return p, new


@bare
def outputs_at(
    data: Any, p: int, end: int, tx: int, outs: Any, filled: Any, rules: Any, fail: Any
) -> tuple[Any, Any]:
    """Read the outputs; return the place after them and their sum."""
    count, p = count_at(data, p, end, at.SMALLEST_OUTPUT, at.NO_ROOM_OUTPUTS, fail)
    if p < 0:
        return -1, 0
    supply, total, over = rules[0], 0, count == 0
    for _ in range(count):
        if p + 8 > end:
            return fails(fail, SHORT, end, 0), 0
        value = int64(eight_at(data, p))
        if value < 0 or value > supply:
            return fails(fail, at.BAD_VALUE, p, value), 0
        over |= value > supply - total
        total += 0 if over else value
        script, p = bytes_at(data, p + 8, end, fail)
        if p < 0:
            return -1, 0
        row = filled[2]
        outs[row, at.OUT_TX], outs[row, at.OUT_VALUE] = tx, value
        lock = lock_at(data, script, p, rules[1])
        outs[row, at.OUT_SCRIPT], outs[row, at.OUT_SCRIPT_END] = script, p
        outs[row, at.OUT_LOCK] = max(lock, script)
        outs[row, at.OUT_KIND] = script_kind(data, lock, p, rules[1])
        filled[2] = row + 1
    if over:
        return fails(fail, at.BAD_OUTPUTS, p, 0), 0
    return p, total


@bare
def witnesses_at(
    data: Any, p: int, end: int, ins: Any, first: int, last: int, coinbase: bool, block: Any,
    fail: Any,
) -> int:  # fmt: skip
    """Note where the witnesses begin, and the 32 bytes that a coinbase puts there."""
    start = p
    for row in range(first, last):
        ins[row, at.IN_WITNESS] = p
        items, p = count_at(data, p, end, 1, at.NO_ROOM_ITEMS, fail)
        if p < 0:
            return -1
        for _ in range(items):
            item, p = bytes_at(data, p, end, fail)
            if p < 0:
                return -1
            if coinbase and row == first and items == 1 and p - item == 32:
                block[at.BLOCK_NONCE] = item
    if p == start + last - first:
        return fails(fail, at.NO_WITNESS, start, 0)
    return p


@bare
def transaction_at(
    data: Any, p: int, end: int, txs: Any, ins: Any, outs: Any, filled: Any, block: Any,
    rules: Any, seed: Any, table: Any, fail: Any,
) -> tuple[Any, bool]:  # fmt: skip
    """Read one transaction; return the place after it and whether an input makes new coins."""
    start, row, first_in, first_out = p, filled[0], filled[1], filled[2]
    if p + 5 > end:
        return fails(fail, SHORT, end, 0), False
    marked = data[p + 4] == 0
    if marked and p + 6 > end:
        return fails(fail, SHORT, end, 0), False
    witnessed = marked and data[p + 5] == 1
    extended = marked and data[p + 5] == at.EXTENDED_FLAG and rules[1] & at.EXTENSION != 0
    if marked and not witnessed and not extended:
        return fails(fail, BAD_FORM, p + 4, 0), False
    if witnessed and rules[1] & at.WITNESS == 0:
        return fails(fail, at.WITNESSES, p + 4, 0), False
    body = p + 6 if marked else p + 4
    p, new = inputs_at(data, body, end, row, ins, filled, block, seed, table, fail)
    if p < 0:
        return -1, False
    body_end, total = outputs_at(data, p, end, row, outs, filled, rules, fail)
    if body_end < 0:
        return -1, False
    p = body_end
    if witnessed:
        coinbase = row == block[at.BLOCK_TX]
        p = witnesses_at(data, p, end, ins, first_in, filled[1], coinbase, block, fail)
        if p < 0:
            return -1, False
        block[at.BLOCK_WITNESSED] = 1
    if extended:
        if p >= end:
            return fails(fail, SHORT, end, 0), False
        if data[p] != 0:
            return fails(fail, at.WITHIN, p, 0), False
        p += 1
    if p + 4 > end:
        return fails(fail, SHORT, end, 0), False
    txs[row, at.TX_START], txs[row, at.TX_BODY], txs[row, at.TX_BODY_END] = start, body, body_end
    txs[row, at.TX_END], txs[row, at.TX_WITNESSED] = p + 4, witnessed
    txs[row, at.TX_EXTENDED] = extended
    version = int64(four_at(data, start))
    txs[row, at.TX_VERSION] = version - ((version >> 31) << 32)
    txs[row, at.TX_LOCKTIME], txs[row, at.TX_VALUE] = int64(four_at(data, p)), total
    txs[row, at.TX_FIRST_IN], txs[row, at.TX_FIRST_OUT] = first_in, first_out
    filled[0] = row + 1
    return p + 4, new
