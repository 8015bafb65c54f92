"""No test falls silent unnoticed: what skips, the closing lines name; another reason fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import skips

TESTS = Path(__file__).parent


def test_each_reason_is_counted_with_its_remedy() -> None:
    lines, strange = skips.told([
        "Skipped: CHAINWATCH_DATA is not set", "Skipped: CHAINWATCH_DATA names no folder",
        "Skipped: this system cannot fork", "Skipped: no time today",
    ])  # fmt: skip
    assert lines[0].startswith("2 skipped for want of real chain data: set CHAINWATCH_DATA")
    assert lines[1].startswith("1 skipped for want of another system")
    assert strange == ["Skipped: no time today"]


def test_every_reason_in_the_tests_is_accepted() -> None:
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        if path != Path(__file__):
            text = path.read_text()
            found += re.findall(r'pytest\.skip\(\s*f?"([^"]+)"', text)
            found += re.findall(r'skipif\([^)]*?reason="([^"]+)"', text, re.DOTALL)
    assert len(found) > 10
    assert skips.told(found)[1] == []


def test_a_run_with_an_unaccepted_skip_fails(tmp_path: Path) -> None:
    conftest = (TESTS / "conftest.py").read_text()
    hooks = conftest[conftest.index("def _skipped(") : conftest.index("class OtterCase")]
    head = "from __future__ import annotations\nimport pytest\nimport skips\n\n"
    (tmp_path / "conftest.py").write_text(head + hooks)
    for reason, code in (("CHAINWATCH_DATA is not set", 0), ("no time today", 1)):
        (tmp_path / "test_one.py").write_text(
            f"import pytest\n\ndef test_one():\n    pytest.skip({reason!r})\n"
        )
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null",
             "--rootdir", str(tmp_path), str(tmp_path)],
            env={"PYTHONPATH": str(TESTS), "PATH": ""}, cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert run.returncode == code, run.stdout + run.stderr
        assert ("does not accept: Skipped: no time today" in run.stdout) == bool(code)
