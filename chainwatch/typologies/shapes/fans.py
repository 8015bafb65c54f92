"""Fans: many who never deal with a party again deal with it in one burst, in like amounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chainwatch.typologies.bursts import HOUR, Burst, Side, Spread, part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim


class Fan(NamedTuple):
    """What is called a fan: see the parameters of the two typologies."""

    least: int
    hours: int
    spread: int
    of_all: int
    again: int

    def fits(self, burst: Burst, everybody: int, amounts: Spread) -> bool:
        """Tell whether a burst is a fan of a party that dealt with so many others in all."""
        return (
            part_of(burst.different, everybody, self.of_all)
            and 100 * (burst.different - burst.only) <= self.again * burst.different
            and amounts.alike(burst.begin, burst.end, self.spread)
        )


def fans(flows: Flows, side: str, fan: Fan) -> Iterator[Answer]:
    """Yield the fans at one side: ``payee`` those into a party, ``payer`` those out of it."""
    found = Side.of(flows, side, fan.hours * HOUR)
    able = (found.others >= fan.least) & (found.others > 0)
    yield from services_left_out(flows, able)
    for party in (able & ~flows.services).nonzero()[0].tolist():
        amounts, everybody = Spread(flows.amount[found.lists.of(party)]), int(found.others[party])

        def fits(one: Burst, amounts: Spread = amounts, everybody: int = everybody) -> bool:
            return fan.fits(one, everybody, amounts)

        for burst in found.bursts(party, fan.least, fits):
            yield _claim(flows, party, side, fan, burst, everybody)


def _claim(flows: Flows, party: int, side: str, fan: Fan, burst: Burst, everybody: int) -> Claim:
    into = side == "payee"
    twin = "as a shop or a collection is paid: " if into else ""
    whom = f"{twin}{burst.different} {'payers' if into else 'payees'}"
    return Claim(
        party,
        f"{whom}, of {everybody} in all, {'paid it' if into else 'were paid'} like amounts within"
        f" {fan.hours} hours, in {len(burst.rows)} payments",
        {"in" if into else "out": burst.rows},
        unknown=flows.lacking(party),
    )


__all__ = ["Fan", "fans"]
