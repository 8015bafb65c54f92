"""A node's folder to rows and to a ledger: compiled and plain, in one process and in two.

``python -m benchmarks.node FOLDER`` makes a folder as a node writes it (blocks of
:mod:`benchmarks.chain` behind regtest's own genesis, what they spend in ``rev`` files, all of it
masked) and one ten times as long, and reads each with
:class:`~chainwatch.sources.node_folder.source.NodeFolder` in a process of its own: first every
batch thrown away, which is the reading alone, then a whole pull. MB are of block files; peak memory
is of the process that asks, with that of its largest worker behind it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from benchmarks import chain as made_up
from benchmarks import peak
from chainwatch.bitcoin import block_batch
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.sources.node_folder.files import unmasked
from chainwatch.sources.node_folder.source import NodeFolder

KEY = bytes.fromhex("6d5a0f91c3e87b24")
LARGEST = 128_000_000
"""Bytes of a block file: a node begins the next one before it grows beyond."""

WAYS = (("compiled", 1), ("compiled", 2), ("plain", 1), ("plain", 2))
_PLAIN = "CHAINWATCH_BENCHMARK_PLAIN"
_TIMES = b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks"
_KEY = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec1"
    "12de5c384df7ba0b8d578a4c702b6bf11d5f"
)


def genesis() -> bytes:
    """Return regtest's first block."""
    script = bytes.fromhex("04ffff001d010445") + _TIMES
    raw = (1).to_bytes(4, "little") + b"\x01" + bytes(32) + b"\xff" * 4
    raw += made_up.sized(script) + b"\xff" * 4 + b"\x01" + (50 * 10**8).to_bytes(8, "little")
    raw += made_up.sized(made_up.sized(_KEY) + b"\xac") + bytes(4)
    header = (1).to_bytes(4, "little") + bytes(32) + made_up.sha256d(raw)
    header += b"".join(part.to_bytes(4, "little") for part in (1_296_688_602, 0x207FFFFF, 2))
    return header + b"\x01" + raw


def varint(number: int) -> bytes:
    """Return a number as undo data writes it."""
    out = bytes([number & 0x7F])
    while number > 0x7F:
        number = (number >> 7) - 1
        out = bytes([number & 0x7F | 0x80]) + out
    return out


