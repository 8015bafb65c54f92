"""Gives one test what another file of tests has made, without being collected twice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parent


def module_of(name: str) -> ModuleType:
    """Load a file below ``tests``, such as ``live/esplora_server``, as a module; once."""
    title = "shared_" + name.replace("/", "_")
    if title in sys.modules:
        return sys.modules[title]
    spec = importlib.util.spec_from_file_location(title, TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module
    spec.loader.exec_module(module)
    return module
