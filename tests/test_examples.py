"""The examples run as they stand, and say what they are meant to say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from chainwatch.simulate.otter import otter

ROOT = Path(__file__).parent.parent


def test_otter_step_by_step(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "01_otter.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for said in ("nothing failed", "consistent with one owner", "reached", "as this seal says",
                 "Leaks(0 leaks in"):  # fmt: skip
        assert said in done.stdout
    assert (tmp_path / "case" / "report.pdf").read_bytes().startswith(b"%PDF")


def codes(page: str) -> list[str]:
    """Return the pieces of Python on a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run_on_the_demo(folder: Path, code: str) -> str:
    """Run code in a folder that has the data of the demo, and return what it says."""
    otter().write(folder / "out" / "otter" / "data")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_code_of_the_readme_runs_on_the_data_of_the_demo(tmp_path: Path) -> None:
    (code,) = codes("README.md")
    assert "trace(" in run_on_the_demo(tmp_path, f"{code}print(clusters.why, trace.lineage())")
    assert (tmp_path / "out" / "my-otter" / "report.html").is_file()


def test_the_code_of_the_page_of_figures_goes_on_from_that_of_the_readme(tmp_path: Path) -> None:
    (readme,) = codes("README.md")
    before, case, _ = readme.partition("case = cw.Case")
    assert case
    pieces = codes("docs/figures.md")
    assert len(pieces) == 2
    run_on_the_demo(tmp_path, "".join([before, *pieces]))
    made = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert {"graph.svg", "timeline.png", "exposure.svg", "why.png"} <= made
