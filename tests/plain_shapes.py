"""The shapes of typologies found by looking at everything: slow, plain, and for these tests alone.

Payments are tuples in the order of the chain; two of one ``rank`` have no order. Each function
answers with ``(party, {role: rows})``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.made_flows import make_flows

TOKEN = Asset("eip155:1", b"\x10" + bytes(20), "TOK", 3)
HOUR, DAY = 3_600, 86_400

Answer = tuple[str, dict[str, list[int]]]


class Pay(NamedTuple):
    """A payment: its row, who pays (None is not known), whom, how much, when in seconds, its rank
    in time, and its transaction."""

    row: int
    payer: str | None
    payee: str
    amount: int
    time: int
    rank: int
    deed: int


def random_payments(
    seed: int, *, hours: int = 30, parties: int = 7, size: int = 40, sinks: int = 0
) -> list[Pay]:
    """Return payments among few, with ties of time, unknown payers and amounts that are alike.

    With ``sinks`` they stand in tiers: some pay in the first half of the hours, and whom they paid
    pay so many others in the second; now and then somebody pays otherwise.
    """
    rng = Random(seed)  # noqa: S311 - the same each time
    names = "abcdefghijklmnop"[:parties]
    third, few = parties // 3, rng.random() < 0.5
    tiers = 0 if not sinks else rng.choice([1, 1, 0.9])
    made = []
    for deed in range(rng.randrange(2, size)):
        time = rng.randrange(hours) * HOUR + rng.choice([0, 0, 1, 1_800])
        late = 2 * time > hours * HOUR
        for _ in range(rng.choice([1, 1, 1, 2])):
            if rng.random() < tiers:
                payer = rng.choice(names[third : 2 * third] if late else names[:third])
                payee = rng.choice(names[2 * third :][:sinks] if late else names[third : 2 * third])
            else:
                payer = rng.choice(names[:3] if few and rng.random() < 0.6 else names)
                payee = rng.choice([one for one in names if one != payer])
            amount = rng.choice([90, 95, 100, 100, 105, 200, 50, rng.randrange(1, 400)])
            made.append((time, deed, None if rng.random() < 0.05 else payer, payee, amount))
    made.sort(key=lambda one: (one[0], one[1]))
    loose = {time for time, *_ in made if rng.random() < 0.3}
    found, rank, last = list[Pay](), -1, None
    for time, deed, payer, payee, amount in made:
        here = (time, None if time in loose else deed)
        rank, last = (rank if here == last else rank + 1), here
        found.append(Pay(len(found), payer, payee, amount, time, rank, deed))
    return found


def key(name: str) -> bytes:
    """Return the id of a party."""
    return b"\x10" + name.encode().rjust(20, b".")


def flows_of(payments: list[Pay], wide: int = 1, **more: Any) -> Flows:
    """Return payments as flows; amounts are multiplied by ``wide``."""
    ties = {one.rank for one in payments}
    loose = {
        one.time
        for rank in ties
        if len({p.deed for p in payments if p.rank == rank}) > 1
        for one in payments
        if one.rank == rank
    }
    rows = [
        (one.payer and key(one.payer), key(one.payee), one.amount * wide, one.time * 1_000_000,
         one.deed.to_bytes(32), None if one.time in loose else one.rank, n)
        for n, one in enumerate(payments)
    ]  # fmt: skip
    schema = {"payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int128, "time": pl.Int64,
              "txid": pl.Binary, "rank": pl.Int64, "place": pl.Int64}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC"))
    )
    return make_flows(frame, TOKEN, **more)


def after(one: Pay, other: Pay) -> bool:
    """Tell whether a payment is certainly later than another."""
    return one.rank > other.rank


def soon(one: Pay, other: Pay, span: int) -> bool:
    """Tell whether a payment is at most so many seconds later than another."""
    return one.time - other.time <= span


def total(some: list[Pay]) -> int:
    return sum(one.amount for one in some)


def part(one: int, whole: int, percent: int) -> bool:
    return Fraction(one, 1) >= Fraction(whole * percent, 100)


def into(payments: list[Pay], party: str) -> list[Pay]:
    return [one for one in payments if one.payee == party]


def out_of(payments: list[Pay], party: str) -> list[Pay]:
    return [one for one in payments if one.payer == party]


def parties(payments: list[Pay]) -> list[str]:
    return sorted({one.payee for one in payments} | {one.payer for one in payments if one.payer})


def payers(some: list[Pay]) -> set[str]:
    return {one.payer for one in some if one.payer}


def payees(some: list[Pay]) -> set[str]:
    return {one.payee for one in some}


def rows(some: list[Pay]) -> list[int]:
    return sorted({one.row for one in some})


def bursts(own: list[Pay], span: int, fits: Callable[[list[Pay]], bool]) -> Iterator[list[Pay]]:
    at = 0
    while at < len(own):
        window = [one for one in own[at:] if soon(one, own[at], span)]
        if fits(window):
            yield window
            at += len(window)
        else:
            at += 1


def fan(
    payments: list[Pay], side: str, least: int, hours: int, spread: int, of_all: int, again: int
) -> Iterator[Answer]:
    mine, others = (into, payers) if side == "payee" else (out_of, payees)
    for party in parties(payments):
        own = mine(payments, party)

        def fits(window: list[Pay], own: list[Pay] = own) -> bool:
            there, outside = others(window), others([one for one in own if one not in window])
            mean = Fraction(total(window), len(window))
            variance = sum((one.amount - mean) ** 2 for one in window) / len(window)
            return (
                len(there) >= least
                and part(len(there), len(others(own)), of_all)
                and 100 * len(there & outside) <= again * len(there)
                and variance <= (mean * Fraction(spread, 100)) ** 2
            )

        for window in bursts(own, hours * HOUR, fits):
            yield party, {"in" if side == "payee" else "out": rows(window)}


def gather_scatter(
    payments: list[Pay], senders: int, receivers: int, hours: int, passed_on: int
) -> Iterator[Answer]:
    for party in parties(payments):
        came, went = into(payments, party), out_of(payments, party)

        def behind(window: list[Pay], came: list[Pay] = came, went: list[Pay] = went) -> list[Pay]:
            last = window[-1]
            after_it = [one for one in went if after(one, last) and soon(one, last, hours * HOUR)]
            following = came[came.index(last) + 1 :][:1]
            return [one for one in after_it if all(after(next_, one) for next_ in following)]

        def fits(window: list[Pay], behind: Any = behind) -> bool:
            return (
                len(payers(window)) >= senders
                and len(payees(behind(window))) >= receivers
                and part(total(behind(window)), total(window), passed_on)
            )

        for window in bursts(came, hours * HOUR, fits):
            yield party, {"in": rows(window), "out": rows(behind(window))}


def _quiet(payments: list[Pay], party: str, most: int) -> bool:
    came, went = into(payments, party), out_of(payments, party)
    return bool(came) and bool(went) and len(came) + len(went) <= most


def scatter_gather(
    payments: list[Pay], relays: int, dwell: int, hours: int, passed_on: int, most: int
) -> Iterator[Answer]:
    for first in parties(payments):
        for last in parties(payments):
            found = [
                (one, other)
                for one in payments
                for other in payments
                if first != last and (one.payer, other.payee) == (first, last)
                if one.payee == other.payer and _quiet(payments, one.payee, most)
                if after(other, one) and soon(other, one, dwell * HOUR)
                if part(other.amount, one.amount, passed_on) and other.amount <= one.amount
            ]  # fmt: skip
            at = 0
            while at < len(found):
                here = [two for two in found[at:] if soon(two[0], found[at][0], hours * HOUR)]
                by = {two[0].payee: two for two in reversed(here)}
                if len(by) >= relays:
                    yield (
                        first,
                        {
                            "scatter": rows([two[0] for two in by.values()]),
                            "gather": rows([two[1] for two in by.values()]),
                        },
                    )
                    at += len(here)
                else:
                    at += 1


def cycles(payments: list[Pay], shortest: int, longest: int, hours: int, least: int
           ) -> Iterator[Answer]:  # fmt: skip
    found: list[list[Pay]] = []

    def go_on(way: list[Pay]) -> None:
        start = way[0]
        for one in payments:
            if (
                one.payer == way[-1].payee
                and after(one, way[-1])
                and soon(one, start, hours * HOUR)
                and part(one.amount, start.amount, least)
                and one.amount <= start.amount
            ):
                if one.payee == start.payer:
                    if len(way) + 1 >= shortest:
                        found.append([*way, one])
                elif one.payee not in {p.payee for p in way} and len(way) + 1 < longest:
                    go_on([*way, one])

    for one in payments:
        if one.payer:
            go_on([one])
    used: set[int] = set()
    order = sorted(found, key=lambda way: (way[-1].row, len(way), [one.row for one in way]))
    for way in order:
        if used.isdisjoint(rows(way)):
            used.update(rows(way))
            yield str(way[0].payer), {"cycle": rows(way)}


def _once(payments: list[Pay], party: str, hours: int, passed_on: int, most: int) -> bool:
    came, went = into(payments, party), out_of(payments, party)
    return (
        _quiet(payments, party, most)
        and all(after(one, other) for one in went for other in came)
        and soon(went[-1], came[0], hours * HOUR)
        and part(total(went), total(came), passed_on)
        and total(went) <= total(came)
    )


def layers(payments: list[Pay], wide: int, hours: int, passed_on: int, most: int
           ) -> Iterator[Answer]:  # fmt: skip
    every = [one for one in parties(payments) if _once(payments, one, hours, passed_on, most)]
    together = {one: {one} for one in every}
    for one, other in combinations(every, 2):
        a, b = into(payments, one), into(payments, other)
        c, d = out_of(payments, one), out_of(payments, other)
        near = abs(a[0].time - b[0].time) <= hours * HOUR
        if near and len(payers(a) & payers(b)) >= wide and len(payees(c) & payees(d)) >= wide:
            joined = together[one] | together[other]
            for each in joined:
                together[each] = joined
    for group in {frozenset(some) for some in together.values() if len(some) > 1}:
        came = [p for p in payments if p.payee in group]
        yield came[0].payee, {
            "in": rows(came), "out": rows([p for p in payments if p.payer in group]),
        }  # fmt: skip


def structured(payments: list[Pay], limit: int, near: int, times: int, hours: int
               ) -> Iterator[Answer]:  # fmt: skip
    for payer in parties(payments):
        for payee in parties(payments):
            own = [one for one in out_of(payments, payer) if one.payee == payee]
            deeds = [[p for p in own if p.deed == deed] for deed in dict.fromkeys(
                p.deed for p in own)]  # fmt: skip
            able = [
                some for some in deeds if total(some) < limit and part(total(some), limit, near)
            ]
            at = 0
            while at < len(able):
                here = [some for some in able[at:] if soon(some[0], able[at][0], hours * HOUR)]
                if len(here) >= times and sum(map(total, here)) >= limit:
                    yield payer, {"below": rows([one for some in here for one in some])}
                    at += len(here)
                else:
                    at += 1


def moved_on(
    payments: list[Pay], times: int, minutes: int, passed_on: int, at_most: int, to: int
) -> Iterator[Answer]:
    for party in parties(payments):
        came, went, used = list[Pay](), list[Pay](), 0
        outs = out_of(payments, party)
        for one in into(payments, party):
            free = [p for p in outs[used:] if after(p, one)]
            for count in range(1, len(free) + 1):
                some = free[:count]
                if not soon(some[-1], one, minutes * 60):
                    break
                if part(total(some), one.amount, passed_on):
                    if 100 * total(some) <= at_most * one.amount:
                        came.append(one)
                        went += some
                        used = outs.index(some[-1]) + 1
                    break
        if len(came) >= times and len(payees(went)) >= to:
            yield party, {"in": rows(came), "out": rows(went)}


def rounded(payments: list[Pay], least: int, share: int, unit: int) -> Iterator[Answer]:
    for party in parties(payments):
        firsts = {one.payee: one for one in reversed(out_of(payments, party))}.values()
        even = [one for one in firsts if one.amount % unit == 0]
        if len(firsts) >= least and 100 * len(even) >= share * len(firsts):
            yield party, {"round": rows(even)}


def awoken(payments: list[Pay], idle: int, hours: int, moved: int) -> Iterator[Answer]:
    """``idle`` is in seconds."""
    for party in parties(payments):
        outs = out_of(payments, party)
        for place, first in enumerate(outs):
            if place and first.time - outs[place - 1].time < idle:
                continue
            old = [one for one in into(payments, party) if first.time - one.time >= idle]
            held = total(old) - total(outs[:place])
            went = [one for one in outs[place:] if soon(one, first, hours * HOUR)]
            if held > 0 and part(total(went), held, moved):
                yield party, {"out": rows(went)}


def passing(
    payments: list[Pay], lived: int, passed_on: int, receipts: int, least: int, to: int, quiet: int
) -> Iterator[Answer]:
    """``lived`` and ``quiet`` are in seconds."""
    for party in parties(payments):
        came, went = into(payments, party), out_of(payments, party)
        both = sorted([*came, *went])
        if (
            len(came) >= receipts
            and went
            and after(went[0], came[0])
            and both[-1].time - both[0].time <= lived
            and payments[-1].time - both[-1].time >= quiet
            and len(payers(came)) >= least
            and len(payees(went)) >= to
            and part(total(went), total(came), passed_on)
            and total(went) <= total(came)
        ):
            yield party, {"in": rows(came), "out": rows(went)}


def consolidated(payments: list[Pay], wallets: int, hours: int, emptied: int, of_all: int
                 ) -> Iterator[Answer]:  # fmt: skip
    empty = set()
    for party in parties(payments):
        came, went = into(payments, party), out_of(payments, party)
        if came and went and len(payees(went)) == 1 and all(
            after(one, other) for one in went for other in came
        ) and part(total(went), total(came), emptied) and total(went) <= total(came):  # fmt: skip
            empty.add(party)
    for party in parties(payments):
        own = [one for one in into(payments, party) if one.payer in empty]
        ever = len(payers(into(payments, party)))

        def fits(window: list[Pay], ever: int = ever) -> bool:
            return len(payers(window)) >= wallets and part(len(payers(window)), ever, of_all)

        for window in bursts(own, hours * HOUR, fits):
            yield party, {"sweep": rows(window)}
