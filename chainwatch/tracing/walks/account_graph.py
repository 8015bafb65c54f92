"""``Transfers``: one asset of an account chain as a walk asks of it, in one order, in a span.

It reads the index where the walk goes and nothing else. Of another order of transfers that bear
one time only the places that differ are written down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import TraceError
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.index.transfers import History, TransferIndex
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.effect import ROWS, effect_unread
from chainwatch.tracing.balances import Lots
from chainwatch.tracing.walks.base import Row
from chainwatch.tracing.walks.passage import AS_IT_STANDS, Passage, Placed, passed_on, placed
from chainwatch.tracing.walks.transfer_order import (
    movements,
    near_in_time,
    other_orders,
    refuse_timeless,
    tied,
)

_OF_A_ROW = ("tx", "txid", "n", "kind", "time", "sender", "receiver", "amount", "poison")


@dataclass(frozen=True, eq=False)
class Whole:
    """What is made once of the transfers of an asset, whatever the span.

    Attributes
    ----------
    index : TransferIndex
        All whose amount is known.
    rows : polars.DataFrame
        What of them a walk reads.
    wide : polars.DataFrame
        Those of an amount too wide to hold.
    unsure : polars.DataFrame
        Those of the index of which no source says whether they took effect.
    told : polars.DataFrame
        By transaction and place in it, whom a receiver looks like, and what is in doubt.
    near : polars.DataFrame
        Those that other orders may move, as ``transfer_order.near_in_time`` gives them.
    placed : Placed
        Where following ends at a transfer by what its transaction means, and where what was swapped
        arrives.
    """

    index: TransferIndex
    rows: pl.DataFrame
    wide: pl.DataFrame
    unsure: pl.DataFrame
    told: pl.DataFrame
    near: pl.DataFrame
    placed: Placed


@dataclass(frozen=True, eq=False)
class Transfers:
    """The transfers of one asset that took effect, in order.

    Attributes
    ----------
    whole : Whole
        All of them, whatever the span.
    start, finish : datetime or None
        The span, half-open.
    first, end : int
        Its places.
    changed : mapping of int to int
        In another order, which transfer of the index stands at a place, where it is another.
    """

    whole: Whole
    start: datetime | None
    finish: datetime | None
    first: int
    end: int
    changed: Mapping[int, int] = field(default_factory=dict)
    _histories: dict[bytes, History] = field(default_factory=dict, repr=False)

    @classmethod
    def read(
        cls, ledger: Ledger, asset: Asset, poisoning: Rule | None, passage: Passage = AS_IT_STANDS
    ) -> Transfers:
        """Open one asset of a ledger: the index is made once for each rule on poisoning, and for
        each ``passage`` that says what transactions mean, and kept.

        Raises
        ------
        TraceError
            If a span is asked for that is no stretch of the order of transfers.
        """
        refuse_timeless(ledger, asset)
        whole = ledger.history  # balances are older than the span
        rule = None if poisoning is None else poisoning.digest()
        key = ("transfers", whole.commit and whole.commit.number, whole.chain, asset, rule,
               passage.made_by)  # fmt: skip
        made = whole.kept(key, lambda: _made(whole, asset, poisoning, passage))
        first, end = _span(made.rows["time"], ledger.start, ledger.end)
        return cls(made, ledger.start, ledger.end, first, end)

    def __len__(self) -> int:
        return self.whole.rows.height

    def row(self, place: int) -> Row:
        """Return the transfer at a place."""
        found = self.whole.rows.row(self.changed.get(place, place), named=True)
        found["amount"] = int(found["amount"])
        return found

    def history(self, address: bytes) -> History:
        """Return the transfers of an address in this order."""
        if address not in self._histories:
            self._histories[address] = self._arranged(self.whole.index.history(address))
        return self._histories[address]

    def _arranged(self, history: History) -> History:
        here = self._stands
        if not here or here.keys().isdisjoint(history.places):
            return history
        moved = zip(history.places, history.moved, strict=True)
        order = sorted((here.get(place, place), amount) for place, amount in moved)
        return History.of([place for place, _ in order], [amount for _, amount in order])

    @cached_property
    def _stands(self) -> dict[int, int]:
        """Where the transfers stand that another order moves."""
        return {row: place for place, row in self.changed.items()}

    def other_orders(self, kept: Set[bytes]) -> tuple[list[Transfers], bool]:
        """Return the same transfers in other orders, and whether these are all that matter.

        See :func:`chainwatch.tracing.walks.transfer_order.other_orders`.
        """
        orders, all_tried = other_orders(self.whole.near, kept)
        return [replace(self, changed=one, _histories={}) for one in orders], all_tried

    def ties(self) -> int:
        """Return how many transfers up to the end of the span have no place in block or time."""
        return tied(self.whole.near.filter(pl.col("at") < self.end))

    def moves(self) -> pl.DataFrame:
        """Return time, sender and receiver of all transfers, those of an unknown amount too."""
        names = ("time", "sender", "receiver")
        return pl.concat([self.whole.rows.select(names), self.whole.wide.select(names)])

    def spanned(self) -> pl.DataFrame:
        """Return the rows of the span, in the order of the index."""
        return self.whole.rows.slice(self.first, max(0, self.end - self.first))

    def check_carried(self, carried: Mapping[tuple[bytes, int], Lots]) -> None:
        """Refuse lots from other assets that are not as much as the transfer that brings them.

        Raises
        ------
        TraceError
            If a payment of a swap is not followed as it was read.
        """
        for place in self.places_of(carried):
            row = self.row(place)
            brought = sum(lot.amount for lot in carried[row["txid"], row["n"]])
            if brought != row["amount"]:
                raise TraceError(
                    f"{brought} base units were got in a swap and {row['amount']} came by its"
                    " payment",
                    where=f"transaction {row['txid'].hex()}",
                    remedy="a transfer of it counts as a lure: follow without poisoning=, or from"
                    " behind it",
                )

    def places_of(self, chosen: Collection[tuple[bytes, int]]) -> list[int]:
        """Return where transfers stand that are called by transaction and place in it."""
        if not chosen:
            return []
        ids = pl.Series([txid for txid, _ in chosen], dtype=pl.Binary).unique()
        ours = self.whole.rows.select("txid", "n").with_row_index("at")
        found = ours.filter(pl.col("txid").is_in(ids.implode())).iter_rows()
        here = self._stands
        return sorted(here.get(at, at) for at, txid, n in found if (txid, n) in chosen)


def _made(ledger: Ledger, asset: Asset, poisoning: Rule | None, passage: Passage) -> Whole:
    found = passed_on(movements(ledger, asset, poisoning), passage)
    known = found.filter(pl.col("amount").is_not_null())
    what = ("imitates", "doubt")
    told = known.filter(pl.any_horizontal(pl.col(what).is_not_null())).select("txid", "n", *what)
    rows = known.select(_OF_A_ROW).rechunk()
    wide = found.filter(pl.col("amount").is_null())
    unsure = known.filter(effect_unread()).select("time", *ROWS)
    return Whole(TransferIndex(rows), rows, wide, unsure, told, near_in_time(known),
                 placed(known, passage))  # fmt: skip


def _span(times: pl.Series, start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """Return the places of a span of time."""
    if start is None and end is None:
        return 0, len(times)
    if not times.is_sorted():
        raise TraceError(
            "the times of transfers do not rise with their heights, so that a span of time is no"
            " stretch of the order in which they happened",
            remedy="look at the whole ledger, or check the heights and times of the table",
        )
    first = 0 if start is None else int(times.search_sorted(start, "left"))
    return first, len(times) if end is None else int(times.search_sorted(end, "left"))
