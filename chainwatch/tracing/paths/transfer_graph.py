"""The transfers that were met as a graph of routes: payments, and the balances between them.

What an address pays stands on a line in the order of time. A route enters the line behind the
arrival, waits along it and leaves it with one payment, so that an address of many transfers costs
as many edges and not as many as there are pairs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from chainwatch.errors import TraceError
from chainwatch.ledger.balances import Reading
from chainwatch.tracing.paths.graph import END, START, RouteGraph
from chainwatch.tracing.paths.order import NO, OPEN
from chainwatch.tracing.paths.shares import Shares
from chainwatch.tracing.paths.transfers import TransferGround
from chainwatch.tracing.walks.utxo_graph import EPOCH

MOST_PAIRS = 1_000_000
"""Pairs of transfers of one time that are looked at."""

Leave = Callable[[int], dict[str, Any] | None]
"""What is said of leaving a line by a payment; None where nobody can."""


def graph_of(ground: TransferGround) -> RouteGraph:
    """Return what of the transfers that were met lies between the two parties."""
    alive = _alive(ground)
    rows = ground.transfers.whole.rows
    graph = RouteGraph()
    labels: dict[bytes, int] = {}
    timed = not rows["time"].gather(alive).null_count()
    for place in alive:
        row = rows.row(place, named=True)
        label = labels.setdefault(row["txid"], len(labels))
        first, last = graph.node(("pays", place)), graph.node(("paid", place))
        graph.add(first, last, hops=1, amount=int(row["amount"]), move=place, label=label)
        _ends(graph, ground, place, row, timed=timed)
    between = _Between(ground, graph, alive)
    for one in sorted({int(ground.receiver[place]) for place in alive} - ground.target):
        between.balance(one)
        between.owner(one)
    found = graph.between()
    hops = ground.parties.max_hops
    return found if hops is None else found.within(hops)


def _alive(ground: TransferGround) -> list[int]:
    """Return the transfers from which something may lead to the target, whatever the order."""
    latest: dict[int, int] = {}
    found: set[int] = set()
    into: dict[int, list[int]] = {}
    for place in ground.moves:
        into.setdefault(int(ground.receiver[place]), []).append(place)
    due = [place for place in ground.moves if int(ground.receiver[place]) in ground.target]
    while due:
        place = due.pop()
        if place in found:
            continue
        found.add(place)
        payer = int(ground.sender[place])
        if payer in ground.source:
            continue
        for one in ground.owner_of(payer) or [payer]:
            bound = max([place, *ground.order.beside(place)])
            if bound > latest.get(one, -1):
                due += [i for i in into.get(one, ()) if latest.get(one, -1) < i <= bound]
                latest[one] = bound
    return sorted(found)


def _ends(
    graph: RouteGraph, ground: TransferGround, place: int, row: dict[str, Any], *, timed: bool
) -> None:
    """Begin routes at a transfer of the source, and end them at one to the target.

    Where the time of a transfer is not known, none is compared.
    """
    parties, amount = ground.parties, int(row["amount"])
    clock = (row["time"] - EPOCH) // timedelta(microseconds=1) if timed else 0
    if row["sender"] in parties.source:
        graph.add(
            START, graph.node(("pays", place)), share=Fraction(amount), clock=-clock,
            owner=(parties.source[row["sender"]], row["sender"]),
        )  # fmt: skip
    if row["receiver"] in parties.target:
        owner = (row["receiver"], parties.target[row["receiver"]])
        graph.add(graph.node(("paid", place)), END, clock=clock, owner=owner)


@dataclass(eq=False)
class _Between:
    """Adds what lies between arrivals and payments."""

    ground: TransferGround
    graph: RouteGraph
    alive: Sequence[int]
    paid: dict[int, list[int]] = field(default_factory=dict)
    pays: dict[int, list[int]] = field(default_factory=dict)
    pairs: int = 0

    def __post_init__(self) -> None:
        for place in self.alive:
            self.paid.setdefault(int(self.ground.receiver[place]), []).append(place)
            self.pays.setdefault(int(self.ground.sender[place]), []).append(place)

    def balance(self, one: int) -> None:
        """Join what an address was paid with what it paid."""
        arrivals, payments = self.paid[one], self.pays.get(one, [])
        if not payments:
            return
        shares = self._shares(one, payments[-1])

        def leave(place: int) -> dict[str, Any]:
            return {"share": shares and shares.leaves(place)}

        def enter(arrival: int, place: int) -> Fraction | None:
            if shares is None:
                return None
            kept = shares.between(shares.stretch[arrival], shares.stretch[place])
            return kept and kept * shares.enters(arrival)

        def wait(place: int, later: int) -> Fraction | None:
            if shares is None:
                return None
            return shares.between(shares.stretch[place], shares.stretch[later])

        self._line(("balance", one), arrivals, payments, leave, enter, wait)

    def owner(self, one: int) -> None:
        """Join what an address was paid with what the other addresses of its owner paid."""
        ground = self.ground
        others = [other for other in ground.owner_of(one) if other != one]
        payments = sorted(place for other in others for place in self.pays.get(other, ()))
        if not payments:
            return
        address = ground.index.addresses

        def leave(place: int) -> dict[str, Any]:
            pair = (address[one], address[int(ground.sender[place])])
            return {"share": None, "control": True, "owner": pair}

        def unknown(_: int, __: int) -> None:
            return None

        self._line(("owner", one), self.paid[one], payments, leave, unknown, unknown)

    def _line(
        self, name: tuple[str, int], arrivals: Iterable[int], payments: list[int],
        leave: Callable[[int], dict[str, Any]],
        enter: Callable[[int, int], Fraction | None], wait: Callable[[int, int], Fraction | None],
    ) -> None:  # fmt: skip
        graph, order = self.graph, self.ground.order
        for arrival in arrivals:
            here = graph.node(("paid", arrival))
            beside = set(order.beside(arrival))
            pairs = beside.intersection(payments)
            self._count(len(pairs))
            for place in sorted(pairs):
                told = order.follows(arrival, place)
                if told != NO:
                    said, kept = leave(place), enter(arrival, place) if told != OPEN else None
                    part = None if kept is None or said["share"] is None else kept * said["share"]
                    said |= {"share": part, "open": told == OPEN}
                    graph.add(here, graph.node(("pays", place)), **said)
            later = bisect_right(payments, arrival)
            while later < len(payments) and payments[later] in beside:
                later += 1
            if later < len(payments):
                first = payments[later]
                graph.add(here, graph.node((*name, first)), share=enter(arrival, first))
        for at, place in enumerate(payments):
            line = graph.node((*name, place))
            graph.add(line, graph.node(("pays", place)), **leave(place))
            if at + 1 < len(payments):
                later = payments[at + 1]
                graph.add(line, graph.node((*name, later)), share=wait(place, later))

    def _count(self, pairs: int) -> None:
        """Refuse more pairs of one time than can be held: each may come before the other."""
        self.pairs += pairs
        if self.pairs > MOST_PAIRS:
            raise TraceError(
                f"more than {MOST_PAIRS:,} pairs of transfers bear one time, and each may come"
                " before the other",
                remedy="look at a shorter span, or read a table that gives the places of transfers"
                " in their blocks",
            )

    def _shares(self, one: int, last: int) -> Shares | None:
        """Return the haircut of a balance; None where its history was not read so far."""
        ground = self.ground
        address = ground.index.addresses[one]
        when = ground.transfers.whole.rows["time"][last]
        if address in ground.apart or not _whole(ground.read.get(address, ()), when):
            return None
        order = ground.order
        history = ground.transfers.history(address)
        mine = set(history.places)

        def tied(place: int) -> bool:
            near = [other for other in order.beside(place) if other != place and other in mine]
            return any(order.follows(place, other) == OPEN or order.follows(other, place) == OPEN
                       for other in near)  # fmt: skip

        return Shares.of(history, tied)


def _whole(readings: Sequence[Reading], when: datetime | None) -> bool:
    """Tell whether a history was read from its beginning up to a moment, in one piece."""
    return any(
        first is None and (last is None or (when is not None and when <= last))
        for first, last in readings
    )
