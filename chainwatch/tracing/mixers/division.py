"""What speaks against a division of a transaction among parties that somebody states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chainwatch.addresses.assets import Asset

Sides = Sequence[Mapping[int, tuple[int | None, int]]]
"""Of inputs and of outputs: by place the value, and what it must stand together with."""

Parts = Sequence[tuple[Sequence[int], Sequence[int]]]


def misplaced(sides: Sides, parts: Parts) -> Iterator[str]:
    """Yield which rows stand in no part, in several, or apart from those of their address."""
    for side, known, word in zip((0, 1), sides, ("input", "output"), strict=True):
        times = Counter(n for part in parts for n in part[side] if n in known)
        strange = sorted({n for part in parts for n in part[side]} - set(known))
        if strange:
            yield f"{word} {strange[0]} is none of the transaction that has a value"
        silent = sorted(n for n, (value, _) in known.items() if value is None)
        if silent:
            yield f"{word} {silent[0]} was not read"
        wrong = sorted(n for n in known if times[n] != 1)
        if wrong:
            yield f"{word} {wrong[0]} stands in {times[wrong[0]]} parts, and not in one"
    for part in parts:
        groups = {sides[0][n][1] for n in part[0] if n in sides[0]}
        whole = {n for n, (_, group) in sides[0].items() if group in groups}
        if whole - set(part[0]):
            yield f"input {min(whole - set(part[0]))} is apart from another of its address"


class Bounds(NamedTuple):
    """What a party may be paid by the others, and pay; and outputs of which all may pay for one."""

    received: int
    paid: int
    collected: frozenset[int]


def unpaid(sides: Sides, parts: Parts, asset: Asset, bounds: Bounds) -> Iterator[str]:
    """Yield which parties bring nothing, take more than they bring, or pay too much."""
    sums = [
        [
            sum(known[n][0] or 0 for n in places if n in known)
            for places, known in zip(part, sides, strict=True)
        ]
        for part in parts
    ]
    alone = [
        part[1] for part, (brought, _) in zip(parts, sums, strict=True)
        if not brought and len(part[1]) == 1 and part[1][0] in bounds.collected
    ]  # fmt: skip
    more = (sides[1][alone[0][0]][0] or 0) if len(alone) == 1 else 0
    for number, (part, (brought, taken)) in enumerate(zip(parts, sums, strict=True), 1):
        if more and part[1] == alone[0] and not brought:
            continue
        if not brought and taken:
            yield f"party {number} brings nothing"
        elif taken - brought > bounds.received:
            yield f"party {number} takes {asset.shown(taken - brought)} more than it brings"
        elif brought - taken > bounds.paid + more:
            yield f"party {number} pays {asset.shown(brought - taken)} for nothing"
