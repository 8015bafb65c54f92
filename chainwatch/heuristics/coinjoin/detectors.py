"""The detectors by the names of what they find, each with its heights, and what they say together.

Decision 26 says what was measured, and why the default is made of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.batch import batch_payout
from chainwatch.heuristics.coinjoin.cashfusion import cash_fusion
from chainwatch.heuristics.coinjoin.dash import denominated_mix
from chainwatch.heuristics.coinjoin.equal import equal_by_address, equal_outputs, possible_mix
from chainwatch.heuristics.coinjoin.joinmarket import joinmarket_mix
from chainwatch.heuristics.coinjoin.wasabi1 import wasabi1_coordinator, wasabi1_levels, wasabi1_mix
from chainwatch.heuristics.coinjoin.wasabi2 import wasabi2_mix
from chainwatch.heuristics.coinjoin.whirlpool import (
    possible_tx0,
    whirlpool_lineage,
    whirlpool_mix,
    whirlpool_tx0,
)
from chainwatch.heuristics.heights import since
from chainwatch.heuristics.rule import Rule

DETECTORS: Mapping[str, Rule] = MappingProxyType({
    "equal outputs": ((equal_outputs() | equal_by_address()) & ~batch_payout()) | possible_mix(),
    "JoinMarket": joinmarket_mix() & since(392_300),
    "Wasabi 1": (wasabi1_coordinator() & since(530_500) & ~since(610_000))
    | ((wasabi1_mix() | wasabi1_levels()) & since(610_000)),
    "Wasabi 2": (wasabi2_mix() & since(741_213))
    | (wasabi2_mix(min_inputs=20, min_repeated=3, least=5_000) & since(846_000)),
    "Whirlpool": (whirlpool_mix() & since(570_000)) | whirlpool_lineage(),
    "CashFusion": cash_fusion(),
    "denominations": denominated_mix(),
})  # fmt: skip
"""What each kind of joint transaction is told by; the heights are Dumplings' and those that
crocs-muni/coinjoin-analysis gives for Wasabi 2. 846,000 is of the first days of June 2024, when its
first coordinator closed; mixes of those after it are smaller."""


_POOLED = since(570_000)

TX0: Rule = whirlpool_tx0() & _POOLED
"""What has the shape of one wallet that prepares its coins for a mix, since there are pools."""

PREPARATION: Rule = possible_tx0() & _POOLED
"""The same as a doubt: such a transaction may be no mix, whatever it looks like, or one that was
given this shape. It denies nothing, or strangers could have themselves joined."""


def _together() -> Rule:
    """Return whether any detector finds a mix, and it cannot be one wallet preparing its coins."""
    first, *others = DETECTORS.values()
    for other in others:
        first = first | other
    return first & ~PREPARATION


JOINT: Rule = _together()
"""What joins no owners unless somebody says otherwise: mixes, and what may be one."""


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
