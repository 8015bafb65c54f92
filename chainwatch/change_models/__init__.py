"""Models of change, fitted to labels: where the labels come from, and what was measured."""

from __future__ import annotations

from types import ModuleType

from chainwatch.completion import module_of, names_of


def __getattr__(name: str) -> ModuleType:
    """Load a module when it is first used."""
    return module_of(__name__, name)


def __dir__() -> list[str]:
    """Return the modules, for completion."""
    return names_of(__name__)
