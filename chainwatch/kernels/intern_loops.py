"""Keys of any length to dense numbers: one hash table, full keys compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32, uint64

from chainwatch.kernels.jit import bare

_AHEAD = 64
"""Keys whose slots, and the keys held there, are touched before they are looked up: what is asked
of memory then comes at the same time, not one after the other."""


@bare
def word_at(values: Any, p: int, end: int) -> Any:
    """Return the next eight bytes of a key as a number; what is beyond its end counts as zero."""
    word = uint64(0)
    if p + 8 <= end:
        for j in range(8):
            word |= uint64(values[p + j]) << uint64(8 * j)
        return word
    for j in range(end - p):
        word |= uint64(values[p + j]) << uint64(8 * j)
    return word


@bare
def hashed(values: Any, p: int, end: int, seed: Any) -> Any:
    """Return a keyed hash of a key; never 0, which marks an empty slot."""
    total = uint64(end - p) * seed[0]
    k = 1
    while p < end:
        word = word_at(values, p, end)
        low = (word & uint64(0xFFFFFFFF)) + seed[k]
        high = (word >> uint64(32)) + seed[k + 1]
        total += low * high
        p += 8
        k += 2
        if k + 1 >= seed.size:
            total = (total ^ (total >> uint64(29))) * seed[0]
            k = 1
    return (total ^ (total >> uint64(32))) | uint64(1)


@bare
def equal(one: Any, a: int, a_end: int, other: Any, b: int, b_end: int) -> bool:
    """Compare two whole keys."""
    if a_end - a != b_end - b:
        return False
    while a < a_end:
        if word_at(one, a, a_end) != word_at(other, b, b_end):
            return False
        a += 8
        b += 8
    return True


@bare
def slot_of(tag: Any, size: int) -> Any:
    """Return where the search for a tag begins; ``size`` is a power of two."""
    return np.int64((tag * uint64(0x9E3779B97F4A7C15)) >> uint64(32)) & (size - 1)


@bare
def intern_rows(
    values: Any, starts: Any, row: int, seed: Any, tags: Any, held: Any, known_values: Any,
    known_starts: Any, ids: Any, known: int, ahead: Any,
) -> tuple[int, int]:  # fmt: skip
    """Number keys until the table is half full; return the next row and how many are known.

    The bytes of each new key are written behind those that are known.
    """
    rows, size = starts.size - 1, tags.size
    while row < rows and 2 * (known + _AHEAD) <= size:
        last = min(row + _AHEAD, rows)
        for j in range(row, last):
            ahead[j - row] = hashed(values, starts[j], starts[j + 1], seed)
            ahead[_AHEAD] ^= tags[slot_of(ahead[j - row], size)]
        for j in range(row, last):
            slot = slot_of(ahead[j - row], size)
            if tags[slot] == ahead[j - row]:
                p = known_starts[held[slot]]
                if p < known_values.size:  # an empty key at the end begins behind the last byte
                    ahead[_AHEAD] ^= uint64(known_values[p])
        for j in range(row, last):
            tag = ahead[j - row]
            slot = slot_of(tag, size)
            p, end = starts[j], starts[j + 1]
            while True:
                if tags[slot] == uint64(0):
                    tags[slot], held[slot] = tag, uint32(known)
                    ids[j] = known
                    q = known_starts[known]
                    for k in range(end - p):
                        known_values[q + k] = values[p + k]
                    known += 1
                    known_starts[known] = q + end - p
                    break
                if tags[slot] == tag:
                    one = held[slot]
                    q, q_end = known_starts[one], known_starts[one + 1]
                    if equal(known_values, q, q_end, values, p, end):
                        ids[j] = one
                        break
                slot = (slot + 1) & (size - 1)
        row = last
    return row, known


@bare
def move(tags: Any, held: Any, new_tags: Any, new_held: Any) -> None:
    """Put every entry of a table into a larger one."""
    size = new_tags.size
    for old in range(tags.size):
        if tags[old] != uint64(0):
            slot = slot_of(tags[old], size)
            while new_tags[slot] != uint64(0):
                slot = (slot + 1) & (size - 1)
            new_tags[slot], new_held[slot] = tags[old], held[old]
