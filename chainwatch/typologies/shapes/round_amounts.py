"""Round amounts: most of whom a party pays, it pays a round amount."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainwatch.ledger.prices import minor_digits
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, Rows, lists_of
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, Lacking, NotJudged, typology


@typology(
    fatf="transactions",
    benign="People give, lend and pay rents in round amounts, and withdraw from exchanges in them.",
    refs=("fatf2020",),
)
def round_amounts(
    flows: Flows, payees: int = 10, share: int = 50, units: int = 0, multiple: int = 50,
    currency: str = "",
) -> Iterator[Answer]:  # fmt: skip
    """Of the first payments of a party to each of many payees most are round.

    Whoever pays the same again, such as a rent or a wage, is counted once. Services are left out.

    Parameters
    ----------
    payees : int
        Different payees, at least.
    share : int
        So many percent of the payments are round, at least.
    units : int
        An amount is round if it is a multiple of so many base units; 0 is a tenth of a coin.
    multiple : int
        In a currency, an amount is round if it was worth a multiple of so many whole units, or less
        than one whole unit more.
    currency : str
        ISO 4217 code of it; nothing asks for round amounts of the asset instead.

    Fails when
    ----------
    Nearly always, taken alone: round amounts are what people pay. The share needs many payments,
    and is to be read beside other signs.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice, and no
    source measured them.
    """
    unit = units or 10**flows.asset.decimals // 10
    if currency and flows.prices is None:
        yield Lacking(f"prices in {currency}")
        return
    if not currency and not unit:
        yield Lacking("base units of which a round amount is a multiple: the asset has no decimals")
        return
    rows = _firsts(flows)
    round_ = _round(flows, rows, unit, multiple, currency)
    if (count := int((round_ < 0).sum())) > 0:
        yield NotJudged(f"payments without a price in {currency}", count)
    rows, round_ = rows[round_ >= 0], round_[round_ >= 0]
    every = np.bincount(flows.payer[rows], minlength=len(flows.parties))
    some = np.bincount(flows.payer[rows[round_ > 0]], minlength=len(flows.parties))
    able = (every >= max(payees, 1)) & (100 * some >= share * every)
    yield from services_left_out(flows, able)
    even = rows[round_ > 0]
    lists = lists_of(flows.payer[even], len(flows.parties))
    for party in np.flatnonzero(able & ~flows.services).tolist():
        yield Claim(
            party,
            f"{some[party]} of {every[party]} payees were paid a round amount at first",
            {"round": even[lists.of(party)]},
            unknown=flows.lacking(party),
        )


def _firsts(flows: Flows) -> Rows:
    """Return the first payment of each payer to each payee."""
    known = np.flatnonzero(flows.payer != NOBODY)
    pairs = flows.payer[known].astype(np.int64) * max(len(flows.parties), 1) + flows.payee[known]
    _, first = np.unique(pairs, return_index=True)
    return np.sort(known[first])


def _round(flows: Flows, rows: Rows, unit: int, multiple: int, currency: str) -> NDArray[np.int64]:
    """Return of payments whether they are round: 1 yes, 0 no, -1 where no price tells."""
    amounts: NDArray[Any] = flows.amount[rows]
    if not currency:
        return np.asarray(amounts % unit == 0, np.int64)
    one = 10 ** minor_digits(currency)
    worth = flows.worth(currency, amounts, rows)
    over = worth % (max(multiple, 1) * one)
    return np.where(worth < 0, -1, ((over < one) & (worth >= one)).astype(np.int64)).astype(
        np.int64
    )
