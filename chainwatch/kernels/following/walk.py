"""A forward walk over the columns of an index, compiled: what it is asked, and what it leaves.

What the numbers mean is said by :mod:`chainwatch.kernels.following.rows`; who asks turns them into
tables. Memory grows with what is visited, never with the chain.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pairs = Mapping[int, int]


class Made(NamedTuple):
    """The columns of an index that a walk reads; see ``STORED`` there."""

    tx_time: Array
    tx_inputs: Array
    tx_outputs: Array
    in_ptr: Array
    in_prev_tx: Array
    in_prev_out: Array
    in_val: Array
    in_addr: Array
    out_ptr: Array
    out_val: Array
    out_addr: Array
    out_kind: Array
    out_spendable: Array
    out_spender: Array


class Asked(NamedTuple):
    """What a walk follows and where it stops.

    ``how, order`` are those of :mod:`chainwatch.kernels.following.dividing`, ``first, last`` the
    span; the others are tables by address, output or transaction, and the ends by place and time.
    """

    how: int
    order: int
    first: int
    last: int
    max_hops: int
    min_amount: int
    pools: Array
    subject_keys: Array
    subject_values: Array
    chosen_keys: Array
    chosen_values: Array
    mix_keys: Array
    mix_values: Array
    stop_keys: Array
    stop_values: Array
    stop_ptr: Array
    stop_first: Array
    stop_until: Array
    stop_end: Array


class State(NamedTuple):
    """What a walk holds, and the rows that it leaves."""

    at: Array
    need: Array
    room: Array
    slot: Array
    in_begin: Array
    in_end: Array
    heap: Array
    keys: Array
    begin: Array
    end: Array
    lot_amount: Array
    lot_mark: Array
    sum_amount: Array
    sum_mark: Array
    lost: Array
    steps: Array
    origins: Array
    ends: Array
    overlaps: Array
    mixed: Array
    visited: Array


class Queue(NamedTuple):
    """Room for the lots that enter a transaction."""

    amount: Array
    mark: Array
    spare_amount: Array
    spare_mark: Array


class Parts(NamedTuple):
    """Room for the lots that leave a transaction."""

    amount: Array
    mark: Array
    spare_amount: Array
    spare_mark: Array
    spare_place: Array
    begin: Array
    end: Array
    turn: Array
    paid: Array
    whole: Array
    slot: Array


class Walked(NamedTuple):
    """How a walk stopped, and its rows; what their columns are, the loops say."""

    how: int
    steps: Array
    origins: Array
    ends: Array
    overlaps: Array
    mixed: Array
    visited: Array


def loaded() -> bool:
    """Tell whether the loops are loaded in this process: then a walk need not wait for them."""
    return "chainwatch.kernels.following.walking" in sys.modules


def table(pairs: Pairs) -> tuple[Array, Array]:
    """Return numbers by keys as a table that loops look up in."""
    from chainwatch.kernels.following.tables import tabled

    keys, values = np.full(_power(2 * len(pairs) + 2), -1, np.int64), None
    values = np.full(len(keys), -1, np.int64)
    given = np.fromiter(pairs.keys(), np.int64, len(pairs))
    tabled(keys, values, given, np.fromiter(pairs.values(), np.int64, len(pairs)))
    return keys, values


def made_of(columns: Mapping[str, Array]) -> Made:
    """Return the columns of an index as loops read them: nobody writes into them."""
    found = []
    for name in Made._fields:
        column = columns[name].view()
        column.flags.writeable = False
        found.append(column)
    return Made(*found)


def walk(made: Made, asked: Asked, first: Array, most: int) -> Walked:
    """Follow from some transactions on, and visit at most so many.

    Parameters
    ----------
    made, asked : Made, Asked
        The chain, and what is asked.
    first : array
        Transactions where value can begin.
    most : int
        Transactions that are visited at most.
    """
    from chainwatch.kernels.following import rows as loops
    from chainwatch.kernels.following.walking import walk as follow

    heap = np.sort(np.asarray(first, np.int64))
    at = np.zeros(loops.COUNTS, np.int64)
    at[loops.HEAP], at[loops.LAST] = len(heap), -1
    sizes = np.full(_NEEDS, _LEAST, np.int64)
    sizes[_HEAP] = max(_LEAST, 2 * len(heap))
    state, queue, parts = _grown(None, at, sizes, heap)
    while True:
        how = int(follow(made, asked, state, queue, parts, most))
        if how != loops.MORE_ROOM:
            break
        lacking = state.need > state.room
        sizes = np.where(lacking, np.maximum(2 * state.need, 2 * state.room), state.room)
        state, queue, parts = _grown(state, at, sizes, heap)
    upto = {name: int(at[getattr(loops, name.upper())]) for name in Walked._fields[1:]}
    return Walked(how, *(getattr(state, name)[:count] for name, count in upto.items()))


_LEAST, _NEEDS = 1 << 12, 13
_INS, _QUEUED, _CUT, _OUTS, _HEAP, _LOTS, _TABLE = range(7)
_STEPS, _ORIGINS, _ENDS, _OVERLAPS, _MIXED, _VISITED = range(7, 13)
"""What room is needed for, in the order in which the loops ask."""


def _grown(old: State | None, at: Array, sizes: Array, heap: Array) -> tuple[State, Queue, Parts]:
    """Return room of these sizes, with what was there before in it."""

    def room(need: int, *more: int) -> Array:
        return np.empty((int(sizes[need]), *more), np.int64)

    def kept(name: str, need: int, *more: int) -> Array:
        before = heap if old is None and name == "heap" else old and getattr(old, name)
        if before is not None and len(before) == sizes[need]:
            return before
        new = room(need, *more)
        if before is not None:
            new[: len(before)] = before
        return new

    state = State(
        at, np.zeros(_NEEDS, np.int64), sizes, room(_INS), room(_INS), room(_INS),
        kept("heap", _HEAP), *_table(old, int(sizes[_TABLE])), kept("lot_amount", _LOTS),
        kept("lot_mark", _LOTS), room(_CUT), room(_CUT), room(_QUEUED), kept("steps", _STEPS, 6),
        kept("origins", _ORIGINS, 6), kept("ends", _ENDS, 8), kept("overlaps", _OVERLAPS, 5),
        kept("mixed", _MIXED, 4), kept("visited", _VISITED),
    )  # fmt: skip
    queue = Queue(*(room(_QUEUED) for _ in range(4)))
    slots = np.full(_power(2 * int(sizes[_QUEUED]) + 2), -1, np.int64)
    sized = [*(room(_CUT) for _ in range(5)), *(room(_OUTS) for _ in range(5))]
    return state, queue, Parts._make([*sized, slots])


def _table(old: State | None, size: int) -> tuple[Array, Array, Array]:
    from chainwatch.kernels.following.tables import moved_over

    if old is not None and len(old.keys) >= size:
        return old.keys, old.begin, old.end
    keys, begin, end = (
        np.full(_power(size), -1, np.int64),
        *(np.empty(_power(size), np.int64) for _ in range(2)),
    )
    if old is not None:
        moved_over(old.keys, old.begin, old.end, keys, begin, end)
    return keys, begin, end


def _power(least: int) -> int:
    return 1 << max(least - 1, 1).bit_length()
