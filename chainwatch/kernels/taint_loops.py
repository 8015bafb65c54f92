"""Scans of a whole chain from its first traced coin on: what of every output is traced, compiled.

What is held of outputs lies in pages of 512, which are taken where something is traced and nowhere
else: memory grows with what is reached. A scan that lacks room for lots stops before a transaction
and is taken up again.
"""

from __future__ import annotations

from typing import Any

from numba import int64

from chainwatch.kernels.following.dividing import muldiv
from chainwatch.kernels.jit import bare

DONE, MORE_ROOM, TOO_MUCH, OVERDRAWN = range(4)
"""How a scan stops; from ``TOO_MUCH`` on numbers do not fit 64 bits, or contradict each other."""

TX, SEED, OPENED, PAGES, LOTS, VISITED, UNTIL, ORIGIN, FEES, UNREAD = range(10)
"""What a scan counts, in ``at``: where it is, what it holds, the last input that spends what is
traced, and sums in base units."""

ABOVE, LIMB, COUNTS = 3, 62, 13
"""A sum over a chain may exceed 64 bits: its lowest 62 are where it is counted, what is above them
is so many places further on."""

PAGE = 9
"""A page is of 2 to the 9 outputs."""

NONE = 0xFFFFFFFF
_MOST = (1 << 63) - 1
_MASK = (1 << PAGE) - 1
_LOW = (1 << LIMB) - 1


@bare
def count(at: Any, which: Any, amount: Any) -> None:
    """Add an amount, which is not below zero, to a sum."""
    low = at[which] + (amount & _LOW)
    at[which] = low & _LOW
    at[which + ABOVE] += (amount >> LIMB) + (low >> LIMB)


@bare
def brought(in_prev_out: Any, out_spender: Any, page_of: Any, pool: Any, k: Any) -> Any:
    """Return what is held of the output that an input spends, or 0.

    Where two inputs say to spend one output, the first brings it.
    """
    row = int64(in_prev_out[k])
    if row == NONE or page_of[row >> PAGE] < 0:
        return pool[0] * 0
    held = pool[page_of[row >> PAGE] << PAGE | row & _MASK]
    return held if held > 0 and out_spender[row] == k else held * 0


@bare
def taken(page_of: Any, pool: Any, row: Any) -> Any:
    """Return what is held of an output that an input spends, and turn its sign: it is spent now.

    Inputs come in order, so that of two that say to spend one output the first brings it.
    """
    if row == NONE or page_of[row >> PAGE] < 0:
        return pool[0] * 0
    at = page_of[row >> PAGE] << PAGE | row & _MASK
    held = pool[at]
    if held > 0:
        pool[at] = -held
        return held
    return held * 0


@bare
def hold(out_spender: Any, page_of: Any, pool: Any, at: Any, row: Any, value: Any) -> None:
    """Hold something of an output, on its page or a new one."""
    if out_spender[row] != NONE:
        at[UNTIL] = max(at[UNTIL], int64(out_spender[row]))
    if page_of[row >> PAGE] < 0:
        page_of[row >> PAGE] = at[PAGES]
        at[PAGES] += 1
    pool[page_of[row >> PAGE] << PAGE | row & _MASK] = value


@bare
def listed(rows: Any, at: Any, which: Any, row: Any) -> Any:
    """Tell whether a row is where something of a subject begins; rows are asked in order."""
    while at[which] < len(rows) and rows[at[which]] < row:
        at[which] += 1
    return at[which] < len(rows) and rows[at[which]] == row


@bare
def lacking(made: Any, tx: Any) -> Any:
    """Tell whether something of a transaction was not read without which it is not divided."""
    a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
    for k in range(a, b):
        if made.in_val[k] < 0:
            return True
    outs = made.out_ptr[tx + 1] - made.out_ptr[tx]
    return b - a != made.tx_inputs[tx] or outs != made.tx_outputs[tx]


@bare
def entering(made: Any, tx: Any) -> Any:
    """Return the sum of what enters a transaction, or -1 if 64 bits do not hold it."""
    total = int64(0)
    for k in range(made.in_ptr[tx], made.in_ptr[tx + 1]):
        if made.in_val[k] > _MOST - total:
            return int64(-1)
        total += made.in_val[k]
    return total


