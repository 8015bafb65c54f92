"""Two hundred vendors: twenty pay a network on purpose, the others look as if some of them did."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chainwatch.simulate.networks.ground import DAY, DAYS, Ground, Numbers, parts
from chainwatch.simulate.networks.population import (
    TO_EXCHANGE,
    TO_PERSON,
    TO_PROCESSOR,
    TO_SHOP,
    UNTAGGED,
    UNTAGGED_PROCESSOR,
    Places,
    collector,
    deposit,
    spend,
)

(LINKED, EXCHANGE, UNTAGGED_EXCHANGE, PROCESSOR, OWN_PROCESSOR, AIRDROP, SUPPORTED, WHOLESALE,
 AGENT, PLAIN) = (
    "linked",
    "shared exchange",
    "shared exchange without a tag",
    "shared payment processor",
    "shared payment processor without a tag",
    "airdrop",
    "buys from supporters",
    "buys from a linked vendor",
    "shared payment agent of a few, without a tag",
    "nothing in common",
)  # fmt: skip

TRAPS = ((LINKED, 20), (EXCHANGE, 30), (UNTAGGED_EXCHANGE, 20), (PROCESSOR, 25),
         (OWN_PROCESSOR, 20), (AIRDROP, 15), (SUPPORTED, 20), (WHOLESALE, 10))  # fmt: skip

KINDS = {
    False: (*TRAPS, (PLAIN, 40)),
    True: (*TRAPS, (AGENT, 8), (PLAIN, 32)),
}
"""How many vendors are of which kind, honest and adversarial; all but the first have no link."""

HABITS = (40, 18, 32, 10)
"""Of a hundred payments of a vendor, how many go to suppliers, shops, exchanges, processors."""


class Links(NamedTuple):
    """What the linked vendors do: who, by how many payments, and what share of what they pay.

    ``percent`` is what was planned of all that the vendor otherwise pays.
    """

    vendor: Numbers
    hops: Numbers
    percent: Numbers


class Life(NamedTuple):
    """A vendor's ordinary payments: who, how many, from when on, and how large."""

    vendors: Numbers
    payments: Numbers
    begin: Numbers
    scale: Numbers

    @property
    def total(self) -> Numbers:
        """About how much each pays, base units."""
        return self.payments * self.scale


def kinds(vendors: Numbers, *, adversarial: bool) -> dict[str, Numbers]:
    """Return the vendors of each kind."""
    ends = np.cumsum([count for _, count in KINDS[adversarial]])[:-1]
    names = (name for name, _ in KINDS[adversarial])
    return dict(zip(names, np.split(vendors, ends), strict=True))


def life(ground: Ground, there: Places, vendors: Numbers) -> Life:
    """Let vendors be paid by customers and by the market, and pay as all vendors do."""
    many = len(vendors)
    count = np.minimum(ground.spread(2.9, 0.45, many), 80).astype(np.int64) + 6
    begin = (ground.rng.random(many) * 90 * DAY).astype(np.int64)
    scale = ground.spread(16.3, 0.8, many).astype(np.int64)
    payer = np.repeat(vendors, count)
    time = ground.between(np.repeat(begin, count))
    factor = ground.spread(0.0, 0.7, len(payer))
    amount = (np.repeat(scale, count) * factor).astype(np.int64)
    kind = np.searchsorted(np.cumsum(HABITS), ground.rng.random(len(payer)) * 100, side="right")
    kind = np.array([TO_PERSON, TO_SHOP, TO_EXCHANGE, TO_PROCESSOR])[kind]
    spend(ground, there, payer, amount, time, kind)
    _sales(ground, there, vendors, begin, scale)
    return Life(vendors, count, begin, scale)


def _sales(ground: Ground, there: Places, vendors: Numbers, begin: Numbers, scale: Numbers) -> None:
    """Let customers pay vendors, straight and by the market, which pays them out."""
    customers = ground.whole(20, 90, len(vendors))
    payee = np.repeat(vendors, customers)
    time = ground.between(np.repeat(begin, customers))
    amount = parts(np.repeat(scale, customers), ground.whole(5, 40, len(payee)))
    ground.pay(ground.pick(there.people, len(payee)), payee, amount, time)
    time = ground.between(np.repeat(begin, 8))
    market = np.full(len(time), there.market[0])
    ground.pay(market, np.repeat(vendors, 8), np.repeat(scale * 2, 8), time)


