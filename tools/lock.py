"""Write requirements/*.lock from pyproject.toml: every version pinned, every file by its hash."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
OLDEST_PYTHON = "3.11"


def main() -> int:
    """Resolve the layers one after the other, each bound by the versions of those before it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    bounds: list[Path] = []
    for layer, wanted in layers(project).items():
        path = LOCKS / f"{layer}.lock"
        path.write_text(header(wanted) + resolve(wanted, bounds), encoding="utf-8")
        bounds.append(path)
        print(f"requirements/{path.name}")
    return 0


def layers(project: dict[str, Any]) -> dict[str, list[str]]:
    """Return the requirements of each layer: the project's own, its extras, its groups."""
    groups = project["dependency-groups"]
    run = [*project["project"]["dependencies"], *groups["build"]]
    rest = {name: groups[name] for name in groups if name != "build"}
    return {"run": run, **project["project"]["optional-dependencies"], **rest}


def header(wanted: list[str]) -> str:
    """Return the first lines of a lock file, with the digest of what was asked for."""
    return f"# Made by `make lock`; not to be edited.\n# asked: {asked(wanted)}\n"


def asked(wanted: list[str]) -> str:
    """Return the digest of a layer's requirements as pyproject.toml states them."""
    return hashlib.sha256(json.dumps(sorted(wanted)).encode()).hexdigest()


def resolve(wanted: list[str], bounds: list[Path]) -> str:
    """Return the pins for every platform and every Python from the oldest up."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "-", "--quiet"]
    command += ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes"]
    command += ["--no-header", "--no-annotate"]
    for path in bounds:
        command += ["--constraints", str(path)]
    text = "\n".join(wanted)
    made = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE, check=True)
    return made.stdout


if __name__ == "__main__":
    sys.exit(main())
