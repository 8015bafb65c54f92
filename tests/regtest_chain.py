"""A small maker of regtest blocks, good and bad, written apart from the code under test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MAGIC = bytes.fromhex("fabfb5da")
EASY = 0x207FFFFF
START = 1_700_000_000
COIN = 10**8
GENESIS_SCRIPT = (
    bytes.fromhex("04ffff001d0104")
    + b"\x45"
    + (b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks")
)
GENESIS_KEY = bytes.fromhex(
    "04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec1"
    "12de5c384df7ba0b8d578a4c702b6bf11d5f"
)


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    size, mark = (2, 0xFD) if number < 2**16 else (4, 0xFE) if number < 2**32 else (8, 0xFF)
    return bytes([mark]) + number.to_bytes(size, "little")


def sized(data: bytes) -> bytes:
    return compact(len(data)) + data


def p2pkh(number: int) -> bytes:
    return b"\x76\xa9\x14" + hashlib.sha256(bytes([number % 256])).digest()[:20] + b"\x88\xac"


def root_of(ids: Sequence[bytes]) -> bytes:
    level = list(ids)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [sha256d(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


@dataclass(frozen=True)
class Made:
    """A transaction: bytes with and without witnesses."""

    raw: bytes
    stripped: bytes

    @property
    def txid(self) -> bytes:
        return sha256d(self.stripped)


def spend(
    inputs: Sequence[tuple[bytes, int]],
    outputs: Sequence[tuple[int, bytes]],
    *,
    script: bytes = b"\x51",
    witness: Sequence[bytes] = (),
) -> Made:
    """Return a transaction; a witness, if given, is that of every input."""
    spent = b"".join(
        txid + n.to_bytes(4, "little") + sized(script) + b"\xfd\xff\xff\xff" for txid, n in inputs
    )
    made = b"".join(value.to_bytes(8, "little", signed=True) + sized(s) for value, s in outputs)
    body = compact(len(inputs)) + spent + compact(len(outputs)) + made
    stripped = (2).to_bytes(4, "little") + body + bytes(4)
    if not witness:
        return Made(stripped, stripped)
    stack = (compact(len(witness)) + b"".join(map(sized, witness))) * len(inputs)
    return Made(stripped[:4] + b"\x00\x01" + body + stack + bytes(4), stripped)


def height_push(height: int) -> bytes:
    if height <= 16:
        return bytes([0x50 + height]) if height else b"\x00"
    return sized(height.to_bytes((height.bit_length() + 8) // 8, "little"))


def coinbase(
    height: int, outputs: Sequence[tuple[int, bytes]], *, tail: bytes = b"\x00test",
    witness: Sequence[bytes] = (),
) -> Made:  # fmt: skip
    return spend(
        [(bytes(32), 0xFFFFFFFF)], outputs, script=height_push(height) + tail, witness=witness
    )


def commitment_to(txs: Sequence[Made]) -> bytes:
    ids = [bytes(32), *(sha256d(tx.raw) for tx in txs)]
    return b"\x6a\x24\xaa\x21\xa9\xed" + sha256d(root_of(ids) + bytes(32))


def header(
    parent: bytes, root: bytes, time: int, *, version: int = 0x20000000, bits: int = EASY,
    proven: bool = True, proof: Callable[[bytes], bytes] = sha256d,
) -> bytes:  # fmt: skip
    """Return a header; with ``proven`` false, one that just misses regtest's target."""
    front = version.to_bytes(4, "little") + parent + root + time.to_bytes(4, "little")
    front += bits.to_bytes(4, "little")
    nonce = 0
    while (proof(front + nonce.to_bytes(4, "little"))[31] < 0x7F) != proven:
        nonce += 1
    return front + nonce.to_bytes(4, "little")


def block_of(
    parent: bytes, height: int, txs: Sequence[Made], *, root: bytes | None = None,
    time: int | None = None, **how: object,
) -> bytes:  # fmt: skip
    """Return a block of whole transactions, coinbase included."""
    ids = [tx.txid for tx in txs]
    top = header(parent, root or root_of(ids), time or START + 600 * height, **how)  # type: ignore[arg-type]
    return top + compact(len(txs)) + b"".join(tx.raw for tx in txs)


def framed(*blocks: bytes, magic: bytes = MAGIC) -> bytes:
    return b"".join(magic + len(raw).to_bytes(4, "little") + raw for raw in blocks)


def genesis() -> bytes:
    script = sized(GENESIS_KEY) + b"\xac"
    body = b"\x01" + bytes(32) + b"\xff" * 4 + sized(GENESIS_SCRIPT) + b"\xff" * 4 + b"\x01"
    body += (50 * COIN).to_bytes(8, "little") + sized(script)
    raw = (1).to_bytes(4, "little") + body + bytes(4)
    top = (
        (1).to_bytes(4, "little") + bytes(32) + sha256d(raw) + (1_296_688_602).to_bytes(4, "little")
    )
    return top + EASY.to_bytes(4, "little") + (2).to_bytes(4, "little") + b"\x01" + raw


@dataclass
class Chain:
    """Blocks on top of each other; every block pays its miner and may spend what came before."""

    blocks: list[bytes] = field(default_factory=lambda: [genesis()])
    coins: list[tuple[bytes, int, int]] = field(default_factory=list)

    @property
    def tip(self) -> bytes:
        return sha256d(self.blocks[-1][:80])

    def hash(self, height: int) -> bytes:
        return sha256d(self.blocks[height][:80])

    def add(self, txs: Sequence[Made] = (), *, tail: bytes = b"\x00test", **how: object) -> bytes:
        height = len(self.blocks)
        reward = 50 * COIN >> height // 150  # regtest halves it every 150 blocks
        outputs = [(reward, p2pkh(height))]
        witnessed = any(tx.raw != tx.stripped for tx in txs)
        if witnessed:
            outputs.append((0, commitment_to(txs)))
        first = coinbase(height, outputs, tail=tail, witness=[bytes(32)] if witnessed else [])
        raw = block_of(self.tip, height, [first, *txs], **how)  # type: ignore[arg-type]
        self.blocks.append(raw)
        self.coins.append((first.txid, 0, reward))
        return raw

    def grow(self, count: int) -> Chain:
        """Add blocks that each split an older coin in two, some with witnesses."""
        for _ in range(count):
            txs = []
            if len(self.coins) > 3:
                txid, n, value = self.coins.pop(0)
                half = value // 2
                outputs = [(half, p2pkh(len(self.blocks) + 7)), (value - half - 10, p2pkh(n))]
                witness = [b"sig", b"key"] if len(self.blocks) % 3 else []
                made = spend([(txid, n)], outputs, witness=witness)
                self.coins.append((made.txid, 1, value - half - 10))
                txs.append(made)
            self.add(txs)
        return self
