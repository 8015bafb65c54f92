"""Bytes to ledger columns with addresses, against others, with what each read compared.

``python -m benchmarks.parse FOLDER --peers PYTHON`` makes a file of blocks in FOLDER (unless it is
there), reads it with :func:`chainwatch.bitcoin.block_batch.check_blocks` and
:func:`~chainwatch.bitcoin.block_batch.frames_of_blocks`, and with each parser that PYTHON has::

    python -m venv peers
    peers/bin/pip install bitcoin-explorer plyvel blockchain-parser bitcoinlib

Every reader runs in a process of its own. CPU seconds are of that process; the best of three runs
is kept for ours, one run of the others. The peers make Python objects with addresses as text and
check nothing; ours makes frames with addresses as bytes, and checks proof of work, merkle roots,
witness commitments and amounts. ``text`` adds the text of every address.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from benchmarks import chain as made_up
from benchmarks import peak
from chainwatch.addresses.canonical import text_series
from chainwatch.bitcoin.block_batch import RawBlock, check_blocks
from chainwatch.chains.catalogue import chain
from chainwatch.ingest.rows.blocks import frames_of_blocks
from chainwatch.ingest.source_file import FileRead

BATCH = 16
"""Blocks read at a time, about 20 MB."""

OURS = ("compiled", "plain")
BLOCKS = {"bitcoin-explorer": None, "blockchain-parser": 60, "bitcoinlib": 40}
"""Peers, and how many of the first blocks the slow ones are given; all, where it is None."""


def read(blocks: Sequence[bytes], *, compiled: bool) -> Iterator[dict[str, pl.DataFrame]]:
    """Yield the frames of some blocks after the others."""
    network = chain("btc-regtest")
    file = FileRead("blk00000.dat", bytes(32), 1, datetime(2024, 1, 1, tzinfo=UTC))
    height = 0
    for batch in _batched(blocks):
        raw = [RawBlock(data, file.name) for data in batch]
        checked = check_blocks(raw, network, compiled=compiled)
        heights = range(height, height + len(raw))
        yield frames_of_blocks(checked, heights, [file] * len(raw), source="benchmark")
        height += len(raw)


def _batched(blocks: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(blocks), BATCH):
        yield blocks[start : start + BATCH]


def ours(way: str, folder: Path, count: int, out: Path) -> None:
    """Read with chainwatch, print one JSON line, and write the outputs as the peers do."""
    blocks = made_up.read(folder / "blocks" / "blk00000.dat")[:count]
    list(read(blocks[:1], compiled=way == "compiled"))  # loads machine code
    best: dict[str, float] = {}
    for _ in range(3 if way == "compiled" else 1):
        wall, cpu = time.perf_counter(), time.process_time()
        frames = list(read(blocks, compiled=way == "compiled"))
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        best = min(best or spent, spent, key=lambda each: each["cpu"])
    held = peak()
    outputs = pl.concat([frame["outputs"] for frame in frames])
    ids = pl.concat([frame["transactions"] for frame in frames]).select("tx", "txid")
    cpu = time.process_time()
    texts = text_series(outputs["address"], "btc")
    text = time.process_time() - cpu
    rows = outputs.join(ids, on="tx", maintain_order="left").with_columns(texts.alias("text"))
    with out.open("w") as handle:
        for txid, n, value, address in rows.select("txid", "n", "value", "text").iter_rows():
            handle.write(f"{txid[::-1].hex()} {n} {value} {address or ''}\n")
    facts = {"peak": held, "transactions": ids.height, "text": text}
    print(json.dumps(best | facts))  # noqa: T201


def run(command: list[str], out: Path) -> dict[str, float]:
    """Run a reader in a process of its own."""
    done = subprocess.run(  # noqa: S603  # a command of our own
        [*command, str(out)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return {"failed": 1.0}
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def different(one: Path, other: Path) -> tuple[int, int]:
    """Return how many outputs both have, and how many of these differ."""
    with one.open() as ours, other.open() as theirs:
        pairs = [a == b for a, b in zip(ours, theirs, strict=False)]
    return len(pairs), pairs.count(False)


def main(folder: Path, transactions: int, peers: str | None) -> None:
    """Measure all and print a table."""
    path = made_up.write(folder, transactions)
    blocks = made_up.read(path)
    sizes = [len(block) for block in blocks]
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "compiled"
        jobs = [(way, [sys.executable, "-m", "benchmarks.parse", "--reader", way], None)
                for way in OURS]  # fmt: skip
        if peers:
            script = str(Path(__file__).with_name("peers.py"))
            jobs += [(name, [peers, script, name], most) for name, most in BLOCKS.items()]
        for name, command, most in jobs:
            count = min(most or len(blocks), len(blocks))
            found = run([*command, str(folder), str(count)], Path(scratch) / name)
            if "failed" in found:
                print(f"{name:18} could not be run")  # noqa: T201
                continue
            size = sum(sizes[:count]) / 1e6
            _show(name, size, found, *different(reference, Path(scratch) / name))


def _show(name: str, size: float, found: dict[str, float], both: int, differ: int) -> None:
    cpu = found["cpu"]
    text = f"  text {found['text']:.2f} s" if "text" in found else ""
    print(  # noqa: T201
        f"{name:18} {size:7.1f} MB {cpu:7.2f} s CPU {found['wall']:7.2f} s wall "
        f"{size / cpu:7.1f} MB/s {found['transactions'] / cpu:9,.0f} tx/s "
        f"{found['peak']:6,.0f} MB peak  {both:,} outputs, {differ:,} differ{text}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--transactions", type=int, default=200_000)
    parser.add_argument("--peers", help="a Python that has the peers")
    parser.add_argument("--reader", choices=OURS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.reader:
        ours(chosen.reader, chosen.folder, chosen.count, chosen.out)
    else:
        main(chosen.folder, chosen.transactions, chosen.peers)
