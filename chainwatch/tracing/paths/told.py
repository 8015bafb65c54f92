"""Routes as rows: what each payment is, what its step rests on, and what else could explain it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from chainwatch.attribution.resolve import Sayings, leading
from chainwatch.tracing.paths.graph import Edge, Pair
from chainwatch.tracing.paths.parties import Parties
from chainwatch.tracing.paths.ranking import RANKINGS, UNMEASURED, VALUE, WEAKEST, Route
from chainwatch.tracing.paths.tables import BEGINS, CONTROL, EVERY, FLOW, SOME
from chainwatch.units import counted

Row = dict[str, Any]


class Payment(NamedTuple):
    """One movement as a ledger tells it: its place, its parties, and what else is in it."""

    tx: int | None
    txid: bytes
    n: int
    time: datetime | None
    source: bytes | None
    target: bytes | None
    amount: int
    otherwise: str
    shape: bool
    """Whether it is a small part of what one coin was divided into: a step of a peel chain."""


class Telling(Protocol):
    """What tells of movements by their numbers."""

    def payment(self, move: int, before: int | None, payer: bytes | None) -> Payment:
        """Return a movement; ``before`` is that whose value it carries on, ``payer`` who pays."""
        ...


@dataclass(frozen=True)
class Teller:
    """Writes routes as rows of ``ROUTES`` and ``HOPS``."""

    parties: Parties
    telling: Telling
    sayings: Sayings
    by: str
    names: Mapping[str, str] = field(default_factory=dict)

    def rows(self, routes: Sequence[Route]) -> tuple[list[Row], list[Row]]:
        """Return the rows of routes, and those of their payments."""
        listed, hops = [], []
        for number, route in enumerate(routes, 1):
            mine = [{"route": number, **row} for row in self.hops(route)]
            listed.append({"route": number, **self.route(route, mine)})
            hops += mine
        return listed, hops

    def route(self, route: Route, hops: Sequence[Row]) -> Row:
        """Return the row of a route."""
        first, last = hops[0], hops[-1]
        flow = route.flow
        ends = [self._named(one["address"], one["time"]) for one in (
            {"address": first["source"], "time": first["time"]},
            {"address": last["target"], "time": last["time"]},
        )]  # fmt: skip
        levels = [level for _, level in ends if level is not None]
        pairs = _claims(route)
        sure = min((self.parties.sure(pair) for pair in pairs), default=UNMEASURED)
        return {
            "source": first["source"], "target": last["target"], "hops": route.hops,
            "first": first["time"], "last": last["time"],
            "amount": route.amount, "narrowest": _narrowest(route, hops),
            "flow": None if flow is None else int(flow),
            "flow_unknown": None if flow is not None else _why_unknown(route),
            "owners": len(pairs), "control": None if sure == UNMEASURED else sure,
            "attribution": min(levels) if len(levels) == len(ends) else None,
            "source_tag": ends[0][0], "target_tag": ends[1][0],
            "order": SOME if route.open else EVERY, "why": self._why(route, pairs),
            "behind": ",".join(sorted(one.hex() for one in {
                row[side] for row in hops for side in ("source", "target") if row[side]
            })),
        }  # fmt: skip

    def hops(self, route: Route) -> Iterator[Row]:
        """Yield a row for each payment of a route."""
        told: list[Row] = []
        shapes: list[bool] = []
        for hop, step in enumerate(_steps(route), 1):
            row, shape = self._hop(step, told[-1] if told else None)
            told.append({"hop": hop, **row})
            shapes.append(shape)
        told[-1] |= self._arrival(route.edges[-1].owner, told[-1])
        for row, peel in zip(told, peels(shapes), strict=True):
            yield {**row, "peel": peel}

    def _hop(self, step: _Step, last: Row | None) -> tuple[Row, bool]:
        pair = step.owner
        payer = pair[1] if pair else None
        one = self.telling.payment(step.move, None if step.control else step.before, payer)
        kind = BEGINS if last is None else CONTROL if step.control else FLOW
        sure = self.parties.sure(pair) if pair and pair[0] != pair[1] else None
        return {
            "source": one.source, "target": one.target, "tx": one.tx, "txid": one.txid, "n": one.n,
            "time": one.time, "amount": one.amount,
            "arrives": None if step.share is None else int(step.share), "step": kind,
            "control": None if sure in (None, UNMEASURED) else sure,
            "evidence": self._evidence(kind, pair, last), "otherwise": one.otherwise,
            "order": SOME if step.open else EVERY,
        }, one.shape and kind != CONTROL  # fmt: skip

    def _arrival(self, pair: Pair | None, last: Row) -> Row:
        """Return what the last payment rests on where whom it pays is claimed to be the target."""
        if pair is None or pair[0] == pair[1]:
            return {}
        told = f"{last['evidence']}; {TO_TARGET}{self._owner(pair)}"
        sure = min(self.parties.sure(pair), 1.0 if last["control"] is None else last["control"])
        return {"evidence": told, "control": None if sure == UNMEASURED else sure}

    def _evidence(self, kind: str, pair: Pair | None, last: Row | None) -> str:
        """Return in words what a step rests on."""
        owner = "" if pair is None or pair[0] == pair[1] else self._owner(pair)
        if kind == BEGINS:
            return f"spent from the source{f', {owner}' if owner else ''}"
        if kind == FLOW:
            return self.names[FLOW]
        return f"{self.names[CONTROL]}{owner or 'one address'}"

    def _owner(self, pair: Pair) -> str:
        told = self.parties.explained(pair)
        if told is None or not told.length:
            return "one owner by the clusters given, which do not say why"
        links = counted(told.length, "link", "links")
        if told.weakest is None:
            return f"one owner by {links}, none of them measured; clusters.why has all"
        weakest = told.frame.row(told.weakest - 1, named=True)
        among = "the weakest that was measured" if told.frame["confidence"].null_count() else (
            "the weakest"
        )  # fmt: skip
        # Which transaction it is, clusters.why says as the edition allows; a result never changes.
        return (
            f"one owner by {links}, {among} by {weakest['rule']} (confidence"
            f" {weakest['confidence']:.3f}); clusters.why has all"
        )

    def _named(self, address: bytes | None, when: datetime | None) -> tuple[str | None, int | None]:
        """Return whom tags name at an address on a day, and their level."""
        day: date | None = None if when is None else when.date()
        holding = [one for one in self.sayings.get(address or b"", ()) if one.holds(day)]
        if not holding:
            return None, None
        actors = sorted({one.actor for one in leading(holding)})
        name = actors[0] if len(actors) == 1 else f"{' or '.join(actors)} (contested)"
        return name, max(one.level for one in holding)

    def _why(self, route: Route, pairs: Sequence[Pair]) -> str:
        """Return in words what the rank of a route rests on."""
        said = f"ranked by {RANKINGS[self.by]}"
        if self.by == VALUE and not route.flow:
            what = "not known" if route.flow is None else "nothing"
            said += f"; what arrives along it is {what}, so it stands behind those with more"
        if self.by == WEAKEST and not pairs:
            said += "; it rests on no claim on owners"
        return said


TO_TARGET = "whom it pays is the target, "
"""Said where the last payment of a route goes to another address of the target's owner."""


