"""How many faults are injected, and of which kinds: a test that goes missing is missed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

KINDS = {
    "time-outs": r"silence|time-out",
    "resets": r"reset|closed|broken off",
    "truncated JSON": r"half|cut|truncated",
    "wrong types": r"a text|no list|type|number as",
    "huge numbers": r"2\*\*|huge|2\^",
    "repeated blocks and pages": r"repeat|again|twice",
    "a reorganisation": r"reorganisation",
    "HTTP 429": r"429",
    "HTTP 5xx": r"\b50\d",
    "a full disk": r"full_disk",
    "kill -9": r"killed",
}


def test_the_faults_are_counted() -> None:
    """Each is a test of its own: the right ledger, or a clear error and no wrong row."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "fault", "-n", "0"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(TESTS)], capture_output=True, text=True,
        check=True, cwd=TESTS.parent,
    )  # fmt: skip
    faults = [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert len(faults) >= 100
    assert {
        name for name, words in KINDS.items() if not re.search(words, " ".join(faults))
    } == set()
