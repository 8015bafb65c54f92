"""Direct trade: a buyer of a market pays a vendor of a market outside of it, again and again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import deeds, paid_by, paid_to
from chainwatch.typologies.typology import Answer, Claim, NotJudged, typology

BUSY = "parties whom markets pay, with more payments than a person has"
_NEVER = np.iinfo(np.int64).max


@typology(
    fatf="source_of_funds",
    benign="Two people who share a flat both buy at one market, and one pays the other his rent.",
    needs=("tags",),
    refs=("nadini2021",),
    rests_on=(sides_file,),
)
def direct_trade(
    flows: Flows, times: int = 3, sales: int = 3, days: int = 3, market: str = "dark_market",
    busy: int = 2_000,
) -> Iterator[Answer]:  # fmt: skip
    """Somebody who paid a market pays somebody whom a market paid for sales, several times.

    The one had paid a market before, and the other was paid out by one so often, and by far more
    than he paid in, that he sells. The claim is on him who is paid. Payments to and from services
    are none of these: who pays out of a market's own wallet is not known.

    Parameters
    ----------
    times : int
        Transactions from the one to the other, at least.
    sales : int
        Transactions in which markets paid the one who is paid, at least, before the last of these.
    days : int
        Different days on which they stand, at least.
    market : str
        Whom tags name a market: a concept of the taxonomy, narrower ones count.
    busy : int
        A party with more payments is left out, and counted: it serves many, whatever tags say.

    Fails when
    ----------
    They know each other for other reasons: a landlord, a friend, one person with two wallets that
    no cluster joins; a small exchange without a tag, whose customers use markets; the pair never
    met at a market that tags name.

    References
    ----------
    Nadini et al., Scientific Reports 2021, for stable pairs of users outside of markets. The
    numbers are of practice, and no source measured them.
    """
    out, into = paid_by(flows, market), paid_to(flows, market)
    parties = len(flows.parties)
    buyers = _first(flows.payer, into, flows.order, parties)
    quiet = flows.into.sizes + flows.out_of.sizes <= busy
    sellers = _sellers(flows, out, into, sales)
    if count := int((sellers & ~quiet & ~flows.services).sum()):
        yield NotJudged(BUSY, count)
    sellers &= quiet
    rows = np.flatnonzero(flows.payer != NOBODY)
    payer, payee = flows.payer[rows], flows.payee[rows]
    fits = (buyers[payer] < flows.order[rows]) & sellers[payee]
    fits &= ~flows.services[payer] & ~flows.services[payee] & quiet[payer]
    rows = rows[fits]
    keys = flows.payer[rows].astype(np.int64) * max(parties, 1) + flows.payee[rows]
    order = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.diff(keys[order], prepend=-1))
    for some in np.split(order, begins[1:]) if len(order) else ():
        yield from _pair(flows, rows[some], out, times, sales, days)


def _pair(
    flows: Flows, rows: Rows, out: NDArray[np.bool_], times: int, sales: int, days: int
) -> Iterator[Claim]:
    party = int(flows.payee[rows[0]])
    came = flows.into.of(party)
    earlier = came[out[came] & (flows.order[came] < flows.order[rows[-1]])]
    different = len(np.unique(flows.clock[rows] // DAY))
    if deeds(flows, rows) < times or different < days or deeds(flows, earlier) < sales:
        return
    yield Claim(
        party,
        f"whom a market paid {len(earlier)} times before, one who paid a market pays directly in"
        f" {deeds(flows, rows)} transactions on {different} days",
        {"direct": rows, "payout": earlier},
        ("direct",),
        flows.lacking(party),
    )


def _first(
    who: NDArray[np.int32], rows: NDArray[np.bool_], order: NDArray[np.int64], parties: int
) -> NDArray[np.int64]:
    """Return of each party the order of its first of some payments; beyond all where none is."""
    found = np.full(parties, _NEVER, np.int64)
    np.minimum.at(found, who[rows], order[rows])
    return found


def _sellers(
    flows: Flows, out: NDArray[np.bool_], into: NDArray[np.bool_], sales: int
) -> NDArray[np.bool_]:
    """Return which parties markets paid so often, and more than twice what these paid in."""
    found = np.zeros(len(flows.parties), np.bool_)
    counts = np.bincount(flows.payee[out], minlength=len(flows.parties))
    for party in np.flatnonzero(counts >= max(sales, 1)).tolist():
        came, went = flows.into.of(party), flows.out_of.of(party)
        found[party] = flows.total(came[out[came]]) > 2 * flows.total(went[into[went]])
    return found


__all__ = ["BUSY", "direct_trade"]
