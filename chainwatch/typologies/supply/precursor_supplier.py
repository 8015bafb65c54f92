"""Precursor supplier: an account at an exchange that those of markets pay in lots of one size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import services as services_file
from chainwatch.typologies.bursts import part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import often, paid_by
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, of_size
from chainwatch.typologies.services import service_of
from chainwatch.typologies.typology import Answer, Claim, typology

SELLERS = ("vendor", "drugs")
"""Whom tags name so counts as one who sells drugs, beside whom markets paid."""


@typology(
    fatf="source_of_funds",
    benign="A wholesaler of chemicals has an account at an exchange, and few customers of markets.",
    needs=("tags",),
    refs=("elliptic2023",),
    rests_on=(sides_file, worth_file, services_file),
)
def precursor_supplier(
    flows: Flows, receipts: int = 5, payers: int = 3, sales: int = 2, least: int = 500,
    most: int = 10_000, currency: str = "EUR", units: int = 0, of_all: int = 60,
    market: str = "dark_market",
) -> Iterator[Answer]:  # fmt: skip
    """An account at an exchange is paid by markets and by those who sell there, 500 to 10,000 each.

    The account is a deposit address: a party whom tags call so, or which pays one service alone.
    It is one customer's, and the claim is on it: neither on the exchange, nor on others of its
    customers. Who is paid by a service that is no market is nobody's customer here.

    Parameters
    ----------
    receipts : int
        Payments of that size from markets and vendors, at least.
    payers : int
        Different payers of these, at least.
    sales : int
        Who is no tagged vendor was paid so often by markets before, at least.
    least : int
        Each payment is of so many whole units of the currency, at least.
    most : int
        And of at most so many.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    of_all : int
        So many percent of all that the account was paid are these, at least.
    market : str
        Whom tags name a market: a concept of the taxonomy, narrower ones count.

    Fails when
    ----------
    A market pays the account itself: a vendor's own account looks the same, so that with fewer than
    so many payers nothing is claimed. Vendors pay somebody else in like lots: a landlord, a dealer
    in cars; they pay by an exchange; the account gets another address for each payment.

    References
    ----------
    Elliptic, 2023, for suppliers of precursors and their accounts at exchanges. The amounts and
    numbers are of practice, and no source measured them.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    accounts = deposit_accounts(flows)
    rows = np.flatnonzero(_of_sellers(flows, sales, market) & accounts[flows.payee])
    bought, told = of_size(flows, rows, least, most, currency, units)
    yield from told
    for party in often(flows, flows.payee, bought, receipts):
        came = flows.into.of(party)
        mine = came[bought[came]]
        different = len(np.unique(flows.payer[mine]))
        if different >= payers and part_of(flows.total(mine), flows.total(came), of_all):
            yield _claim(flows, party, mine, different)


def _claim(flows: Flows, party: int, mine: Rows, different: int) -> Claim:
    return Claim(
        party,
        f"an account at a service was paid by {different} of those whom markets pay, {len(mine)} of"
        f" {len(flows.into.of(party))} payments, each of the size asked for",
        {"receipt": mine, "swept": flows.out_of.of(party)},
        ("receipt",),
        flows.lacking(party),
    )


def deposit_accounts(flows: Flows) -> NDArray[np.bool_]:
    """Return which parties are one customer's account at a service: tagged so, or swept to one."""
    swept = (service_of(flows) != NOBODY) & ~flows.services
    found: NDArray[np.bool_] = flows.parties_named("deposit_wallet") | swept
    return found


def _of_sellers(flows: Flows, sales: int, market: str) -> NDArray[np.bool_]:
    """Return which payments markets made, tagged vendors, or those whom markets paid before."""
    found = flows.named("payer", market)
    for concept in SELLERS:
        found |= flows.named("payer", concept)
    out = paid_by(flows, market)
    for party in often(flows, flows.payee, out, sales):
        came = flows.into.of(party)
        known_from = flows.order[came[out[came]][max(sales, 1) - 1]]
        went = flows.out_of.of(party)
        found[went[flows.order[went] > known_from]] = True
    return found


__all__ = ["SELLERS", "deposit_accounts", "precursor_supplier"]
