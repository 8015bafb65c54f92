"""``trace_across``: follow value to bridges on one chain, and on from their payouts on others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import txid_text
from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, expect
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded
from chainwatch.tracing.crossings.across_result import PAID_IN, PAID_OUT, TraceAcross
from chainwatch.tracing.crossings.across_tables import (
    AGAIN,
    CROSSED_EDGES,
    FOLLOWED,
    LEAD,
    LEG_ENDS,
    LEGS,
    NAMELESS,
    NO_LEDGER,
    OUTSIDE,
    TOO_FAR,
)
from chainwatch.tracing.crossings.crossings import ledgers_of
from chainwatch.tracing.crossings.pairs import Key, Pairs, Row, asset_of, key_of, reached
from chainwatch.tracing.crossings.result import Crossings
from chainwatch.tracing.crossings.tables import BY_AMOUNT
from chainwatch.tracing.ends.holders import with_behind
from chainwatch.tracing.policies import Policy
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BRIDGE
from chainwatch.tracing.subjects import Subjects, subjects_of
from chainwatch.tracing.trace import trace
from chainwatch.units import exact_sum, total

MOST_CROSSINGS = 8

NOT_LOOKED_AT = "no deposit that was looked at"
"""Said of an end at a bridge of which the crossings know nothing: another span or asset."""

NOT_ANSWERED = "a payout that answers no deposit that is known"
"""Said of an end backward at what a bridge paid out."""


@recorded
def trace_across(
    ledgers: Ledger | Sequence[Ledger], subjects: Subjects, crossings: Crossings, *,
    policy: Policy | str | None = None, direction: str = "forward", leads: bool = False,
    stop: object = None,
    clusters: Owners | None = None, asset: Asset | None = None, chain: str | None = None,
    poisoning: Rule | None = None, max_hops: int | None = None, max_age: timedelta | None = None,
    max_crossings: int = MOST_CROSSINGS,
) -> TraceAcross:  # fmt: skip
    """Follow what subjects receive to bridges, and on from the payouts that answer them.

    Backward it is followed to what bridges paid out, and on from the deposits that this answers.

    Parameters
    ----------
    ledgers : Ledger or sequence of Ledger
        One with several chains, or several.
    subjects, policy, direction, stop, clusters, asset, chain, poisoning, max_hops, max_age
        As :func:`chainwatch.trace` takes them, for each leg; bridges are ends of each, other
        services only where ``stop`` names them, as ``tags.services()`` does. A policy is to have a
        meaning on every chain that is reached; poisoning is asked on account chains. Hops are
        payments, counted anew in each leg: a crossing is none.
    crossings : Crossings
        What became of deposits, from :func:`chainwatch.crossings`.
    leads : bool
        Follow matches by amount and time too. They are leads and said to be.
    max_crossings : int
        Crossings between the subjects and the last leg.

    Raises
    ------
    TraceError, AddressError, ConservationError
        As :func:`chainwatch.trace` does; also if a payout is in no ledger.

    Fails when
    ----------
    Of a deposit only a part is traced, or a payout is of several deposits: it is followed whole,
    and the leg is marked *partial*. Value comes back to a chain: each leg is a trace of its own,
    and they may meet. Where it comes back to a subject it stands in the first leg again, as
    received; how much is told (``came_back``), and not taken off.
    """
    expect(crossings, Crossings, "crossings", "pass what chainwatch.crossings(...) returns")
    expect(leads, bool, "leads", "pass True or False")
    if max_crossings < 0:
        raise TraceError(f"at most {max_crossings} crossings", remedy="give 0 or more")
    of = ledgers_of(ledgers)
    first = subjects_of(subjects, asset, chain, _only(of))
    stops = [*_listed(stop), crossings.bridges]
    limits = {"max_hops": max_hops, "max_age": max_age, "clusters": clusters, "policy": policy,
              "direction": direction}  # fmt: skip
    pairs = Pairs.read(crossings, back=direction == "backward")
    way = Way(of, pairs, stops, limits, poisoning, leads, max_crossings)
    way.begin(first.asset, subjects)
    found = way.result(crossings)
    found.check()
    return found


def _only(ledgers: Mapping[str, Ledger]) -> Ledger | None:
    """Return the ledger by whose chain addresses are read, where there is one chain alone."""
    return next(iter(ledgers.values())) if len(ledgers) == 1 else None


def _listed(stop: object) -> list[object]:
    return [] if stop is None else list(stop) if isinstance(stop, (list, tuple)) else [stop]


class Leg(NamedTuple):
    """A trace on one chain, how many crossings lie before it, and what it rests on."""

    trace: Trace
    crossings: int
    begins: int
    partial: bool
    lead: bool


@dataclass
class Waiting:
    """Far sides of crossings, in one asset, that wait to be followed."""

    crossings: int
    rows: list[Key] = field(default_factory=list)
    partial: bool = False
    lead: bool = False


@dataclass
class Way:
    """One way over several chains, in the making."""

    ledgers: Mapping[str, Ledger]
    pairs: Pairs
    stops: Sequence[object]
    limits: Mapping[str, Any]
    poisoning: Rule | None
    leads: bool
    most: int
    legs: list[Leg] = field(default_factory=list)
    sides: list[dict[str, Any]] = field(default_factory=list)
    ends: list[pl.DataFrame] = field(default_factory=list)
    seen: dict[Key, int] = field(default_factory=dict)
    taken: set[Key] = field(default_factory=set)
    numbered: int = 0

    def begin(self, asset: Asset, subjects: Subjects) -> None:
        """Follow the subjects, and then every far side that is reached, chain by chain."""
        waiting = self._leg(asset, subjects, Waiting(0), None)
        while waiting:
            more_waiting: dict[Asset, Waiting] = {}
            for one in sorted(waiting, key=lambda a: (a.chain, a.contract or b"")):
                group = waiting[one]
                whom = [f"{txid_text(txid, chain)}:{n}" for chain, _, txid, n in group.rows]
                for more, payouts in self._leg(one, whom, group, len(whom)).items():
                    _add(more_waiting, more, payouts)
            waiting = more_waiting

    def _leg(
        self, asset: Asset, subjects: Subjects, before: Waiting, begins: int | None
    ) -> dict[Asset, Waiting]:
        if asset.chain not in self.ledgers:
            raise TraceError(
                f"{find_chain(asset.chain)} is in none of the ledgers", remedy="pass its ledger too"
            )
        coins = find_chain(asset.chain).family == "utxo"
        asked = {**self.limits, "poisoning": None if coins else self.poisoning}
        found = trace(self.ledgers[asset.chain], subjects, asset=asset, stop=self.stops, **asked)
        many = found.subjects["subject"].n_unique() if begins is None else begins
        number = len(self.legs)
        self.legs.append(Leg(found, before.crossings, many, before.partial, before.lead))
        for key in before.rows:
            self.seen[key] = number
        return self._onward(number, asset, found, before)

    def _onward(
        self, number: int, asset: Asset, found: Trace, before: Waiting
    ) -> dict[Asset, Waiting]:
        """Return the payments that a leg reaches, and note its ends and both sides of crossings."""
        traced: dict[Key, list[int]] = {}
        places: dict[int, list[Key]] = {}
        for place, key, amount in reached(found, self.pairs.found):
            traced.setdefault(key, []).append(amount)
            places.setdefault(place, []).append(key)
        onward: dict[Asset, Waiting] = {}
        words: dict[Key, str] = {}
        for key, amounts in sorted(traced.items(), key=_in_order):
            amount = sum(amounts) if found.conserves else max(amounts)
            pairs = self.pairs.found.get(key, [])
            done = [
                str(deposit["reason"])
                if paid is None
                else self._cross(number, deposit, paid, amount, before, onward)
                for deposit, paid in pairs
            ]
            unknown = NOT_ANSWERED if self.pairs.back else NOT_LOOKED_AT
            words[key] = FOLLOWED if FOLLOWED in done else next(iter(done), unknown)
        told = {place: _said([words[key] for key in keys]) for place, keys in places.items()}
        self.ends.append(_ends(number, asset, found, told))
        return onward

    def _cross(
        self, number: int, deposit: Row, paid: Row, traced: int, before: Waiting,
        onward: dict[Asset, Waiting],
    ) -> str:  # fmt: skip
        """Note one crossing, and let its far side wait if it is followed; say what was done."""
        near, far = (paid, deposit) if self.pairs.back else (deposit, paid)
        key, lead = key_of(far), paid["evidence"] == BY_AMOUNT
        done = self._why_not(far, before, lead=lead) or FOLLOWED
        if done == FOLLOWED:
            self.taken.add(key)
            group = onward.setdefault(asset_of(far), Waiting(before.crossings + 1))
            group.rows.append(key)
            whole = None if near["amount"] is None else int(near["amount"])
            shared = self.pairs.shared[key] > 1
            group.partial |= before.partial or shared or whole is None or traced < whole
            group.lead |= before.lead or lead
        self._note(number, deposit, paid, traced, done)
        return done

    def _why_not(self, far: Row, before: Waiting, *, lead: bool) -> str:
        """Return why the far side of a crossing is not followed; nothing where it is."""
        ledger, time = self.ledgers.get(far["chain"]), far["time"]
        if lead and not self.leads:
            return LEAD
        if key_of(far) in self.taken:
            return AGAIN
        if before.crossings >= self.most:
            return TOO_FAR
        if far["amount"] is None or far["address" if self.pairs.back else "receiver"] is None:
            return NAMELESS
        if ledger is None:
            return NO_LEDGER
        if time is None:
            return OUTSIDE if ledger.start or ledger.end else ""
        early = ledger.start is not None and time < ledger.start
        return OUTSIDE if early or (ledger.end is not None and time >= ledger.end) else ""

    def _note(self, number: int, deposit: Row, paid: Row, traced: int, done: str) -> None:
        self.numbered += 1
        shared = {
            "crossing": self.numbered, "bridge": deposit["bridge"], "done": done,
            "evidence": paid["evidence"], "moves": deposit["moves"],
            "moves_matched": deposit["moves_matched"],
        }  # fmt: skip
        same = ("chain", "time", "txid", "n", "tx", "contract", "symbol", "decimals", "amount")
        for side, row in ((PAID_IN, deposit), (PAID_OUT, paid)):
            into = side == PAID_IN
            near = into != self.pairs.back
            self.sides.append({
                **{name: row[name] for name in same}, "side": side,
                "leg": number if near else None, "source": row["address"] if into else None,
                "target": None if into else row["receiver"], "traced": traced if near else None,
                "key": None if near else key_of(row), **shared,
            })  # fmt: skip

    def result(self, crossings: Crossings) -> TraceAcross:
        """Return what was found; the leg of the far side of a crossing is the one behind it."""
        rows = [
            {**row, "leg": row["leg"] if key is None else self.seen.get(key)}
            for row, key in ((row, row.pop("key")) for row in self.sides)
        ]
        return TraceAcross(
            tuple(leg.trace for leg in self.legs),
            pl.DataFrame(rows, schema=CROSSED_EDGES.schema, orient="row"),
            LEGS.frame(_legs(self.legs)),
            pl.concat(self.ends),
            crossings,
        )


def _said(words: Sequence[str]) -> str:
    """Return what became of the payments of one end; of several, that one was followed."""
    return FOLLOWED if FOLLOWED in words else words[0]


def _in_order(item: tuple[Key, object]) -> tuple[bytes, int]:
    (_, _, txid, n), _ = item
    return txid, n


def _add(reached: dict[Asset, Waiting], asset: Asset, more: Waiting) -> None:
    group = reached.setdefault(asset, Waiting(more.crossings))
    group.rows += more.rows
    group.partial |= more.partial
    group.lead |= more.lead


def _legs(legs: Sequence[Leg]) -> Iterator[tuple[object, ...]]:
    for number, leg in enumerate(legs):
        asset, amount = leg.trace.asset, total(leg.trace.origins["amount"])
        whom = ",".join(sorted({one.hex() for one in leg.trace.subjects["subject"]}))
        yield (
            number, asset.chain, asset.contract, asset.symbol, asset.decimals, leg.crossings,
            leg.begins, amount, leg.partial, leg.lead, whom,
        )  # fmt: skip


def _ends(number: int, asset: Asset, found: Trace, words: Mapping[int, str]) -> pl.DataFrame:
    """Return the ends of a leg by reason, service, certainty and what became of the payment."""
    told = [words.get(place) for place in range(found.ends.height)]
    told = [
        word or (NOT_LOOKED_AT if reason == BRIDGE else None)
        for word, reason in zip(told, found.ends["reason"], strict=True)
    ]
    rows = found.ends.with_columns(pl.Series("crossing", told, pl.String))
    kinds = ["reason", "service", "certainty", "crossing"]
    summed = rows.group_by(kinds).agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends"))
    summed = summed.sort(["amount", *kinds], descending=[True, *[False] * len(kinds)])
    known = with_behind(summed, rows, found.steps, kinds).with_columns(
        leg=pl.lit(number, pl.Int64), chain=pl.lit(asset.chain),
        contract=pl.lit(asset.contract, pl.Binary), symbol=pl.lit(asset.symbol),
        decimals=pl.lit(asset.decimals, pl.Int64),
    )  # fmt: skip
    return known.select(LEG_ENDS.names)
