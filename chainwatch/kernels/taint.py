"""What of every output of a chain is traced: one scan over the columns of an index, compiled.

Where a trace reaches a good part of a chain, going through all of it in order is faster than
following coin by coin. Memory grows with what is reached.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainwatch.kernels.following.walk import Made

Array = NDArray[Any]

BLENDED, REACHED, OLDEST, NEWEST, SCREENED = "blended", "reached", "oldest", "newest", "screened"
"""Ways to scan: by shares in whole units, by reach, from either end of a line, by shares in
floating point."""


class Seeds(NamedTuple):
    """Where traced value begins, in rising order, and the span in which it is followed.

    ``seeds`` are outputs that are traced in full, ``opened`` inputs that bring traced coins which
    nothing in the span made. ``need`` is room for the loops.
    """

    seeds: Array
    opened: Array
    first: int
    last: int
    need: Array


class Scanned(NamedTuple):
    """What a scan found: outputs in order, with how much of each is traced, and sums of any size.

    By reach and of a screen, of the sums only ``unread`` says something.
    ``error`` is the largest relative error of an amount of a screen; 0 of all else. ``nbytes`` is
    the memory that was held.
    """

    rows: Array
    amounts: Array
    origin: int
    fees: int
    unread: int
    visited: int
    error: float
    nbytes: int


def seeds(outputs: Array, inputs: Array, first: int, last: int) -> Seeds:
    """Return where value begins, as loops read it."""
    ours, brought = (np.unique(np.asarray(one, np.int64)) for one in (outputs, inputs))
    return Seeds(ours, brought, first, last, np.zeros(2, np.int64))


def scan(made: Made, asked: Seeds, way: str) -> Scanned:
    """Scan a chain from where value begins.

    Parameters
    ----------
    made : Made
        The chain; parents stand before their children.
    asked : Seeds
        Where value begins.
    way : str
        One of the ways above.

    Raises
    ------
    OverflowError
        If what enters one transaction does not fit 64 bits, or it pays more than it has. Sums
        over the chain may be of any size.
    """
    from chainwatch.kernels import taint_loops as loops

    outputs = len(made.out_val)
    page_of = np.full((outputs >> loops.PAGE) + 1, -1, np.int32)
    at = np.zeros(loops.COUNTS, np.int64)
    at[loops.TX] = _begins(made, asked)
    at[loops.UNTIL] = -1
    kind = np.float64 if way == SCREENED else np.int64
    queues = way in (OLDEST, NEWEST)
    # Zeros are no memory until they are written to: pages are taken one after the other.
    room = len(page_of) << loops.PAGE
    state = _State(
        np.zeros(room, kind), np.zeros(room if way == SCREENED else 0, np.int64),
        np.zeros(_LOTS if queues else 0, np.int64), np.zeros(_LINE if queues else 0, np.int64),
    )  # fmt: skip
    error = np.zeros(1, np.int64)
    while True:
        how = _run(loops, made, asked, way, page_of, state, at, error)
        if how != loops.MORE_ROOM:
            break
        state = _larger(state, asked)
    if how != loops.DONE:
        raise OverflowError(how)
    pages = int(at[loops.PAGES]) << loops.PAGE
    rows, amounts = np.empty(pages, np.int64), np.empty(pages, kind)
    count = int(loops.told(page_of, state.pool, state.lots, rows, amounts))
    each = 16 if way == SCREENED else 8
    held = page_of.nbytes + pages * each + 8 * int(at[loops.LOTS]) + state.line.nbytes
    origin, fees, unread = (
        (int(at[one + loops.ABOVE]) << loops.LIMB) + int(at[one])
        for one in (loops.ORIGIN, loops.FEES, loops.UNREAD)
    )
    visited = int(at[loops.VISITED])
    away = _relative(int(error[0]))
    for one in (rows, amounts):  # cut where they stand: to copy them takes a third of a scan
        one.resize(count, refcheck=False)
    return Scanned(rows, amounts, origin, fees, unread, visited, away, held)


_LOTS, _LINE = 1 << 12, 1 << 10
"""Room at first."""


class _State(NamedTuple):
    pool: Array
    rounds: Array
    lots: Array
    line: Array


def _begins(made: Made, asked: Seeds) -> int:
    """Return the first transaction in which value begins."""
    count = len(made.in_ptr) - 1
    firsts = [count]
    for ptr, rows in ((made.out_ptr, asked.seeds), (made.in_ptr, asked.opened)):
        if len(rows):
            firsts.append(int(np.searchsorted(ptr, rows[0], side="right")) - 1)
    return min(firsts)


def _run(
    loops: Any, made: Made, asked: Seeds, way: str, page_of: Array, state: _State, at: Array,
    error: Array,
) -> int:  # fmt: skip
    held = (made, asked, page_of, state.pool)
    if way == BLENDED:
        return int(loops.blended(*held, at))
    if way == REACHED:
        return int(loops.reached(*held, at))
    if way == SCREENED:
        return int(loops.screened(*held, state.rounds, at, error))
    return int(loops.queued(*held, state.lots, state.line, at, way == NEWEST))


def _larger(state: _State, asked: Seeds) -> _State:
    """Return twice the room for lots that the transaction needs which waits."""
    line = np.zeros(max(len(state.line), 2 * int(asked.need[0])), np.int64)
    lots = state.lots
    if asked.need[1] > len(lots):
        lots = np.zeros(2 * int(asked.need[1]), np.int64)
        lots[: len(state.lots)] = state.lots
    return state._replace(lots=lots, line=line)


def _relative(rounds: int) -> float:
    """Return the largest relative error after so many roundings of 53 bits."""
    unit = rounds * 2.0**-53
    return unit / (1 - unit)
