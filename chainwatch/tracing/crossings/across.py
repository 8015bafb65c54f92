"""``trace_across``: follow value to bridges on one chain, and on from their payouts on others."""

from __future__ import annotations

from collections import Counter
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
    TOO_FAR,
)
from chainwatch.tracing.crossings.crossings import ledgers_of
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

Key = tuple[str, bytes | None, bytes, int]
"""What calls a payment: chain, contract, transaction and place in it."""


@recorded
def trace_across(
    ledgers: Ledger | Sequence[Ledger], subjects: Subjects, crossings: Crossings, *,
    policy: Policy | str | None = None, leads: bool = False, stop: object = None,
    clusters: Owners | None = None, asset: Asset | None = None, chain: str | None = None,
    poisoning: Rule | None = None, max_hops: int | None = None, max_age: timedelta | None = None,
    max_crossings: int = MOST_CROSSINGS,
) -> TraceAcross:  # fmt: skip
    """Follow what subjects receive to bridges, and on from the payouts that answer them.

    Parameters
    ----------
    ledgers : Ledger or sequence of Ledger
        One with several chains, or several.
    subjects, policy, stop, clusters, asset, chain, poisoning, max_hops, max_age
        As :func:`chainwatch.trace` takes them, for each leg; bridges are ends of each. A policy is
        to have a meaning on every chain that is reached; poisoning is asked on account chains.
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
    and they may meet.
    """
    expect(crossings, Crossings, "crossings", "pass what chainwatch.crossings(...) returns")
    expect(leads, bool, "leads", "pass True or False")
    if max_crossings < 0:
        raise TraceError(f"at most {max_crossings} crossings", remedy="give 0 or more")
    of = ledgers_of(ledgers)
    first = subjects_of(subjects, asset, chain, _only(of))
    stops = [*_listed(stop), crossings.bridges]
    limits = {"max_hops": max_hops, "max_age": max_age, "clusters": clusters, "policy": policy}
    way = Way(of, Known.read(crossings), stops, limits, poisoning, leads, max_crossings)
    way.begin(first.asset, subjects)
    found = way.result(crossings)
    found.check()
    return found


def _only(ledgers: Mapping[str, Ledger]) -> Ledger | None:
    """Return the ledger by whose chain addresses are read, where there is one chain alone."""
    return next(iter(ledgers.values())) if len(ledgers) == 1 else None


def _listed(stop: object) -> list[object]:
    return [] if stop is None else list(stop) if isinstance(stop, (list, tuple)) else [stop]


class Known(NamedTuple):
    """Deposits by what calls them, and the payouts of each by its number.

    ``shared`` is of how many deposits each payout is.
    """

    deposits: dict[Key, dict[str, Any]]
    payouts: dict[int, list[dict[str, Any]]]
    shared: Counter[Key]

    @classmethod
    def read(cls, found: Crossings) -> Known:
        """Return what crossings know, ready to be asked."""
        payouts: dict[int, list[dict[str, Any]]] = {}
        for row in found.payouts.iter_rows(named=True):
            payouts.setdefault(row["crossing"], []).append(row)
        shared = Counter(_key(row) for row in found.payouts.iter_rows(named=True))
        deposits = {_key(row): row for row in found.frame.iter_rows(named=True)}
        return cls(deposits, payouts, shared)


def _key(row: Mapping[str, Any]) -> Key:
    return row["chain"], row["contract"], row["txid"], row["n"]


class Leg(NamedTuple):
    """A trace on one chain, how many crossings lie before it, and what it rests on."""

    trace: Trace
    crossings: int
    begins: int
    partial: bool
    lead: bool


@dataclass
class Payouts:
    """Payouts of one asset that wait to be followed."""

    crossings: int
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    partial: bool = False
    lead: bool = False


