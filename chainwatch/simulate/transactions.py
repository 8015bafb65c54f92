"""A simulated transaction and the exact bytes that a node stores for it; its keys are dummies.

No private key exists. Payloads of addresses and public keys are truncated hashes of the
simulation's seed, and signatures are hashes in the right dress (DER, low S), so the bytes parse
like real ones and can be spent by nobody. Unless a transaction says otherwise its signatures bind
all of it (SIGHASH_ALL; DEFAULT where taproot leaves the flag out).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

SEGWIT = frozenset({"p2wpkh", "p2wsh", "p2tr", "p2sh"})
"""Kinds whose coins are unlocked in the witness (``p2sh`` here always nests P2WPKH)."""

INPUT_VBYTES = {
    "p2pkh": 148, "p2sh": 91, "p2wpkh": 68, "p2wsh": 105, "p2tr": 58, "p2pk": 114, "multisig": 187,
    "p2sh_multisig": 297, "p2wsh_pair": 96, "p2wsh_delay": 73, "p2tr_leaf": 75, "p2a": 41,
    "p2tr_forged": 70, "p2pkh_long": 180,
}  # fmt: skip
"""Virtual bytes that a wallet reckons for spending one coin of a kind."""

OVERHEAD_VBYTES = 11

ALL, NONE, SINGLE, ANYONECANPAY = 0x01, 0x02, 0x03, 0x80
"""Flags: the last byte of a signature says what it binds."""

Unlocked = tuple[bytes, tuple[bytes, ...]]
"""Input script and witness stack."""


@dataclass(frozen=True)
class Lock:
    """An output script: its kind, bytes and canonical address (none for P2PK, multisig, data)."""

    kind: str
    script: bytes
    address: bytes | None = None

    def unlock(self, coin: Coin, flag: int = ALL) -> Unlocked:
        """Return the input script and the witness stack that spend a coin under this lock.

        Data alone has none; kinds that can be spent say theirs (:mod:`chainwatch.simulate.locks`).
        """
        raise AssertionError(f"a {self.kind} output cannot be spent")


@dataclass(frozen=True)
class Output:
    """Value put under a lock; the purpose is ground truth and is not serialised."""

    value: int
    lock: Lock
    purpose: str


@dataclass(frozen=True)
class Coin:
    """An output that can be spent: where it stands, what it holds, since which height."""

    txid: bytes
    n: int
    value: int
    lock: Lock
    height: int
    coinbase: bool = False


@dataclass(frozen=True)
class Transaction:
    """Coins spent and outputs made, in the order in which they are serialised.

    ``flags`` holds the signature flag of each input, where not all are ALL.
    """

    inputs: tuple[Coin, ...]
    outputs: tuple[Output, ...]
    version: int = 2
    locktime: int = 0
    sequence: int = 0xFFFFFFFD
    flags: tuple[int, ...] = ()

    @cached_property
    def unlocked(self) -> tuple[Unlocked, ...]:
        """What unlocks each input."""
        flags = self.flags or (ALL,) * len(self.inputs)
        pairs = zip(self.inputs, flags, strict=True)
        return tuple(coin.lock.unlock(coin, flag) for coin, flag in pairs)

    @cached_property
    def stripped(self) -> bytes:
        """The serialisation without witnesses, over which the txid is taken."""
        sequence = self.sequence.to_bytes(4, "little")
        spent = b"".join(
            outpoint(coin) + sized(script) + sequence
            for coin, (script, _) in zip(self.inputs, self.unlocked, strict=True)
        )
        return b"".join((
            self.version.to_bytes(4, "little"), compact(len(self.inputs)), spent,
            self._outputs(), self.locktime.to_bytes(4, "little"),
        ))  # fmt: skip

    @cached_property
    def raw(self) -> bytes:
        """The serialisation with witnesses, where any input has one."""
        witnesses = [witness for _, witness in self.unlocked]
        if not any(witnesses):
            return self.stripped
        stacks = b"".join(compact(len(w)) + b"".join(map(sized, w)) for w in witnesses)
        return self.stripped[:4] + b"\x00\x01" + self.stripped[4:-4] + stacks + self.stripped[-4:]

    @cached_property
    def txid(self) -> bytes:
        """Transaction id in wire order."""
        return sha256d(self.stripped)

    @cached_property
    def fee(self) -> int:
        """What the inputs hold beyond the outputs, in satoshi."""
        return sum(coin.value for coin in self.inputs) - sum(out.value for out in self.outputs)

    def _outputs(self) -> bytes:
        made = (out.value.to_bytes(8, "little") + sized(out.lock.script) for out in self.outputs)
        return compact(len(self.outputs)) + b"".join(made)


def sha256d(data: bytes) -> bytes:
    """Return the double SHA-256 of Bitcoin."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def dummy(*parts: object) -> bytes:
    """Return 32 bytes that depend on the parts alone: the origin of every made-up key."""
    text = "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)
    return hashlib.sha256(f"chainwatch simulation/{text}".encode()).digest()


def compact(number: int) -> bytes:
    """Return a CompactSize integer."""
    if number < 0xFD:
        return bytes([number])
    if number <= 0xFFFF:
        return b"\xfd" + number.to_bytes(2, "little")
    return b"\xfe" + number.to_bytes(4, "little")


def sized(data: bytes) -> bytes:
    """Return bytes behind their CompactSize length."""
    return compact(len(data)) + data


def push(data: bytes) -> bytes:
    """Return the script that pushes at most 255 bytes."""
    return (b"" if len(data) < 0x4C else b"\x4c") + bytes([len(data)]) + data


def outpoint(coin: Coin) -> bytes:
    """Return the reference to a coin as an input holds it."""
    return coin.txid + coin.n.to_bytes(4, "little")


def data_lock(data: bytes) -> Lock:
    """Return an OP_RETURN lock: whatever value it holds is burnt."""
    return Lock("null_data", b"\x6a" + push(data))


def public_key(*origin: object) -> bytes:
    """Return 33 bytes shaped like a compressed public key."""
    body = dummy("key", *origin)
    return bytes([2 + (body[0] & 1)]) + body


def signature(coin: Coin, place: int = 0, flag: int = ALL, *, low_r: bool = True) -> bytes:
    """Return bytes shaped like a DER signature with low S, followed by its flag.

    They are 71; one more where a wallet does not look for a low R and has drawn a high one.
    """
    r, s = (dummy("signature", coin.txid, coin.n, place, half) for half in "rs")
    numbers = [bytes([0x02, 0x20, 0x01 | part[0] & 0x3F]) + part[1:] for part in (r, s)]
    if not low_r and r[0] & 0x80:
        numbers[0] = b"\x02\x21\x00" + r
    body = b"".join(numbers)
    return b"\x30" + bytes([len(body)]) + body + bytes([flag])


def schnorr(coin: Coin, flag: int = ALL) -> bytes:
    """Return bytes shaped like a Schnorr signature: 64 where it binds all, else with its flag."""
    body = dummy("schnorr", outpoint(coin), 0) + dummy("schnorr", outpoint(coin), 1)
    return body if flag == ALL else body + bytes([flag])
