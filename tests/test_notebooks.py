"""The notebooks of examples/ run from top to bottom and still say what they keep."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

RUN = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import notebooks
made = notebooks.run(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
sys.stdout.write(json.dumps(made))
"""


def words(notebook: Any) -> Iterator[str]:
    """Yield what the cells print and show as text; pictures may differ in a point."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            yield "".join(output.get("text") or output["data"]["text/plain"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_what_it_keeps(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(ROOT / "tools"), str(path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert list(words(json.loads(done.stdout))) == list(words(kept))


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        "02_owners.ipynb", "03_follow.ipynb", "04_routes.ipynb", "05_vendor_to_network.ipynb",
        "06_case_file.ipynb",
    ]  # fmt: skip
    for path in NOTEBOOKS:
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert all(cell["outputs"] for cell in kept["cells"][3:] if cell["cell_type"] == "code")
        pictures = [data for cell in kept["cells"] for output in cell.get("outputs", [])
                    for data in output.get("data", {}) if data == "image/png"]  # fmt: skip
        assert len(pictures) >= 2
