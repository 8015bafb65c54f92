"""A pull of ten times the length: does it take ten times as long, and no more memory?

``python -m benchmarks.memory FOLDER`` makes two chains, one ten times as long as the other, and
pulls each into a new ledger in a process of its own, in commits of the default size.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import chain as made_up
from benchmarks import peak
from chainwatch.ingest.pull import pull
from chainwatch.sources.block_files import BlockFiles


def measure(folder: Path) -> None:
    """Pull one chain and print one JSON line."""
    ledger = folder / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)
    path = folder / "blocks" / "blk00000.dat"
    wall, cpu = time.perf_counter(), time.process_time()
    report = pull(ledger, BlockFiles(path, chain="btc-regtest", height=1))
    found = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": peak(),
        "commits": report.commits,
        "size": path.stat().st_size / 1e6,
    }
    print(json.dumps(found))  # noqa: T201


def main(folder: Path, transactions: int) -> None:
    """Measure both lengths and print a table."""
    for factor in (1, 10):
        place = folder / f"x{factor}"
        made_up.write(place, transactions * factor)
        command = [sys.executable, "-m", "benchmarks.memory", str(place), "--one"]
        done = subprocess.run(  # noqa: S603  # a command of our own
            command, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        print(  # noqa: T201
            f"{transactions * factor:9,} transactions {found['size']:7.1f} MB "
            f"{found['commits']:3} commits {found['wall']:7.1f} s {found['cpu']:7.1f} s CPU "
            f"{found['peak']:6,.0f} MB peak",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--transactions", type=int, default=50_000)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        measure(chosen.folder)
    else:
        main(chosen.folder, chosen.transactions)
