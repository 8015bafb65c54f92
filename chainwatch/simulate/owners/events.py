"""All that can happen in a world, a line each; how often is the population's affair."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.simulate.owners import (
    attacks,
    channels,
    coinjoins,
    payments,
    sales,
    shared_keys,
    small_mixes,
    whirlpool,
)
from chainwatch.simulate.owners.society import Society

EVENTS: dict[str, Callable[[Society], None]] = {
    "payment": payments.payment,
    "shopping": payments.shopping,
    "donation": payments.donation,
    "deposit": payments.deposit,
    "withdrawal": payments.withdrawal,
    "consolidation": payments.consolidation,
    "move": payments.move,
    "key_sale": payments.key_sale,
    "payroll": payments.payroll,
    "equal_payroll": payments.equal_payroll,
    "migration": payments.migration,
    "payjoin": small_mixes.payjoin,
    "joinmarket": coinjoins.joinmarket,
    "wasabi1": coinjoins.wasabi1,
    "wasabi11": coinjoins.wasabi11,
    "wasabi2": coinjoins.wasabi2,
    "tx0": whirlpool.tx0,
    "whirlpool": whirlpool.whirlpool,
    "stonewall": small_mixes.stonewall,
    "stonewall_x2": small_mixes.stonewall_x2,
    "token_mint": sales.token_mint,
    "token_sale": sales.token_sale,
    "token_sweep": sales.token_sweep,
    "token_sale_all": sales.token_sale_all,
    "fee_bump": sales.fee_bump,
    "crowdfunding": sales.crowdfunding,
    "channel_open": channels.channel_open,
    "dual_open": channels.dual_open,
    "channel_close": channels.channel_close,
    "channel_force_close": channels.channel_force_close,
    "anchor_claim": channels.anchor_claim,
    "dust": attacks.dust,
    "forced_reuse": attacks.forced_reuse,
    "peel": payments.peel,
    "lookalike_split": payments.lookalike_split,
    "same_key": shared_keys.same_key,
    "escrow_open": shared_keys.escrow_open,
    "escrow_release": shared_keys.escrow_release,
    "fake_change": attacks.fake_change,
    "imitation": attacks.imitation,
    "unequal_mix": small_mixes.unequal_mix,
    "hidden_spend": small_mixes.hidden_spend,
    "forged_key": attacks.forged_key,
}
"""Each event by the name that :class:`~chainwatch.simulate.owners.population.Events` gives it."""
