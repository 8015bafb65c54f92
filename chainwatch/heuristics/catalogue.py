"""All rules, a line each; contract tests go over this list, and prove it complete."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.completion import names_of
from chainwatch.heuristics import change, coinjoin, heights, poisoning
from chainwatch.heuristics.rule import Rule

RULES: tuple[Callable[..., Rule], ...] = (
    change.address_reuse,
    change.address_type,
    change.fixed_fee,
    change.fresh_address,
    change.legacy,
    change.locktime,
    change.one_time_change,
    change.optimal_change,
    change.peeling_chain,
    change.power_of_ten,
    change.same_order,
    change.same_sequence,
    change.same_version,
    change.spent,
    change.unnecessary_input,
    coinjoin.batch_payout,
    coinjoin.cash_fusion,
    coinjoin.denominated_mix,
    coinjoin.equal_by_address,
    coinjoin.equal_outputs,
    coinjoin.joinmarket_mix,
    coinjoin.payjoin_suspicion,
    coinjoin.possible_mix,
    coinjoin.possible_tx0,
    coinjoin.stonewall_shape,
    coinjoin.wasabi1_coordinator,
    coinjoin.wasabi1_levels,
    coinjoin.wasabi1_mix,
    coinjoin.wasabi2_mix,
    coinjoin.whirlpool_lineage,
    coinjoin.whirlpool_mix,
    coinjoin.whirlpool_tx0,
    heights.since,
    poisoning.look_alike,
    poisoning.paid_look_alike,
    poisoning.unsigned,
    poisoning.zero_value,
)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
