"""The examples run as they stand, and say what they are meant to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_otter_step_by_step(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "01_otter.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for said in ("nothing failed", "consistent with one owner", "reached", "as this seal says"):
        assert said in done.stdout
    assert (tmp_path / "case" / "report.pdf").read_bytes().startswith(b"%PDF")
