"""Many services at once: a sum is parted among accounts at several services within a day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies import services as services_file
from chainwatch.typologies.bursts import HOUR, part_of
from chainwatch.typologies.flows import Flows, Rows
from chainwatch.typologies.lists import NOBODY
from chainwatch.typologies.markets import sides as sides_file
from chainwatch.typologies.markets.sides import often
from chainwatch.typologies.outside import worth as worth_file
from chainwatch.typologies.outside.worth import NO_LIMIT, lacking_prices, of_size
from chainwatch.typologies.services import service_of, to_account
from chainwatch.typologies.typology import WEAK, Answer, Claim, typology


@typology(
    fatf="transactions",
    benign="A saver parts his wages, or a bonus, among accounts of his at several exchanges.",
    needs=("tags",),
    strength=WEAK,
    refs=("fatf2020",),
    rests_on=(worth_file, services_file, sides_file),
)
def many_services(
    flows: Flows, services: int = 3, least: int = 3_000, currency: str = "EUR", units: int = 0,
    hours: int = 24, passed_on: int = 80, busy: int = 200,
) -> Iterator[Answer]:  # fmt: skip
    """A sum that no service paid is paid on at once to several services that have different names.

    Deposit addresses that are swept to a service stand for it: who sweeps them is looked up where
    they pay one service alone. Nothing is said of others who deal with these services. **It is
    weak**: who parts his wages by habit pays so too.

    Parameters
    ----------
    services : int
        Different actors, as tags name them, at least.
    least : int
        The sum is of so many whole units of the currency, or more.
    currency : str
        Its ISO 4217 code.
    units : int
        What one unit of the currency is worth in base units, on every day; 0 asks the prices.
    hours : int
        All is paid certainly later than the sum came, and at most so much later.
    passed_on : int
        So many percent of the sum are paid to services, at least.
    busy : int
        A party with more payments is left alone: it trades.

    Fails when
    ----------
    Wages are parted among accounts by habit; services have no tags, or two names; each account is
    paid out of a wallet of its own.

    References
    ----------
    FATF, Virtual Assets Red Flag Indicators, September 2020, for sums sent at once to several
    providers. The numbers are of practice, and no source measured them.
    """
    if missing := list(lacking_prices(flows, currency, units)):
        yield from missing
        return
    actor, to_service = service_of(flows), to_account(flows)
    able = _many(flows, actor, to_service, services) & ~flows.services
    able &= flows.into.sizes + flows.out_of.sizes <= busy
    rows = np.flatnonzero(able[flows.payee] & (flows.payer != NOBODY) & ~flows.served("payer"))
    sum_, told = of_size(flows, rows, least, NO_LIMIT, currency, units)
    yield from told
    for party in often(flows, flows.payee, sum_, 1):
        went, came = flows.out_of.of(party), flows.into.of(party)
        went = went[to_service[went]]
        for one in came[sum_[came]].tolist():
            late = flows.order[went] > flows.order[one]
            soon = went[late & (flows.clock[went] <= flows.clock[one] + hours * HOUR)]
            different = len(np.unique(actor[flows.payee[soon]]))
            if different >= services and part_of(
                flows.total(soon), int(flows.amount[one]), passed_on
            ):
                yield _claim(flows, one, soon, different, hours)
                break


def _claim(flows: Flows, one: int, soon: Rows, different: int, hours: int) -> Claim:
    party = int(flows.payee[one])
    return Claim(
        party,
        f"as savers part their wages: a sum that no service paid went on to {different} services"
        f" within {hours} hours, in {len(soon)} payments",
        {"sum": [one], "to services": soon},
        ("sum",),
        flows.lacking(party),
    )


def _many(
    flows: Flows, actor: NDArray[np.int64], to_service: NDArray[np.bool_], services: int
) -> NDArray[np.bool_]:
    """Return which parties pay so many different services, or accounts at these."""
    rows = np.flatnonzero(to_service)
    parties = max(len(flows.parties), 1)
    pairs = np.unique(actor[flows.payee[rows]] * parties + flows.payer[rows])
    found: NDArray[np.bool_] = np.bincount(pairs % parties, minlength=parties) >= services
    return found[: len(flows.parties)]
