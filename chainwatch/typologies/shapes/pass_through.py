"""Pass-through: a party that lives for days, is paid several times, and pays all of it on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import in_band
from chainwatch.typologies.shapes import relays as relays_file
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.shapes.relays import totals
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="transactions",
    benign="A wallet is made for one journey, one collection or one flat, and emptied at its end.",
    refs=("fatf2020",),
    rests_on=(relays_file,),
)
def pass_through(
    flows: Flows, days: int = 7, passed_on: int = 90, receipts: int = 3, payers: int = 2,
    payees: int = 2, quiet_days: int = 7,
) -> Iterator[Answer]:  # fmt: skip
    """A party is paid and pays all of it on within days, and is never heard of before or after.

    Whoever sends all to one place is left alone: so are deposit addresses of exchanges swept; and
    so is who was paid once: most addresses of coin chains are used so.

    Parameters
    ----------
    days : int
        From its first payment to its last at most, both ends included.
    passed_on : int
        It pays at least so many percent of what it is paid, and no more than all.
    receipts : int
        Payments to it, at least.
    payers : int
        Different payers, at least; one who is not known counts for none.
    payees : int
        Different payees, at least.
    quiet_days : int
        The payments that were read go on for at least so many days behind its last.

    Fails when
    ----------
    Addresses of one owner are not joined, and each is used for days; it pays once before it is
    paid, as those do who pay fees from another asset.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice, and no
    source measured them.
    """
    into, out = flows.into, flows.out_of
    able = (into.sizes >= max(receipts, 1)) & (out.sizes > 0)
    able &= (flows.payers >= payers) & (flows.payees >= payees)
    who = np.flatnonzero(able)
    first, last_in = into.rows[into.ptr[who]], into.rows[into.ptr[who + 1] - 1]
    first_out, last_out = out.rows[out.ptr[who]], out.rows[out.ptr[who + 1] - 1]
    last = np.maximum(flows.clock[last_in], flows.clock[last_out])
    fits = (
        (flows.order[first] < flows.order[first_out])
        & (last - flows.clock[first] <= days * DAY)
        & (flows.clock.max(initial=0) - last >= quiet_days * DAY)
        & in_band(totals(flows, out)[who], totals(flows, into)[who], passed_on, 100)
    )
    found = np.zeros(len(flows.parties), np.bool_)
    found[who[fits]] = True
    yield from services_left_out(flows, found)
    for party in np.flatnonzero(found & ~flows.services).tolist():
        yield _claim(flows, party)


def _claim(flows: Flows, party: int) -> Claim:
    came, went = flows.into.of(party), flows.out_of.of(party)
    lived = max(flows.clock[came[-1]], flows.clock[went[-1]]) - flows.clock[came[0]]
    return Claim(
        party,
        f"it was paid {len(came)} times and paid it on in {len(went)} payments, in"
        f" {-(-int(lived) // DAY)} days or less",
        {"in": came, "out": went},
        ("in",),
        flows.lacking(party),
    )
