"""Fan-in: many who never pay again pay one party like amounts within days."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.typologies import bursts
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.shapes import fans
from chainwatch.typologies.typology import WEAK, Answer, typology


@typology(
    fatf="patterns",
    benign="A shop, a collection or a sale of tickets takes one price from many customers.",
    strength=WEAK,
    refs=("amlsim", "fatf2020"),
    rests_on=(bursts, fans),
)
def fan_in(
    flows: Flows, senders: int = 5, hours: int = 168, spread: int = 30, of_all: int = 50,
    again: int = 20,
) -> Iterator[Answer]:  # fmt: skip
    """Many different payers pay one party like amounts in one burst.

    A burst begins at a payment and lasts ``hours``, both ends included. It is no fan-in where the
    party is paid so all the time, or where its payers come again: that is trade. Services are left
    out, and counted: their customers pay them in like this. **It is weak**: most of those it finds
    in simulated towns sell something for a while, or gather money for another reason.

    Parameters
    ----------
    senders : int
        Different payers in the burst, at least; one who is not known counts for none.
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
    AMLSim, for the shape; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are
    of practice, and no source measured them.
    """
    return fans.fans(flows, "payee", fans.Fan(senders, hours, spread, of_all, again))
