"""One address for each donor: addresses that are paid once are gathered, and one was published."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.bursts import DAY
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.fundraising import donors as donors_file
from chainwatch.typologies.fundraising.donors import (
    again as again_,
)
from chainwatch.typologies.fundraising.donors import (
    by_wallet,
    emptied,
    published,
    rows_of,
    wallet_of,
)
from chainwatch.typologies.shapes import relays as relays_file
from chainwatch.typologies.typology import WEAK, Answer, Claim, NotJudged, typology

SHARED = "wallets that pay more parties than an operating wallet may, as services do"


@typology(
    fatf="patterns",
    benign="A processor of payments makes an address for each gift to a charity and gathers them.",
    needs=("published addresses",),
    strength=WEAK,
    refs=("doj2020", "fatf2020"),
    rests_on=(donors_file, relays_file, facts_file),
)
def address_per_donor(
    flows: Flows, addresses: int = 15, emptied_to: int = 95, days: int = 60, again: int = 20,
    payees: int = 5,
) -> Iterator[Answer]:  # fmt: skip
    """Many addresses are paid once, by one each, and emptied into one wallet; one was published.

    A site that shows every visitor an address of his own is found by visiting it: what it showed is
    a fact from outside. The claim is on the wallet, and on no donor. It is none where the wallet is
    a service, or pays as many as one: a shared service never links its customers. **It is weak**:
    processors that no tag names gather the gifts to lawful charities so too.

    Parameters
    ----------
    addresses : int
        Parties that are paid once and emptied into the wallet, at least.
    emptied_to : int
        Each pays the wallet alone, so many percent of what it was paid, at least.
    days : int
        Each is emptied at most so many days after it was paid.
    again : int
        Of the payers at most so many percent pay two of the addresses.
    payees : int
        The wallet pays so many different parties, at most.

    Fails when
    ----------
    They are gathered in one transaction, so that clusters join them to one party; a processor of
    payments that no tag names takes donations for many; somebody publishes a shop's address.

    References
    ----------
    United States Department of Justice, August 2020, for a site that makes an address for each
    donor; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of practice.
    """
    able = emptied(flows, emptied_to) & (flows.into.sizes == 1)
    who = np.flatnonzero(able)
    came = flows.into.rows[flows.into.ptr[who]]
    went = flows.out_of.rows[flows.out_of.ptr[who + 1] - 1]
    able[who] = flows.clock[went] - flows.clock[came] <= days * DAY
    shown, shared = published(flows), 0
    for wallet, some in by_wallet(wallet_of(flows, able), addresses):
        known = int(shown[some].sum())
        if not known:
            continue
        if flows.services[wallet] or flows.payees[wallet] > payees:
            shared += 1
            continue
        gifts = rows_of(flows.into, some)
        people, twice = again_(flows, gifts)
        if people and 100 * twice <= again * people:
            yield Claim(
                wallet,
                f"as a processor gathers gifts: {len(some)} addresses were paid once, by"
                f" {people} others, and emptied into it; {known} of them were published",
                {"donation": gifts, "sweep": rows_of(flows.out_of, some)},
                ("donation",),
                flows.lacking(wallet),
            )
    if shared:
        yield NotJudged(SHARED, shared)


__all__ = ["SHARED", "address_per_donor"]
