"""Changer-funded payouts: like sums to many new payees, once each, out of what changers pay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import bursts
from chainwatch.typologies.bursts import DAY, Burst, Side, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, of_size
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology

FUNDERS = ("money_exchange", "guarantee_platform", "support_service")
"""Whom tags name so funds the payouts: a concept of the taxonomy, narrower ones count."""


@typology(
    fatf="senders_recipients",
    benign="A firm changes cash into coins and pays contractors or winners once each.",
    needs=("tags",),
    strength=WEAK,
    refs=("chainalysis2026",),
    rests_on=(bursts, worth_file),
)
def changer_funded_payouts(
    flows: Flows, payees: int = 5, days: int = 90, least: int = 1_000, most: int = 10_000,
    currency: str = "EUR", units: int = 0, again: int = 20, funded: int = 50,
    new: int = 60,
) -> Iterator[Answer]:  # fmt: skip
    """A party pays many new payees once each, from 1,000 to 10,000; guarantors or changers pay it.

    The claim is on who pays, and says nothing of those who are paid. Recruiters for trafficking and
    forced labour are paid so. **It is weak**: whoever changes cash to pay contractors pays so too.

    Parameters
    ----------
    payees : int
        Different others that are paid so within the days, at least. Services are none.
    days : int
        How long a burst lasts, both ends included.
    least : int
        Each payment is of so many whole units of the currency, at least.
    most : int
        And of at most so many.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    again : int
        Of the payees in the burst at most so many percent are paid so outside of it too, or twice.
    funded : int
        So many percent of all that the party was paid are from guarantee platforms, money exchanges
        and sellers of services to crime, at least.
    new : int
        Of all whom the party ever paid so, so many percent nobody had paid before, at least.

    Fails when
    ----------
    Nobody tagged those who fund it; payees are paid monthly, as staff are, or have old wallets; a
    changer's customer pays for a wedding; the ledger begins late, so that old payees look new.

    References
    ----------
    Chainalysis, 2026, for the size of payments of recruiters. The numbers are of practice, and no
    source measured them.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    funders = np.logical_or.reduce([flows.named("payer", one) for one in FUNDERS])
    able = _funded(flows, funders, funded)
    rows = np.flatnonzero((flows.payer != NOBODY) & ~flows.services[flows.payee])
    rows = rows[able[flows.payer[rows]]]
    among, told = of_size(flows, rows, least, most, currency, units)
    yield from told
    side = Side.of(flows, "payer", days * DAY, among)

    def fits(one: Burst) -> bool:
        return 100 * (len(one.rows) - one.only) <= again * one.different

    for party in np.flatnonzero(able & (side.others >= max(payees, 1))).tolist():
        some = side.bursts(party, payees, fits) if _mostly_new(flows, side, party, new) else ()
        for burst in some:
            yield _claim(flows, party, burst, funders, days)


def _claim(flows: Flows, party: int, burst: Burst, funders: NDArray[np.bool_], days: int) -> Claim:
    came = flows.into.of(party)
    return Claim(
        party,
        f"as a firm pays contractors: it paid {burst.different} others a sum of this size within"
        f" {days} days, nearly all once, {_new(flows, burst.rows)} of whom nobody had paid before,"
        f" and {int(funders[came].sum())} of {len(came)} payments to it are from those who change"
        " or guarantee for others",
        {"payout": burst.rows, "funding": came[funders[came]]},
        ("payout",),
        "; ".join(filter(None, (flows.lacking(party), _unread(flows, burst.rows)))),
    )


def _mostly_new(flows: Flows, side: Side, party: int, percent: int) -> bool:
    """Tell whether so many percent are new of all whom a party ever paid so.

    Of one window it would say nothing: a later one begins behind those who are not new.
    """
    return part_of(_new(flows, side.lists.of(party)), int(side.others[party]), percent)


def _new(flows: Flows, rows: Rows) -> int:
    """Return how many of the payees of some payments nobody is known to have paid before these."""
    payees, places = np.unique(flows.payee[rows], return_index=True)
    first = flows.into.rows[flows.into.ptr[payees]]
    return int((flows.order[first] >= flows.order[rows[places]]).sum())


def _unread(flows: Flows, rows: Rows) -> str:
    """Say of how many payees it was not read whether somebody paid them before."""
    payees = np.unique(flows.payee[rows]).tolist()
    count = sum(bool(flows.lacking(one)) for one in payees)
    return f"of {count} of the payees not all payments were read" if count else ""


def _funded(flows: Flows, funders: NDArray[np.bool_], percent: int) -> NDArray[np.bool_]:
    """Return which parties that are no service have so many percent of their income of funders."""
    found = np.zeros(len(flows.parties), np.bool_)
    for party in np.unique(flows.payee[funders]).tolist():
        came = flows.into.of(party)
        found[party] = not flows.services[party] and part_of(
            flows.total(came[funders[came]]), flows.total(came), percent
        )
    return found


__all__ = ["FUNDERS", "changer_funded_payouts"]
