"""Recruiter pay-outs: sums of one size to many, once each, that guarantors and changers fund."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import bursts
from chainwatch.typologies.bursts import DAY, Burst, Side, part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, of_size
from chainwatch.typologies.typology import Answer, Claim, typology

FUNDERS = ("money_exchange", "guarantee_platform", "support_service")
"""Whom tags name so pays recruiters: a concept of the taxonomy, narrower ones count."""


@typology(
    fatf="senders_recipients",
    benign="A firm pays contractors once each, out of what its customers pay it.",
    needs=("tags",),
    refs=("chainalysis2026",),
    rests_on=(bursts, worth_file),
)
def recruiter_payouts(
    flows: Flows, payees: int = 5, days: int = 90, least: int = 1_000, most: int = 10_000,
    currency: str = "EUR", units: int = 0, again: int = 20, funded: int = 50,
) -> Iterator[Answer]:  # fmt: skip
    """A party pays many others once each, from 1,000 to 10,000, and guarantors and changers pay it.

    The claim is on who pays. Those who are paid may be recruiters or recruited, victims or neither.

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

    Fails when
    ----------
    Nobody tagged those who fund it; recruiters are paid monthly, as staff are; a changer's customer
    pays for a wedding.

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
        twice = len(one.rows) - one.different
        return 100 * (one.different - one.only + twice) <= again * one.different

    for party in np.flatnonzero(able & (side.others >= max(payees, 1))).tolist():
        for burst in side.bursts(party, payees, fits):
            yield _claim(flows, party, burst, funders, days)


def _claim(flows: Flows, party: int, burst: Burst, funders: NDArray[np.bool_], days: int) -> Claim:
    came = flows.into.of(party)
    return Claim(
        party,
        f"it paid {burst.different} others a sum of this size within {days} days, nearly all once,"
        f" and {int(funders[came].sum())} of {len(came)} payments to it are from those who change"
        " or guarantee for others",
        {"payout": burst.rows, "funding": came[funders[came]]},
        ("payout",),
        flows.lacking(party),
    )


def _funded(flows: Flows, funders: NDArray[np.bool_], percent: int) -> NDArray[np.bool_]:
    """Return which parties that are no service have so many percent of their income of funders."""
    found = np.zeros(len(flows.parties), np.bool_)
    for party in np.unique(flows.payee[funders]).tolist():
        came = flows.into.of(party)
        found[party] = not flows.services[party] and part_of(
            flows.total(came[funders[came]]), flows.total(came), percent
        )
    return found


__all__ = ["FUNDERS", "recruiter_payouts"]
