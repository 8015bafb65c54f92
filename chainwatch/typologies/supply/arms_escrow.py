"""Arms out of escrow: few payouts of 500 to 5,000, far apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainwatch.typologies.bursts import DAY, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import often
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, of_size
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology

ESCROWS = ("escrow_wallet", "dark_market", "guarantee_platform")
"""Who pays out of escrow, as tags name it; narrower concepts count."""


@typology(
    fatf="source_of_funds",
    benign="Somebody sells used cars or watches now and then, and is paid out of escrow.",
    needs=("tags",),
    strength=WEAK,
    refs=("fatf2020",),
    rests_on=(sides_file, worth_file),
)
def arms_escrow(
    flows: Flows, payouts: int = 3, at_most: int = 24, least: int = 500, most: int = 5_000,
    currency: str = "EUR", units: int = 0, gap_days: int = 5, sized: int = 60,
    of_all: int = 70,
) -> Iterator[Answer]:  # fmt: skip
    """A party lives of few payouts out of escrow, each of 500 to 5,000, with days between them.

    **It is weak**: no numbers of sales of arms on a chain were found, and whoever sells dear things
    seldom is paid so. It is worth a look where tags or other alerts speak of arms.

    Parameters
    ----------
    payouts : int
        Payouts of that size, at least.
    at_most : int
        Whoever is paid out more often sells something else.
    least : int
        Each payout is of so many whole units of the currency, at least.
    most : int
        And of at most so many.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    gap_days : int
        From one payout to the next it takes so many days on average, at least.
    sized : int
        So many percent of its payouts out of escrow are of that size, at least.
    of_all : int
        So many percent of all that the party was paid come out of escrow, at least.

    Fails when
    ----------
    Anything else of that price is sold; the escrow has no tag; sales are paid directly.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020, for escrow and darknet markets as
    sources of funds. All numbers are of practice; that arms are paid so is not read: *open*.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    out = np.logical_or.reduce([flows.named("payer", one) for one in ESCROWS])
    out &= ~flows.services[flows.payee]
    counts = np.bincount(flows.payee[out], minlength=len(flows.parties))
    rows = np.flatnonzero(out & (counts <= at_most)[flows.payee])
    sold, told = of_size(flows, rows, least, most, currency, units)
    yield from told
    for party in often(flows, flows.payee, sold, payouts):
        came = flows.into.of(party)
        mine, every = came[sold[came]], came[out[came]]
        taken = int(flows.clock[mine[-1]] - flows.clock[mine[0]])
        if (
            taken >= gap_days * DAY * (len(mine) - 1)
            and part_of(len(mine), len(every), sized)
            and part_of(flows.total(every), flows.total(came), of_all)
        ):
            yield _claim(flows, party, mine, gap_days)


def _claim(flows: Flows, party: int, mine: Rows, gap_days: int) -> Claim:
    return Claim(
        party,
        f"as sales of cars or watches are paid: {len(mine)} payouts out of escrow are of the size"
        f" asked for, {gap_days} days or more apart on average",
        {"payout": mine},
        unknown=flows.lacking(party),
    )


__all__ = ["ESCROWS", "arms_escrow"]
