"""Which links stand where something must stay apart: claims join whole, or fall whole.

Whoever spends several addresses at once claims all of them; links tell that as a star around one
address, picked by its bytes. Links that rest on no transaction come in no order but that of bytes.
So links are taken in *batches*, in an order that no byte decides: those of one transaction's
inputs, or all that are equal in strength and rule where there is no transaction. What hangs
together in a batch, with what stands already, joins as a whole where nothing is against it, and
falls as a whole where anything is. What else a transaction is taken to show, such as whose change
an output is, rests on that its inputs have one owner: it comes after all claims, and falls with
the claim of its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.heuristics.link_rules import ONE_CLAIM, SAME_KEY, SAME_SCRIPT
from chainwatch.kernels.graphs.components import Limits, Numbers


class Batches(NamedTuple):
    """Of each link the number of its batch, of its transaction (-1: none), and how it falls.

    Batches are numbered in the order in which they join. A link that ``rests`` falls with the
    claim of its transaction; one that is ``alone`` is a statement by itself.
    """

    batch: NDArray[np.int64]
    transaction: NDArray[np.int64]
    rests: NDArray[np.bool_]
    alone: NDArray[np.bool_]


class Stopped(NamedTuple):
    """Links that are refused: which, by what pair or actors, and whether only with their claim."""

    rows: NDArray[Any]
    because: NDArray[Any]
    actors: NDArray[Any]
    with_claim: NDArray[np.bool_]


class Cause(NamedTuple):
    """What is against a join: a pair, or -1 and two actors; the sides it speaks of; all such."""

    pair: int
    actors: tuple[int, int]
    sides: frozenset[int]
    every: frozenset[int]


def batches_of(links: pl.DataFrame) -> Batches:
    """Return in what batches links join: rows in ``BOTH_ENDS``."""
    on_tx = pl.col("tx").is_not_null()
    claims = on_tx & pl.col("rule").is_in(ONE_CLAIM)
    strength = pl.col("confidence").fill_null(-1.0)
    # A claim is as sure as its weakest link: which link that is, bytes may decide.
    weakest = pl.when(claims).then(strength.min().over("chain", "tx", claims)).otherwise(strength)
    found = links.select(
        pl.struct(
            rests=on_tx & ~claims,
            strength=-weakest,
            late=~on_tx,
            tx=pl.col("tx").fill_null(0),
            chain=pl.when(on_tx).then("chain").otherwise(pl.lit("")),
            rule=pl.when(claims).then(pl.lit("")).otherwise("rule"),
        ).rank("dense").cast(pl.Int64).alias("batch"),
        pl.when(on_tx).then(pl.struct("chain", "tx").rank("dense").cast(pl.Int64))
        .otherwise(-1).alias("transaction"),
        (on_tx & ~claims).alias("rests"),
        (~on_tx & ~pl.col("rule").is_in((SAME_KEY, SAME_SCRIPT))).alias("alone"),
    )  # fmt: skip
    return Batches(*(found[name].to_numpy() for name in Batches._fields))


def stopped(a: Numbers, b: Numbers, batches: Batches, limits: Limits) -> Stopped:
    """Return the links that fall.

    Each link is looked at once. Groups keep the pairs that speak of them in sets, of which the
    smaller is read where two groups meet.

    Parameters
    ----------
    a, b : arrays
        The two ends of each link.
    batches : Batches
        In what order they join, and what they rest on.
    limits : Limits
        What must stay apart.
    """
    sides, down = _Sides(limits), dict[int, Cause]()
    fell: list[tuple[int, Cause, bool]] = []
    for rows in _in_order(batches.batch):
        free = []
        for row in rows:
            cause = down.get(int(batches.transaction[row])) if batches.rests[row] else None
            if cause is None:
                free.append((row, sides.of(int(a[row])), sides.of(int(b[row]))))
            else:
                fell.append((row, cause, True))
        for part in _together(free):
            cause = sides.against({side for _, *two in part for side in two})
            falls = _falling(part, cause, batches)
            for row, *two in part:
                if cause is None or row not in falls:
                    sides.join(*two)
                    continue
                fell.append((row, cause, cause.sides.isdisjoint(two)))
                if not batches.rests[row]:
                    down.setdefault(int(batches.transaction[row]), cause)
    return Stopped(
        np.array([row for row, *_ in fell], np.int64),
        np.array([cause.pair for _, cause, _ in fell], np.int64),
        np.array([cause.actors for _, cause, _ in fell], np.int64).reshape(-1, 2).T,
        np.array([beside for *_, beside in fell], np.bool_),
    )


def _in_order(batch: NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield the rows of each batch, by its number."""
    order = np.argsort(batch, kind="stable")
    begins = np.flatnonzero(np.diff(batch[order], prepend=-1)).tolist()
    rows = order.tolist()
    for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
        yield rows[begin:end]


