"""Small things that loops look up and wait in: tables of numbers, owners of rows, what is due.

A table is two or more arrays of one length, a power of two, of which the first holds the keys and
-1 where there is none; it is never more than half full.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels.jit import bare

_MANY = 0x2545F4914F6CDD1D
"""Odd and without a pattern: what a key is multiplied by to be spread."""


@bare
def slot_of(keys: Any, key: Any) -> Any:
    """Return where a key is in a table, or ``-1 - slot`` where it would be put."""
    mask = len(keys) - 1
    slot = (key * _MANY >> 32) & mask
    while keys[slot] != -1:
        if keys[slot] == key:
            return slot
        slot = (slot + 1) & mask
    return -1 - slot


@bare
def tabled(keys: Any, values: Any, given: Any, numbers: Any) -> None:
    """Put keys with their numbers into a table that is empty."""
    for k in range(len(given)):
        slot = slot_of(keys, given[k])
        if slot < 0:
            keys[-1 - slot], values[-1 - slot] = given[k], numbers[k]


@bare
def moved_over(old: Any, old_begin: Any, old_end: Any, keys: Any, begin: Any, end: Any) -> None:
    """Put what lies in a table into a larger one."""
    for k in range(len(old)):
        if old[k] != -1:
            slot = -1 - slot_of(keys, old[k])
            keys[slot], begin[slot], end[slot] = old[k], old_begin[k], old_end[k]


@bare
def asked_of(keys: Any, values: Any, key: Any) -> Any:
    """Return the number of a key, or -1."""
    slot = slot_of(keys, key)
    return values[slot] if slot >= 0 else int64(-1)


@bare
def owner_of(ptr: Any, row: Any, low: Any) -> Any:
    """Return whose row it is, of those from ``low`` on; the nearer, the sooner."""
    step = 1
    last = len(ptr) - 2
    high = low
    while high < last and ptr[high + 1] <= row:
        low = high + 1
        high = min(last, high + step)
        step *= 2
    while low < high:
        middle = (low + high) // 2
        if ptr[middle + 1] <= row:
            low = middle + 1
        else:
            high = middle
    return low


@bare
def pushed(heap: Any, at: Any, tx: Any) -> None:
    """Put a transaction among those that are due."""
    k = at[0]
    at[0] += 1
    while k > 0:
        above = (k - 1) // 2
        if heap[above] <= tx:
            break
        heap[k] = heap[above]
        k = above
    heap[k] = tx


@bare
def popped(heap: Any, at: Any) -> Any:
    """Take the first of the transactions that are due."""
    first = heap[0]
    at[0] -= 1
    count = at[0]
    last = heap[count]
    k = 0
    while 2 * k + 1 < count:
        below = 2 * k + 1
        if below + 1 < count and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= last:
            break
        heap[k] = heap[below]
        k = below
    heap[k] = last
    return first