class _Step(NamedTuple):
    """One payment of a route: its movement, that before it, and how it goes on from that."""

    move: int
    before: int | None
    control: bool
    open: bool
    owner: Pair | None
    share: Fraction | None


def _steps(route: Route) -> Iterator[_Step]:
    share: Fraction | None = Fraction(1)
    before, control, open_, owner = None, False, False, None
    for edge in route.edges:
        share = None if share is None or edge.share is None else share * edge.share
        control, open_ = control or edge.control, open_ or edge.open
        owner = edge.owner or owner
        if edge.move >= 0:
            yield _Step(edge.move, before, control, open_, owner, share)
            before, control, open_, owner = edge.move, False, False, None


def _claims(route: Route) -> list[Pair]:
    """Return the pairs of addresses of which a route claims one owner."""
    return [e.owner for e in route.edges if e.owner and (e.owner[0] != e.owner[1] or e.control)]


def _narrowest(route: Route, hops: Sequence[Row]) -> bytes | None:
    """Return whom the smallest amount on a route was paid: where it was spent, if none was paid."""
    paid = [row["target"] for row in hops if row["amount"] == route.amount]
    spent = [row["source"] for row in hops if row["step"] != FLOW]
    found: bytes | None = (paid or spent)[0]
    return found


def _why_unknown(route: Route) -> str:
    if any(edge.control for edge in route.edges):
        return "no value flows in a step of control"
    if route.open:
        return "the order of transfers of one time is open"
    return "not all of what entered a payment was read, or the order of what lay beside it is open"


PEEL = 3
"""Steps in a row from which on they are drawn as one chain."""


def peels(shapes: Sequence[bool]) -> list[int | None]:
    """Return for each payment which chain of at least ``PEEL`` in a row it is part of."""
    found: list[int | None] = [None] * len(shapes)
    number, begin = 0, 0
    for place in range(len(shapes) + 1):
        if place < len(shapes) and shapes[place]:
            continue
        if place - begin >= PEEL:
            number += 1
            found[begin:place] = [number] * (place - begin)
        begin = place + 1
    return found


__all__ = ["Edge", "Payment", "Teller", "Telling", "peels"]
