"""A chain made up for measuring: blocks as a node writes them, of any length, always the same.

``python -m benchmarks.chain FOLDER --transactions 200000`` writes ``blocks/blk00000.dat``. Ids,
merkle roots, witness commitments and regtest's proof of work are real; keys and signatures are
random bytes of the right length, so no script would verify. Sizes and the mix of scripts follow
no particular day of the real chain.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

PER_BLOCK = 2_500
MAGIC = {"btc-regtest": bytes.fromhex("fabfb5da"), "btc": bytes.fromhex("f9beb4d9")}
KINDS = ("p2pkh", "p2sh", "p2wpkh", "p2wsh", "p2tr")
SHARES = (20, 15, 45, 6, 14)
"""Percent of the outputs of each kind."""

OUTPUTS, OUTPUT_SHARES = (1, 2, 3, 6, 20), (16, 70, 7, 5, 2)
INPUTS, INPUT_SHARES = (1, 2, 3, 6, 30), (52, 22, 12, 12, 2)
_SUBSIDY = 50 * 10**8
_COMMITMENT = bytes.fromhex("6a24aa21a9ed")


def sha256d(data: bytes) -> bytes:
    """Return SHA-256 of SHA-256."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(number: int) -> bytes:
    """Return a number as blocks write counts."""
    if number < 0xFD:
        return bytes([number])
    return b"\xfd" + number.to_bytes(2, "little")


def sized(data: bytes) -> bytes:
    """Return bytes behind their length."""
    return compact(len(data)) + data


def merkle_root(ids: list[bytes]) -> bytes:
    """Return the root over ids."""
    while len(ids) > 1:
        ids = ids + ids[-1:] * (len(ids) % 2)
        ids = [sha256d(ids[k] + ids[k + 1]) for k in range(0, len(ids), 2)]
    return ids[0]


class Coin(NamedTuple):
    """An output that can be spent."""

    txid: bytes
    n: int
    value: int
    kind: str
    script: bytes


