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


def test_the_code_of_the_readme_runs_on_the_data_of_the_demo(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    otter().write(tmp_path / "out" / "otter" / "data")
    code += "print(clusters.why, trace.lineage())"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "trace(" in done.stdout
    assert (tmp_path / "out" / "my-otter" / "report.html").is_file()
