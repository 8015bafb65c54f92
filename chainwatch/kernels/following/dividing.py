"""How one transaction divides what enters it among what leaves it: the disciplines, compiled.

Each does on arrays what its class of :mod:`chainwatch.tracing.balances` does on lots, unit for
unit; tests hold them together. Amounts are below 2^63, and so must be the sum of what enters.
"""

from __future__ import annotations

from typing import Any

from numba import int64, uint64

from chainwatch.kernels.jit import bare

OLDEST, NEWEST, TRACED_FIRST, CLEAN_FIRST, BLEND, REACH = range(6)
"""Which lots a payment takes."""

AS_THEY_STAND, SMALLEST, LARGEST = range(3)
"""In which order payments are met; the fee is always the last."""

CLEAN = -1
"""The mark of a lot that is not traced."""

HOP, SUBJECT, SOURCES = 20, 42, (1 << 20) - 1
"""A mark is a number: from bit 42 on the subject, from 20 on the hop, below the input it came by.

Marks so sort as those of the walk do.
"""

_LOW, _HALF = 0xFFFFFFFF, 32

_EXACT = 1 << 53
"""Floats hold every whole number below it."""


@bare
def muldiv(a: Any, b: Any, c: Any) -> Any:
    """Return the whole part of a * b / c, exact; all are below 2^63, and a or b is at most c."""
    if a < _EXACT and b < _EXACT and c < _EXACT:
        # No amount is a float: one guesses the quotient, which is below 2^53, and is off by two at
        # most. What is left says by how many; it is small, so right also where products wrap.
        near: Any = int64(float(a) * (float(b) / float(c)))  # type: ignore[call-overload]  # numba's
        left = a * b - near * c
        while left < 0:
            near -= 1
            left += c
        while left >= c:
            near += 1
            left -= c
        return near
    x, y, z = uint64(a), uint64(b), uint64(c)
    low, half = uint64(_LOW), uint64(_HALF)
    x0, x1, y0, y1 = x & low, x >> half, y & low, y >> half
    lowest = x0 * y0
    middle = (lowest >> half) + (x0 * y1 & low) + (x1 * y0 & low)
    rest = (lowest & low) | (middle << half)
    high = x1 * y1 + (x0 * y1 >> half) + (x1 * y0 >> half) + (middle >> half)
    if high == uint64(0):
        return int64(rest // z)
    shift = uint64(0)
    while z >> uint64(63) == uint64(0):
        z <<= uint64(1)
        shift += uint64(1)
    # c is below 2^63, so that shift is at least 1 and no shift below is by 64.
    top = (high << shift) | (rest >> (uint64(64) - shift))
    rest <<= shift
    first, top = digit(top, rest >> half, z)
    second, _ = digit(top, rest & low, z)
    return int64((first << half) + second)


@bare
def digit(top: Any, following: Any, z: Any) -> Any:
    """Return one digit of 32 bits of a quotient, and what is left (Knuth, algorithm D)."""
    low, half, base = uint64(_LOW), uint64(_HALF), uint64(1 << _HALF)
    z1, z0 = z >> half, z & low
    guess, left = top // z1, top % z1
    while guess >= base or guess * z0 > (left << half) + following:
        guess -= uint64(1)
        left += z1
        if left >= base:
            break
    return guess, (top << half) + following - guess * z


@bare
def push(parts: Any, at: Any, begin: Any, amount: Any, mark: Any) -> Any:
    """Add to a part a lot that is not empty; one of the same mark makes the last larger."""
    if amount == 0:
        return at
    if at > begin and parts.mark[at - 1] == mark:
        parts.amount[at - 1] += amount
        return at
    parts.amount[at], parts.mark[at] = amount, mark
    return at + 1


@bare
def met(order: Any, paid: Any, count: Any, turn: Any) -> None:
    """Write the places of payments in the order in which they are met; equals as they stand."""
    for k in range(count):
        turn[k] = k
    if order == AS_THEY_STAND:
        return
    sign = 1 if order == SMALLEST else -1
    half = count // 2
    while half > 0:  # of two that are equal the place decides, so that any way of sorting serves
        for k in range(half, count):
            one, j = turn[k], k
            while j >= half:
                before = turn[j - half]
                more = sign * (paid[before] - paid[one])
                if more < 0 or (more == 0 and before < one):
                    break
                turn[j] = before
                j -= half
            turn[j] = one
        half //= 2


@bare
def divide(how: Any, order: Any, queue: Any, lots: Any, paid: Any, count: Any, parts: Any) -> Any:
    """Divide lots among payments, and write the lots of each, and those that stay, into parts.

    Parameters
    ----------
    how, order : int
        The discipline, and the order of payments.
    queue : named tuple of arrays
        ``amount, mark`` of the lots, the oldest first; ``spare_*`` is room of the same size.
    paid : array
        Payments; the fee is not among them: it is what stays.
    parts : named tuple of arrays
        ``amount, mark`` of lots, and ``begin, end`` of each payment and of the rest among them.

    Returns
    -------
    bool
        False if more is paid than is there.
    """
    held = int64(0)
    for k in range(lots):
        held += queue.amount[k]
    for k in range(count):
        if paid[k] > held:
            return False
        held -= paid[k]
    met(order, paid, count, parts.turn)
    if how == BLEND:
        blended(queue, lots, paid, count, parts)
    elif how == REACH:
        reached(queue, lots, paid, count, parts)
    else:
        queued(how, queue, lots, paid, count, parts)
    return True


@bare
def queued(how: Any, queue: Any, lots: Any, paid: Any, count: Any, parts: Any) -> None:
    """Pay from one end of a queue; of two kinds, one stands before the other."""
    arranged(how, queue, lots)
    at, place = 0, 0
    left = queue.amount[0] if lots else int64(0)
    for k in range(count + 1):
        one = parts.turn[k] if k < count else count
        begin = at
        due = paid[one] if k < count else int64(-1)  # the rest takes all that is left
        while place < lots and due != 0:
            part = left if due < 0 or left < due else due
            at = push(parts, at, begin, part, queue.mark[place])
            left -= part
            if due > 0:
                due -= part
            if left == 0:
                place += 1
                left = queue.amount[place] if place < lots else int64(0)
        parts.begin[one], parts.end[one] = begin, at


@bare
def arranged(how: Any, queue: Any, lots: Any) -> None:
    """Put lots into the order in which they are taken."""
    if how == OLDEST:
        return
    at = 0
    if how == NEWEST:
        for k in range(lots - 1, -1, -1):
            queue.spare_amount[at], queue.spare_mark[at] = queue.amount[k], queue.mark[k]
            at += 1
    else:
        for turn in range(2):
            for k in range(lots):
                traced = queue.mark[k] != CLEAN
                if traced == ((how == TRACED_FIRST) == (turn == 0)):
                    queue.spare_amount[at], queue.spare_mark[at] = queue.amount[k], queue.mark[k]
                    at += 1
    for k in range(lots):
        queue.amount[k], queue.mark[k] = queue.spare_amount[k], queue.spare_mark[k]


@bare
def blended(queue: Any, lots: Any, paid: Any, count: Any, parts: Any) -> None:
    """Pay the same share of everything, rounded down cumulatively."""
    marks, traced, clean = stirred(queue, lots, parts.slot)
    whole = traced + clean
    drawn, given, at = int64(0), int64(0), 0
    for k in range(count):
        one = parts.turn[k]
        begin = at
        if paid[one] > 0:
            drawn += paid[one]
            due = muldiv(drawn, traced, whole) - given
            at, marks = shared(queue, marks, due, traced - given, parts, at)
            given += due
            clean -= paid[one] - due
            at = push(parts, at, begin, paid[one] - due, CLEAN)
        parts.begin[one], parts.end[one] = begin, at
    parts.begin[count] = at
    for k in range(marks):
        at = push(parts, at, parts.begin[count], queue.spare_amount[k], queue.spare_mark[k])
    parts.end[count] = push(parts, at, parts.begin[count], clean, CLEAN)


@bare
def stirred(queue: Any, lots: Any, slot: Any) -> Any:
    """Gather each mark once, in the order in which they came, into the spare room.

    Return how many there are, and how much is traced and clean. ``slot`` is all -1, and is again.
    """
    marks, traced, clean = 0, int64(0), int64(0)
    mask = len(slot) - 1
    for k in range(lots):
        mark, amount = queue.mark[k], queue.amount[k]
        if mark == CLEAN:
            clean += amount
            continue
        if amount == 0:
            continue
        traced += amount
        at = (mark * 0x2545F4914F6CDD1D >> 32) & mask
        while slot[at] >= 0 and queue.spare_mark[slot[at]] != mark:
            at = (at + 1) & mask
        if slot[at] < 0:
            slot[at] = marks
            queue.spare_mark[marks], queue.spare_amount[marks] = mark, int64(0)
            marks += 1
        queue.spare_amount[slot[at]] += amount
    for k in range(lots):
        mark = queue.mark[k]
        if mark == CLEAN or queue.amount[k] == 0:
            continue
        at = (mark * 0x2545F4914F6CDD1D >> 32) & mask
        while slot[at] >= 0:
            slot[at] = -1
            at = (at + 1) & mask
    return marks, traced, clean


@bare
def shared(queue: Any, marks: Any, due: Any, left: Any, parts: Any, at: Any) -> Any:
    """Take an amount from the marks, each in proportion to what is left of it.

    Return where the lots end, and how many marks have something left.
    """
    before, upto, kept = int64(0), int64(0), 0
    for k in range(marks):
        held = queue.spare_amount[k]
        upto += held
        part = muldiv(due, upto, left) - before
        before += part
        if part > 0:
            parts.amount[at], parts.mark[at] = part, queue.spare_mark[k]
            at += 1
        if part < held:
            queue.spare_amount[kept] = held - part
            queue.spare_mark[kept] = queue.spare_mark[k]
            kept += 1
    return at, kept


@bare
def reached(queue: Any, lots: Any, paid: Any, count: Any, parts: Any) -> None:
    """Mark all as reached by the mark with the fewest hops; an emptied balance is clean again."""
    mark, held = int64(CLEAN), int64(0)
    hops = int64(1) << 62
    for k in range(lots):
        held += queue.amount[k]
        hop = (queue.mark[k] >> HOP) & ((1 << (SUBJECT - HOP)) - 1)
        if queue.mark[k] != CLEAN and queue.amount[k] > 0 and hop < hops:
            mark, hops = queue.mark[k], hop
    at = 0
    for k in range(count):
        one = parts.turn[k]
        parts.begin[one] = at
        at = push(parts, at, at, paid[one], mark)
        parts.end[one] = at
        held -= paid[one]
    parts.begin[count] = at
    parts.end[count] = push(parts, at, at, held, mark)
