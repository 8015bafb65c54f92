"""The index of one asset of an account chain: its transfers in order, and those of each address.

It is made of rows that stand in order already, and held in memory. A place is the number of a row
in that order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray


class Short(NamedTuple):
    """A payment of more than was read to have come in, and by how much more than any before it."""

    amount: int
    place: int


class History(NamedTuple):
    """The transfers of one address in order; those to itself moved nothing and are left out.

    Attributes
    ----------
    places : sequence of int
        Where each stands, rising.
    moved : sequence of int
        What each brought, in base units; less than nothing where it was paid.
    sums : sequence of int
        What all up to and with each brought.
    """

    places: Sequence[int]
    moved: Sequence[int]
    sums: Sequence[int]

    @classmethod
    def of(cls, places: Sequence[int], moved: Sequence[int]) -> History:
        """Make a history of what moved at each place."""
        return cls(places, moved, list(accumulate(moved)))

    @property
    def opening(self) -> int:
        """The least that can have been there before the first of them."""
        return max(0, -min(self.sums, default=0))

    def before(self, place: int) -> int:
        """Return what was held before a place, if as little as possible was there at first."""
        count = bisect_left(self.places, place)
        return self.opening + (self.sums[count - 1] if count else 0)

    def shorts(self) -> list[Short]:
        """Return the payments that show what must have been there: they add up to the opening."""
        found, lowest = [], 0
        for place, held in zip(self.places, self.sums, strict=True):
            if held < lowest:
                found.append(Short(lowest - held, place))
                lowest = held
        return found

    def next(self, place: int, *, back: bool = False) -> int | None:
        """Return the place of the transfer that follows one place, or comes before it."""
        at = bisect_left(self.places, place) - 1 if back else bisect_left(self.places, place + 1)
        return self.places[at] if 0 <= at < len(self.places) else None

    def last_in(self, end: int) -> int | None:
        """Return the place of the last transfer before one place by which something came in."""
        for at in range(bisect_left(self.places, end) - 1, -1, -1):
            if self.moved[at] > 0:
                return self.places[at]
        return None


class TransferIndex:
    """The transfers of one asset, and for each address where its own stand.

    Parameters
    ----------
    rows : polars.DataFrame
        In order, with ``sender, receiver, amount`` and whatever else is asked of a row. Amounts
        are known and more than nothing.

    Attributes
    ----------
    sender, receiver : array
        The numbers of both parties of each transfer, among :attr:`addresses`.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows.rechunk()
        parties = self.rows["sender"].rename("address"), self.rows["receiver"].rename("address")
        self.addresses = pl.concat(parties).unique().sort()
        numbers = pl.DataFrame({"address": self.addresses}).with_row_index("number")
        sender, receiver = (
            one.to_frame().join(numbers, on="address", how="left", maintain_order="left")["number"]
            for one in parties
        )
        self.sender, self.receiver = sender.to_numpy(), receiver.to_numpy()
        self._group(self.sender, self.receiver)

    def _group(self, sender: NDArray[Any], receiver: NDArray[Any]) -> None:
        """Sort the places by address: two of each transfer, but none of one to oneself."""
        place = np.flatnonzero(sender != receiver)
        whose = np.stack([sender[place], receiver[place]], axis=1).ravel()
        order = np.argsort(whose, kind="stable")
        self._places = np.repeat(place, 2)[order]
        self._incoming = np.tile([False, True], len(place))[order]
        self._starts = np.searchsorted(whose[order], np.arange(len(self.addresses) + 1))

    @cached_property
    def _numbers(self) -> Mapping[bytes, int]:
        return {address: number for number, address in enumerate(self.addresses)}

    def number_of(self, address: bytes) -> int | None:
        """Return the number of an address; None where it has no transfer."""
        return self._numbers.get(address)

    def touching(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return where the transfers of an address stand, and whether each came in.

        Those to itself are left out.
        """
        here = slice(self._starts[number], self._starts[number + 1])
        return self._places[here], self._incoming[here]

    def history(self, address: bytes) -> History:
        """Return the transfers of an address; an empty history where it has none."""
        number = self._numbers.get(address)
        if number is None:
            return History.of([], [])
        here = slice(self._starts[number], self._starts[number + 1])
        places = self._places[here]
        amounts = self.rows["amount"].gather(places).to_list()
        moved = [
            int(amount) if incoming else -int(amount)
            for amount, incoming in zip(amounts, self._incoming[here].tolist(), strict=True)
        ]
        return History.of(places.tolist(), moved)


__all__ = ["History", "Short", "TransferIndex"]
