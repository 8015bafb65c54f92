"""Routes over balances: who was paid can pay on what is not earlier, and as much as he holds.

A transfer may follow only one that is not later. Of two that bear one time nobody may know which
came first: a step between them is there in some order and not in all, and is marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.addresses.assets import FEE_KINDS, ZERO
from chainwatch.ledger.balances import Reading
from chainwatch.ledger.unread.rows_apart import MayHaveMoved
from chainwatch.tracing.paths.order import NO, Order
from chainwatch.tracing.paths.parties import Parties
from chainwatch.tracing.paths.search import SOURCE, Item, Limit
from chainwatch.tracing.stops import BY_LAG, NOT_READ, End
from chainwatch.tracing.walks import coin_ends
from chainwatch.tracing.walks.account_graph import Transfers

Array = NDArray[Any]
NEVER = 1 << 62
"""Behind every transfer."""

PARTY, OWNER = 0, 1
"""What is opened: the transfers of an address, or those of all addresses of an owner."""


@dataclass(eq=False)
class Met:
    """The transfers of an address or owner that were met: those that arrive, and those that leave.

    ``waiting`` are those since it was last opened, from either side; ``done`` from where on, and up
    to where, its transfers were looked at.
    """

    arrivals: dict[int, None] = field(default_factory=dict)
    departures: dict[int, None] = field(default_factory=dict)
    waiting: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    done: list[int] = field(default_factory=lambda: [NEVER, -1])


@dataclass(eq=False)
class TransferGround:
    """The transfers between two parties; see :class:`chainwatch.tracing.paths.search.Ground`.

    Attributes
    ----------
    transfers : Transfers
        All of one asset, in order, and the span.
    parties : Parties
        The two ends.
    read : mapping
        Whose history was read, and when.
    apart : mapping
        What each address may have paid in rows that were set apart.
    moves : dict of int
        Transfers that were met and that a route may take.
    limits : dict
        Where looking ended, each place once.
    """

    transfers: Transfers
    parties: Parties
    read: Mapping[bytes, Sequence[Reading]]
    apart: Mapping[bytes, MayHaveMoved] = field(default_factory=dict)
    moves: dict[int, None] = field(default_factory=dict)
    limits: dict[tuple[int, str, int | bytes], Limit] = field(default_factory=dict)
    met: dict[Item, Met] = field(default_factory=dict)
    _fewest: tuple[dict[Item, int], dict[Item, int]] = field(default_factory=lambda: ({}, {}))
    _owners: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up the addresses of both ends by their numbers."""
        self.index = self.transfers.whole.index
        self.sender, self.receiver = self.index.sender, self.index.receiver
        self.source, self.target = (
            {n for n in map(self.index.number_of, one) if n is not None}
            for one in (self.parties.source, self.parties.target)
        )
        self.order = Order.of(self.transfers.whole.near)
        self._passing()

    def _passing(self) -> None:
        """Note which transfers a route may take, as far as no stop ends it, and who has others.

        It begins where it leaves the source last, and ends at the target's first; no lure moves
        value, nor a transfer to oneself; nobody goes on from a fee or from the zero address.
        """
        nobody = [one for one in map(self.index.number_of, ZERO) if one is not None]
        sender, receiver, ends = self.sender, self.receiver, np.array(sorted(self.target), np.int64)
        fees = self.transfers.whole.rows["kind"].is_in([*FEE_KINDS]).to_numpy()
        inside = np.zeros(len(sender), np.bool_)
        inside[self.transfers.first : self.transfers.end] = True
        moves = inside & ~self.transfers.whole.rows["poison"].to_numpy() & (sender != receiver)
        between = ~np.isin(receiver, sorted(self.source)) & ~np.isin(sender, ends)
        goes_on = np.isin(receiver, ends) | ~(fees | np.isin(receiver, nobody))
        self.passing = moves & between & goes_on
        count = len(self.index.addresses)
        self.more = (
            np.bincount(sender[self.passing], minlength=count),
            np.bincount(receiver[self.passing], minlength=count),
        )

    # What the search asks.

    def begin(self, side: int) -> list[Item]:
        """Return whom the source pays, or who pays the target."""
        reached: dict[Item, None] = {}
        for address in sorted(self.parties.source if side == SOURCE else self.parties.target):
            self._unread(side, address)
        for one in sorted(self.source if side == SOURCE else self.target):
            places, incoming = self.index.touching(one)
            mine = places[(~incoming if side == SOURCE else incoming) & self.passing[places]]
            for place in mine.tolist():
                reached |= dict.fromkeys(self._take(side, place, 1))
        return list(reached)

    def size(self, item: Item) -> int:
        """Return how many transfers an address has, or an owner."""
        return sum(len(self.index.touching(one)[0]) for one in self._numbers(item))

    def refused(self, side: int, item: Item, near: Iterable[Item]) -> bool:
        """Tell that nothing more is refused here: stops were looked at when it was reached."""
        return False

    def open(self, side: int, item: Item) -> list[Item]:
        """Open the transfers of an address or an owner towards the other end."""
        met, hops, most = self.met[item], self._fewest[side][item], self.parties.max_hops
        new, done = met.waiting[side][:], met.done[side]
        met.waiting[side].clear()
        met.done[side] = min(*new, done) if side == SOURCE else max(*new, done)
        for one in self._numbers(item):
            self._history(side, one)
        if most is not None and hops >= most:
            self._limit(side, coin_ends.too_far(most), new[0], side)
            return []
        reached: dict[Item, None] = {}
        for one in self._numbers(item):
            places, incoming = self.index.touching(one)
            mine = places[(~incoming if side == SOURCE else incoming) & self.passing[places]]
            for place in self._near(side, mine, new, done):
                reached |= dict.fromkeys(self._take(side, place, hops + 1))
        return list(reached)

    def left(self, side: int, item: Item) -> Iterator[Limit]:
        """Yield what is known of an address or owner that was not opened."""
        size = self.size(item)
        whose = "of one owner " if item.kind == OWNER else ""
        told = f"{size} transfers {whose}were more than what was left of the budget"
        met = self.met[item]
        ours = [*(met.arrivals if side == SOURCE else met.departures)]
        amount = sum(self.amount(place) for place in ours)
        first = self._told(side, End("budget", told), ours[0], side)
        yield first._replace(amount=amount, edges=size)

    # Opening.

    def _near(self, side: int, mine: Array, new: list[int], done: int) -> Iterator[int]:
        """Yield the transfers of an address that can follow, or come before, any of some others.

        Those behind what was ``done``, or before it, were met already.
        """
        if side == SOURCE:
            fits = mine[(mine > min(new)) & (mine <= done)]
        else:
            fits = mine[(mine < max(new)) & (mine >= done)]
        beside = {other for place in new for other in self.order.beside(place)}
        listed = {*fits.tolist(), *beside.intersection(mine.tolist())} if beside else fits.tolist()
        for place in sorted(listed):
            pairs = ((one, place) if side == SOURCE else (place, one) for one in new)
            if place not in beside or any(self.order.follows(*pair) != NO for pair in pairs):
                yield place

    def _take(self, side: int, place: int, hops: int) -> Iterator[Item]:
        """Take a transfer that was met, and yield whom it leads to, where that is news."""
        one = int((self.receiver if side == SOURCE else self.sender)[place])
        if not self.goes_on(side, place):
            return
        self.moves[place] = None
        if one in self.source or one in self.target:
            return
        listed = self.owner_of(one)
        if len(listed) > 1:
            yield from self._reach(side, Item(OWNER, listed[0]), place, hops)
        if self.more[side][one]:
            yield from self._reach(side, Item(PARTY, one), place, hops)
        else:
            self._history(side, one)

    def _reach(self, side: int, item: Item, place: int, hops: int) -> Iterator[Item]:
        met, fewest = self.met.setdefault(item, Met()), self._fewest[side]
        ours = met.arrivals if side == SOURCE else met.departures
        fewer = self.parties.max_hops is not None and hops < fewest.get(item, hops)
        fewest[item] = min(hops, fewest.get(item, hops))
        known = place in ours
        ours[place] = None
        if fewer:  # all of it can be reached with fewer hops than before
            met.done[side] = NEVER if side == SOURCE else -1
            met.waiting[side][:] = [*ours]
            yield item
        elif not known and (self.order.beside(place) or self._wider(met, side, place)):
            met.waiting[side].append(place)
            yield item

    def _wider(self, met: Met, side: int, place: int) -> bool:
        """Tell whether a transfer leads to more than those that were met already."""
        return place < met.done[side] if side == SOURCE else place > met.done[side]

    # What is known of one place.

    def goes_on(self, side: int, place: int) -> bool:
        """Tell whether a route may take a transfer; note why not, where that is worth telling."""
        if not self.parties.stops.by_address or int(self.receiver[place]) in self.target:
            return True
        end = self.stopped(place)
        if end is not None:
            self._limit(side, end, place, SOURCE)
        return end is None

    def stopped(self, place: int) -> End | None:
        """Return why no route goes on from the receiver of a transfer, if none does."""
        address = self.index.addresses[int(self.receiver[place])]
        when = self.transfers.whole.rows["time"][place]
        return self.parties.stops.at(self.parties.asset.chain, address, when)

    def owner_of(self, one: int) -> list[int]:
        """Return the numbers of all addresses of whoever owns one."""
        if self.parties.clusters is None:
            return []
        if one not in self._owners:
            listed = map(self.index.number_of, self.parties.owned(self.index.addresses[one]))
            found = sorted(n for n in listed if n is not None)
            self._owners |= dict.fromkeys(found, found)
        return self._owners[one]

    def amount(self, place: int) -> int:
        """Return what a transfer moves."""
        return int(self.transfers.whole.rows["amount"][place])

    def _numbers(self, item: Item) -> list[int]:
        return [item.number] if item.kind == PARTY else self.owner_of(item.number)

    def _history(self, side: int, one: int) -> None:
        """Note that the history of an address was not read: it may have paid others, or been."""
        self._unread(side, self.index.addresses[one])

    def _unread(self, side: int, address: bytes) -> None:
        if self.read.get(address):
            return
        what = "paid more" if side == SOURCE else "been paid by more"
        told = f"the history of this address was not read: it may have {what}"
        end = End(NOT_READ, told, basis=BY_LAG)
        key = (side, NOT_READ, address)
        self.limits.setdefault(key, Limit(side, end, None, None, None, None, address, None))

    def _limit(self, side: int, end: End, place: int, whose: int) -> None:
        """Note that looking ended at a transfer, at its receiver or at its sender."""
        self.limits.setdefault((side, end.reason, place), self._told(side, end, place, whose))

    def _told(self, side: int, end: End, place: int, whose: int) -> Limit:
        row = self.transfers.row(place)
        where = (row["tx"], row["txid"], row["n"], row["time"])
        address = row["receiver" if whose == SOURCE else "sender"]
        return Limit(side, end, *where, address, row["amount"])
