"""Which of two transfers came first, as far as anything tells: yes, no, or nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

YES, OPEN, NO = "yes", "open", "no"
"""Whether one transfer can follow another: in every order, in some, or in none."""


@dataclass(frozen=True)
class Order:
    """The order of transfers of one asset.

    Attributes
    ----------
    group : mapping of int to int
        Of transfers that share block or time with others of which one has no place in it, which
        group they are of.
    members : mapping of int to sequence of int
        The transfers of each group, by their places.
    unsure : frozenset of int
        Those without a place.
    after : mapping of int to int
        Behind which payment of its own transaction a call stands.
    """

    group: Mapping[int, int]
    members: Mapping[int, Sequence[int]]
    unsure: frozenset[int]
    after: Mapping[int, int]

    @classmethod
    def of(cls, near: pl.DataFrame) -> Order:
        """Read it off what :func:`transfer_order.near_in_time` returns."""
        moments = {one: k for k, one in enumerate(near["moment"].unique(maintain_order=True))}
        group = {at: moments[m] for m, at in near.select("moment", "at").iter_rows()}
        members: dict[int, list[int]] = {}
        for at, which in sorted(group.items()):
            members.setdefault(which, []).append(at)
        unsure = frozenset(near.filter("order_uncertain")["at"])
        after = dict(near.drop_nulls("after").select("at", "after").iter_rows())
        return cls(group, members, unsure, after)

    def follows(self, first: int, second: int) -> str:
        """Tell whether the second of two transfers can come after the first."""
        if first == second:
            return NO
        here = self.group.get(first)
        tied = here is not None and here == self.group.get(second)
        if not tied or (first not in self.unsure and second not in self.unsure):
            return YES if second > first else NO
        if self.after.get(second) == first:
            return YES
        return NO if self.after.get(first) == second else OPEN

    def beside(self, place: int) -> Sequence[int]:
        """Return the transfers of the group of one, itself included; nothing where it has none."""
        which = self.group.get(place)
        return () if which is None else self.members[which]
