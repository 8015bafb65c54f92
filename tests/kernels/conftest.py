"""Blocks for the kernels, written apart from the code under test: honest ones, and broken ones."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from undo_data import packed, varint

Payment = tuple[int, bytes]


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(number: int) -> bytes:
    return bytes([number]) if number < 0xFD else b"\xfd" + number.to_bytes(2, "little")


def sized(data: bytes) -> bytes:
    return compact(len(data)) + data


def root_of(ids: Sequence[bytes]) -> bytes:
    level = list(ids)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [sha256d(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def transaction(
    spent: Sequence[tuple[bytes, int]], paid: Sequence[Payment], *, script: bytes = b"\x51",
    witness: Sequence[bytes] = (),
) -> tuple[bytes, bytes]:  # fmt: skip
    """Return a transaction with and without witnesses; a witness is that of every input."""
    body = compact(len(spent)) + b"".join(
        txid + n.to_bytes(4, "little") + sized(script) + b"\xfe\xff\xff\xff" for txid, n in spent
    )
    body += compact(len(paid))
    body += b"".join(value.to_bytes(8, "little", signed=True) + sized(s) for value, s in paid)
    plain = b"\xff\xff\xff\xff" + body + b"\x07\x00\x00\x80"  # version -1, a high locktime
    if not witness:
        return plain, plain
    stack = (compact(len(witness)) + b"".join(map(sized, witness))) * len(spent)
    return plain[:4] + b"\x00\x01" + body + stack + plain[-4:], plain


def block(
    txs: Sequence[tuple[bytes, bytes]], *, height: int = 7, commit: bool = True, tail: bytes = b""
) -> bytes:
    """Return a regtest block of a coinbase, which commits to any witnesses, and transactions."""
    witnessed = any(raw[4:6] == b"\x00\x01" for raw, _ in txs)
    paid: list[Payment] = [(50 * 10**8, b"\x6a")]
    if witnessed and commit:
        own = (raw if raw[4:6] == b"\x00\x01" else plain for raw, plain in txs)
        ids = [bytes(32), *map(sha256d, own)]
        paid += [(0, b"\x6a\x24\xaa\x21\xa9\xed" + sha256d(root_of(ids) + bytes(32)))]
    nonce = [bytes(32)] if witnessed else []
    origin = [(bytes(32), 0xFFFFFFFF)]
    first = transaction(origin, paid, script=bytes([0x50 + height]) + b"test", witness=nonce)
    whole = [first, *txs]
    root = root_of([sha256d(plain) for _, plain in whole])
    front = (4).to_bytes(4, "little") + bytes(32) + root + (1_700_000_000).to_bytes(4, "little")
    front += (0x207FFFFF).to_bytes(4, "little")
    proof = 0
    while sha256d(front + proof.to_bytes(4, "little"))[31] >= 0x7F:
        proof += 1
    body = compact(len(whole)) + b"".join(raw for raw, _ in whole)
    return front + proof.to_bytes(4, "little") + body + tail


SCRIPTS = (
    b"\x76\xa9\x14" + bytes(range(20)) + b"\x88\xac",
    b"\xa9\x14" + bytes(20) + b"\x87",  # a payload of zeros keeps its length
    b"\x00\x14" + bytes(19) + b"\x01", b"\x00\x20" + b"\x07" * 31 + b"\x00",
    b"\x51\x20" + bytes(32),
    b"\x51\x02\x4e\x73", b"\x60\x28" + b"\x09" * 40, b"\x00\x15" + bytes(21), b"\x6a", b"",
    b"\x21\x02" + bytes(32) + b"\xac", b"\x41\x04" + bytes(64) + b"\xac",
    b"\x21\x05" + bytes(32) + b"\xac", b"\x51\x21" + bytes(35) + b"\xae",
    b"\x51\x21\x02" + bytes(32) + b"\x21\x03" + bytes(32) + b"\x52\xae",
    b"\x76\xa9\x14" + bytes(20) + b"\x88\xad", b"\x51" * 10_001, b"\x6a" + b"\x51" * 10_001,
    b"\xaa\x20" + bytes(31) + b"\x08\x87", b"\xaa\x20" + bytes(32) + b"\x88",
    b"\x58\x20" + bytes(32), b"\x59\x20" + b"\x01" * 32, b"\x59\x1f" + bytes(31),
    b"\x51\x02\x4e\x74", b"\x52\x02\x4e\x73",
)  # fmt: skip

TOKENS = (
    b"\xef" + b"\x0c" * 32 + b"\x10\x01",  # an amount
    b"\xef" + b"\x0c" * 32 + b"\x10\xfd\xfd\x00",
    b"\xef" + b"\x0c" * 32 + b"\x30\xff" + b"\xff" * 7 + b"\x7f",  # the largest, and one thing
    b"\xef" + b"\x0c" * 32 + b"\x62\x03abc",  # one that makes others, with a commitment
    b"\xef" + b"\x0c" * 32 + b"\x71\xfd\xfd\x00" + b"x" * 253 + b"\xfe\x00\x00\x01\x00",
)
"""Tokens as they stand before what locks an output."""

NO_TOKENS = (
    b"\xef",
    b"\xef" + bytes(32),
    b"\xef" + bytes(33),
    b"\xef" + bytes(32) + b"\x90\x01",
    b"\xef" + bytes(32) + b"\x11\x01",
    b"\xef" + bytes(32) + b"\x23",
    b"\xef" + bytes(32) + b"\x50\x01\x01",
    b"\xef" + bytes(32) + b"\x60\x00",
    b"\xef" + bytes(32) + b"\x60\xfd",
    b"\xef" + bytes(32) + b"\x10\x00",
    b"\xef" + bytes(32) + b"\x10\xfd\xfc\x00",
    b"\xef" + bytes(32) + b"\x10",
    b"\xef" + bytes(32) + b"\x10\xff" + b"\xff" * 8,
    b"\xef" + bytes(32) + b"\x10\xfe\1\0\0\0",
    b"\xef" + bytes(32) + b"\x60\xff" + b"\xff" * 8,
    b"\xef" + bytes(32) + b"\x60\x09abc",
    b"\xef" + bytes(32) + b"\x10\xff\x01\0\0\0\0\0\0\0",
)
"""What only begins like tokens."""


def hogex(
    spent: Sequence[tuple[bytes, int]], paid: Sequence[Payment], *, tail: bytes = b"\x00",
) -> tuple[bytes, bytes]:  # fmt: skip
    """Return a transaction that ends in an extension block, with and without its marks."""
    _, plain = transaction(spent, paid, script=b"")
    return plain[:4] + b"\x00\x08" + plain[4:-4] + tail + plain[-4:], plain


def honest() -> list[bytes]:
    """Return blocks with all kinds of script, with and without witnesses."""
    pick = random.Random(3)  # noqa: S311  # the same each time
    made = []
    for height, count in enumerate((0, 1, 2, 5, 12), 1):
        txs = []
        for _ in range(count):
            spent = [
                (pick.randbytes(32), pick.randrange(5)) for _ in range(pick.choice([1, 2, 20]))
            ]
            paid = [
                (pick.randrange(10**9), pick.choice(SCRIPTS)) for _ in range(pick.choice([1, 3]))
            ]
            witness = [pick.randbytes(5), b""] if pick.random() < 0.5 else []
            txs.append(transaction(spent, paid, witness=witness))
        made.append(block(txs, height=height))
    made.append(block([transaction([(b"\x01" * 32, 0)], [(1, s) for s in SCRIPTS])], height=9))
    return made


def broken(blocks: Sequence[bytes], count: int, seed: int = 5) -> Iterator[bytes]:
    """Yield blocks with a few bytes changed, cut out, put in or cut off behind the header."""
    pick = random.Random(seed)  # noqa: S311  # the same each time
    for _ in range(count):
        data = bytearray(pick.choice(blocks))
        # Counts stand at the front of a block and of each transaction.
        place = pick.choice([pick.randrange(80, 140), pick.randrange(80, len(data))])
        kind = pick.randrange(5)
        if kind == 0:
            data[place] ^= 1 << pick.randrange(8)
        elif kind == 1:
            data[place] = pick.choice([0, 1, 0xFC, 0xFD, 0xFE, 0xFF])
        elif kind == 2:
            del data[place : place + pick.randrange(1, 9)]
        elif kind == 3:
            put = [b"\x00", b"\xfd\xff\xff", b"\xff" * 9, b"\xfd\x01\x00", pick.randbytes(4)]
            data[place:place] = pick.choice(put)
        else:
            del data[place:]
        yield bytes(data)


def coin(height: int, value: int, script: bytes) -> bytes:
    """Return what an input spent as undo data writes it."""
    start = varint(height * 2) + (b"\0" if height else b"") + varint(packed(value))
    if len(script) == 25 and script.startswith(b"\x76\xa9\x14"):
        return start + b"\x00" + script[3:23]
    if len(script) == 23 and script.startswith(b"\xa9\x14"):
        return start + b"\x01" + script[2:22]
    if script in (HALF, OFF_CURVE):
        return start + bytes([4 | script[65] & 1]) + script[2:34]
    if len(script) == 35 and script[0] == 0x21 and script[1] in (2, 3):
        return start + script[1:34]
    return start + varint(len(script) + 6) + script


HALF = bytes.fromhex(
    "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51e"
    "c112de5c384df7ba0b8d578a4c702b6bf11d5fac"
)
"""Of the first block: a real point, of which undo data keeps one coordinate."""

OFF_CURVE = b"\x41\x04" + (5).to_bytes(32) + bytes(32) + b"\xac"


def undo_of(spent: Sequence[Sequence[tuple[int, int, bytes]]]) -> bytes:
    """Return undo data: height, value and script of what each transaction spent."""
    return compact(len(spent)) + b"".join(
        compact(len(coins)) + b"".join(coin(*one) for one in coins) for coins in spent
    )


def with_undo() -> list[tuple[bytes, bytes]]:
    """Return honest blocks and their undo data, with all kinds of script."""
    pick = random.Random(4)  # noqa: S311  # the same each time
    pairs = [(block([]), b"\x00")]
    for height, count in enumerate((1, 2, 6), 2):
        txs, spent = [], []
        for _ in range(count):
            coins = [
                (pick.choice([0, 1, 300, 900_000]), pick.choice([0, 1, 10**9, 123_456_789]),
                 pick.choice([*SCRIPTS, HALF]))
                for _ in range(pick.choice([1, 2, 30]))
            ]  # fmt: skip
            total = sum(value for _, value, _ in coins)
            inputs = [(pick.randbytes(32), k) for k in range(len(coins))]
            txs.append(transaction(inputs, [(total // 2, SCRIPTS[0])]))
            spent.append(coins)
        pairs.append((block(txs, height=height), undo_of(spent)))
    coins = [(7, 5, script) for script in (*SCRIPTS, HALF)]
    last = transaction([(b"\x01" * 32, k) for k in range(len(coins))], [(1, b"\x51")])
    return [*pairs, (block([last], height=9), undo_of([coins]))]


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """Return this module: what the tests make blocks with."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def blocks() -> list[bytes]:
    """Return honest blocks."""
    return honest()


@pytest.fixture
def probed(tmp_path: Path) -> Callable[[str], int]:
    """Return what runs code with numba's bounds checks compiled in, and the number it prints."""
    here = Path(__file__).parent
    paths = os.pathsep.join(map(str, (here, here.parent, here.parents[1])))
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(code: str) -> int:
        done = subprocess.run(
            [sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, **checked, "PYTHONPATH": paths},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return int(done.stdout.split()[-1])

    return run
