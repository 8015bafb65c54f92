"""All typologies, a line each; contract tests go over this list."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.typologies.cash_out.many_services import many_services
from chainwatch.typologies.cash_out.otc_cash_out import otc_cash_out
from chainwatch.typologies.fundraising.address_per_donor import address_per_donor
from chainwatch.typologies.fundraising.published_appeal import published_appeal
from chainwatch.typologies.fundraising.rotating_addresses import rotating_addresses
from chainwatch.typologies.markets.direct_trade import direct_trade
from chainwatch.typologies.markets.escrow_payout import escrow_payout
from chainwatch.typologies.markets.migration import migration
from chainwatch.typologies.markets.multisig_escrow import multisig_escrow
from chainwatch.typologies.markets.vendor_by_reviews import vendor_by_reviews
from chainwatch.typologies.markets.vendor_income import vendor_income
from chainwatch.typologies.shapes.consolidation import consolidation
from chainwatch.typologies.shapes.cycle import cycle
from chainwatch.typologies.shapes.dormant_reactivation import dormant_reactivation
from chainwatch.typologies.shapes.fan_in import fan_in
from chainwatch.typologies.shapes.fan_out import fan_out
from chainwatch.typologies.shapes.gather_scatter import gather_scatter
from chainwatch.typologies.shapes.layering import layering
from chainwatch.typologies.shapes.pass_through import pass_through
from chainwatch.typologies.shapes.peel_chain import peel_chain
from chainwatch.typologies.shapes.rapid_movement import rapid_movement
from chainwatch.typologies.shapes.round_amounts import round_amounts
from chainwatch.typologies.shapes.scatter_gather import scatter_gather
from chainwatch.typologies.shapes.structuring import structuring
from chainwatch.typologies.supply.affiliate_split import affiliate_split
from chainwatch.typologies.supply.arms_escrow import arms_escrow
from chainwatch.typologies.supply.precursor_supplier import precursor_supplier
from chainwatch.typologies.trafficking.ad_payments import ad_payments
from chainwatch.typologies.trafficking.changer_funded_payouts import changer_funded_payouts
from chainwatch.typologies.trafficking.many_ads import many_ads
from chainwatch.typologies.trafficking.night_amounts import night_amounts
from chainwatch.typologies.typology import Typology

TYPOLOGIES: tuple[Callable[..., Typology], ...] = (
    ad_payments,
    address_per_donor,
    affiliate_split,
    arms_escrow,
    changer_funded_payouts,
    consolidation,
    cycle,
    direct_trade,
    dormant_reactivation,
    escrow_payout,
    fan_in,
    fan_out,
    gather_scatter,
    layering,
    many_ads,
    many_services,
    migration,
    multisig_escrow,
    night_amounts,
    otc_cash_out,
    pass_through,
    peel_chain,
    precursor_supplier,
    published_appeal,
    rapid_movement,
    rotating_addresses,
    round_amounts,
    scatter_gather,
    structuring,
    vendor_by_reviews,
    vendor_income,
)

DEFAULT: tuple[Typology, ...] = tuple(make() for make in TYPOLOGIES)
"""Typologies that are asked where nobody names others: all, each with its own numbers."""


__all__ = ["DEFAULT", "TYPOLOGIES"]
