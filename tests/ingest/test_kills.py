"""A pull that is killed anywhere, again and again, ends in the ledger of one never killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from chainwatch.errors import LedgerLocked
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.block_files import BlockFiles

KILLS = 50
BLOCKS = 240
ROWS = 60  # a commit for every few blocks
THEN = datetime(2024, 1, 2, tzinfo=UTC)

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
]

# One process imports everything once; each line it is given makes a child that pulls and is killed.
WORKER = """
import json, os, sys, warnings
from datetime import UTC, datetime
warnings.simplefilter("ignore")
import deltalake
from chainwatch.ledger.storage import writer
from chainwatch.ingest.pull import pull
from chainwatch.sources.block_files import BlockFiles

def say(*words):
    os.write(1, (" ".join(map(str, words)) + os.linesep).encode())

def work(folder, file, rows, hold):
    def progress(line):
        if hold and line.startswith("commit"):
            say("held", os.getpid())
            while True:
                os.read(0, 1)
    source = BlockFiles(file, "btc-regtest", acquired=datetime(2024, 1, 2, tzinfo=UTC))
    pull(folder, source, batch_rows=rows, progress=progress)
    say("done", os.getpid())

for line in iter(sys.stdin.readline, ""):
    child = os.fork()
    if not child:
        try:
            work(*json.loads(line))
        finally:
            os._exit(0)
    say("child", child)
    os.waitpid(child, 0)
    say("over", child)
"""


class Parent:
    """A process whose children pull."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def pull(self, folder: Path, file: Path, *, hold: bool = False) -> int:
        """Begin a pull; return the process that does it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([str(folder), str(file), ROWS, hold]) + "\n")
        self.process.stdin.flush()
        return self.until("child")[0]

    def until(self, word: str) -> tuple[int, list[str]]:
        """Read lines until one begins with the word; return its process and the words before."""
        assert self.process.stdout is not None
        before = []
        for line in self.process.stdout:
            found, number = line.split()
            if found == word:
                return int(number), before
            before.append(found)
        raise AssertionError(f"the parent ended before it said {word}")

    def end(self, child: int) -> bool:
        """Kill a child; say whether it had come to its end before."""
        with suppress(ProcessLookupError):  # it came to its end, and its parent knows
            os.kill(child, signal.SIGKILL)
        return "done" in self.until("over")[1]


@pytest.fixture(scope="module")
def parent() -> Iterator[Parent]:
    made = Parent()
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture(scope="module")
def blocks(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kills") / "blk.dat"
    path.write_bytes(maker.framed(*maker.Chain().grow(BLOCKS).blocks))
    return path


def test_killed_pulls_end_in_the_same_ledger(parent: Parent, blocks: Path, tmp_path: Path) -> None:
    delays = random.Random(20231105)  # noqa: S311  # not a secret
    source = BlockFiles(blocks, "btc-regtest", acquired=THEN)
    pull(tmp_path / "whole", source)
    whole = open_ledger(tmp_path / "whole").digests()
    longest = _seconds(parent, tmp_path / "timed", blocks) / 8  # of a pull before it is killed
    number, killed, heads = 0, 0, set()
    while killed < KILLS:
        folder = tmp_path / str(number)
        child = parent.pull(folder, blocks)
        time.sleep(delays.uniform(0, longest))
        if parent.end(child):  # it came to its end first: check it and begin another
            assert open_ledger(folder).digests() == whole
            number += 1
            continue
        killed += 1
        heads.add((number, _commits(folder)))
    assert len(heads) > 5, (longest, sorted(heads))
    pull(tmp_path / str(number), source, batch_rows=ROWS)
    last = open_ledger(tmp_path / str(number))
    assert last.digests() == whole
    assert check(last).ok


def _seconds(parent: Parent, folder: Path, blocks: Path) -> float:
    """Return how long a pull takes that nobody disturbs, on this machine as busy as it is."""
    began = time.monotonic()
    parent.pull(folder, blocks)
    assert "done" in parent.until("over")[1]
    return time.monotonic() - began


def _commits(folder: Path) -> int:
    from chainwatch.errors import LedgerError
    from chainwatch.ledger.storage.store import Store

    try:
        return Store.open(folder).commits().height
    except LedgerError:  # killed while the ledger itself was made
        return 0


def test_a_second_writer_is_refused_while_one_runs(
    parent: Parent, blocks: Path, tmp_path: Path
) -> None:
    source = BlockFiles(blocks, "btc-regtest", acquired=THEN)
    child = parent.pull(tmp_path / "l", blocks, hold=True)
    parent.until("held")
    with pytest.raises(LedgerLocked, match=str(child)):
        pull(tmp_path / "l", source)
    assert open_ledger(tmp_path / "l").blocks.collect().height > 0  # reading is possible
    assert not parent.end(child)
    report = pull(tmp_path / "l", source)  # the lock died with its holder
    assert 0 < report.skipped < BLOCKS
