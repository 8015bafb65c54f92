"""The rows that a compiled walk leaves, what their numbers mean, and where value stops.

Every row is some numbers of 64 bits; who asked for the walk turns them into tables.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels.following.dividing import CLEAN, HOP, SOURCES, SUBJECT
from chainwatch.kernels.following.tables import asked_of
from chainwatch.kernels.jit import bare

DONE, MORE_ROOM, PAUSED, TOO_MUCH, OVERDRAWN, NEGATIVE, OUT_OF_ORDER, TOO_WIDE = range(8)
"""How a walk stops. From ``TOO_MUCH`` on it is nothing that it can do: sums of 2^63 base units and
more, a payment above the balance, amounts below nothing, a spender that stands before what it
spends, more hops or inputs than a mark has room for."""

HEAP, LOTS, CARRIED, STEPS, ORIGINS, ENDS, OVERLAPS, MIXED, LAST, VISITED, LOST = range(11)
"""Counts of what a walk holds, in order, in ``at``."""

COUNTS = 11

MADE, SPENT, FEE = range(3)
"""Where a row has its place: at an output, at what an input spends, at the fee."""

RECEIVED, AGAIN, CHOSEN, HELD, OPENING = range(5)
"""Kinds of origin."""

(FEE_PAID, BURNT, POOLED, TOO_FAR, TOO_LITTLE, UNSPENT, OUTSIDE, UNREAD_INPUT, LACKING_IN,
 LACKING_OUT, MIX, STAYED) = range(-12, 0)  # fmt: skip
"""Why value ends; from 0 on, the number of an end that was given."""

NONE = 0xFFFFFFFF
HOPS = (1 << (SUBJECT - HOP)) - 1
MOST = (1 << 63) - 1


@bare
def hop_of(mark: Any) -> Any:
    """Return how many payments lie between a mark's subject and it."""
    return (mark >> HOP) & HOPS


@bare
def inside(made: Any, asked: Any, tx: Any) -> Any:
    """Tell whether a transaction was read and lies in the span."""
    if tx == NONE:
        return False
    return asked.first <= made.tx_time[tx] < asked.last


@bare
def stopped(asked: Any, address: Any, time: Any) -> Any:
    """Return the number of the end at an address at a time, or -1."""
    if address == NONE:
        return int64(-1)
    one = asked_of(asked.stop_keys, asked.stop_values, address)
    if one < 0:
        return int64(-1)
    for k in range(asked.stop_ptr[one], asked.stop_ptr[one + 1]):
        if asked.stop_first[k] <= time < asked.stop_until[k]:
            return asked.stop_end[k]
    return int64(-1)


@bare
def summed(parts: Any, begin: Any, end: Any, state: Any) -> Any:
    """Sum what is traced of lots by mark, in the order of marks; return how many there are."""
    mark, amount = state.sum_mark, state.sum_amount
    count = 0
    for k in range(begin, end):
        if parts.mark[k] != CLEAN and parts.amount[k] > 0:
            mark[count], amount[count] = parts.mark[k], parts.amount[k]
            count += 1
    half = count // 2
    while half > 0:  # Shell's sort: there are few, or they are nearly in order
        for k in range(half, count):
            one, much, j = mark[k], amount[k], k
            while j >= half and mark[j - half] > one:
                mark[j], amount[j] = mark[j - half], amount[j - half]
                j -= half
            mark[j], amount[j] = one, much
        half //= 2
    kept = 0
    for k in range(count):
        if kept > 0 and mark[kept - 1] == mark[k]:
            amount[kept - 1] += amount[k]
        else:
            mark[kept], amount[kept] = mark[k], amount[k]
            kept += 1
    return kept


@bare
def ended(
    state: Any, parts: Any, begin: Any, end: Any, place: Any, row: Any, tx: Any, why: Any, more: Any
) -> None:
    """Note that the traced part of lots ends, once for each subject."""
    count = summed(parts, begin, end, state)
    k = 0
    while k < count:
        subject = state.sum_mark[k] >> SUBJECT
        amount, hop = int64(0), int64(0)
        while k < count and state.sum_mark[k] >> SUBJECT == subject:
            amount += state.sum_amount[k]
            hop = max(hop, hop_of(state.sum_mark[k]))
            k += 1
        note, at = state.ends, state.at[ENDS]
        note[at, 0], note[at, 1], note[at, 2], note[at, 3] = place, row, tx, subject
        note[at, 4], note[at, 5], note[at, 6], note[at, 7] = amount, hop, why, more
        state.at[ENDS] += 1


@bare
def started(state: Any, kind: Any, place: Any, row: Any, tx: Any, me: Any, amount: Any) -> None:
    """Note that an amount of a subject is followed from here on."""
    note, at = state.origins, state.at[ORIGINS]
    note[at, 0], note[at, 1], note[at, 2] = kind, place, row
    note[at, 3], note[at, 4], note[at, 5] = tx, me, amount
    state.at[ORIGINS] += 1


@bare
def stepped(state: Any, tx: Any, row: Any, first: Any, k: Any) -> None:
    """Note that value moved from a coin that is spent to one that is made."""
    step, at, mark = state.steps, state.at[STEPS], state.sum_mark[k]
    step[at, 0], step[at, 1], step[at, 2] = tx, row, first + (mark & SOURCES)
    step[at, 3], step[at, 4], step[at, 5] = mark >> SUBJECT, state.sum_amount[k], hop_of(mark)
    state.at[STEPS] += 1


@bare
def lost(
    state: Any, parts: Any, begin: Any, end: Any, row: Any, tx: Any, why: Any, more: Any
) -> None:
    """End lots that go into a transaction, at the coin by which they came, and note whose."""
    ended(state, parts, begin, end, SPENT, row, tx, why, more)
    for k in range(begin, end):
        state.lost[state.at[LOST]] = parts.mark[k] >> SUBJECT
        state.at[LOST] += 1