@bare
def overdrawn(made: Any, tx: Any) -> Any:
    """Tell whether a transaction pays more than it has, whatever the size of both."""
    above, low = int64(0), int64(0)
    for k in range(made.in_ptr[tx], made.in_ptr[tx + 1]):
        low += made.in_val[k] & _LOW
        above += (made.in_val[k] >> LIMB) + (low >> LIMB)
        low &= _LOW
    for row in range(made.out_ptr[tx], made.out_ptr[tx + 1]):
        if made.out_val[row] < 0:
            return True
        low -= made.out_val[row] & _LOW
        above += (low >> LIMB) - (made.out_val[row] >> LIMB)
        low &= _LOW
    return above < 0


@bare
def none_from(rows: Any, at: Any, which: Any, first: Any, last: Any) -> Any:
    """Tell whether nothing begins from one row up to another; rows are asked in order."""
    listed(rows, at, which, first)
    return at[which] == len(rows) or rows[at[which]] >= last


@bare
def quiet(made: Any, asked: Any, at: Any, tx: Any) -> Any:
    """Tell whether nothing of a subject begins in a transaction."""
    return none_from(asked.seeds, at, SEED, made.out_ptr[tx], made.out_ptr[tx + 1]) and none_from(
        asked.opened, at, OPENED, made.in_ptr[tx], made.in_ptr[tx + 1]
    )


@bare
def over(made: Any, asked: Any, at: Any, tx: Any) -> Any:
    """Tell whether nothing traced is spent from a transaction on, and nothing begins there."""
    if made.in_ptr[tx] <= at[UNTIL]:
        return False
    seeds, opened = asked.seeds, asked.opened
    begun = len(seeds) == 0 or seeds[len(seeds) - 1] < made.out_ptr[tx]
    return begun and (len(opened) == 0 or opened[len(opened) - 1] < made.in_ptr[tx])


@bare
def blended(made: Any, asked: Any, page_of: Any, pool: Any, at: Any) -> Any:
    """Trace by the haircut, in whole units, rounded down cumulatively in each transaction."""
    for tx in range(at[TX], len(made.in_ptr) - 1):
        a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
        traced = int64(0)
        for k in range(a, b):
            part = taken(page_of, pool, int64(made.in_prev_out[k]))
            if part > _MOST - traced:
                return TOO_MUCH
            traced += part
        if traced == 0 and quiet(made, asked, at, tx):
            if over(made, asked, at, tx):
                break
            continue
        at[TX] = tx
        if not asked.first <= made.tx_time[tx] < asked.last:
            continue
        for k in range(a, b):
            if listed(asked.opened, at, OPENED, k):
                count(at, ORIGIN, made.in_val[k])
                if made.in_val[k] > _MOST - traced:
                    return TOO_MUCH
                traced += made.in_val[k]
        how = shares(made, asked, page_of, pool, at, tx, traced)
        if how != DONE:
            return how
    return DONE


@bare
def shares(made: Any, asked: Any, page_of: Any, pool: Any, at: Any, tx: Any, traced: Any) -> Any:
    """Divide what is traced of a transaction among its outputs and its fee."""
    whole = int64(0)
    at[VISITED] += 1
    if traced > 0 and lacking(made, tx):
        count(at, UNREAD, traced)
        traced = int64(0)
    if traced > 0:
        whole = entering(made, tx)
        if whole < 0:
            return TOO_MUCH
    drawn, given = int64(0), int64(0)
    for row in range(made.out_ptr[tx], made.out_ptr[tx + 1]):
        value, part = made.out_val[row], int64(0)
        if traced > 0:
            if value < 0 or value > whole - drawn:
                return OVERDRAWN
            drawn += value
            now = drawn if traced == whole else muldiv(drawn, traced, whole)
            part = now - given
            given = now
        if listed(asked.seeds, at, SEED, row):
            count(at, ORIGIN, value - part)
            part = value
        if part > 0:
            hold(made.out_spender, page_of, pool, at, row, part)
    count(at, FEES, traced - given)
    return DONE


