"""Ordinary people, shops, exchanges, payment processors, a market, an airdrop: who lives there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainwatch.simulate.networks.ground import DAY, DAYS, Ground, Numbers

PEOPLE, SHOPS, SUPPORTERS, COLLECTORS = 40_000, 240, 60, 12

EXCHANGES, UNTAGGED = 5, 4
"""How many exchanges there are, and which of them no tag names."""

PROCESSORS, UNTAGGED_PROCESSOR = 2, 1

CLAIMS = 3_000
"""People who pay a small fee for what is dropped on them."""

TO_PERSON, TO_SHOP, TO_EXCHANGE, TO_PROCESSOR, TO_MARKET = range(5)

HABITS = (35, 32, 20, 9, 4)
"""Of a hundred payments of ordinary people, how many go to whom."""


@dataclass(frozen=True)
class Places:
    """The parties that everybody deals with, by number."""

    people: Numbers
    shops: Numbers
    exchanges: Numbers
    processors: Numbers
    market: Numbers
    dropper: Numbers
    collectors: Numbers
    supporters: Numbers


def places(ground: Ground) -> Places:
    """Return all places, without payments yet; supporters are ordinary people."""
    people = ground.add(PEOPLE, "person")
    return Places(
        people, ground.add(SHOPS, "shop"), ground.add(EXCHANGES, "exchange"),
        ground.add(PROCESSORS, "payment processor"), ground.add(1, "market"),
        ground.add(1, "airdrop"), ground.add(COLLECTORS, "collector"),
        ground.some(people, SUPPORTERS),
    )  # fmt: skip


def deposit(
    ground: Ground, payer: Numbers, exchange: Numbers, amount: Numbers, time: Numbers
) -> None:
    """Pay exchanges: each customer has an address at each, which is swept within a day."""
    _, place = np.unique(payer * len(ground.roles) + exchange, return_inverse=True)
    addresses = ground.add(int(place.max(initial=-1)) + 1, "deposit address")
    ground.pay(payer, addresses[place], amount, time)
    ground.pay(addresses[place], exchange, amount, ground.after(time, 1, 24))


def live(ground: Ground, there: Places) -> Numbers:
    """Let ordinary people pay each other, shops, exchanges, processors and the market.

    Returns about how much each usually pays at a time, base units.
    """
    count = np.minimum(ground.spread(2.8, 0.6, PEOPLE), 200).astype(np.int64) + 1
    begin = (ground.rng.random(PEOPLE) * 120 * DAY).astype(np.int64)
    scale = ground.spread(15.5, 1.0, PEOPLE)
    payer = np.repeat(there.people, count)
    time = ground.between(np.repeat(begin, count))
    amount = (np.repeat(scale, count) * ground.spread(0.0, 0.8, len(payer))).astype(np.int64)
    kind = np.searchsorted(np.cumsum(HABITS), ground.rng.random(len(payer)) * 100, side="right")
    spend(ground, there, payer, amount, time, kind)
    # A withdrawal from an exchange is how coins come to people.
    ground.pay(
        ground.popular(there.exchanges, PEOPLE), there.people,
        (scale * 10).astype(np.int64), begin,
    )  # fmt: skip
    return scale.astype(np.int64)


def spend(
    ground: Ground, there: Places, payer: Numbers, amount: Numbers, time: Numbers, kind: Numbers
) -> None:
    """Pay whoever each payment's kind says; people have few friends, and exchanges of their own."""
    friends = (payer * 7 + ground.whole(0, 5, len(payer)) * 7_919) % PEOPLE
    payee = there.people[friends]
    shops = ground.popular(there.shops, len(payer))
    processors = there.processors[ground.whole(0, PROCESSORS - 1, len(payer))]
    for which, whom in ((TO_SHOP, shops), (TO_PROCESSOR, processors)):
        payee = np.where(kind == which, whom, payee)
    payee = np.where(kind == TO_MARKET, there.market[0], payee)
    swept = kind == TO_EXCHANGE
    ground.pay(payer[~swept], payee[~swept], amount[~swept], time[~swept])
    exchange = there.exchanges[payer[swept] * 13 % EXCHANGES]
    deposit(ground, payer[swept], exchange, amount[swept], time[swept])


def trade(ground: Ground, there: Places) -> None:
    """Let shops pay suppliers and exchanges, and processors pay shops every week."""
    payer = np.repeat(there.shops, 60)
    amount = ground.spread(17.0, 0.7, len(payer)).astype(np.int64)
    time = ground.between(np.zeros(len(payer), np.int64))
    kind = np.where(ground.rng.random(len(payer)) < 0.5, TO_PERSON, TO_EXCHANGE)
    spend(ground, there, payer, amount, time, kind)
    weeks = np.arange(1, DAYS // 7, dtype=np.int64) * 7 * DAY
    for processor in there.processors:
        paid = np.tile(there.shops[: SHOPS // 2], len(weeks))
        _settled(ground, processor, paid, np.repeat(weeks, SHOPS // 2), 17.5)


def _settled(ground: Ground, payer: np.int64, payee: Numbers, time: Numbers, middle: float) -> None:
    amount = ground.spread(middle, 0.5, len(payee)).astype(np.int64)
    ground.pay(np.full(len(payee), payer), payee, amount, ground.after(time, 0, 40))


def drop(ground: Ground, there: Places, claimants: Numbers) -> None:
    """Drop a trifle on everybody who paid a fee for it, and on the network's collectors."""
    everybody = np.concatenate([ground.some(there.people, CLAIMS), claimants])
    time = ground.whole(60 * DAY, 64 * DAY, len(everybody))
    fee = ground.whole(9_000, 11_000, len(everybody))
    dropper = np.full(len(everybody), there.dropper[0])
    ground.pay(everybody, dropper, fee, time)
    ground.pay(dropper, everybody, np.full(len(everybody), 5_460), ground.after(time, 24, 100))
    paid = there.collectors
    ground.pay(
        np.full(len(paid), there.dropper[0]), paid, np.full(len(paid), 5_460),
        np.full(len(paid), 66 * DAY),
    )  # fmt: skip


def network(ground: Ground, there: Places, scale: Numbers) -> None:
    """Let the network be paid by supporters, exchanges and processors, and pay its own people.

    Its collectors take turns: each is used for some weeks. A supporter gives once to three times,
    mostly less than what he usually pays at a time.
    """
    donations = ground.whole(1, 3, SUPPORTERS)
    payer = np.repeat(there.supporters, donations)
    time = ground.between(np.zeros(len(payer), np.int64))
    amount = (scale[payer] * ground.spread(-0.9, 0.6, len(payer))).astype(np.int64)
    ground.pay(payer, collector(there, time), amount, time)
    # Some pay by way of an exchange or a processor, which nobody can tell from outside.
    for many in (there.exchanges, there.processors):
        time = ground.between(np.zeros(40 * len(many), np.int64))
        amount = ground.spread(17.0, 0.8, len(time)).astype(np.int64)
        ground.pay(np.repeat(many, 40), collector(there, time), amount, time)
    time = ground.between(np.zeros(300, np.int64))
    amount = ground.spread(16.5, 0.7, 300).astype(np.int64)
    kind = np.where(ground.rng.random(300) < 0.5, TO_PERSON, TO_EXCHANGE)
    spend(ground, there, collector(there, time), amount, time, kind)


def collector(there: Places, time: Numbers) -> Numbers:
    """Return the collector that is used at each moment."""
    found: Numbers = there.collectors[np.minimum(time // (15 * DAY), COLLECTORS - 1)]
    return found
