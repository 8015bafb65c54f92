"""Consolidation: many wallets are emptied into one, and used no more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import bursts
from chainwatch.typologies.bursts import HOUR, Burst, Side, part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY, in_band
from chainwatch.typologies.shapes import relays as relays_file
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.shapes.relays import totals
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="patterns",
    benign="Somebody moves all his wallets into one, an exchange empties its customers' addresses.",
    refs=("fatf2020",),
    rests_on=(bursts, relays_file),
)
def consolidation(
    flows: Flows, wallets: int = 5, hours: int = 48, emptied: int = 99, of_all: int = 50
) -> Iterator[Answer]:
    """Several parties pay all that they ever held to one party in one burst, and end with it.

    Each is paid first and pays then, to that party alone. Who owns them all pays himself where
    clusters join them, and that is no payment. A service is left out, and so is whom others pay
    most of the time: so are deposit addresses swept.

    Parameters
    ----------
    wallets : int
        Different parties that are emptied in the burst, at least.
    hours : int
        How long a burst lasts, both ends included.
    emptied : int
        Each pays at least so many percent of all that it was ever paid.
    of_all : int
        So many percent of all who ever pay the one party are emptied in this burst, at least.

    Fails when
    ----------
    Wallets of one owner are not joined; fees are paid out of what they hold, and are more than the
    rest; an exchange that no tag names empties addresses that are used once.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice, and no
    source measured them.
    """
    known = flows.payer != NOBODY
    among = known.copy()
    among[known] = _emptied(flows, emptied)[flows.payer[known]]
    side = Side.of(flows, "payee", hours * HOUR, among)
    able = (side.others >= wallets) & (side.others > 0)
    yield from services_left_out(flows, able)
    for party in np.flatnonzero(able & ~flows.services).tolist():
        ever = int(flows.payers[party])

        def fits(one: Burst, ever: int = ever) -> bool:
            return part_of(one.different, ever, of_all)

        for burst in side.bursts(party, wallets, fits):
            yield Claim(
                party,
                f"{burst.different} parties paid it all that they held within {hours} hours",
                {"sweep": burst.rows},
                unknown=_unknown(flows, party, burst),
            )


def _emptied(flows: Flows, percent: int) -> NDArray[np.bool_]:
    """Return which parties are paid first, and pay then all of it to one other."""
    into, out = flows.into, flows.out_of
    able = (into.sizes > 0) & (flows.payees == 1) & ~flows.services
    found, who = np.zeros(len(able), np.bool_), np.flatnonzero(able)
    last_in, first_out = into.rows[into.ptr[who + 1] - 1], out.rows[out.ptr[who]]
    found[who] = (flows.order[last_in] < flows.order[first_out]) & in_band(
        totals(flows, out)[who], totals(flows, into)[who], percent, 100
    )
    return found


def _unknown(flows: Flows, party: int, burst: Burst) -> str:
    payers = sorted(set(flows.payer[burst.rows].tolist()))
    lacking = sum(bool(flows.lacking(one)) for one in payers)
    said = [flows.lacking(party)]
    if lacking:
        said.append(f"of {lacking} of {len(payers)} emptied parties not every payment is known")
    return "; ".join(filter(None, said))
