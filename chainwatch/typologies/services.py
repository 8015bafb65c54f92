"""Accounts at services: who is a service, or is swept to one alone, and which that is.

A deposit address at an exchange is no address that tags name: it is known by paying one service and
nobody else. It is one customer's, and says nothing of any other customer of the service.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.flows import Flows
from chainwatch.typologies.lists import NOBODY


def service_of(flows: Flows) -> NDArray[np.int64]:
    """Return of each party the service that it is or is swept to, a number for each actor.

    ``NOBODY`` is of those who are neither, and of services that tags do not name alike.

    Fails when
    ----------
    Somebody brings all that he has to one exchange by himself: his wallet looks like an account
    there. A service has no tag, or two names.
    """
    numbers: dict[str, int] = {}
    found = np.full(len(flows.parties), NOBODY, np.int64)
    for party in np.flatnonzero(flows.services).tolist():
        if (name := flows.actor(party)) is not None:
            found[party] = numbers.setdefault(name, len(numbers))
    swept = np.flatnonzero((flows.payees == 1) & ~flows.services)
    target = flows.payee[flows.out_of.rows[flows.out_of.ptr[swept]]]
    found[swept] = np.where(flows.services[target], found[target], NOBODY)
    return found


def to_account(flows: Flows) -> NDArray[np.bool_]:
    """Return which payments of known payers go to a service, or to an account that is swept to one.

    What an account itself pays to its service is none.
    """
    there = service_of(flows) != NOBODY
    paid: NDArray[np.bool_] = there[flows.payee] & (flows.payer != NOBODY)
    return paid


__all__ = ["service_of", "to_account"]
