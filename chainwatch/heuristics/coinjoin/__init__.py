"""Rules that say whether strangers built a transaction together; a *yes* is never one owner."""

from __future__ import annotations

from chainwatch.heuristics.coinjoin.batch import batch_payout
from chainwatch.heuristics.coinjoin.cashfusion import cash_fusion
from chainwatch.heuristics.coinjoin.dash import denominated_mix
from chainwatch.heuristics.coinjoin.detectors import DETECTORS, JOINT, PREPARATION, TX0
from chainwatch.heuristics.coinjoin.equal import equal_by_address, equal_outputs, possible_mix
from chainwatch.heuristics.coinjoin.joinmarket import joinmarket_mix
from chainwatch.heuristics.coinjoin.payjoin import payjoin_suspicion
from chainwatch.heuristics.coinjoin.stonewall import stonewall_shape
from chainwatch.heuristics.coinjoin.wasabi1 import wasabi1_coordinator, wasabi1_levels, wasabi1_mix
from chainwatch.heuristics.coinjoin.wasabi2 import wasabi2_mix
from chainwatch.heuristics.coinjoin.whirlpool import (
    possible_tx0,
    whirlpool_lineage,
    whirlpool_mix,
    whirlpool_tx0,
)

__all__ = [
    "DETECTORS",
    "JOINT",
    "PREPARATION",
    "TX0",
    "batch_payout",
    "cash_fusion",
    "denominated_mix",
    "equal_by_address",
    "equal_outputs",
    "joinmarket_mix",
    "payjoin_suspicion",
    "possible_mix",
    "possible_tx0",
    "stonewall_shape",
    "wasabi1_coordinator",
    "wasabi1_levels",
    "wasabi1_mix",
    "wasabi2_mix",
    "whirlpool_lineage",
    "whirlpool_mix",
    "whirlpool_tx0",
]


def __dir__() -> list[str]:
    """Return the rules, for completion."""
    return sorted(__all__)
