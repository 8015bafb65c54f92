"""The one pass over undo data: every length is checked against the end before it is used.

A failure is written to ``fail`` as (code, byte, number) and turns the position into -1. The
checks and their order are those of :mod:`chainwatch.bitcoin.undo`.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint64

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.jit import bare
from chainwatch.kernels.parse_loops import eight_at, fails, four_at, two_at
from chainwatch.kernels.script_loops import lock_at, script_kind

_SMALLEST_COIN = 3
_LAST_BUT_ONE = (1 << 57) - 2  # above it, seven more bits no longer fit into 64
_SPECIAL, _P2PKH, _P2SH, _ODD_KEY = 6, 0, 1, 3
_P2PKH_KIND, _P2SH_KIND = 1, 2


@bare
def varint_at(data: Any, p: int, end: int, fail: Any) -> tuple[Any, int]:
    """Read a number of 7 bits a byte, the highest first, each continuation adding one."""
    number = uint64(0)
    while True:
        if p >= end:
            return number, fails(fail, at.UNDO_SHORT, end, 0)
        byte = data[p]
        number = number << uint64(7) | uint64(byte & 0x7F)
        p += 1
        if byte < 0x80:
            return number, p
        if number > uint64(_LAST_BUT_ONE):
            return number, fails(fail, at.UNDO_LONG, p, 0)
        number += uint64(1)


@bare
def entries_at(data: Any, p: int, end: int, smallest: int, fail: Any) -> tuple[Any, Any]:
    """Read a count and refuse one that the bytes left cannot hold."""
    if p >= end:
        return 0, fails(fail, at.UNDO_SHORT, end, 0)
    first = data[p]
    size = 0 if first < 0xFD else 1 << (first - 0xFC)
    p += 1
    if p + size > end:
        return 0, fails(fail, at.UNDO_SHORT, end, 0)
    value = uint64(first)
    if size == 2:
        value = two_at(data, p)
    elif size == 4:
        value = four_at(data, p)
    elif size == 8:
        value = eight_at(data, p)
    p += size
    if value > uint64((end - p) // smallest):
        return 0, fails(fail, at.UNDO_NO_ROOM, p, value)
    return int64(value), p


@bare
def amount_of(packed: Any, supply: Any) -> Any:
    """Return the amount of its compressed form, or -1 where it is above the supply."""
    if packed == uint64(0):
        return int64(0)
    rest = (packed - uint64(1)) // uint64(10)
    zeros = int64((packed - uint64(1)) % uint64(10))
    if zeros < 9:
        rest = rest // uint64(9) * uint64(10) + rest % uint64(9)
    scale = uint64(1)
    for _ in range(zeros):
        scale *= uint64(10)
    if rest + uint64(1) > uint64(supply) // scale:
        return int64(-1)
    return int64((rest + uint64(1)) * scale)


@bare
def coin_at(data: Any, p: int, end: int, rules: Any, coin: Any, fail: Any) -> Any:
    """Read what one input spent; return the place after it."""
    origin, p = varint_at(data, p, end, fail)
    if p >= 0 and origin >> uint64(1):
        _, p = varint_at(data, p, end, fail)
    if p < 0:
        return -1
    packed, p = varint_at(data, p, end, fail)
    if p < 0:
        return -1
    value = amount_of(packed, rules[0])
    if value < 0:
        return fails(fail, at.UNDO_BAD_VALUE, p, 0)
    form, p = varint_at(data, p, end, fail)
    if p < 0:
        return -1
    size = uint64(32)
    if form >= uint64(_SPECIAL):
        size = form - uint64(_SPECIAL)
    elif form <= uint64(_P2SH):
        size = uint64(20)
    if size > uint64(end - p):
        return fails(fail, at.UNDO_CUT, end, 0)
    after: Any = p + int64(size)
    coin[at.COIN_VALUE], coin[at.COIN_SCRIPT], coin[at.COIN_SCRIPT_END] = value, p, after
    if form >= uint64(_SPECIAL):
        lock = lock_at(data, p, after, rules[1])
        coin[at.COIN_SCRIPT] = max(lock, p)
        coin[at.COIN_KIND] = script_kind(data, lock, after, rules[1])
    elif form == uint64(_P2PKH):
        coin[at.COIN_SCRIPT], coin[at.COIN_KIND] = p - 3, _P2PKH_KIND
    elif form == uint64(_P2SH):
        coin[at.COIN_SCRIPT], coin[at.COIN_KIND] = p - 2, _P2SH_KIND
    else:
        coin[at.COIN_KIND] = at.P2PK if form <= uint64(_ODD_KEY) else at.HALF_KEY
    return after


@bare
def record_at(
    data: Any, p: int, end: int, extended: bool, rules: Any, coins: Any, counts: Any, filled: Any,
    fail: Any,
) -> Any:  # fmt: skip
    """Read one record: how many outputs each transaction spent, and each of them.

    What belongs to an extension block follows them, and is not read.
    """
    txs, p = entries_at(data, p, end, 1, fail)
    if p < 0:
        return -1
    for _ in range(txs):
        count, p = entries_at(data, p, end, _SMALLEST_COIN, fail)
        if p < 0:
            return -1
        for _ in range(count):
            p = coin_at(data, p, end, rules, coins[filled[1]], fail)
            if p < 0:
                return -1
            filled[1] += 1
        counts[filled[0]] = count
        filled[0] += 1
    if p != end and not extended:
        return fails(fail, at.UNDO_LEFT_OVER, p, end - p)
    return p


@bare
def fits(
    first: int, txs: int, inputs: Any, paid: Any, counts: Any, coins: Any, begun: Any, filled: Any,
    rules: Any, fail: Any,
) -> bool:  # fmt: skip
    """Say whether a record is of these transactions, and lets each pay what it pays."""
    if filled[0] - begun[0] != txs - 1:
        fails(fail, at.UNDO_OTHER, 0, 0)
        return False
    for k in range(1, txs):
        if counts[begun[0] + k - 1] != inputs[first + k]:
            fails(fail, at.UNDO_OTHER, 0, 0)
            return False
    row = begun[1]
    for k in range(1, txs):
        total = 0
        for _ in range(inputs[first + k]):
            if coins[row, at.COIN_VALUE] > rules[0] - total:
                fails(fail, at.UNDO_TOO_MUCH, 0, first + k)
                return False
            total += coins[row, at.COIN_VALUE]
            row += 1
        if total < paid[first + k]:
            fails(fail, at.UNDO_TOO_LITTLE, 0, first + k)
            return False
    return True


@bare
def scan_undo(
    data: Any, begins: Any, ends: Any, rules: Any, firsts: Any, txs: Any, inputs: Any, paid: Any,
    extended: Any, coins: Any, counts: Any, filled: Any, begun: Any, fail: Any,
) -> Any:  # fmt: skip
    """Read records until one fails; return how many passed, and in ``filled`` their rows."""
    for k in range(begins.size):
        begun[0], begun[1] = filled[0], filled[1]
        p = record_at(
            data, begins[k], ends[k], extended[k] != 0, rules, coins, counts, filled, fail
        )
        if p < 0:
            return k
        if not fits(firsts[k], txs[k], inputs, paid, counts, coins, begun, filled, rules, fail):
            return k
    return begins.size
