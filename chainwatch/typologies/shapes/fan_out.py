"""Fan-out: one party pays many, whom it never pays again, like amounts within days."""

from __future__ import annotations

from collections.abc import Iterator

from chainwatch.typologies import bursts
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.shapes import fans
from chainwatch.typologies.typology import Answer, typology


@typology(
    fatf="transactions",
    benign="An employer pays wages, an exchange pays out its customers, a project sends gifts.",
    refs=("amlsim", "fatf2020"),
    rests_on=(bursts, fans),
)
def fan_out(
    flows: Flows, receivers: int = 5, hours: int = 168, spread: int = 30, of_all: int = 50,
    again: int = 20,
) -> Iterator[Answer]:  # fmt: skip
    """One party pays many different payees like amounts in one burst.

    A burst begins at a payment and lasts ``hours``, both ends included. It is no fan-out where the
    same are paid again, before or after: those are wages. Services are left out, and counted: they
    pay out their customers like this.

    Parameters
    ----------
    receivers : int
        Different payees in the burst, at least.
    hours : int
        How long a burst lasts.
    spread : int
        The standard deviation of amounts is at most so many percent of their mean.
    of_all : int
        So many percent of all whom the party ever pays are paid in this burst, at least.
    again : int
        Of the payees in the burst at most so many percent are paid outside of it too.

    Fails when
    ----------
    Wages were read of one month alone; change goes to addresses that nothing joins to their owner,
    so that one who pays five times looks like one who pays ten; launderers pay the same again.

    References
    ----------
    AMLSim, for the shape; FATF, Virtual Assets Red Flag Indicators, September 2020. The numbers are
    of practice, and no source measured them.
    """
    return fans.fans(flows, "payer", fans.Fan(receivers, hours, spread, of_all, again))
