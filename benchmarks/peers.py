"""One other parser over a file of blocks: run by a Python that has it, and none of chainwatch.

``python peers.py NAME FOLDER BLOCKS OUT`` prints one JSON line of times and memory, and writes what
it read to OUT: a line per output, ``txid n value address``. Writing is outside of the time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Block = list[tuple[str, list[tuple[int, str]]]]
"""Transactions of a block: id, and value and address (or nothing) of each output."""


def raw_blocks(folder: Path, count: int) -> list[bytes]:
    """Return the first blocks of a node's file."""
    found: list[bytes] = []
    with (folder / "blocks" / "blk00000.dat").open("rb") as handle:
        while len(found) < count and (head := handle.read(8)):
            found.append(handle.read(int.from_bytes(head[4:], "little")))
    return found


def bitcoin_explorer(folder: Path, count: int) -> Iterator[Block]:
    """Read with bitcoin-explorer, which asks for a node's index; see :func:`index`."""
    import bitcoin_explorer

    chain = bitcoin_explorer.BitcoinDB(str(folder), tx_index=False)
    for height in range(count):
        yield [
            (tx["txid"], [(o["value"], (o["addresses"] or [""])[0]) for o in tx["output"]])
            for tx in chain.get_block(height)["txdata"]
        ]


def blockchain_parser(folder: Path, count: int) -> Iterator[Block]:
    """Read with blockchain-parser."""
    from blockchain_parser.block import Block as Parsed

    for height, raw in enumerate(raw_blocks(folder, count)):
        yield [
            (
                tx.txid,
                [(o.value, o.addresses[0].address if o.addresses else "") for o in tx.outputs],
            )
            for tx in Parsed(raw, height).transactions
        ]


def bitcoinlib(folder: Path, count: int) -> Iterator[Block]:
    """Read with bitcoinlib."""
    from bitcoinlib.blocks import Block as Parsed

    for raw in raw_blocks(folder, count):
        parsed = Parsed.parse_bytes(raw, parse_transactions=True)
        yield [
            (tx.txid, [(o.value, o.address or "") for o in tx.outputs])
            for tx in parsed.transactions
        ]


PEERS: dict[str, Callable[[Path, int], Iterator[Block]]] = {
    "bitcoin-explorer": bitcoin_explorer,
    "blockchain-parser": blockchain_parser,
    "bitcoinlib": bitcoinlib,
}


def compact(number: int) -> bytes:
    """Return a number as a node's index writes it."""
    made = [number & 0x7F]
    while number > 0x7F:
        number = (number >> 7) - 1
        made.append(number & 0x7F | 0x80)
    return bytes(made[::-1])


def index(folder: Path) -> None:
    """Write the LevelDB index of blocks that a node would keep beside the file."""
    from hashlib import sha256

    import plyvel

    place = folder / "blocks" / "index"
    if place.exists():
        return
    database: Any = plyvel.DB(str(place), create_if_missing=True)
    at = 8
    for height, raw in enumerate(raw_blocks(folder, 2**31)):
        name = sha256(sha256(raw[:80]).digest()).digest()
        facts = [250_000, height, 5 | 8, 1, 0, at]  # version, status with data, file 0, place
        database.put(b"b" + name, b"".join(map(compact, facts)) + raw[:80])
        at += len(raw) + 8
    database.put(b"l", bytes(4))
    database.close()


def main(name: str, folder: Path, count: int, out: Path) -> None:
    """Read and report."""
    if name == "bitcoin-explorer":
        index(folder)
    list(PEERS[name](folder, 1))  # imports it
    wall, cpu = time.perf_counter(), time.process_time()
    found = list(PEERS[name](folder, count))
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    with out.open("w") as handle:
        for block in found:
            for txid, outputs in block:
                for n, (value, address) in enumerate(outputs):
                    handle.write(f"{txid} {n} {value} {address}\n")
    print(json.dumps(spent | {"peak": peak, "transactions": sum(map(len, found))}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