def packed(amount: int) -> int:
    """Return an amount in the form without its trailing zeros."""
    if not amount:
        return 0
    zeros = 0
    while amount % 10 == 0 and zeros < 9:
        amount, zeros = amount // 10, zeros + 1
    if zeros == 9:
        return 10 * amount
    return 1 + (amount // 10 * 9 + amount % 10 - 1) * 10 + zeros


def coin(value: int, script: bytes) -> bytes:
    """Return what an input spent as undo data writes it; the height is the same for all."""
    front = varint(200) + b"\x00" + varint(packed(value))
    if len(script) == 25 and script.startswith(b"\x76\xa9\x14"):
        return front + b"\x00" + script[3:23]
    if len(script) == 23 and script.startswith(b"\xa9\x14"):
        return front + b"\x01" + script[2:22]
    return front + varint(len(script) + 6) + script


class Noted(made_up.Maker):
    """Makes the blocks of the chain, and notes what the last one spent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.spent: list[list[bytes]] = []

    def record(self) -> bytes:
        """Return the undo data of the last block."""
        data = made_up.compact(len(self.spent))
        data += b"".join(made_up.compact(len(coins)) + b"".join(coins) for coins in self.spent)
        self.spent = []
        return data

    def _transaction(self) -> tuple[bytes, bytes]:
        self.spent.append([])
        return super()._transaction()

    def _coin(self) -> made_up.Coin:
        found = super()._coin()
        self.spent[-1].append(coin(found.value, found.script))
        return found


def frames(transactions: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the frame of each block and that of its undo data."""
    magic, first = made_up.MAGIC["btc-regtest"], genesis()
    yield magic + len(first).to_bytes(4, "little") + first, b""
    maker, left = Noted(parent=made_up.sha256d(first[:80])), transactions
    while left > 0:
        parent = maker.parent
        block = maker.block(min(made_up.PER_BLOCK, left) - 1)
        left -= int.from_bytes(block[81:83], "little") if block[80] == 0xFD else block[80]
        undo = maker.record()
        check = made_up.sha256d(parent + undo)
        yield (magic + len(block).to_bytes(4, "little") + block,
               magic + len(undo).to_bytes(4, "little") + undo + check)  # fmt: skip


def write(folder: Path, transactions: int) -> Path:
    """Write the folder unless it is there; return its ``blocks``."""
    place = folder / "blocks"
    if (place / "xor.dat").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    number, pair = 0, (bytearray(), bytearray())
    for both in frames(transactions):
        if len(pair[0]) + len(both[0]) > LARGEST:
            _put(place, number, pair)
            number, pair = number + 1, (bytearray(), bytearray())
        pair[0].extend(both[0])
        pair[1].extend(both[1])
    _put(place, number, pair)
    (place / "xor.dat").write_bytes(KEY)
    return place


def _put(place: Path, number: int, pair: tuple[bytearray, bytearray]) -> None:
    for name, data in zip(("blk", "rev"), pair, strict=True):
        (place / f"{name}{number:05}.dat").write_bytes(unmasked(bytes(data), KEY, 0))


class Nothing:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Return an empty table."""
        return next(kind for kind in schema.TABLES if kind.name == table).empty().lazy()


def measure(folder: Path, way: str, workers: int, *, whole: bool) -> None:
    """Read a folder, or pull it into a new ledger, and print one JSON line."""
    if way == "plain":
        _plain()
    source = NodeFolder(folder, chain="btc-regtest", workers=workers)
    wall, cpu, rows = time.perf_counter(), _cpu(), 0
    if whole:
        shutil.rmtree(folder / "ledger", ignore_errors=True)
        report = pull(folder / "ledger", source)
        rows = report.rows("transactions")
    else:
        for batch in source.batches(Nothing()):
            if batch.tables:
                rows += batch.tables["transactions"].height
    spent = {"wall": time.perf_counter() - wall}
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    found = spent | {"cpu": _cpu() - cpu, "peak": peak(), "worker": worker, "rows": rows}
    print(json.dumps(found))  # noqa: T201


def _plain() -> None:
    """Never use the compiled loops, here and in processes that are started afresh."""
    block_batch.COMPILED_FROM = 2**62
    os.environ[_PLAIN] = "1"


def _cpu() -> float:
    """Return CPU seconds of this process and of its workers that have ended."""
    return sum(sum(resource.getrusage(who)[:2])
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))  # fmt: skip


def run(folder: Path, way: str, workers: int, *, whole: bool) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.node", str(folder), "--way", way]
    command += ["--workers", str(workers), *["--pull"] * whole]
    done = subprocess.run(  # noqa: S603  # a command of our own
        command, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(folder: Path, transactions: int) -> None:
    """Measure every way on both lengths and print a table."""
    for factor in (1, 10):
        place = folder / f"node{factor}"
        blocks = write(place, transactions * factor)
        size = sum(path.stat().st_size for path in blocks.glob("blk*.dat")) / 1e6
        for whole in (False, True):
            for way, workers in WAYS:
                found = run(place, way, workers, whole=whole)
                print(  # noqa: T201
                    f"{size:7.1f} MB {'pull' if whole else 'rows'} {way:8} workers {workers} "
                    f"{found['wall']:6.1f} s {found['cpu']:6.1f} s CPU "
                    f"{size / found['wall']:6.1f} MB/s "
                    f"{found['peak']:6,.0f} + {found['worker']:,.0f} MB peak",
                    flush=True,
                )


if os.environ.get(_PLAIN):
    _plain()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--way", choices=("compiled", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--pull", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        measure(chosen.folder, chosen.way, chosen.workers, whole=chosen.pull)
    else:
        main(chosen.folder, chosen.transactions)
