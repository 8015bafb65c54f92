"""What could innocently connect a vendor and a network: asked one by one, each with its reason.

*Excluded* is said only where what was read excludes it, *likely* where it is seen, *open* of all
else. An explanation that is likely does not make a link false, and one that is excluded does not
make it true.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np

from chainwatch.attribution.taxonomy import MIXING
from chainwatch.triage.link_test.connection import Connection
from chainwatch.typologies.flows import SECOND
from chainwatch.units import counted

EXCLUDED, OPEN, LIKELY = "excluded", "open", "likely"

FEW = 5
"""Who is paid by no more different others than this mixes and collects for nobody."""

EXCHANGES = ("exchange", "bank", "hot_wallet", "warm_wallet", "cold_wallet", "deposit_wallet")
"""Concepts of exchanges, and of what services call their wallets."""

ALIKE = 20
"""Who pays so many others the very same drops something on them."""


class Answer(NamedTuple):
    """An answer, and what it rests on in words."""

    answer: str
    because: str


Explanation = Callable[[Connection], Answer]


def shared_exchange(of: Connection) -> Answer:
    """Both use one exchange: money of many is one there, and who paid whom is known to it alone."""
    return _shared(of, "exchange", *EXCHANGES, untagged=True)


def payment_processor(of: Connection) -> Answer:
    """A processor collects for many merchants: one side paid a bill, and the other was paid out."""
    return _shared(of, "payment processor", "payment_processor", untagged=True)


def market_cash_out(of: Connection) -> Answer:
    """Both are paid by one market, or cash out there: its wallet joins all who trade on it."""
    return _shared(of, "market", "dark_market", "market", untagged=False)


def mixer(of: Connection) -> Answer:
    """A mixer stands between: what leaves it is not what came in."""
    found = len(of.shared(*MIXING))
    if found:
        return _beside(of, counted(found, "mixer", "mixers"))
    if not len(of.every):
        return Answer(OPEN, "no route was found, and an unknown mixer leaves none")
    if of.unread:
        return Answer(OPEN, of.unread)
    if of.busiest() > FEW:
        return Answer(
            OPEN, f"somebody between was paid by more than {FEW} others, and may mix for them"
        )
    if of.flows.coins and not of.direct:
        return Answer(OPEN, "coins may have been mixed in a transaction between, which is not seen")
    said = f"all was read, and nobody between was paid by more than {FEW} others"
    return Answer(EXCLUDED, "every route is a payment of its own" if of.direct else said)


def airdrop(of: Connection) -> Answer:
    """Somebody pays a trifle to many: it shows nothing of whom it reaches."""
    arrivals = of.arrivals
    if not len(arrivals):
        return Answer(OPEN, "no payment of a route reached the network")
    flows = of.flows
    alike = [_alike(of, int(row)) for row in arrivals]
    many = sum(one >= ALIKE for one in alike)
    paid = counted(len(arrivals), "payment", "payments")
    if many == len(arrivals):
        return Answer(
            LIKELY, f"each of {paid} to the network went to {ALIKE} others alike, or more"
        )
    if many:
        return Answer(OPEN, f"{many:,} of {paid} to the network went to {ALIKE} others alike")
    if any(map(flows.lacking, np.unique(flows.payer[arrivals]).tolist())):
        return Answer(OPEN, "not all payments of those who paid the network were read")
    most = f"fewer than {ALIKE} others" if max(alike) else "nobody else"
    return Answer(EXCLUDED, f"of {paid} to the network, {most} got as much from the same payer")


def _alike(of: Connection, row: int) -> int:
    """Return to how many different others the payer of a payment paid the same amount."""
    flows = of.flows
    mine = flows.out_of.of(int(flows.payer[row]))
    same = mine[flows.amount[mine] == flows.amount[row]]
    return len(np.unique(flows.payee[same])) - 1


def stale_tag(of: Connection) -> Answer:
    """The tag is of another day: an address changed hands, or was named for what came later."""
    dated = [one for one in of.said if one.first is not None or one.last is not None]
    days = {_day(int(micros)) for micros in of.flows.time[of.arrivals]}
    if not days:
        return Answer(OPEN, "no payment of a route reached the network")
    if not dated:
        return Answer(OPEN, "tags of the network state no days on which they hold")
    held = sum(any(one.holds(day) for one in dated) for day in days)
    told = counted(len(days), "day", "days")
    if not held:
        return Answer(LIKELY, f"no tag holds on any of {told} on which the network was reached")
    if held < len(days) or len(dated) < len(of.said):
        return Answer(OPEN, f"dated tags hold on {held:,} of {told} on which it was reached")
    return Answer(EXCLUDED, f"tags hold on each of {told} on which the network was reached")


def _day(micros: int) -> date:
    return datetime.fromtimestamp(micros // SECOND, UTC).date()


def _shared(of: Connection, what: str, *concepts: str, untagged: bool) -> Answer:
    """Return whether somebody who holds the money of many explains a connection."""
    if untagged and of.busiest() > FEW:
        return Answer(
            LIKELY, f"somebody between is paid by more than {FEW} others, and may collect for them"
        )
    if found := len(of.shared(*concepts)):
        return _beside(of, counted(found, what, f"{what}s"))
    if untagged and (found := len(of.shared_crowds())):
        return _beside(of, "somebody whom many pay and no tag names")
    if not of.tagged:
        return Answer(OPEN, "no tags were given, so that no service is known")
    if not len(of.every):
        return Answer(OPEN, f"no route was found, and no {what} that both use")
    if of.unread:
        return Answer(OPEN, of.unread)
    if of.direct:
        return Answer(EXCLUDED, f"every route is a payment of its own, and no {what} is shared")
    between = counted(len(of.between), "go-between", "go-betweens")
    return Answer(OPEN, f"no tag names {between}, each paid by {FEW} others or fewer")


def _beside(of: Connection, whom: str) -> Answer:
    """Return what is said where both deal with one who holds the money of many."""
    both = f"it deals with {whom}, paying the network too"
    if len(of.every):
        return Answer(OPEN, f"{both}; no route that counts passes there")
    return Answer(LIKELY, f"{both}, and there is no other connection")


CATALOGUE: tuple[tuple[str, Explanation], ...] = (
    ("shared exchange", shared_exchange),
    ("payment processor", payment_processor),
    ("mixer", mixer),
    ("market cash-out", market_cash_out),
    ("airdrop", airdrop),
    ("stale tag", stale_tag),
)
"""All explanations, written out, in the order in which they are asked."""
