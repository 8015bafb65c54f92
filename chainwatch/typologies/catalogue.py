"""All typologies, a line each; contract tests go over this list."""

from __future__ import annotations

from collections.abc import Callable

from chainwatch.typologies.shapes.fan_in import fan_in
from chainwatch.typologies.typology import Typology

TYPOLOGIES: tuple[Callable[..., Typology], ...] = (fan_in,)

DEFAULT: tuple[Typology, ...] = tuple(make() for make in TYPOLOGIES)
"""Typologies that are asked where nobody names others: all, each with its own numbers."""


__all__ = ["DEFAULT", "TYPOLOGIES"]