@bare
def reached(made: Any, asked: Any, page_of: Any, pool: Any, at: Any) -> Any:
    """Mark every output of a transaction that anything traced enters; sum only what ends unread."""
    for tx in range(at[TX], len(made.in_ptr) - 1):
        a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
        # What comes in is summed in two limbs: it may be of any size, and ends here if not all of
        # the transaction was read.
        low, above = int64(0), int64(0)
        for k in range(a, b):
            part = taken(page_of, pool, int64(made.in_prev_out[k]))
            low += part & _LOW
            above += (part >> LIMB) + (low >> LIMB)
            low &= _LOW
        found: Any = low > 0 or above > 0
        if not found and quiet(made, asked, at, tx):
            if over(made, asked, at, tx):
                break
            continue
        at[TX] = tx
        if not asked.first <= made.tx_time[tx] < asked.last:
            continue
        at[VISITED] += 1
        unread = lacking(made, tx)
        for k in range(a, b):
            if listed(asked.opened, at, OPENED, k):
                found = True
                if unread:
                    count(at, UNREAD, made.in_val[k])
        if unread:
            count(at, UNREAD, low)
            at[UNREAD + ABOVE] += above
        found = found and not unread
        if found and overdrawn(made, tx):
            return OVERDRAWN
        for row in range(made.out_ptr[tx], made.out_ptr[tx + 1]):
            seed = listed(asked.seeds, at, SEED, row)
            if (found or seed) and made.out_val[row] > 0:
                hold(made.out_spender, page_of, pool, at, row, made.out_val[row])
    return DONE


@bare
def screened(
    made: Any, asked: Any, page_of: Any, pool: Any, rounds: Any, at: Any, error: Any
) -> Any:
    """Trace by the haircut in floating point: shares of transactions, not whole units.

    ``rounds`` counts along the longest way how often a share was rounded: the largest is in
    ``error``. What ends in a transaction that was not read whole is rounded to a base unit, once.
    """
    for tx in range(at[TX], len(made.in_ptr) - 1):
        a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
        traced, most = 0.0, int64(0)
        for k in range(a, b):
            row = int64(made.in_prev_out[k])
            part = taken(page_of, pool, row)
            if part > 0.0:
                traced += part
                most = max(most, rounds[page_of[row >> PAGE] << PAGE | row & _MASK])
        if traced == 0.0 and quiet(made, asked, at, tx):
            if over(made, asked, at, tx):
                break
            continue
        at[TX] = tx
        if not asked.first <= made.tx_time[tx] < asked.last:
            continue
        at[VISITED] += 1
        for k in range(a, b):
            if listed(asked.opened, at, OPENED, k):
                traced += made.in_val[k]
        share = 0.0
        if traced > 0.0:
            # Sums of b - a parts on both sides, one division, one product; conversions before.
            most += 2 * (b - a) + 4
            error[0] = max(error[0], most)
            share = share_of(made, at, tx, traced)
            if share > 0.0 and overdrawn(made, tx):
                return OVERDRAWN
        for row in range(made.out_ptr[tx], made.out_ptr[tx + 1]):
            seed = listed(asked.seeds, at, SEED, row)
            part = float(made.out_val[row]) if seed else share * made.out_val[row]
            if part > 0.0:
                hold(made.out_spender, page_of, pool, at, row, part)
                rounds[page_of[row >> PAGE] << PAGE | row & _MASK] = 1 if seed else most
    return DONE


@bare
def share_of(made: Any, at: Any, tx: Any, traced: Any) -> Any:
    """Return the traced share of a transaction; 0 where it was not read whole, and that counts."""
    if lacking(made, tx):
        above = int64(traced / float(1 << LIMB))
        at[UNREAD + ABOVE] += above
        count(at, UNREAD, int64(traced - above * float(1 << LIMB) + 0.5))
        return 0.0
    whole = 0.0
    for k in range(made.in_ptr[tx], made.in_ptr[tx + 1]):
        whole += made.in_val[k]
    return min(1.0, traced / whole)


