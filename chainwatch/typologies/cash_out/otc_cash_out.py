"""Cash-out over a counter: large sums go to a money exchange the day they come, again and again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.bursts import HOUR, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import often
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import NO_LIMIT, lacking_prices, of_size
from chainwatch.typologies.typology import WEAK, Answer, Claim, NotJudged, typology

SHARED = "money exchanges, whose customers are never told apart and never tied to each other"


@typology(
    fatf="transactions",
    benign="A shop or a freelancer takes lawful income to a money exchange, to have it in cash.",
    needs=("tags",),
    strength=WEAK,
    refs=("fatf2020", "chainalysis2026"),
    rests_on=(worth_file, sides_file),
)
def otc_cash_out(
    flows: Flows, times: int = 3, least: int = 5_000, currency: str = "EUR", units: int = 0,
    hours: int = 24, passed_on: int = 70, of_all: int = 60, broker: str = "money_exchange",
) -> Iterator[Answer]:  # fmt: skip
    """A party is paid large sums and takes each to a money exchange or broker within a day.

    The claim is on the party that does it, by its own payments alone. **A shared service links
    nobody**: an address of a money exchange is paid by thousands, so that none of its other
    customers stands in a claim, and no claim says that two of them have to do with each other.
    **It is weak**: lawful income that is cashed is paid so too.

    Parameters
    ----------
    times : int
        Sums that are taken there, at least.
    least : int
        Each sum that comes is of so many whole units of the currency or more, and of no service.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    hours : int
        It is taken there certainly later, and at most so much later.
    passed_on : int
        So many percent of it are taken there, at least, and no more than all.
    of_all : int
        So many percent of all that the party pays go to money exchanges, at least.
    broker : str
        Whom tags name a money exchange: a concept of the taxonomy, narrower ones count.

    Fails when
    ----------
    Brokers are not tagged, as most are not; they are met by way of an account at an exchange;
    somebody is paid his lawful income in large sums and wants it in cash.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020; Chainalysis, 2026, for brokers that
    take the money of crime. The numbers are of practice, and no source measured them.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    there = flows.named("payee", broker) & (flows.payer != NOBODY)
    if count := int(flows.parties_named(broker).sum()):
        yield NotJudged(SHARED, count)
    bring = np.zeros(len(flows.parties), np.bool_)
    bring[flows.payer[there]] = True
    bring &= ~flows.services
    rows = np.flatnonzero(bring[flows.payee] & (flows.payer != NOBODY) & ~flows.served("payer"))
    sum_, told = of_size(flows, rows, least, NO_LIMIT, currency, units)
    yield from told
    for party in often(flows, flows.payee, sum_, times):
        came, went = flows.into.of(party), flows.out_of.of(party)
        large, taken = came[sum_[came]], went[there[went]]
        sums, out = _taken(flows, large, taken, hours * HOUR, passed_on)
        if len(sums) >= times and part_of(flows.total(taken), flows.total(went), of_all):
            yield _claim(flows, party, sums, out, hours)


def _claim(flows: Flows, party: int, sums: Rows, out: Rows, hours: int) -> Claim:
    return Claim(
        party,
        f"as income is cashed: {len(sums)} large sums were taken to a money exchange within {hours}"
        f" hours each, in {len(out)} payments",
        {"sum": sums, "cash-out": out},
        ("cash-out",),
        flows.lacking(party),
    )


def _taken(
    flows: Flows, came: Rows, went: Rows, span: int, percent: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sums of which enough is taken on soon, and the payments of it, each once."""
    sums, out, used = list[int](), list[int](), 0
    for one in came.tolist():
        begin = max(used, int(np.searchsorted(flows.order[went], flows.order[one], side="right")))
        end = int(np.searchsorted(flows.clock[went], flows.clock[one] + span, side="right"))
        amount, taken, place = int(flows.amount[one]), 0, begin
        while place < end and taken + int(flows.amount[went[place]]) <= amount:
            taken += int(flows.amount[went[place]])
            place += 1
        if part_of(taken, amount, percent) and place > begin:
            sums.append(one)
            out += went[begin:place].tolist()
            used = place
    return np.array(sums, np.int64), np.array(out, np.int64)


__all__ = ["SHARED", "otc_cash_out"]