def _together(rows: list[tuple[int, int, int]]) -> Iterable[list[tuple[int, int, int]]]:
    """Return the rows ``(row, side, side)`` of a batch that hang together by themselves."""
    if len(rows) < 2:
        return [rows] if rows else []
    up: dict[int, int] = {}
    for _, x, y in rows:
        one, other = _top(up, x), _top(up, y)
        up[max(one, other)] = min(one, other)
    parts: dict[int, list[tuple[int, int, int]]] = {}
    for row in rows:
        parts.setdefault(_top(up, row[1]), []).append(row)
    return parts.values()


def _falling(part: list[tuple[int, int, int]], cause: Cause | None, batches: Batches) -> set[int]:
    """Return which rows of a part of a batch fall."""
    if cause is None:
        return set()
    alone = batches.alone[part[0][0]]
    return _between(part, cause.every) if alone else {row for row, *_ in part}


def _between(rows: list[tuple[int, int, int]], ends: frozenset[int]) -> set[int]:
    """Return the rows that lie between ends: what leads from one of them to nowhere is left out."""
    beside: dict[int, set[int]] = {}
    for _, x, y in rows:
        beside.setdefault(x, set()).add(y)
        beside.setdefault(y, set()).add(x)
    gone, loose = set[int](), [one for one in beside if one not in ends and len(beside[one]) < 2]
    while loose:
        one = loose.pop()
        gone.add(one)
        for other in beside[one]:
            beside[other].discard(one)
            if other not in ends and other not in gone and len(beside[other]) < 2:
                loose.append(other)
    return {row for row, *two in rows if gone.isdisjoint(two)}


def _top(up: dict[int, int], x: int) -> int:
    """Return the root of a number; the way to it is halved for the next who asks."""
    while (above := up.get(x, x)) != x:
        up[x] = up.get(above, above)
        x = above
    return x


class _Sides:
    """Groups that grow, each with the pairs that speak of it and the actor that it belongs to.

    A pair stands with the groups of its two ends. They never become one, so that two groups which
    have a pair in common are those of its ends.
    """

    def __init__(self, limits: Limits) -> None:
        self._up: dict[int, int] = {}
        self._pairs: dict[int, set[int]] = {}
        for pair, ends in enumerate(limits.apart.T.tolist()):
            for end in ends:
                self._pairs.setdefault(end, set()).add(pair)
        self._actor = {
            place: one for place, one in enumerate(limits.actor.tolist()) if one >= 0
        }  # fmt: skip
        self._marked = {*self._pairs, *self._actor}

    def of(self, place: int) -> int:
        """Return the group that a place is in, by a number of one of its places."""
        return _top(self._up, place)

    def against(self, groups: set[int]) -> Cause | None:
        """Return what is against joining groups: the first pair, or actors; None: nothing is."""
        marked = groups & self._marked
        if len(marked) < 2:
            return None
        held = [one for one in marked if one in self._pairs]
        pairs = self._common(held) if len(held) > 1 else []
        said = {self._actor[one] for one in marked if one in self._actor}
        told = frozenset(one for one in marked if len(said) > 1 and one in self._actor)
        every = told.union(*(two for _, *two in pairs))
        if pairs:
            pair, *first = min(pairs)
            return Cause(pair, (-1, -1), frozenset(first), every)
        if len(said) < 2:
            return None
        two = (min(said), max(said))
        return Cause(-1, two, frozenset(one for one in told if self._actor[one] in two), every)

    def _common(self, held: list[int]) -> list[tuple[int, int, int]]:
        """Return the pairs that two of the groups have in common, each with these."""
        largest = max(held, key=lambda one: len(self._pairs[one]))
        most, seen = self._pairs[largest], dict[int, int]()
        found = []
        for one in held:
            if one == largest:
                continue
            pairs = self._pairs[one]
            found += [(pair, one, largest) for pair in pairs & most]
            found += [(pair, one, seen[pair]) for pair in pairs & seen.keys()]
            seen.update(dict.fromkeys(pairs, one))
        return found

    def join(self, x: int, y: int) -> None:
        """Join two groups that nothing keeps apart."""
        one, other = self.of(x), self.of(y)
        if one == other:
            return
        low, high = min(one, other), max(one, other)
        self._up[high] = low
        if high not in self._marked:
            return
        self._marked.remove(high)
        self._marked.add(low)
        few, many = self._pairs.pop(low, None), self._pairs.pop(high, None)
        if few is not None or many is not None:
            less, more = sorted((few or set(), many or set()), key=len)
            more |= less
            self._pairs[low] = more
        if high in self._actor:
            self._actor[low] = self._actor.pop(high)