def traps(ground: Ground, there: Places, one: Life, of: dict[str, Numbers]) -> None:
    """Give the vendors without a link what looks like one."""
    usual = (there.exchanges[0], there.exchanges[UNTAGGED])
    for kind, exchange in zip((EXCHANGE, UNTAGGED_EXCHANGE), usual, strict=True):
        payer, amount, time = _more(ground, one, of[kind], 20)
        deposit(ground, payer, np.full(len(payer), exchange), amount, time)
    several = (there.processors[0], there.processors[UNTAGGED_PROCESSOR])
    for kind, processor in zip((PROCESSOR, OWN_PROCESSOR), several, strict=True):
        payer, amount, time = _more(ground, one, of[kind], 12)
        ground.pay(payer, np.full(len(payer), processor), amount, time)
    payer, amount, time = _more(ground, one, of[SUPPORTED], 8)
    ground.pay(payer, ground.pick(there.supporters, len(payer)), amount, time)
    customers = ground.pick(there.supporters, 10 * len(of[SUPPORTED]))
    payee = np.repeat(of[SUPPORTED], 10)
    time = ground.between(np.repeat(_of(one, one.begin, of[SUPPORTED]), 10))
    ground.pay(customers, payee, ground.spread(14.5, 0.7, len(payee)).astype(np.int64), time)
    payer, amount, time = _more(ground, one, of[WHOLESALE], 4)
    ground.pay(payer, ground.pick(of[LINKED], len(payer)), amount, time)


def agent(ground: Ground, there: Places, one: Life, whose: Numbers) -> None:
    """Let vendors pay bills by an agent of theirs alone: untagged, small, and paying the network.

    It pays the network's bills too, every week. On the chain it looks like a go-between of all.
    """
    (number,) = ground.add(1, "payment agent")
    payer, amount, time = _more(ground, one, whose, 10)
    ground.pay(payer, np.full(len(payer), number), amount, time)
    weeks = np.arange(1, DAYS // 7, dtype=np.int64) * 7 * DAY
    weekly = np.full(len(weeks), int(amount.sum()) // len(weeks), np.int64)
    for percent, payee in (
        (30, collector(there, weeks)),
        (60, ground.pick(there.shops, len(weeks))),
    ):
        ground.pay(np.full(len(weeks), number), payee, weekly * percent // 100, weeks)


def _more(ground: Ground, one: Life, whose: Numbers, each: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return more payments of some vendors: payer, amount, time."""
    payer = np.repeat(whose, each)
    time = ground.between(np.repeat(_of(one, one.begin, whose), each))
    factor = ground.spread(0.0, 0.5, len(payer))
    return payer, (np.repeat(_of(one, one.scale, whose), each) * factor).astype(np.int64), time


def _of(one: Life, column: Numbers, whose: Numbers) -> Numbers:
    found: Numbers = column[np.searchsorted(one.vendors, whose)]
    return found


def links(ground: Ground, there: Places, one: Life, linked: Numbers) -> Links:
    """Let the linked vendors pay the network: often, in parts, by others, with delays.

    Each has a number of payments that its money takes, one to three, and gives a share of what it
    pays in three to eight gifts, each split in one to three. Whoever passes it on is new for most
    gifts, keeps a little, and half of them have other business. One in ten passes it on too late
    for anybody who asks for a week.
    """
    many = len(linked)
    hops = ground.whole(1, 3, many)
    percent = ground.whole(10, 35, many)
    gifts, splits = ground.whole(3, 8, many), ground.whole(1, 3, many)
    begin, total = _of(one, one.begin, linked), _of(one, one.total, linked)
    for at in range(many):
        count = int(gifts[at])
        time = ground.between(np.full(count, begin[at]))
        amount = np.full(count * int(splits[at]), 0, np.int64) + int(
            total[at] * percent[at] // 100 // (count * splits[at])
        )
        _passed_on(
            ground, there, int(linked[at]), np.repeat(time, int(splits[at])), amount, int(hops[at])
        )
    return Links(linked, hops, percent)


def _passed_on(
    ground: Ground, there: Places, vendor: int, time: Numbers, amount: Numbers, hops: int
) -> None:
    """Pay the network by so many payments; each part by ways of its own."""
    payer = np.full(len(time), vendor, np.int64)
    time = ground.after(time, 0, 30)
    for _ in range(hops - 1):
        fresh = ground.add(len(time), "go-between")
        # Now and then the one who passed on before does it again.
        again = ground.rng.random(len(time)) < 0.3
        between = np.where(again, fresh[0], fresh)
        ground.pay(payer, between, amount, time)
        _business(ground, there, fresh, time)
        late = ground.rng.random(len(time)) < 0.1
        time = np.where(late, ground.after(time, 200, 480), ground.after(time, 2, 96))
        payer, amount = between, parts(amount, ground.whole(95, 100, len(time)))
    ground.pay(payer, collector(there, time), amount, time)


def _business(ground: Ground, there: Places, between: Numbers, time: Numbers) -> None:
    """Let half of those who pass on also be paid by somebody, and buy something."""
    busy = ground.rng.random(len(between)) < 0.5
    payer, when = between[busy], time[busy]
    amount = ground.spread(15.5, 1.0, len(payer)).astype(np.int64)
    ground.pay(ground.pick(there.people, len(payer)), payer, amount, when)
    kind = np.full(len(payer), TO_SHOP)
    spend(ground, there, payer, parts(amount, ground.whole(60, 100, len(payer))),
          ground.after(when, 1, 100), kind)  # fmt: skip


__all__ = [
    "AGENT",
    "KINDS",
    "LINKED",
    "Life",
    "Links",
    "agent",
    "kinds",
    "life",
    "links",
    "traps",
]
