"""Tags by the half million: read from YAML, compiled, read again, found in ten million addresses.

``python -m benchmarks.tags FOLDER`` writes a TagPack of 500,000 tags into FOLDER, once, and
measures in CPU seconds and by the clock. The index is one of addresses alone, made up in memory;
of every twenty one is tagged. ``--tags`` and ``--addresses`` take other numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses import canonical
from chainwatch.attribution.tags import Tags, read_tags
from chainwatch.chains.catalogue import chain
from chainwatch.kernels.intern import order_of
from chainwatch.ledger.index.index import Index

CONCEPTS = ("exchange", "market", "mixing_service", "gambling", "service")
SERVICES = 5_000
HEADER = (
    "title: Many\ncreator: A benchmark\nconfidence: service_data\nlastmod: 2021-11-11\n"
    "is_cluster_definer: true\ncurrency: BTC\ntags:\n"
)
SIZE = 21
"""Bytes of an address of these: its kind, and a hash of 20 bytes."""

T = TypeVar("T")


def address_of(number: int) -> bytes:
    """Return a made-up P2PKH address."""
    return b"\x01" + hashlib.sha256(str(number).encode()).digest()[: SIZE - 1]


def write_pack(path: Path, count: int) -> None:
    """Write a pack of as many tags, each with five fields of its own."""
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(count):
            text, service = canonical.text(address_of(number), "btc"), number % SERVICES
            file.write(
                f"- address: {text}\n  label: Service {service}.com\n"
                f"  source: https://www.example.org/address/{text}\n"
                f"  category: {CONCEPTS[service % len(CONCEPTS)]}\n  actor: service{service}\n"
            )


def index_of(tagged: pl.Series, count: int) -> Index:
    """Return an index of as many addresses, the tagged ones among them, in no order."""
    pick = np.random.default_rng(1)
    others = pick.integers(0, 256, ((count - len(tagged)), SIZE), np.uint8)
    others[:, 0] = 1
    ours = np.frombuffer(b"".join(tagged.to_list()), np.uint8).reshape(-1, SIZE)
    rows: NDArray[Any] = pick.permutation(np.concatenate([others, ours]))
    starts = np.arange(len(rows) + 1, dtype=np.int64) * SIZE
    values = rows.reshape(-1)
    order = order_of(values, starts).astype(np.uint32)
    columns = {"addr_bytes": values, "addr_ptr": starts, "addr_order": order}
    return Index(chain("btc"), 0, columns)


def timed(what: str, deed: Callable[[], T]) -> T:
    """Print how long something took, and return what it gave."""
    clock, cpu = time.perf_counter(), time.process_time()
    made = deed()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    print(f"{what}: {cpu:.2f} s CPU, {clock:.2f} s by the clock", flush=True)  # noqa: T201
    return made


def main(folder: Path, tags: int, addresses: int) -> None:
    """Measure and print."""
    folder.mkdir(parents=True, exist_ok=True)
    pack, kept = folder / f"{tags}.yaml", folder / "compiled"
    if not pack.exists():
        write_pack(pack, tags)
    shutil.rmtree(kept, ignore_errors=True)

    def read() -> Tags:
        return read_tags(pack, compiled=kept)

    size = pack.stat().st_size / 1e6
    first = timed(f"{tags:,} tags ({size:,.0f} MB of YAML) read and compiled", read)
    again = timed("read again from what was compiled", read)
    if not again.frame.equals(first.frame):
        raise SystemExit("the compiled tags are others")
    wanted = again.addresses("btc")["address"]
    index = index_of(wanted.sample(min(len(wanted), addresses // 10), seed=1), addresses)
    ranks = timed(f"looked up in {addresses:,} addresses", lambda: index.ranks_of(wanted))
    print(f"{int((ranks >= 0).sum()):,} of {len(wanted):,} are there")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tags", type=int, default=500_000)
    parser.add_argument("--addresses", type=int, default=10_000_000)
    given = parser.parse_args()
    main(given.folder, given.tags, given.addresses)
