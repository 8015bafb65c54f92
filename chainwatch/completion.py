"""What completion offers of a module: what it is for, and nothing that it happens to import."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from importlib import import_module
from types import ModuleType


def names_of(module: str) -> list[str]:
    """Return the names that a module has for others, for its ``__dir__``.

    Those are what ``__all__`` lists; where there is none, the functions, classes and constants
    that the module defines itself. Of a package its modules are offered too, loaded or not.

    Parameters
    ----------
    module : str
        Its ``__name__``; it is loaded.
    """
    found = sys.modules[module]
    own = getattr(found, "__all__", None)
    names = set(_defined(found) if own is None else own)
    names |= {part.name for part in pkgutil.iter_modules(getattr(found, "__path__", ()))}
    return sorted(name for name in names if not name.startswith("_"))


def module_of(package: str, name: str) -> ModuleType:
    """Load a module of a package when it is first used, for the ``__getattr__`` of the package.

    Raises
    ------
    AttributeError
        If the package holds no such module.
    """
    parts = {part.name for part in pkgutil.iter_modules(sys.modules[package].__path__)}
    if name not in parts or name.startswith("_"):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return import_module(f"{package}.{name}")


def _defined(module: ModuleType) -> list[str]:
    """Return what a module defines: what it imports says that it is of another.

    A constant cannot say where it is from; it is the module's own where its type is declared.
    """
    declared = inspect.get_annotations(module)
    return [
        name
        for name, value in vars(module).items()
        if name in declared
        or (callable(value) and getattr(value, "__module__", "") == module.__name__)
    ]
