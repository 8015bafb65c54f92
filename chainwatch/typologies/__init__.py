"""Shapes of payments that laundering has, each beside the innocent business that looks the same."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any


def _makers() -> dict[str, Callable[..., Any]]:
    from chainwatch.typologies.catalogue import TYPOLOGIES

    return {make.__name__: make for make in TYPOLOGIES}


def __getattr__(name: str) -> Any:
    """Return the maker of a typology by its name, such as ``fan_in``: those of the catalogue."""
    if name == "__all__":
        return sorted(_makers())
    # A module of ours is asked for here while it is being imported, before the list can be read.
    module = name.startswith("_") or find_spec(f"{__name__}.{name}") is not None
    if module or name not in (found := _makers()):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found[name]


def __dir__() -> list[str]:
    """Return the makers of typologies, for completion."""
    return sorted(_makers())
