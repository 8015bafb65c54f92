"""Affiliate split: of each sale one rate goes to whoever brought the customer, soon after."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainwatch.typologies.bursts import HOUR, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY, spread_out
from chainwatch.typologies.typology import WEAK, Answer, Claim, NotJudged, typology

BUSY = "parties with more payments than are compared"


@typology(
    fatf="patterns",
    benign="A shop of lawful goods pays affiliates a share of each sale, as many do.",
    strength=WEAK,
    refs=("mccoy2012",),
)
def affiliate_split(
    flows: Flows, sales: int = 10, least: int = 15, most: int = 60, spread: int = 20,
    hours: int = 24, affiliates: int = 2, of_all: int = 60, busy: int = 5_000,
) -> Iterator[Answer]:  # fmt: skip
    """A party is paid by many, and pays others one and the same share of each payment soon after.

    It is how programmes that sell counterfeit medicine pay those who bring customers. **It is
    weak**: lawful programmes pay so too, and no source gives numbers of payments on a chain.

    Parameters
    ----------
    sales : int
        Payments of different payers of which the share is paid, at least.
    least : int
        The share is of so many percent, at least.
    most : int
        And of at most so many.
    spread : int
        All shares lie within so many ten-thousandths.
    hours : int
        A share is paid certainly later than the payment that it is of, and at most so much later.
    affiliates : int
        Different others who are paid a share, at least; and at most half as many as sales.
    of_all : int
        So many percent of the payments to the party have such a share, at least.
    busy : int
        A party with more payments is not compared.

    Fails when
    ----------
    Affiliates are paid by the week, or out of another wallet; a share is paid in the transaction of
    the sale; lawful goods are sold.

    References
    ----------
    McCoy et al., USENIX Security 2012, for affiliate programmes of pharmacies and their rates, from
    leaked books. That the same stands on a chain is not measured: *open*.
    """
    able = (flows.payers >= max(sales, 1)) & (flows.payees >= affiliates) & ~flows.services
    quiet = flows.into.sizes + flows.out_of.sizes <= busy
    if count := int((able & ~quiet).sum()):
        yield NotJudged(BUSY, count)
    for party in np.flatnonzero(able & quiet).tolist():
        came = flows.into.of(party)[flows.payer[flows.into.of(party)] != NOBODY]
        sale, share, rate = _shares(flows, came, hours * HOUR, 100 * least, 100 * most)
        bought, paid, middle = _densest(sale, share, rate, spread)
        others = len(np.unique(flows.payee[paid]))
        people = len(np.unique(flows.payer[bought]))
        if (
            people >= sales
            and affiliates <= others <= len(bought) // 2
            and part_of(len(bought), len(flows.into.of(party)), of_all)
        ):
            said = f"{people} others about {middle} in 10,000 went to {others} others"
            yield Claim(
                party,
                f"as shops pay affiliates: of {len(bought)} payments by {said} within {hours} hours"
                " each",
                {"sale": bought, "share": paid}, ("share",), flows.lacking(party),
            )  # fmt: skip


def _shares(flows: Flows, came: Rows, span: int, least: int, most: int) -> tuple[Rows, Rows, Rows]:
    """Return payments that came, those that may be a share of each, and which in 10,000."""
    begin, end = flows.out_of.between(
        flows.payee[came], flows.later(came), flows.within(came, span)
    )
    runs, places = spread_out(begin, end)
    sale, share = came[runs], flows.out_of.rows[places]
    rate = 10_000 * flows.amount[share].astype(object) // flows.amount[sale].astype(object)
    fits = np.asarray((rate >= least) & (rate <= most), np.bool_)
    return sale[fits], share[fits], rate[fits].astype(np.int64)


def _densest(sale: Rows, share: Rows, rate: Rows, spread: int) -> tuple[Rows, Rows, int]:
    """Return the pairs of the rate that most sales have, each sale and each share once.

    Of several rates the smallest stands; what is paid once is a share of one sale alone.
    """
    if not len(rate):
        return sale, share, 0
    order = np.lexsort((share, sale, rate))
    sale, share, rate = sale[order], share[order], rate[order]
    ends = np.searchsorted(rate, rate + spread, side="right")
    sizes = ends - np.arange(len(rate))
    best = int(np.argmax(sizes))
    here = slice(best, int(ends[best]))
    bought, paid = list[int](), list[int]()
    for one, other in sorted(zip(sale[here].tolist(), share[here].tolist(), strict=True)):
        if (not bought or bought[-1] != one) and other not in paid:
            bought.append(one)
            paid.append(other)
    middle = int(rate[here][len(rate[here]) // 2])
    return np.array(bought, np.int64), np.array(paid, np.int64), middle


__all__ = ["BUSY", "affiliate_split"]
