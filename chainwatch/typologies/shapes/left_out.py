"""What typologies leave out and say so: services, whose trade has the shapes of laundering."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainwatch.typologies.flows import Flows
from chainwatch.typologies.typology import NotJudged

SERVICES = "services, which deal with many for many"
ENDS = "what relays pass on that a service paid them, or is paid: its customers do so"


def services_left_out(flows: Flows, able: NDArray[np.bool_]) -> Iterator[NotJudged]:
    """Yield how many services stand among the parties that could have the shape."""
    count = int((able & flows.services).sum())
    if count:
        yield NotJudged(SERVICES, count)


__all__ = ["ENDS", "SERVICES", "services_left_out"]
