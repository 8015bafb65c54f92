"""Which way coins are followed: by compiled loops where they can, and rules asked on the way.

Both ways leave the same rows. A process that has not loaded the loops begins in Python, so that a
short question does not wait for them. Rules on mixes are asked of the transactions that traced
value goes into and of no others: a walk is made as if the next few hundred were no mix, they are
judged together, and where one is, it is made again, knowing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chainwatch.kernels.following import walk as kernel
from chainwatch.tracing.stops import End, Mixes
from chainwatch.tracing.walks.compiled import CompiledWalk, can_follow
from chainwatch.tracing.walks.utxo import CoinWalk

FEW = 5_000
"""Transactions that a process visits in Python, in all its walks, before the loops are loaded: half
a second, which is what loading them takes."""

_visited = 0

AT_FIRST, TIMES = 1 << 10, 4
"""Transactions that are visited before rules are asked, and how many times more after that."""

Make = Callable[[Mapping[int, End]], CoinWalk]


def follow(make: Make, mixes: Mixes) -> CoinWalk | CompiledWalk:
    """Follow coins to every end, and return the walk with its rows.

    Parameters
    ----------
    make : callable
        Makes the walk that is asked, given the ends in mixes by the numbers of transactions.
    mixes : Mixes
        The rules to be asked.

    Raises
    ------
    ConservationError
        If a transaction pays out more than it takes in.
    """
    most = AT_FIRST if mixes.rules else None
    while True:
        walk, done = _run(lambda: make(mixes.found), most)
        if not mixes.rules:
            return walk
        if not mixes.ask(walk.entered):
            if done:
                return walk
            most = most and TIMES * most


def _count(visits: int) -> None:
    """Remember how much was walked in Python: who asks many short questions is to get the loops."""
    global _visited  # noqa: PLW0603 - both ways leave the same rows; only the time differs
    _visited += visits


def _run(make: Callable[[], CoinWalk], most: int | None) -> tuple[CoinWalk | CompiledWalk, bool]:
    plain = make()
    if not can_follow(plain):
        return plain, plain.run(most)
    if not kernel.loaded() and _visited < FEW:
        few = FEW - _visited if most is None else min(FEW - _visited, most)
        done = plain.run(few)
        _count(plain.visits)
        if done or few == most:
            return plain, done
        plain = make()
    walk = CompiledWalk(plain)
    try:
        return walk, walk.run(most)
    except OverflowError:  # it takes integers of any size, and says what is wrong with the rows
        return plain, plain.run(most)
