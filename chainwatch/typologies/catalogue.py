"""All typologies, a line each; contract tests go over this list."""

from __future__ import annotations

from collections.abc import Callable

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
from chainwatch.typologies.typology import Typology

TYPOLOGIES: tuple[Callable[..., Typology], ...] = (
    consolidation,
    cycle,
    dormant_reactivation,
    fan_in,
    fan_out,
    gather_scatter,
    layering,
    pass_through,
    peel_chain,
    rapid_movement,
    round_amounts,
    scatter_gather,
    structuring,
)

DEFAULT: tuple[Typology, ...] = tuple(make() for make in TYPOLOGIES)
"""Typologies that are asked where nobody names others: all, each with its own numbers."""


__all__ = ["DEFAULT", "TYPOLOGIES"]
