"""The walk over coins, forward, over the columns of an index: transaction by transaction.

It does what :class:`chainwatch.tracing.walks.utxo.CoinWalk` does, step for step, on numbers; that
module is the reference, and tests compare the two. Nothing here makes an array: where room is
lacking the walk stops before a transaction, says how much it needs, and can be taken up again.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels.following.dividing import (
    BLEND,
    CLEAN,
    SUBJECT,
)
from chainwatch.kernels.following.flow import flowing
from chainwatch.kernels.following.rows import (
    AGAIN,
    BURNT,
    CARRIED,
    CHOSEN,
    DONE,
    ENDS,
    HEAP,
    LAST,
    LOST,
    LOTS,
    MADE,
    MIXED,
    MORE_ROOM,
    NONE,
    ORIGINS,
    OUT_OF_ORDER,
    OUTSIDE,
    OVERLAPS,
    PAUSED,
    POOLED,
    RECEIVED,
    STAYED,
    STEPS,
    TOO_FAR,
    TOO_LITTLE,
    UNSPENT,
    VISITED,
    ended,
    hop_of,
    inside,
    started,
    stepped,
    stopped,
    summed,
)
from chainwatch.kernels.following.tables import asked_of, owner_of, popped, pushed, slot_of
from chainwatch.kernels.jit import bare


@bare
def walk(made: Any, asked: Any, state: Any, queue: Any, parts: Any, most: Any) -> Any:
    """Visit what is due in chain order, at most so many; return how it stopped."""
    at, heap = state.at, state.heap
    while at[HEAP] > 0:
        tx = heap[0]
        if tx == at[LAST]:  # several coins led to it
            popped(heap, at)
            continue
        if tx < at[LAST]:
            return OUT_OF_ORDER
        if at[VISITED] >= most:
            return PAUSED
        lots = entering(made, asked, state, tx)
        if lots < 0:
            return MORE_ROOM
        if not roomy(made, asked, state, queue, parts, tx, lots):
            return MORE_ROOM
        popped(heap, at)
        at[LAST] = tx
        state.visited[at[VISITED]] = -1 - tx  # until something traced enters
        at[VISITED] += 1
        how = visited(made, asked, state, queue, parts, tx)
        if how != DONE:
            return how
    return DONE


@bare
def entering(made: Any, asked: Any, state: Any, tx: Any) -> Any:
    """Find which inputs bring traced lots, and return how many lots; -1 where room is lacking.

    ``slot`` of an input is where its lots are, -1 where it has none, -2 where its coin opens.
    """
    a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
    if b - a > len(state.slot):
        state.need[0] = b - a
        return int64(-1)
    lots = int64(0)
    for row in range(a, b):
        state.slot[row - a] = -1
        if made.in_prev_out[row] != NONE:
            slot = slot_of(state.keys, int64(made.in_prev_out[row]))
            if slot >= 0 and state.begin[slot] >= 0:
                state.slot[row - a] = slot
                lots += state.end[slot] - state.begin[slot]
                continue
        if made.in_val[row] > 0 and made.in_addr[row] != NONE:
            me = asked_of(asked.subject_keys, asked.subject_values, int64(made.in_addr[row]))
            if me >= 0 and not inside(made, asked, int64(made.in_prev_tx[row])):
                state.slot[row - a] = -2
                lots += 1
    return lots


@bare
def roomy(made: Any, asked: Any, state: Any, queue: Any, parts: Any, tx: Any, lots: Any) -> Any:
    """Tell whether there is room for all that one transaction can leave; note what is needed."""
    ins = made.in_ptr[tx + 1] - made.in_ptr[tx]
    outs = made.out_ptr[tx + 1] - made.out_ptr[tx]
    queued = lots + ins + 1
    cut = 2 * queued + 3 * outs + 6
    if asked.how == BLEND:
        cut = (queued + 2) * (outs + 3)
    at, need, room = state.at, state.need, state.room
    need[0] = ins
    need[1] = queued
    need[2] = cut + queued
    need[3] = outs + 3
    need[4] = at[HEAP] + outs
    need[5] = at[LOTS] + cut
    need[6] = 2 * (at[CARRIED] + outs)
    need[7] = at[STEPS] + cut
    need[8] = at[ORIGINS] + ins + outs
    need[9] = at[ENDS] + 2 * cut + 2 * queued
    need[10] = at[OVERLAPS] + cut
    need[11] = at[MIXED] + queued
    need[12] = at[VISITED] + 1
    lacking = False
    for k in range(len(need)):
        lacking |= need[k] > room[k]
    return not lacking


@bare
def visited(made: Any, asked: Any, state: Any, queue: Any, parts: Any, tx: Any) -> Any:
    """Visit one transaction: divide what enters it, and settle what leaves it."""
    state.at[LOST] = 0
    a, c = made.in_ptr[tx], made.out_ptr[tx]
    outs = made.out_ptr[tx + 1] - c
    flow, traced = flowing(made, asked, state, queue, parts, tx)
    if flow != DONE:
        return flow
    for n in range(outs):
        row = c + n
        if not traced:
            at = 0
            if made.out_val[row] > 0:
                parts.amount[0], parts.mark[0] = made.out_val[row], CLEAN
                at = 1
            parts.begin[n], parts.end[n] = 0, at
        begin, end = parts.begin[n], parts.end[n]
        if traced:
            count = summed(parts, begin, end, state)
            for k in range(count):
                stepped(state, tx, row, a, k)
        me, listed = whose(made, asked, row)
        if me >= 0:
            end = received(state, parts, row, tx, me, listed, begin, end)
        how = settled(made, asked, state, parts, tx, row, begin, end)
        if how != DONE:
            return how
    return DONE


@bare
def whose(made: Any, asked: Any, row: Any) -> Any:
    """Return whose coin it is, or -1, and whether it is so by its address."""
    if made.out_addr[row] != NONE:
        me = asked_of(asked.subject_keys, asked.subject_values, int64(made.out_addr[row]))
        if me >= 0:
            return me, True
    return asked_of(asked.chosen_keys, asked.chosen_values, row), False


@bare
def received(
    state: Any, parts: Any, row: Any, tx: Any, me: Any, listed: Any, begin: Any, end: Any
) -> Any:
    """Make a subject's own what it receives clean; list what was traced from another before.

    Return where its lots end now.
    """
    count = summed(parts, begin, end, state)
    k = 0
    while k < count:
        other, amount = state.sum_mark[k] >> SUBJECT, int64(0)
        while k < count and state.sum_mark[k] >> SUBJECT == other:
            amount += state.sum_amount[k]
            k += 1
        if other != me:
            note, k_at = state.overlaps, state.at[OVERLAPS]
            note[k_at, 0], note[k_at, 1] = tx, row
            note[k_at, 2], note[k_at, 3], note[k_at, 4] = me, other, amount
            state.at[OVERLAPS] += 1
    clean, own, at = int64(0), me << SUBJECT, begin
    for k in range(begin, end):
        mark, amount = parts.mark[k], parts.amount[k]
        if mark == CLEAN:
            clean += amount
        if mark == CLEAN or mark >> SUBJECT == me:
            mark = own
        if amount == 0:
            continue
        if at > begin and parts.mark[at - 1] == mark:
            parts.amount[at - 1] += amount
        else:
            parts.amount[at], parts.mark[at] = amount, mark
            at += 1
    if clean > 0:
        kind = RECEIVED if listed else CHOSEN
        for k in range(state.at[LOST]):
            if state.lost[k] == me:
                kind = AGAIN
        started(state, kind, MADE, row, tx, me, clean)
    return at


@bare
def settled(
    made: Any, asked: Any, state: Any, parts: Any, tx: Any, row: Any, begin: Any, end: Any
) -> Any:
    """Carry the traced part of a coin on to where it is spent, or end it here."""
    traced, hops = int64(0), int64(-1)
    for k in range(begin, end):
        if parts.mark[k] != CLEAN:
            traced += parts.amount[k]
            hops = max(hops, hop_of(parts.mark[k]))
    if hops < 0:
        return DONE
    why, more = ending(made, asked, tx, row, traced, hops)
    by = made.out_spender[row]
    if why == STAYED:
        if by == NONE:
            why = UNSPENT
        else:
            if by < made.in_ptr[tx + 1]:
                return OUT_OF_ORDER
            onward = owner_of(made.in_ptr, int64(by), tx + 1)
            if inside(made, asked, onward):
                carry(state, parts, row, begin, end)
                pushed(state.heap, state.at, onward)
                return DONE
            why, more = OUTSIDE, onward
    ended(state, parts, begin, end, MADE, row, tx, why, more)
    return DONE


@bare
def ending(
    made: Any, asked: Any, tx: Any, row: Any, traced: Any, hops: Any
) -> Any:  # fmt: skip
    """Return why value ends at a coin whoever spends it, and what more is to be said."""
    if made.out_spendable[row] == 0:
        return int64(BURNT), int64(0)
    if made.out_kind[row] == asked.pools[0] or made.out_kind[row] == asked.pools[1]:
        return int64(POOLED), int64(0)
    address = int64(made.out_addr[row])
    told = stopped(asked, address, made.tx_time[tx])
    if told >= 0:
        return told, int64(0)
    if address == NONE or asked_of(asked.subject_keys, asked.subject_values, address) < 0:
        if hops >= asked.max_hops:
            return int64(TOO_FAR), int64(0)
        if traced < asked.min_amount:
            return int64(TOO_LITTLE), int64(0)
    return int64(STAYED), int64(0)


@bare
def carry(state: Any, parts: Any, row: Any, begin: Any, end: Any) -> None:
    """Keep the lots of a coin until it is spent."""
    at = state.at
    slot = -1 - slot_of(state.keys, row)
    state.keys[slot], state.begin[slot] = row, at[LOTS]
    for k in range(begin, end):
        state.lot_amount[at[LOTS]], state.lot_mark[at[LOTS]] = parts.amount[k], parts.mark[k]
        at[LOTS] += 1
    state.end[slot] = at[LOTS]
    at[CARRIED] += 1
