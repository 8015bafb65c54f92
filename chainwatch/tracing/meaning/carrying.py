"""What goes on in another asset behind a swap: the lots that were given, as lots of what was got.

Lots keep their order and their marks, and each becomes the same share of what was got as it was of
what was given. Shares are rounded down *cumulatively*: however many lots there are, what all of
them became is what was got, to the last unit. Units of two assets are never added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from chainwatch.tracing.balances import Lot, Lots, joined
from chainwatch.tracing.meaning.passages import Swapped
from chainwatch.tracing.meaning.reading import AssetKey
from chainwatch.tracing.walks.base import traced
from chainwatch.tracing.walks.passage import MoveKey

Given = Mapping[MoveKey, Lots]
"""Lots that came to movements at which following ended by what they mean."""


def given_to(swap: Swapped, given: Given) -> Lots | None:
    """Return the lots that were given in a swap; None where none of them is traced.

    Also None where a movement moved something else than the payment that it stands for: then it is
    not known which lots those are.
    """
    found: list[Lot] = []
    for pay in swap.ending:
        lots = given.get(pay.key.key, (Lot(pay.amount, None),))
        if sum(lot.amount for lot in lots) != pay.amount:
            return None
        found += lots
    return tuple(found) if traced(tuple(found)) else None


def spread(lots: Sequence[Lot], got: Sequence[tuple[MoveKey, int]]) -> dict[MoveKey, Lots]:
    """Return the lots of what was got, movement by movement in order.

    Parameters
    ----------
    lots : sequence of Lot
        What was given: more than nothing.
    got : sequence of (MoveKey, int)
        What was got for it: movements and amounts in base units of the other asset.

    Examples
    --------
    Of ten that were given the first three are traced; twenty-five were got for them, in two
    payments of five and twenty: the first seven of them are traced.
    """
    gave, total = sum(lot.amount for lot in lots), sum(amount for _, amount in got)
    upto = before = 0
    scaled: list[Lot] = []
    for lot in lots:
        upto += lot.amount
        now = upto * total // gave
        scaled.append(Lot(now - before, lot.mark))
        before = now
    return dict(_cut(scaled, got))


def _cut(lots: Iterable[Lot], got: Sequence[tuple[MoveKey, int]]) -> Iterator[tuple[MoveKey, Lots]]:
    waiting = [lot for lot in reversed(list(lots)) if lot.amount]
    for key, amount in got:
        mine: list[Lot] = []
        left = amount
        while left:
            lot = waiting.pop()
            part = min(lot.amount, left)
            mine.append(Lot(part, lot.mark))
            left -= part
            if part < lot.amount:
                waiting.append(Lot(lot.amount - part, lot.mark))
        yield key, joined(mine)


def carried_by(swaps: Iterable[Swapped], given: Mapping[AssetKey, Given]) -> dict[MoveKey, Lots]:
    """Return what swaps into one asset bring there, by movement; what is clean brings nothing.

    ``given`` are by asset the lots that came to the pools.
    """
    found: dict[MoveKey, Lots] = {}
    for swap in swaps:
        lots = given_to(swap, given.get(swap.gave, {}))
        if lots is not None:
            got = [(pay.key.key, pay.amount) for pay in swap.beginning]
            found |= {key: mine for key, mine in spread(lots, got).items() if traced(mine)}
    return found