@bare
def queued(
    made: Any, asked: Any, page_of: Any, pool: Any, lots: Any, line: Any, at: Any, newest: Any
) -> Any:
    """Trace by the order in which coins come in: outputs take from the front, or from the end.

    ``pool`` holds where the lots of an output begin in ``lots``, plus one: first how many, then
    their amounts, below zero where they are clean. ``line`` is room for what enters.
    """
    for tx in range(at[TX], len(made.in_ptr) - 1):
        a, b = made.in_ptr[tx], made.in_ptr[tx + 1]
        lined, found = b - a, False
        for k in range(a, b):
            begin = brought(made.in_prev_out, made.out_spender, page_of, pool, k)
            if begin > 0:
                lined += lots[begin - 1]
                found = True
        if not found and quiet(made, asked, at, tx):
            if over(made, asked, at, tx):
                break
            continue
        at[TX] = tx
        if not asked.first <= made.tx_time[tx] < asked.last:
            continue
        outs = made.out_ptr[tx + 1] - made.out_ptr[tx]
        if at[LOTS] + 2 * outs + lined + 2 > len(lots) or lined > len(line):
            asked.need[0], asked.need[1] = lined, at[LOTS] + 2 * outs + lined + 2
            return MORE_ROOM
        how = lined_up(made, asked, page_of, pool, lots, line, at, tx)
        if how >= 0:
            how = paid_out(made, asked, page_of, pool, lots, line, at, tx, how, newest)
        if how < 0:
            return -how
    return DONE


@bare
def lined_up(
    made: Any, asked: Any, page_of: Any, pool: Any, lots: Any, line: Any, at: Any, tx: Any
) -> Any:
    """Put what enters into a line, traced above zero; return how many lots, or minus why not.

    Where something of the transaction was not read, what is traced ends there.
    """
    at[VISITED] += 1
    lined, traced, unread = 0, False, lacking(made, tx)
    for k in range(made.in_ptr[tx], made.in_ptr[tx + 1]):
        begin, before = brought(made.in_prev_out, made.out_spender, page_of, pool, k), lined
        if begin > 0:
            for one in range(begin, begin + lots[begin - 1]):
                line[lined] = lots[one]
                lined += 1
        elif listed(asked.opened, at, OPENED, k):
            line[lined] = made.in_val[k]
            count(at, ORIGIN, made.in_val[k])
            lined += 1
        elif made.in_val[k] > 0:
            line[lined] = -made.in_val[k]
            lined += 1
        for one in range(before, lined):
            traced |= line[one] > 0
            if unread:
                count(at, UNREAD, max(int64(0), line[one]))
    if unread or not traced:
        return int64(0)
    return int64(lined) if entering(made, tx) >= 0 else int64(-TOO_MUCH)


@bare
def paid_out(
    made: Any, asked: Any, page_of: Any, pool: Any, lots: Any, line: Any, at: Any, tx: Any,
    lined: Any, newest: Any,
) -> Any:  # fmt: skip
    """Pay the outputs of a transaction from the line, in order, and then the fee."""
    place, step = (lined - 1, -1) if newest else (0, 1)
    for row in range(made.out_ptr[tx], made.out_ptr[tx + 1]):
        due = made.out_val[row]
        begin = at[LOTS] + 1
        end, traced = begin, int64(0)
        while due > 0 and 0 <= place < lined:
            size = abs(line[place])
            part = min(size, due)
            due -= part
            sign = 1 if line[place] > 0 else -1
            if end > begin and (lots[end - 1] > 0) == (sign > 0):
                lots[end - 1] += sign * part
            else:
                lots[end] = sign * part
                end += 1
            traced += part if sign > 0 else int64(0)
            line[place] -= sign * part
            if part == size:
                place += step
        if due > 0 and lined > 0:
            return int64(-OVERDRAWN)
        if listed(asked.seeds, at, SEED, row):
            count(at, ORIGIN, made.out_val[row] - traced)
            lots[begin], end, traced = made.out_val[row], begin + 1, made.out_val[row]
        if traced > 0:
            lots[begin - 1] = end - begin
            hold(made.out_spender, page_of, pool, at, row, begin)
            at[LOTS] = end
    while 0 <= place < lined:
        count(at, FEES, max(int64(0), line[place]))
        place += step
    return int64(DONE)


@bare
def told(page_of: Any, pool: Any, lots: Any, rows: Any, amounts: Any) -> Any:
    """Write which outputs hold traced value, and how much; return how many there are."""
    found = 0
    for page in range(len(page_of)):
        if page_of[page] < 0:
            continue
        for k in range(1 << PAGE):
            held = abs(pool[page_of[page] << PAGE | k])
            if held == 0:
                continue
            if len(lots) > 0:
                begin, held = int64(held), held * 0
                for one in range(begin, begin + lots[begin - 1]):
                    held += max(int64(0), lots[one])
            if found < len(rows):
                rows[found], amounts[found] = page << PAGE | k, held
            found += 1
    return found
