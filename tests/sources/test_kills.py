"""A pull that is killed anywhere, again and again, ends in the ledger of one never killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from chainwatch.errors import LedgerLocked
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.base import pull
from chainwatch.sources.block_files import BlockFiles

KILLS = 50
BLOCKS = 240
SECONDS_FOR_ALL = 0.35  # the longest a pull may run before it is killed
ROWS = 60  # a commit for every few blocks

WORKER = """
import sys
from datetime import UTC, datetime
from chainwatch.ledger import delta, writer
from chainwatch.sources.base import pull
from chainwatch.sources.block_files import BlockFiles
import deltalake

held = sys.argv[3] == "hold"
def progress(line):
    if held:
        print("held", flush=True)
        sys.stdin.readline()
print("ready", flush=True)
sys.stdin.readline()
source = BlockFiles(sys.argv[2], "btc-regtest", acquired=datetime(2024, 1, 2, tzinfo=UTC))
pull(sys.argv[1], source, batch_rows=int(sys.argv[4]), progress=progress)
print("done", flush=True)
"""


def started(folder: Path, file: Path, how: str = "run") -> subprocess.Popen[str]:
    """Return a process that has imported everything and waits for a line."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(file), how, str(ROWS)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def expect(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == word


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """End one process and close its pipes."""
    try:
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def blocks(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kills") / "blk.dat"
    path.write_bytes(maker.framed(*maker.Chain().grow(BLOCKS).blocks))
    return path


def test_killed_pulls_end_in_the_same_ledger(blocks: Path, tmp_path: Path) -> None:
    delays = random.Random(20231105)  # noqa: S311  # not a secret
    source = BlockFiles(blocks, "btc-regtest", acquired=datetime(2024, 1, 2, tzinfo=UTC))
    pull(tmp_path / "whole", source)
    whole = open_ledger(tmp_path / "whole").digests()
    number, killed, committed = 0, 0, set()
    waiting = started(tmp_path / "0", blocks)
    while killed < KILLS:
        folder = tmp_path / str(number)
        with ended(waiting):
            expect(waiting, "ready")
            process = waiting
            go(process)
            began = time.monotonic()
            pause = delays.uniform(0, SECONDS_FOR_ALL)
            waiting = started(folder, blocks)  # imports while the other one works
            time.sleep(max(0.0, began + pause - time.monotonic()))
            alive = process.poll() is None
            process.kill()
            process.communicate()
        killed += alive
        head = folder.exists() and (folder / "ledger.json").exists() and _commits(folder)
        committed.add((number, head))
        if not alive:  # it came to its end: check it and begin another
            assert open_ledger(folder).digests() == whole
            number += 1
            with ended(waiting):
                waiting = started(tmp_path / str(number), blocks)
    with ended(waiting):
        pass
    assert len(committed) > 5, "the kills did not fall between commits"
    pull(tmp_path / str(number), source, batch_rows=ROWS)
    last = open_ledger(tmp_path / str(number))
    assert last.digests() == whole
    assert last.check().ok


def _commits(folder: Path) -> int:
    from chainwatch.errors import LedgerError
    from chainwatch.ledger.store import Store

    try:
        return Store.open(folder).commits().height
    except LedgerError:  # killed while the ledger itself was made
        return 0


def test_a_second_writer_is_refused_while_one_runs(blocks: Path, tmp_path: Path) -> None:
    source = BlockFiles(blocks, "btc-regtest", acquired=datetime(2024, 1, 2, tzinfo=UTC))
    process = started(tmp_path / "l", blocks, "hold")
    with ended(process):
        expect(process, "ready")
        go(process)
        expect(process, "held")
        with pytest.raises(LedgerLocked, match=str(process.pid)):
            pull(tmp_path / "l", source)
        assert open_ledger(tmp_path / "l").blocks.collect().height > 0  # reading is possible
    report = pull(tmp_path / "l", source)  # the lock died with its holder
    assert 0 < report.skipped < BLOCKS
