"""What flows through one transaction of a compiled walk: what enters, and how it is divided.

In a mix only what is bound to an output by arithmetic goes on; the rest ends there.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels.following.dividing import (
    CLEAN,
    HOP,
    SOURCES,
    SUBJECT,
    divide,
)
from chainwatch.kernels.following.rows import (
    DONE,
    FEE,
    FEE_PAID,
    HELD,
    HOPS,
    LACKING_IN,
    LACKING_OUT,
    MIX,
    MIXED,
    MOST,
    NEGATIVE,
    NONE,
    OPENING,
    OVERDRAWN,
    SPENT,
    TOO_MUCH,
    TOO_WIDE,
    UNREAD_INPUT,
    VISITED,
    ended,
    hop_of,
    lost,
    started,
    stopped,
)
from chainwatch.kernels.following.tables import asked_of
from chainwatch.kernels.jit import bare


@bare
def opened(made: Any, asked: Any, state: Any, tx: Any) -> Any:
    """Take the lots of inputs, and note which coins of subjects nothing before brought.

    Tell whether anything traced enters.
    """
    a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
    found = False
    for row in range(a, b):
        i = row - a
        if state.slot[i] >= 0:
            slot = state.slot[i]
            if state.begin[slot] < 0:  # two inputs say to spend one coin
                state.slot[i] = -1
                continue
            state.in_begin[i], state.in_end[i] = state.begin[slot], state.end[slot]
            state.begin[slot] = -1
            found = True
        elif state.slot[i] == -2:
            prev, address = int64(made.in_prev_tx[row]), int64(made.in_addr[row])
            time = made.tx_time[tx] if prev == NONE else made.tx_time[prev]
            if stopped(asked, address, time) >= 0:  # what a service held is its own
                state.slot[i] = -1
                continue
            me = asked_of(asked.subject_keys, asked.subject_values, address)
            kind = OPENING if prev == NONE else HELD
            started(state, kind, SPENT, row, tx, me, made.in_val[row])
            state.slot[i] = -3 - me
            found = True
    return found


@bare
def unread_part(made: Any, tx: Any) -> Any:
    """Return what of a transaction must be known to divide it and was not read, or 0."""
    ins = made.in_ptr[tx + 1] - made.in_ptr[tx]
    outs = made.out_ptr[tx + 1] - made.out_ptr[tx]
    for row in range(made.in_ptr[tx], made.in_ptr[tx + 1]):
        if made.in_val[row] < 0:
            return int64(UNREAD_INPUT)
    if ins != made.tx_inputs[tx]:
        return int64(LACKING_IN)
    return int64(LACKING_OUT) if outs != made.tx_outputs[tx] else int64(0)


@bare
def taken(made: Any, state: Any, queue: Any, at: Any, i: Any, row: Any) -> Any:
    """Put the traced lots of an input into the queue; return where they end."""
    slot = state.slot[i]
    if slot <= -3:
        queue.amount[at], queue.mark[at] = made.in_val[row], (-3 - slot) << SUBJECT
        return at + 1
    if slot >= 0:
        for k in range(state.in_begin[i], state.in_end[i]):
            queue.amount[at], queue.mark[at] = state.lot_amount[k], state.lot_mark[k]
            at += 1
    return at


@bare
def gathered(made: Any, state: Any, queue: Any, tx: Any) -> Any:
    """Put the lots of all inputs into the queue, in order, one hop further."""
    a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
    at, total = 0, int64(0)
    if b - a > SOURCES:
        return int64(TOO_WIDE), int64(0)
    for row in range(a, b):
        i, before = row - a, at
        at = taken(made, state, queue, at, i, row)
        if at == before:
            queue.amount[at], queue.mark[at] = made.in_val[row], CLEAN
            at += 1
        for k in range(before, at):
            if queue.amount[k] > MOST - total:
                return int64(TOO_MUCH), int64(0)
            total += queue.amount[k]
            if queue.mark[k] != CLEAN:
                hop = hop_of(queue.mark[k]) + 1
                if hop > HOPS:
                    return int64(TOO_WIDE), int64(0)
                queue.mark[k] = (queue.mark[k] >> SUBJECT << SUBJECT) | hop << HOP | i
    return int64(DONE), int64(at)


@bare
def bound_in_mix(
    made: Any, asked: Any, state: Any, queue: Any, parts: Any, tx: Any, outs: Any
) -> None:
    """Divide in a mix only what is bound to an output by arithmetic, and end the rest there.

    Each subject's is what it alone must have sent: the others' is to it as if it were clean.
    """
    fee = int64(0)
    for k in range(parts.begin[outs], parts.end[outs]):
        fee += parts.amount[k]
    parts.paid[outs] = fee
    for n in range(outs + 1):
        parts.whole[n] = parts.paid[n]
    _, lots = gathered(made, state, queue, tx)
    total, together = int64(0), int64(0)
    for k in range(lots):
        total += queue.amount[k]
        if queue.mark[k] != CLEAN:
            together += queue.amount[k]
    kept, subject = 0, int64(-1)
    while True:
        _, lots = gathered(made, state, queue, tx)
        subject = after(queue, lots, subject)
        if subject < 0:
            break
        lots, marked = only(queue, lots, subject)
        for n in range(outs + 1):
            parts.paid[n] = max(int64(0), parts.whole[n] - (total - marked))
        divide(asked.how, asked.order, queue, lots, parts.paid, outs + 1, parts)
        mixed, at = state.mixed, state.at[MIXED]
        mixed[at, 0], mixed[at, 1], mixed[at, 2], mixed[at, 3] = tx, marked, fee, together
        rest = outs + 1
        lost_in_mix(state, parts, tx, made.in_ptr[tx], parts.begin[rest], parts.end[rest])
        state.at[MIXED] += 1
        kept = set_aside(parts, outs, kept)
    filled_up(parts, outs, kept)


@bare
def after(queue: Any, lots: Any, subject: Any) -> Any:
    """Return the subject with a lot in the queue that comes after one, or -1."""
    found = int64(-1)
    for k in range(lots):
        one = queue.mark[k] >> SUBJECT
        if queue.mark[k] != CLEAN and one > subject and (found < 0 or one < found):
            found = one
    return found


@bare
def only(queue: Any, lots: Any, subject: Any) -> Any:
    """Leave in the queue what is one subject's; return how many lots, and how much."""
    kept, amount = 0, int64(0)
    for k in range(lots):
        if queue.mark[k] != CLEAN and queue.mark[k] >> SUBJECT == subject:
            amount += queue.amount[k]
            queue.amount[kept], queue.mark[kept] = queue.amount[k], queue.mark[k]
            kept += 1
    return kept, amount


