"""Blocks for the kernels, written apart from the code under test: honest ones, and broken ones."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import pytest

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


def block(txs: Sequence[tuple[bytes, bytes]], *, height: int = 7, commit: bool = True) -> bytes:
    """Return a regtest block of a coinbase, which commits to any witnesses, and transactions."""
    witnessed = any(raw != plain for raw, plain in txs)
    paid: list[Payment] = [(50 * 10**8, b"\x6a")]
    if witnessed and commit:
        ids = [bytes(32), *(sha256d(raw) for raw, _ in txs)]
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
    return front + proof.to_bytes(4, "little") + body


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
)  # fmt: skip


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


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """Return this module: what the tests make blocks with."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def blocks() -> list[bytes]:
    """Return honest blocks."""
    return honest()