@dataclass
class Way:
    """One way over several chains, in the making."""

    ledgers: Mapping[str, Ledger]
    known: Known
    stops: Sequence[object]
    limits: Mapping[str, Any]
    poisoning: Rule | None
    leads: bool
    most: int
    legs: list[Leg] = field(default_factory=list)
    sides: list[dict[str, Any]] = field(default_factory=list)
    ends: list[pl.DataFrame] = field(default_factory=list)
    seen: dict[Key, int] = field(default_factory=dict)
    numbered: int = 0

    def begin(self, asset: Asset, subjects: Subjects) -> None:
        """Follow the subjects, and then every payout that is reached, chain by chain."""
        waiting = self._leg(asset, subjects, Payouts(0), None)
        while waiting:
            reached: dict[Asset, Payouts] = {}
            for one in sorted(waiting, key=lambda a: (a.chain, a.contract or b"")):
                group = waiting[one]
                whom = [f"{txid_text(txid, chain)}:{n}" for chain, _, txid, n in group.rows]
                for more, payouts in self._leg(one, whom, group, len(whom)).items():
                    _add(reached, more, payouts)
            waiting = reached

    def _leg(
        self, asset: Asset, subjects: Subjects, before: Payouts, begins: int | None
    ) -> dict[Asset, Payouts]:
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
        self, number: int, asset: Asset, found: Trace, before: Payouts
    ) -> dict[Asset, Payouts]:
        """Return the payouts that a leg reaches, and note its ends and both sides of crossings."""
        traced: dict[Key, list[int]] = {}
        for reason, txid, n, amount in found.ends.select(
            "reason", "txid", "n", "amount"
        ).iter_rows():
            if reason == BRIDGE:
                traced.setdefault((asset.chain, asset.contract, txid, n), []).append(int(amount))
        onward: dict[Asset, Payouts] = {}
        words: dict[Key, str] = {}
        for key, amounts in sorted(traced.items(), key=_in_order):
            deposit = self.known.deposits.get(key)
            if deposit is None:
                words[key] = NOT_LOOKED_AT
                continue
            amount = sum(amounts) if found.conserves else max(amounts)
            done = [
                self._cross(number, deposit, paid, amount, before, onward)
                for paid in self.known.payouts.get(deposit["crossing"], [])
            ]
            words[key] = done[0] if done else str(deposit["reason"])
        self.ends.append(_ends(number, asset, found, words))
        return onward

    def _cross(
        self, number: int, deposit: dict[str, Any], paid: dict[str, Any], traced: int,
        before: Payouts, onward: dict[Asset, Payouts],
    ) -> str:  # fmt: skip
        """Note one crossing, and let its payout wait if it is to be followed; say what was done."""
        key, target = (
            _key(paid),
            Asset(*(paid[n] for n in ("chain", "contract", "symbol", "decimals"))),
        )
        lead = paid["evidence"] == BY_AMOUNT
        done = FOLLOWED
        if lead and not self.leads:
            done = LEAD
        elif key in self.seen or any(key in one.rows for one in onward.values()):
            done = AGAIN
        elif before.crossings >= self.most:
            done = TOO_FAR
        else:
            group = onward.setdefault(target, Payouts(before.crossings + 1))
            group.rows[key] = paid
            whole = None if deposit["amount"] is None else int(deposit["amount"])
            shared = self.known.shared.get(key, 0) > 1
            group.partial |= before.partial or shared or whole is None or traced < whole
            group.lead |= before.lead or lead
        self._note(number, deposit, paid, traced, done)
        return done

    def _note(
        self, number: int, deposit: dict[str, Any], paid: dict[str, Any], traced: int, done: str
    ) -> None:
        self.numbered += 1
        shared = {
            "crossing": self.numbered, "bridge": deposit["bridge"], "done": done,
            "evidence": paid["evidence"], "moves": deposit["moves"],
            "moves_matched": deposit["moves_matched"],
        }  # fmt: skip
        for side, row in ((PAID_IN, deposit), (PAID_OUT, paid)):
            into = side == PAID_IN
            self.sides.append({
                **{name: row[name] for name in ("chain", "time", "txid", "n", "tx", "contract",
                                                "symbol", "decimals", "amount")},
                "side": side, "leg": number if into else None,
                "source": row["address"] if into else None,
                "target": None if into else row["receiver"],
                "traced": traced if into else None, "key": None if into else _key(paid), **shared,
            })  # fmt: skip

    def result(self, crossings: Crossings) -> TraceAcross:
        """Return what was found; the leg of what was paid out is the one that follows it."""
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


def _in_order(item: tuple[Key, object]) -> tuple[bytes, int]:
    (_, _, txid, n), _ = item
    return txid, n


def _add(reached: dict[Asset, Payouts], asset: Asset, more: Payouts) -> None:
    group = reached.setdefault(asset, Payouts(more.crossings))
    group.rows |= more.rows
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


def _ends(number: int, asset: Asset, found: Trace, words: Mapping[Key, str]) -> pl.DataFrame:
    """Return the ends of a leg by reason, service, certainty and what became of a deposit."""
    told = [
        words.get((asset.chain, asset.contract, txid, n)) if reason == BRIDGE else None
        for reason, txid, n in found.ends.select("reason", "txid", "n").iter_rows()
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
