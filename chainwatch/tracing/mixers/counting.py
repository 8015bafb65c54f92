"""How many ways there are to divide a transaction among parties, and how often two rows meet.

A *part* is some inputs and some outputs that one party may have brought and taken. What it brings
less what it takes lies between two bounds: what others may pay it, and what it may pay. Every input
and every output stands in one part; a part has an input, and where its whole value is a fee it has
no output. An *interpretation* is a set of such parts.

Rows of one value are alike, so that parts are told apart by how many of each value they have. A mix
of a hundred equal rows has as few states as parts; rows of all different values have as many as
there are subsets, and the work is bounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import comb, prod
from time import monotonic
from typing import NamedTuple

from chainwatch.errors import InputError

KEPT = 4
"""Steps that something counts which is kept in memory until all is counted."""


class Counted(NamedTuple):
    """What was counted.

    Attributes
    ----------
    ways : int
        Interpretations.
    links : tuple of tuple of int
        For each output the number of interpretations in which it shares a part with each input.
    work : int
        Steps that it took: the same for the same values everywhere.
    """

    ways: int
    links: tuple[tuple[int, ...], ...]
    work: int


class Exceeded(Exception):
    """More work would be needed than was allowed; the text says of what."""


@dataclass
class Work:
    """Steps that were made, of those that are allowed.

    Attributes
    ----------
    limit : int
        Most steps.
    until : float or None
        When to give up, on the clock of ``time.monotonic``: what is then found depends on the
        machine. None is never.
    done : int
        Steps made.
    """

    limit: int
    until: float | None = None
    done: int = 0

    def add(self, steps: int) -> None:
        """Count steps before they are made.

        Raises
        ------
        Exceeded
            If they are too many, or the time is over.
        """
        if self.done + steps > self.limit:
            raise Exceeded(f"more than {self.limit:,} steps of work")
        if self.until is not None and monotonic() > self.until:
            raise Exceeded("more time than was given")
        self.done += steps


def interpretations_of(
    inputs: Sequence[int], outputs: Sequence[int], *, received: int, paid: int, work: Work
) -> Counted:
    """Count the ways to divide a transaction among parties.

    Parameters
    ----------
    inputs, outputs : sequence of int
        Values above 0, in base units. Inputs that must be of one party are one value.
    received : int
        Most that a party may be paid by the others: it takes at most so much more than it brings.
    paid : int
        Most that a party may pay to the others and to the miner.
    work : Work
        Steps that may be made: ``KEPT`` for each subset of rows and each part that is possible, and
        one for each part that is tried on what is left and each value with several rows in one that
        fits, and for each pair of rows that it links.

    Returns
    -------
    Counted
        The number of interpretations, and for each pair how many of these link it.

    Raises
    ------
    InputError
        If a value is not above 0, or the outputs hold more than the inputs.
    Exceeded
        If more work would be needed.

    Fails when
    ----------
    There are many different values: thirteen different inputs with as many different outputs may
    need a hundred million steps. It is the number of different values that counts, not of rows.

    References
    ----------
    The interpretations are those of LaurentMT, "Bitcoin Transactions & Privacy", 2015, and of
    Boltzmann; here they are counted by what is left, and never listed one by one.
    """
    if min(*inputs, *outputs) <= 0 or sum(outputs) > sum(inputs):
        raise InputError(
            "a transaction whose values do not add up has no interpretation",
            remedy="pass values above 0, of the outputs no more in all than of the inputs",
        )
    rows = _Rows.of(inputs, outputs)
    parts = _parts(rows, received, paid, work)
    reached = _reached(rows, parts, received, work)
    return _linked(rows, parts, reached, inputs, outputs, work)


@dataclass(frozen=True)
class _Rows:
    """Values with how many rows have each: inputs first, then outputs.

    How many of each value are left is one whole number, ``width`` bits for each, so that one
    subtraction tells whether a part can be taken of it (``guard`` has the top bit of each).
    """

    values: tuple[int, ...]
    counts: tuple[int, ...]
    ins: int
    width: int

    @classmethod
    def of(cls, inputs: Sequence[int], outputs: Sequence[int]) -> _Rows:
        sides = [sorted(Counter(side).items(), reverse=True) for side in (inputs, outputs)]
        both = [item for side in sides for item in side]
        width = max(count for _, count in both).bit_length() + 1
        values, counts = zip(*both, strict=True)
        return cls(values, counts, len(sides[0]), width)

    @property
    def guard(self) -> int:
        return sum(1 << (place * self.width + self.width - 1) for place in range(len(self.values)))

    @property
    def full(self) -> int:
        return sum(count << (place * self.width) for place, count in enumerate(self.counts))

    @property
    def inputs_only(self) -> int:
        return (1 << (self.ins * self.width)) - 1

    def held(self, packed: int, place: int) -> int:
        return packed >> (place * self.width) & ((1 << self.width) - 1)

    def place_of(self, packed: int) -> int:
        """Return the first value of which rows are there."""
        return ((packed & -packed).bit_length() - 1) // self.width

    def vectors(self, places: range, work: Work) -> list[tuple[int, int, int]]:
        """Return every choice of rows of some values: the sum, the choice, how many rows it has."""
        work.add(KEPT * prod(self.counts[place] + 1 for place in places))
        found = [(0, 0, 0)]
        for place in places:
            value, step = self.values[place], 1 << (place * self.width)
            found = [
                (total + k * value, packed + k * step, rows + k)
                for total, packed, rows in found
                for k in range(self.counts[place] + 1)
            ]
        return found


class _Part(NamedTuple):
    """A part: its rows, how many are inputs, what it pays, and how often it can be chosen.

    ``choices`` has, for each value with several rows, its place, how many are taken, and whether
    one of them is fixed, as the first input that is left is in the part that is taken next.
    """

    packed: int
    inputs: int
    pays: int
    choices: tuple[tuple[int, int, bool], ...]


Parts = list[list[_Part]]
"""All parts that are possible, by the first value of which they have an input."""


def _parts(rows: _Rows, received: int, paid: int, work: Work) -> Parts:
    """Find what a party may have brought and taken."""
    taken = sorted(rows.vectors(range(rows.ins, len(rows.values)), work))
    totals = [total for total, _, _ in taken]
    full_in, full_out = rows.full & rows.inputs_only, rows.full & ~rows.inputs_only
    found: Parts = [[] for _ in range(rows.ins)]
    for brought, packed, size in rows.vectors(range(rows.ins), work):
        if not packed:
            continue
        low, high = (
            bisect_left(totals, brought - paid),
            bisect_right(totals, brought + received),
        )
        work.add(KEPT * (high - low))
        into = found[rows.place_of(packed)]
        for total, outs, _ in taken[low:high]:
            if packed != full_in or outs == full_out:
                both = packed | outs
                into.append(_Part(both, size, brought - total, _choices(rows, both)))
    return found


def _choices(rows: _Rows, packed: int) -> tuple[tuple[int, int, bool], ...]:
    first = rows.place_of(packed)
    return tuple(
        (place, held, place == first)
        for place, count in enumerate(rows.counts)
        if count > 1 and (held := rows.held(packed, place))
    )


def _ways(rows: _Rows, left: int, part: _Part) -> int:
    """Return in how many ways a part can be taken of what is left, with its first input."""
    ways = 1
    for place, held, first in part.choices:
        there = rows.held(left, place)
        ways *= comb(there - 1, held - 1) if first else comb(there, held)
    return ways


Reached = list[dict[int, tuple[int, int]]]
"""By how many inputs are left: what is left, with the ways to it and what its parts still pay."""


def _reached(rows: _Rows, parts: Parts, received: int, work: Work) -> Reached:
    """Return everything that can be left after some parts, and in how many ways it is come to."""
    total = sum(rows.counts[: rows.ins])
    pays = sum(v * c for v, c in zip(rows.values[: rows.ins], rows.counts, strict=False)) - sum(
        v * c for v, c in zip(rows.values[rows.ins :], rows.counts[rows.ins :], strict=True)
    )
    levels: Reached = [{} for _ in range(total + 1)]
    levels[total][rows.full] = (1, pays)
    guard = rows.guard
    for inputs in range(total, 0, -1):
        for left, (ways, owed) in levels[inputs].items():
            tried = parts[rows.place_of(left)]
            work.add(len(tried) + 1)
            guarded, chosen = left | guard, 0
            for part in tried:
                if (guarded - part.packed) & guard != guard:
                    continue
                chosen += len(part.choices)
                after, still = inputs - part.inputs, owed - part.pays
                rest = left - part.packed
                # Those still to come pay what is owed, each at least as much as it may be paid.
                if still < -received * after or (not after and rest):
                    continue
                known = levels[after].get(rest, (0, still))
                levels[after][rest] = (known[0] + ways * _ways(rows, left, part), still)
            work.add(chosen)
    return levels


def _linked(
    rows: _Rows, parts: Parts, reached: Reached, inputs: Sequence[int], outputs: Sequence[int],
    work: Work,
) -> Counted:  # fmt: skip
    """Return the count, and the links, by how many ways lead on from everything that is left."""
    onward: dict[int, int] = {0: 1}
    met = [[0] * len(tried) for tried in parts]
    guard = rows.guard
    for level in reached[1:]:
        for left, (before, _) in level.items():
            first = rows.place_of(left)
            work.add(len(parts[first]) + 1)
            guarded, total, times, chosen = left | guard, 0, met[first], 0
            for number, part in enumerate(parts[first]):
                if (guarded - part.packed) & guard != guard:
                    continue
                after = onward.get(left - part.packed, 0)
                if after:
                    chosen += len(part.choices)
                    ways = after * _ways(rows, left, part)
                    total += ways
                    times[number] += before * ways
            onward[left] = total
            work.add(chosen)
    pairs = _pairs(rows, parts, met, work)
    places = {value: place for place, value in enumerate(rows.values[: rows.ins])}
    out = {value: place for place, value in enumerate(rows.values[rows.ins :], rows.ins)}
    links = tuple(tuple(pairs[places[i], out[o]] for i in inputs) for o in outputs)
    return Counted(onward[rows.full], links, work.done)


def _pairs(
    rows: _Rows, parts: Parts, met: list[list[int]], work: Work
) -> Mapping[tuple[int, int], int]:
    """Return how often an input of one value shares a part with an output of another."""
    sums: Counter[tuple[int, int]] = Counter()
    for part, times in zip(chain(*parts), chain(*met), strict=True):
        if times:
            held = [(place, rows.held(part.packed, place)) for place in range(len(rows.values))]
            brought, taken = (
                [(place, count) for place, count in side if count]
                for side in (held[: rows.ins], held[rows.ins :])
            )
            work.add(len(brought) * len(taken))
            for i, of_i in brought:
                for o, of_o in taken:
                    sums[i, o] += times * of_i * of_o
    # All rows of a value are alike: what was counted of all of them falls to each pair alike.
    for i, o in sums:
        sums[i, o] //= rows.counts[i] * rows.counts[o]
    return sums
