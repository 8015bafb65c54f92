"""What a command loads: a list of commands no source, a command its own source alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LIGHT = {f"chainwatch.sources.{name}" for name in ("catalogue", "documentation", "parameters")}
"""What a list of the sources is made of."""

CODE = """
import json, sys
from chainwatch.cli import app
sys.argv = ["chainwatch", *{arguments}]
try:
    app.main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)))
"""


def loaded(*arguments: str) -> tuple[str, set[str]]:
    """Return what a command printed, and the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(arguments=arguments)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    said, _, names = done.stdout.rstrip("\n").rpartition("\n")
    return said, set(json.loads(names))


def sources(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("chainwatch.sources.")} - LIGHT


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("pull", "--help"), ("pull",)])
def test_a_list_of_commands_loads_no_source(arguments: tuple[str, ...]) -> None:
    said, modules = loaded(*arguments)
    assert said.startswith(("Usage: ", "chainwatch 0.")) or arguments == ("pull",)  # on stderr
    assert not sources(modules)
    assert not {"polars", "numpy", "httpx2", "deltalake"} & modules


def test_a_command_loads_its_own_source() -> None:
    said, modules = loaded("pull", "electrum", "--help")
    assert "--fingerprint" in said
    assert "chainwatch.sources.electrum.source" in modules
    packages = {name.split(".")[2] for name in sources(modules)}
    assert packages == {"electrum"}


def test_the_package_is_the_command() -> None:
    for arguments in (("--version",), ("pull", "--help")):
        done = subprocess.run(
            [sys.executable, "-m", "chainwatch", *arguments],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        assert done.stdout.startswith(("chainwatch 0.", "Usage: python -m chainwatch pull"))
        assert done.stderr == ""
