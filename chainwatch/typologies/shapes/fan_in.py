"""Fan-in: many who never pay again pay one party like amounts within days."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.typologies import bursts as bursts_file
from chainwatch.typologies.bursts import HOUR, Burst, Side, Spread, part_of
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.shapes.left_out import services_left_out
from chainwatch.typologies.typology import Answer, Claim, typology


@typology(
    fatf="patterns",
    benign="A shop, a collection or a sale of tickets takes one price from many customers.",
    refs=("amlsim", "fatf2020", "methods-e1"),
    rests_on=(bursts_file,),
)
def fan_in(
    flows: Flows, senders: int = 5, hours: int = 168, spread: int = 30, of_all: int = 50,
    again: int = 20,
) -> Iterator[Answer]:  # fmt: skip
    """Many different payers pay one party like amounts in one burst.

    A burst begins at a payment and lasts ``hours``, both ends included. It is no fan-in where the
    party is paid so all the time, or where its payers come again: that is trade. Services are left
    out, and counted: their customers pay them in like this.

    Parameters
    ----------
    senders : int
        Different payers in the burst, at least; whoever is not known is none.
    hours : int
        How long a burst lasts.
    spread : int
        The standard deviation of amounts is at most so many percent of their mean.
    of_all : int
        So many percent of all who ever pay the party do so in this burst, at least.
    again : int
        Of the payers in the burst at most so many percent pay the party outside of it too.

    Fails when
    ----------
    Payers of one owner are not joined, so that one who consolidates his coins looks like many; a
    shop was read that sold for a week alone; launderers pay again, or in unlike amounts.

    References
    ----------
    Suzumura and Kanezashi, AMLSim 2021, for the shape; FATF, Virtual Assets Red Flag Indicators,
    September 2020. The numbers are of practice, and no source measured them.
    """
    side = Side.of(flows, "payee", hours * HOUR)
    yield from services_left_out(flows, side.others >= senders)
    for party in ((side.others >= senders) & ~flows.services).nonzero()[0].tolist():
        amounts = Spread(flows.amount[side.lists.of(party)])
        everybody = int(side.others[party])

        def fits(one: Burst, amounts: Spread = amounts, everybody: int = everybody) -> bool:
            return (
                part_of(one.different, everybody, of_all)
                and 100 * (one.different - one.only) <= again * one.different
                and amounts.alike(one.begin, one.end, spread)
            )

        for burst in side.bursts(party, senders, fits):
            paid = flows.asset.shown(flows.total(burst.rows))
            yield Claim(
                party,
                f"{burst.different} payers paid {paid} in {len(burst.rows)} payments of like"
                f" amounts within {hours} hours, of {everybody} who ever paid it",
                {"in": burst.rows},
                unknown=flows.lacking(party),
            )