@dataclass
class Maker:
    """Makes blocks on top of each other; it holds the outputs that can be spent."""

    seed: int = 11
    height: int = 0
    parent: bytes = bytes(32)
    coins: list[Coin] = field(default_factory=list)
    keys: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # made up, and the same each time

    def block(self, transactions: int) -> bytes:
        """Return the next block, with this many transactions after its coinbase."""
        self.height += 1
        made = [self._transaction() for _ in range(min(transactions, len(self.coins)))]
        wtxids = [bytes(32), *(sha256d(raw) for raw, _ in made)]
        nonce = bytes(32)
        commitment = _COMMITMENT + sha256d(merkle_root(wtxids) + nonce)
        raw, stripped, paid = self._coinbase(commitment, nonce)
        ids = [sha256d(stripped), *(txid for _, txid in made)]
        for n, script in enumerate(paid):
            self.coins.append(Coin(ids[0], n, _SUBSIDY // 40, "p2wpkh", script))
        header = self._header(merkle_root(ids))
        self.parent = sha256d(header)
        return header + compact(len(ids)) + raw + b"".join(raw for raw, _ in made)

    def _header(self, root: bytes) -> bytes:
        time = 1_600_000_000 + 600 * self.height
        front = (0x20000000).to_bytes(4, "little") + self.parent + root
        front += time.to_bytes(4, "little") + (0x207FFFFF).to_bytes(4, "little")
        for nonce in range(2**32):
            header = front + nonce.to_bytes(4, "little")
            if sha256d(header)[31] < 0x7F:
                return header
        raise AssertionError("half of all nonces fit")

    def _coinbase(self, commitment: bytes, nonce: bytes) -> tuple[bytes, bytes, list[bytes]]:
        script = sized(self.height.to_bytes(4, "little")) + b"made up"
        paid = [self._script(*self._key("p2wpkh")) for _ in range(40)]
        outputs = [(_SUBSIDY // 40).to_bytes(8, "little") + sized(one) for one in paid]
        outputs.append(bytes(8) + sized(commitment))
        body = b"\x01" + bytes(32) + b"\xff" * 4 + sized(script) + b"\xff" * 4
        body += compact(len(outputs)) + b"".join(outputs)
        version = (2).to_bytes(4, "little")
        return (version + b"\x00\x01" + body + b"\x01" + sized(nonce) + bytes(4),
                version + body + bytes(4), paid)  # fmt: skip

    def _transaction(self) -> tuple[bytes, bytes]:
        """Return a transaction and its id; its outputs can be spent at once."""
        pick = self.random
        wanted = min(pick.choices(INPUTS, INPUT_SHARES)[0], len(self.coins))
        spent = [self._coin() for _ in range(wanted)]
        total = sum(one.value for one in spent)
        paid = pick.choices(OUTPUTS, OUTPUT_SHARES)[0]
        inputs, witnesses = [], []
        for one in spent:
            script, witness = self._proof(one.kind)
            place = one.txid + one.n.to_bytes(4, "little")
            inputs.append(place + sized(script) + b"\xfd\xff\xff\xff")
            witnesses.append(witness)
        kinds = pick.choices(KINDS, SHARES, k=paid)
        value = max(total - 1_000, 0) // paid
        scripts = [self._script(*self._key(kind)) for kind in kinds]
        outputs = [value.to_bytes(8, "little") + sized(script) for script in scripts]
        body = compact(wanted) + b"".join(inputs) + compact(paid) + b"".join(outputs)
        version = (2).to_bytes(4, "little")
        stripped = version + body + bytes(4)
        txid = sha256d(stripped)
        made = zip(kinds, scripts, strict=True)
        self.coins += [Coin(txid, n, value, *one) for n, one in enumerate(made)]
        if all(witness == b"\x00" for witness in witnesses):
            return stripped, txid
        return version + b"\x00\x01" + body + b"".join(witnesses) + bytes(4), txid

    def _coin(self) -> Coin:
        """Take a coin, mostly a young one, in constant time."""
        place = len(self.coins) - 1 - int(len(self.coins) * self.random.random() ** 3)
        self.coins[place], self.coins[-1] = self.coins[-1], self.coins[place]
        return self.coins.pop()

    def _key(self, kind: str) -> tuple[str, bytes]:
        """Return a payload of a kind: three times in ten one that was paid before."""
        if self.keys and self.random.random() < 0.3:
            old = self.keys[int(self.random.random() * len(self.keys))]
            if old[0] == kind:
                return old
        made = kind, self.random.randbytes(32 if kind in ("p2wsh", "p2tr") else 20)
        self.keys.append(made)
        return made

    def _script(self, kind: str, payload: bytes) -> bytes:
        front, back = {
            "p2pkh": (b"\x76\xa9\x14", b"\x88\xac"), "p2sh": (b"\xa9\x14", b"\x87"),
            "p2wpkh": (b"\x00\x14", b""), "p2wsh": (b"\x00\x20", b""), "p2tr": (b"\x51\x20", b""),
        }[kind]  # fmt: skip
        return front + payload + back

    def _proof(self, kind: str) -> tuple[bytes, bytes]:
        """Return bytes of the length of what spends a kind: input script and witness."""
        draw = self.random.randbytes
        signature, key = b"\x30\x44" + draw(69), b"\x02" + draw(32)
        if kind == "p2pkh":
            return sized(signature) + sized(key), b"\x00"
        stack = b"\x02" + sized(signature) + sized(key)
        if kind == "p2sh":
            return sized(b"\x00\x14" + draw(20)), stack
        if kind == "p2wpkh":
            return b"", stack
        if kind == "p2tr":
            return b"", b"\x01" + sized(draw(64))
        script = b"\x52" + b"".join(sized(b"\x02" + draw(32)) for _ in range(3)) + b"\x53\xae"
        return b"", b"\x04\x00" + sized(signature) + sized(signature) + sized(script)


def blocks(transactions: int, seed: int = 11) -> Iterator[bytes]:
    """Yield blocks until this many transactions are made, coinbases included."""
    maker, left = Maker(seed), transactions
    while left > 0:
        block = maker.block(min(PER_BLOCK, left) - 1)
        left -= int.from_bytes(block[81:83], "little") if block[80] == 0xFD else block[80]
        yield block


def write(folder: Path, transactions: int, chain: str = "btc-regtest") -> Path:
    """Write ``blocks/blk00000.dat`` unless it is there; return it."""
    path = folder / "blocks" / "blk00000.dat"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as handle:
            for raw in blocks(transactions):
                handle.write(MAGIC[chain] + len(raw).to_bytes(4, "little") + raw)
    return path


def read(path: Path) -> list[bytes]:
    """Return the blocks of a file that :func:`write` made."""
    data, place, found = path.read_bytes(), 0, []
    while place < len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        found.append(data[place + 8 : place + 8 + size])
        place += 8 + size
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--transactions", type=int, default=200_000)
    parser.add_argument("--chain", choices=sorted(MAGIC), default="btc-regtest")
    chosen = parser.parse_args()
    made = write(chosen.folder, chosen.transactions, chosen.chain)
    print(f"{made}: {made.stat().st_size / 1e6:,.1f} MB")  # noqa: T201
