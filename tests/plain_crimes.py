"""Typologies of crimes found by looking at everything: slow, plain, and for these tests alone.

Payments are those of ``plain_shapes``; some parties are services that tags name. Each function
answers with ``(party, {role: rows})``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

import plain_shapes as plain
import polars as pl
from plain_shapes import (
    DAY,
    HOUR,
    Answer,
    Pay,
    after,
    into,
    out_of,
    part,
    parties,
    rows,
    soon,
    total,
)

from chainwatch.typologies.facts import make_facts
from chainwatch.typologies.flows import Flows, Name
from chainwatch.typologies.made_flows import make_flows

WEEK = 7 * DAY
SERVICES = {
    "M": Name("bazaar", "dark_market"), "N": Name("souk", "dark_market"),
    "S": Name("shop", "exchange"), "E": Name("one", "exchange"),
    "D": Name("desk", "money_exchange"),
}  # fmt: skip


ASKING = "abc"
"""Whose addresses were published."""


def random_trade(
    seed: int, *, days: int = 40, size: int = 90, people: int = 5, minutes: bool = False
) -> list[Pay]:
    """Return payments among few people, markets and services, with ties and unknown payers.

    Their times are whole hours, or stand at minutes between too.
    """
    rng = Random(seed)  # noqa: S311 - the same each time
    who = "abcdefgh"[:people]
    drawn = []
    for deed in range(rng.randrange(10, size)):
        time = rng.randrange(days) * DAY + rng.choice([0, 0, HOUR, 2 * HOUR, 12 * HOUR])
        if minutes:
            time += rng.choice([0, 0, 300, 900, 1_200, 2_400, 3_000]) + 22 * HOUR
        payer, payee = rng.choice(who), rng.choice(who)
        if rng.random() < 0.5:
            payer, payee = rng.choice([("M", payee), ("N", payee), (payer, "M"), (payer, "S"),
                                       (payer, "E"), (payer, "D"), ("S", payee)])  # fmt: skip
        if payer != payee:
            known = None if rng.random() < 0.05 else payer
            drawn.append((time, deed, known, payee, rng.choice([7, 10, 10, 20, 30, 60])))
    drawn.sort()
    return [
        Pay(n, payer, payee, amount, time, n, deed)
        for n, (time, deed, payer, payee, amount) in enumerate(drawn)
    ]


def flows_of(payments: list[Pay]) -> Flows:
    """Return payments as typologies read them, in their order, with the names of services."""
    named = list(SERVICES)
    made = [
        (plain.key(one.payer) if one.payer else None, plain.key(one.payee), one.amount,
         one.time * 1_000_000, one.rank, one.deed.to_bytes(32), one.row,
         named.index(one.payer) if one.payer in named else -1,
         named.index(one.payee) if one.payee in named else -1)
        for one in payments
    ]  # fmt: skip
    schema = {"payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int64, "time": pl.Int64,
              "rank": pl.Int64, "txid": pl.Binary, "place": pl.Int64, "payer_name": pl.Int32,
              "payee_name": pl.Int32}  # fmt: skip
    frame = pl.DataFrame(made, schema=schema, orient="row").with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC"))
    )
    asking = pl.DataFrame({"chain": "eth", "address": [plain.key(one) for one in ASKING]})
    return make_flows(
        frame, plain.TOKEN, names=tuple(SERVICES.values()), facts=make_facts(published=asking)
    )


def is_market(one: str | None) -> bool:
    return one in ("M", "N")


def is_service(one: str | None) -> bool:
    return one in SERVICES


def service_of(payments: list[Pay], party: str) -> str | None:
    """Return the service that a party is, or pays alone."""
    if is_service(party):
        return party
    paid = {one.payee for one in out_of(payments, party)}
    return next(iter(paid)) if len(paid) == 1 and is_service(next(iter(paid))) else None


def people(payments: list[Pay]) -> list[str]:
    return [one for one in parties(payments) if not is_service(one)]


def vendor_income(
    payments: list[Pay], payouts: int, weeks: int, of_all: int, paid_in: int, cashed: int
) -> Iterator[Answer]:
    for party in people(payments):
        came, went = into(payments, party), out_of(payments, party)
        paid = [one for one in came if is_market(one.payer)]
        taken = [one for one in went
                 if service_of(payments, one.payee) and not is_market(one.payee)]  # fmt: skip
        back = [one for one in went if is_market(one.payee)]
        if (
            len(paid) >= payouts
            and len({one.time // WEEK for one in paid}) >= weeks
            and part(total(paid), total(came), of_all)
            and 100 * total(back) <= paid_in * total(paid)
            and part(total(taken), total(paid), cashed)
        ):
            yield party, {"payout": rows(paid), "cash-out": rows(taken)}


def direct_trade(payments: list[Pay], times: int, sales: int, days: int) -> Iterator[Answer]:
    for payer in people(payments):
        for payee in people(payments):
            bought = [one for one in out_of(payments, payer) if is_market(one.payee)]
            sold = [one for one in into(payments, payee) if is_market(one.payer)]
            back = [one for one in out_of(payments, payee) if is_market(one.payee)]
            mine = [one for one in payments if (one.payer, one.payee) == (payer, payee)
                    and any(after(one, other) for other in bought)]  # fmt: skip
            if len({one.deed for one in sold}) < sales or total(sold) <= 2 * total(back):
                continue
            earlier = [one for one in sold if mine and after(mine[-1], one)]
            if (
                len({one.deed for one in mine}) >= times
                and len({one.time // DAY for one in mine}) >= days
                and len({one.deed for one in earlier}) >= sales
            ):
                yield payee, {"direct": rows(mine), "payout": rows(earlier)}


def night_amounts(
    payments: list[Pay], payers: int, share: int, night: int, back: int, least: int, most: int,
    scheduled: int = 100,
) -> Iterator[Answer]:  # fmt: skip
    """``least`` and ``most`` are in seconds; night is from 23 to 5."""
    for party in people(payments):
        came = into(payments, party)
        counts = Counter(one.amount for one in came)
        if not counts:
            continue
        common = min(counts, key=lambda amount: (-counts[amount], amount))
        same = [one for one in came if one.amount == common]
        dark = [one for one in same if (one.time // HOUR) % 24 >= 23 or (one.time // HOUR) % 24 < 5]
        who = {one.payer for one in same if one.payer}
        again = {
            one.payer for one in same for other in same
            if one.payer and one.payer == other.payer and least <= other.time - one.time <= most
        }  # fmt: skip
        if (
            len(who) >= payers
            and part(len(same), len(came), share)
            and part(len(dark), len(same), night)
            and part(len(again), len(who), back)
            and not any(
                100 * sum(alike(one.time, other.time) for other in dark) > scheduled * len(dark)
                for one in dark
                for alike in (_same_minute, _soon_after)
            )
        ):
            yield party, {"same amount": rows(same)}


def _same_minute(one: int, other: int) -> bool:
    return one % HOUR // 60 == other % HOUR // 60


def _soon_after(one: int, other: int) -> bool:
    """Tell whether the other time of day is at most a quarter of an hour later."""
    return (other - one) % DAY <= 900


def _emptied(payments: list[Pay], party: str, percent: int) -> str | None:
    """Return whom a party pays alone, most of what it was paid, later than it is first paid."""
    came, went = into(payments, party), out_of(payments, party)
    whom = {one.payee for one in went}
    if not came or len(whom) != 1 or not all(after(one, came[0]) for one in went):
        return None
    fits = part(total(went), total(came), percent) and total(went) <= total(came)
    target = next(iter(whom))
    return target if fits and not is_service(target) else None


def rotating(
    payments: list[Pay], addresses: int, payers: int, emptied: int, again: int, payees: int,
    overlap: int,
) -> Iterator[Answer]:  # fmt: skip
    for wallet in people(payments):
        some = [
            one for one in people(payments)
            if _emptied(payments, one, emptied) == wallet
            and len({p.payer for p in into(payments, one) if p.payer}) >= payers
        ]  # fmt: skip
        if not any(one in ASKING for one in some):
            continue
        if len(some) < addresses or len({p.payee for p in out_of(payments, wallet)}) > payees:
            continue
        gifts = [p for one in some for p in into(payments, one)]
        times = Counter(p.payer for p in gifts if p.payer)
        spans = sorted((into(payments, one)[0].time, into(payments, one)[-1].time) for one in some)
        late = sum(new[0] < old[1] for old, new in pairwise(spans))
        if 100 * sum(n > 1 for n in times.values()) <= again * len(times) and (
            100 * late <= overlap * (len(some) - 1)
        ):
            sweeps = [p for one in some for p in out_of(payments, one)]
            yield wallet, {"donation": rows(gifts), "sweep": rows(sweeps)}


def otc(
    payments: list[Pay], times: int, least: int, hours: int, passed_on: int, of_all: int
) -> Iterator[Answer]:
    for party in people(payments):
        went = out_of(payments, party)
        taken = [one for one in went if one.payee == "D"]
        sums, out = list[Pay](), list[Pay]()
        for one in into(payments, party):
            if one.payer is None or is_service(one.payer) or one.amount < least:
                continue
            last = out[-1].row if out else -1
            free = [
                p for p in taken if p.row > last and after(p, one) and soon(p, one, hours * HOUR)
            ]
            some = list[Pay]()
            for each in free:
                if total([*some, each]) > one.amount:
                    break
                some.append(each)
            if some and part(total(some), one.amount, passed_on):
                sums.append(one)
                out += some
        if len(sums) >= times and part(total(taken), total(went), of_all):
            yield party, {"sum": rows(sums), "cash-out": rows(out)}


def many_services(
    payments: list[Pay], services: int, least: int, hours: int, passed_on: int
) -> Iterator[Answer]:
    for party in people(payments):
        for one in into(payments, party):
            if one.payer is None or is_service(one.payer) or one.amount < least:
                continue
            some = [
                p for p in out_of(payments, party)
                if service_of(payments, p.payee) and after(p, one) and soon(p, one, hours * HOUR)
            ]  # fmt: skip
            names = {service_of(payments, p.payee) for p in some}
            if len(names) >= services and part(total(some), one.amount, passed_on):
                yield party, {"sum": rows([one]), "to services": rows(some)}
                break


Slow = Callable[[list[Pay]], Iterator[Answer]]
