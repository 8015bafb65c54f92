"""Rules that say which output of a transaction goes back to its payer."""

from __future__ import annotations

from chainwatch.heuristics.change.address_reuse import address_reuse
from chainwatch.heuristics.change.address_type import address_type
from chainwatch.heuristics.change.fingerprint import (
    same_order,
    same_sequence,
    same_version,
    same_wallet,
)
from chainwatch.heuristics.change.fixed_fee import fixed_fee
from chainwatch.heuristics.change.fresh_address import fresh_address
from chainwatch.heuristics.change.legacy import legacy
from chainwatch.heuristics.change.links import change_links
from chainwatch.heuristics.change.locktime import locktime
from chainwatch.heuristics.change.one_time_change import one_time_change
from chainwatch.heuristics.change.optimal_change import optimal_change
from chainwatch.heuristics.change.peeling_chain import peeling_chain
from chainwatch.heuristics.change.power_of_ten import power_of_ten
from chainwatch.heuristics.change.spent import spent
from chainwatch.heuristics.change.unnecessary_input import unnecessary_input

__all__ = [
    "address_reuse",
    "address_type",
    "change_links",
    "fixed_fee",
    "fresh_address",
    "legacy",
    "locktime",
    "one_time_change",
    "optimal_change",
    "peeling_chain",
    "power_of_ten",
    "same_order",
    "same_sequence",
    "same_version",
    "same_wallet",
    "spent",
    "unnecessary_input",
]


def __dir__() -> list[str]:
    """Return the rules, for completion."""
    return sorted(__all__)
