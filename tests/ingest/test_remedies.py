"""Errors say what to do: each that a source raises carries a remedy, or the reason stands here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "chainwatch"
MODULES = sorted(
    path
    for room in ("bitcoin", "ingest", "net", "sources")
    for path in (PACKAGE / room).rglob("*.py")
)

ERRORS = {"SourceError", "InputError", "BlockError", "DumpError", "ChainError", "NoAnswer"}

WITHOUT: dict[str, str] = {}
"""Function, as ``module.function``, to the reason why its error needs no remedy."""


def errors_without_remedy(tree: ast.Module, module: str) -> Iterator[str]:
    """Yield ``module.function`` and line of each error that is made without a remedy.

    An error that is made to be raised elsewhere counts too, so calls are looked at, not raises.
    """
    owners: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            owners |= dict.fromkeys(ast.walk(node), node.name)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        named = {part.arg for part in node.keywords}
        if node.func.id in ERRORS and "remedy" not in named:
            yield f"{module}.{owners.get(node, '')}:{node.lineno}"


def test_every_error_has_a_remedy() -> None:
    assert len(MODULES) > 50
    bare = [
        place
        for path in MODULES
        for place in errors_without_remedy(ast.parse(path.read_text("utf-8")), path.stem)
        if place.partition(":")[0] not in WITHOUT
    ]
    assert bare == []


def test_no_reason_is_kept_for_what_is_gone() -> None:
    used = {
        place.partition(":")[0]
        for path in MODULES
        for place in errors_without_remedy(ast.parse(path.read_text("utf-8")), path.stem)
    }
    assert set(WITHOUT) <= used


def test_the_scan_sees_a_bare_error() -> None:
    code = (
        "def f():\n    raise SourceError('x', where='y')\ndef g():\n    NoAnswer('x', remedy='z')"
    )
    assert list(errors_without_remedy(ast.parse(code), "m")) == ["m.f:2"]