@bare
def set_aside(parts: Any, outs: Any, kept: Any) -> Any:
    """Keep what one subject's division gave to each payment; return how many lots are kept.

    Of two subjects at most one is bound to more than one payment, so that there is room for all.
    """
    for n in range(outs + 1):
        for k in range(parts.begin[n], parts.end[n]):
            parts.spare_amount[kept], parts.spare_mark[kept] = parts.amount[k], parts.mark[k]
            parts.spare_place[kept] = n
            kept += 1
    return kept


@bare
def lost_in_mix(state: Any, parts: Any, tx: Any, a: Any, begin: Any, end: Any) -> None:
    """End what is not bound to any output, input by input, in their order."""
    done = int64(-1)
    while True:
        source = int64(SOURCES) + 1
        for k in range(begin, end):
            one = parts.mark[k] & SOURCES
            if parts.mark[k] != CLEAN and done < one < source:
                source = one
        if source > SOURCES:
            return
        done, at = source, end
        for k in range(begin, end):
            if parts.mark[k] != CLEAN and parts.mark[k] & SOURCES == source:
                parts.amount[at], parts.mark[at] = parts.amount[k], parts.mark[k] - (1 << HOP)
                at += 1
        lost(state, parts, end, at, a + source, tx, MIX, -2 - state.at[MIXED])


@bare
def filled_up(parts: Any, outs: Any, kept: Any) -> None:
    """Make up each payment of a mix by what is clean: it comes after what is not."""
    for n in range(outs + 1):
        parts.end[n] = 0
    for k in range(kept):
        parts.end[parts.spare_place[k]] += 1
    at = int64(0)
    for n in range(outs + 1):
        room = parts.end[n] + 1
        parts.begin[n], parts.end[n] = at, at
        at += room
    for k in range(kept):
        n = parts.spare_place[k]
        to = parts.end[n]
        parts.amount[to], parts.mark[to] = parts.spare_amount[k], parts.spare_mark[k]
        parts.whole[n] -= parts.spare_amount[k]
        parts.end[n] += 1
    for n in range(outs + 1):
        if parts.whole[n] > 0:
            to = parts.end[n]
            parts.amount[to], parts.mark[to] = parts.whole[n], CLEAN
            parts.end[n] += 1


@bare
def flowing(
    made: Any, asked: Any, state: Any, queue: Any, parts: Any, tx: Any
) -> Any:  # fmt: skip
    """Divide what enters a transaction; return how that went, and whether anything is traced."""
    a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
    c, d = made.out_ptr[tx], made.out_ptr[tx + 1]
    if not opened(made, asked, state, tx):
        return int64(DONE), False
    state.visited[state.at[VISITED] - 1] = tx
    mix = asked_of(asked.mix_keys, asked.mix_values, tx)
    unread = unread_part(made, tx)
    if unread < 0:
        for row in range(a, b):
            count = taken(made, state, parts, 0, row - a, row)
            if count > 0:
                lost(state, parts, 0, count, row, tx, MIX if mix >= 0 else unread, mix)
        return int64(DONE), False
    how, lots = gathered(made, state, queue, tx)
    if how != DONE:
        return how, True
    for row in range(c, d):
        if made.out_val[row] < 0:
            return int64(NEGATIVE), True
        parts.paid[row - c] = made.out_val[row]
    if not divide(asked.how, asked.order, queue, lots, parts.paid, d - c, parts):
        return int64(OVERDRAWN), True
    if mix >= 0:
        bound_in_mix(made, asked, state, queue, parts, tx, d - c)
    ended(state, parts, parts.begin[d - c], parts.end[d - c], FEE, 0, tx, FEE_PAID, 0)
    return int64(DONE), True
