"""Rotating addresses: one after the other takes donations, and all are emptied into one wallet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import facts as facts_file
from chainwatch.typologies.facts import NO_FACTS
from chainwatch.typologies.flows import Flows, Rows
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
from chainwatch.typologies.typology import WEAK, Answer, Claim, Lacking, NotJudged, typology

APPEAL = "donation"
"""Whom tags name so asks for gifts: a concept of the taxonomy, narrower ones count."""

SHARED = "wallets that pay more parties than an operating wallet may, as services do"


@typology(
    fatf="patterns",
    benign="A charity publishes another address for each of its appeals, and gathers the gifts.",
    strength=WEAK,
    refs=("doj2025", "fatf2020"),
    rests_on=(donors_file, relays_file, facts_file),
)
def rotating_addresses(
    flows: Flows, addresses: int = 4, payers: int = 5, emptied_to: int = 90, again: int = 20,
    payees: int = 5, overlap: int = 20,
) -> Iterator[Answer]:  # fmt: skip
    """Several parties are paid by many, one after the other, and each is emptied into one wallet.

    One of them at least was published, or tags say that it asks for gifts: a shop that takes
    another address each month has the very same payments, so that without published addresses or
    such a tag it is *not observable*. The claim is on the wallet. It is none where the wallet is a
    service, or pays as many as one: a shared service never links those whose addresses it sweeps.
    **It is weak**: lawful appeals are paid and gathered so too.

    Parameters
    ----------
    addresses : int
        Parties that are emptied into the wallet, at least.
    payers : int
        Different payers of each of them, at least.
    emptied_to : int
        Each pays the wallet alone, so many percent of all that it was paid, at least.
    again : int
        Of all payers at most so many percent pay twice, or two of the parties.
    payees : int
        The wallet pays so many different parties, at most.
    overlap : int
        At most so many percent of the parties begin to be paid before the one before was paid last.

    Fails when
    ----------
    Addresses of the wallet are joined, so that it is one party; several collections run at once; an
    exchange that no tag names sweeps addresses of customers who were paid one after the other;
    the addresses that were published are not known; a charity is lawful, as most are.

    References
    ----------
    United States Department of Justice, March 2025, for many addresses whose donations were pooled
    in one wallet; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are of
    practice, and no source measured them.
    """
    if (asking := _asking(flows)) is None:
        yield Lacking("published addresses, or tags of donation")
        return
    able = emptied(flows, emptied_to) & (flows.payers >= max(payers, 1))
    shared = 0
    for wallet, some in by_wallet(wallet_of(flows, able), addresses):
        if not (known := int(asking[some].sum())):
            continue
        if flows.services[wallet] or flows.payees[wallet] > payees:
            shared += 1
            continue
        gifts = rows_of(flows.into, some)
        people, twice = again_(flows, gifts)
        late = _overlapping(flows, some)
        if 100 * twice <= again * people and 100 * late <= overlap * (len(some) - 1):
            said = f"{twice} of {people} payers pay twice, and {known} of the parties are known to"
            yield _claim(flows, wallet, f"{said} ask for gifts", gifts, some)
    if shared:
        yield NotJudged(SHARED, shared)


def _claim(flows: Flows, wallet: int, said: str, gifts: Rows, some: list[int]) -> Claim:
    told = (
        f"as a charity's appeals are: {len(some)} parties were paid by others one after the other,"
        f" and each is emptied into it; {said}"
    )
    rows = {"donation": gifts, "sweep": rows_of(flows.out_of, some)}
    return Claim(wallet, told, rows, ("donation",), flows.lacking(wallet))


def _asking(flows: Flows) -> NDArray[np.bool_] | None:
    """Return which parties are known to ask for gifts; None where nothing tells of any."""
    asking = published(flows) | flows.parties_named(APPEAL)
    given = (NO_FACTS if flows.facts is None else flows.facts).given()["published addresses"]
    return asking if given or asking.any() else None


def _overlapping(flows: Flows, some: list[int]) -> int:
    """Return how many parties begin to be paid before the one before them is paid last."""
    spans = sorted(
        (int(flows.clock[rows[0]]), int(flows.clock[rows[-1]]))
        for rows in (flows.into.of(one) for one in some)
    )
    begins, ends = np.array(spans, np.int64).T
    return int((begins[1:] < ends[:-1]).sum())


__all__ = ["APPEAL", "SHARED", "rotating_addresses"]
