"""Published appeal: many small first-time donors to one address, and all of it to one exchange."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import bursts
from chainwatch.typologies import facts as facts_file
from chainwatch.typologies import services as services_file
from chainwatch.typologies.bursts import DAY, Burst, Side, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.fundraising import donors as donors_file
from chainwatch.typologies.fundraising.donors import published
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import lacking_prices, of_size
from chainwatch.typologies.services import to_account
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import WEAK, Answer, Claim, NotJudged, typology

SEVERAL = "published addresses with many small donors, whose money goes to several"


@typology(
    fatf="patterns",
    benign="A charity is given a flood of small gifts, and cashes them all at one exchange.",
    needs=("tags", "published addresses"),
    strength=WEAK,
    refs=("doj2020", "fatf2020"),
    rests_on=(bursts, donors_file, worth_file, facts_file, services_file),
)
def published_appeal(
    flows: Flows, donors: int = 15, days: int = 30, small: int = 200, currency: str = "EUR",
    units: int = 0, again: int = 20, swept: int = 80, sweep_days: int = 7,
) -> Iterator[Answer]:  # fmt: skip
    """Many who never paid a published address before pay it little, and one service account all.

    Bursts begin at a donation to such an address; donors are no parties. **It is weak**: see below.

    Parameters
    ----------
    donors : int
        Different payers in the burst, at least.
    days : int
        How long a burst lasts, both ends included.
    small : int
        Half of the donations or more are of at most so many whole units of the currency.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    again : int
        Of the donors at most so many percent pay outside of the burst too.
    swept : int
        So many percent of the burst are paid on to a service, or an account swept to one, at least.
    sweep_days : int
        Until so many days behind the burst. All of it goes to one account, and nothing to others.

    Fails when
    ----------
    A lawful appeal is cashed at one exchange too, as small ones are: who asks and what for decides,
    and stands on the page that published the address. Donors give monthly; sums are spent on chain.

    References
    ----------
    United States Department of Justice, August 2020, for campaigns by published addresses; FATF,
    Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    side = Side.of(flows, "payee", days * DAY)
    able = published(flows) & (side.others >= max(donors, 1))
    yield from services_left_out(flows, able)
    able &= ~flows.services
    few, told = of_size(flows, np.flatnonzero(able[flows.payee]), 0, small, currency, units)
    yield from told

    def fits(one: Burst) -> bool:
        late = 100 * (one.different - one.only) <= again * one.different
        return late and 2 * int(few[one.rows].sum()) >= len(one.rows)

    several, account = 0, to_account(flows)
    for party in np.flatnonzero(able).tolist():
        for burst in side.bursts(party, donors, fits):
            sweep = _sweep(flows, account, party, burst.rows, sweep_days * DAY)
            if part_of(flows.total(sweep), flows.total(burst.rows), swept):
                yield _claim(flows, party, burst, sweep, days)
            else:
                several += 1
    yield from [NotJudged(SEVERAL, several)] if several else []


def _sweep(flows: Flows, account: NDArray[np.bool_], party: int, rows: Rows, span: int) -> Rows:
    """Return what the party pays from a burst on until so much behind it, if all to one account."""
    out = flows.out_of.of(party)
    begin, end = flows.order[rows[0]], flows.clock[rows[-1]] + span
    here = out[(flows.order[out] > begin) & (flows.clock[out] <= end)]
    one = len(np.unique(flows.payee[here])) == 1 and bool(account[here].all())
    found: Rows = here if one else here[:0]
    return found


def _claim(flows: Flows, party: int, burst: Burst, sweep: Rows, days: int) -> Claim:
    return Claim(
        party,
        f"as charities cash gifts: a published address was paid by {burst.different} different"
        f" payers within {days} days, {burst.only} of whom never pay it at another time, and"
        " paid one service account alone",
        {"donation": burst.rows, "sweep": sweep},
        ("donation",),
        flows.lacking(party),
    )


__all__ = ["SEVERAL", "published_appeal"]
