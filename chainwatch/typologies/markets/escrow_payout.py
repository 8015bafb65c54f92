"""Escrow payout: what a market pays out are list prices less its commission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.bursts import part_of
from chainwatch.typologies.facts import GOODS, NO_FACTS
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import narrow
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import at_name, paid_by
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, worths
from chainwatch.typologies.typology import Answer, Claim, typology

OTHER_FACTORS = (61, 67, 71, 79, 83, 113, 127, 131, 139, 149)
"""By which percent payouts are multiplied for the control: what then fits does by chance."""


@typology(
    fatf="source_of_funds",
    benign="A market refunds buyers, who are paid back what they paid, and not less a commission.",
    needs=("tags", "list prices"),
    refs=("fatf2020",),
    rests_on=(sides_file, worth_file, facts_file),
)
def escrow_payout(
    flows: Flows, payouts: int = 5, commission_least: int = 2, commission_most: int = 5,
    matched: int = 70, market: str = "dark_market",
) -> Iterator[Answer]:  # fmt: skip
    """A market pays a party list prices less a commission, and no chance explains that they fit.

    Prices are those of goods listed at the market whom tags name at the payment. The control is the
    same payouts multiplied by ten other factors: where with one of these half as many fit a price,
    the list is too long to tell, and nothing is claimed.

    Parameters
    ----------
    payouts : int
        Payouts that are a list price less the commission, at least.
    commission_least : int
        The market keeps so many percent of a price, at least.
    commission_most : int
        And at most so many.
    matched : int
        So many percent of the payouts to the party fit, at least.
    market : str
        Whom tags name a market: a concept of the taxonomy, narrower ones count.

    Fails when
    ----------
    A payout is of several sales, or waits until the price of the coin has moved; a market pays
    staff by its own list; listings are of another market of the name.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020, for darknet markets as a source of
    funds. Commissions and numbers are of practice, and no source measured them: *open*.
    """
    facts = NO_FACTS if flows.facts is None else flows.facts
    goods, out = facts.of_kind(GOODS), paid_by(flows, market)
    for currency in sorted(goods["currency"].drop_nulls().unique()):
        if missing := list(lacking_prices(flows, currency, 0)):
            yield from missing
            return
    shares = (100 - commission_most, 100 - commission_least)
    counts = np.bincount(flows.payee[out], minlength=len(flows.parties))
    rows = np.flatnonzero(out & (counts >= max(payouts, 1))[flows.payee])
    fits, *others = _fitting(flows, goods, rows, shares)
    for party in np.unique(flows.payee[rows[fits]]).tolist():
        mine = flows.payee[rows] == party
        count, chance = int(fits[mine].sum()), max(int(one[mine].sum()) for one in others)
        if count >= payouts and part_of(count, int(mine.sum()), matched) and count > 2 * chance:
            yield Claim(
                party,
                f"{count} of {int(mine.sum())} payouts are a list price less {commission_least}"
                f" to {commission_most} percent; multiplied by {len(OTHER_FACTORS)} other factors"
                f" at most {chance} are",
                {"payout": rows[mine & fits]},
                unknown=flows.lacking(party),
            )


def _fitting(
    flows: Flows, goods: pl.DataFrame, rows: Rows, shares: tuple[int, int]
) -> list[NDArray[np.bool_]]:
    """Return which payments are so many percent of a price at their market; and of other factors.

    The first is of the payments as they are, and there is one for each of ``OTHER_FACTORS``.
    """
    factors = (100, *OTHER_FACTORS)
    found = [np.zeros(len(rows), np.bool_) for _ in factors]
    actors = np.array([one or "" for one in at_name(flows, "payer", rows)], object)
    for (place, currency), some in goods.group_by("place", "currency"):
        here = np.flatnonzero(actors == place)
        if not len(here):
            continue
        values = worths(flows, rows[here], str(currency or ""))
        prices = np.unique(np.array([int(one) for one in some["price"].to_list()], object))
        for fits, factor in zip(found, factors, strict=True):
            fits[here] |= _near(values, prices, shares, factor, loose=currency is not None)
    return found


def _near(
    values: NDArray[Any], prices: NDArray[Any], shares: tuple[int, int], factor: int, *, loose: bool
) -> NDArray[np.bool_]:
    """Return which values times a factor are in the band below some price, exactly.

    A value that is rounded down may be one minor unit more.
    """
    lows, highs = (narrow(prices * one) for one in shares)
    least, most = (narrow((values.astype(object) + more) * factor) for more in (0, loose))
    # The least price that is not too low for it is the one that is least too high.
    at = np.searchsorted(highs, least)
    fits = lows[np.minimum(at, len(lows) - 1)] <= most
    return np.asarray((at < len(highs)) & fits & (values >= 0), np.bool_)
