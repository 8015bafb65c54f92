"""Locks whose address is the hash of a key or script, so that unlocking names it as on a chain.

Keys are hashes in the dress of compressed keys: nobody holds a private one, most are no points of
the curve, and no signature would verify. What form alone tells (lengths, DER, flags, hashes of keys
and scripts) is as a node would store it; what needs elliptic curves is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import witness_address
from chainwatch.addresses.scripts import script_of
from chainwatch.simulate.transactions import (
    ALL,
    Coin,
    Lock,
    Unlocked,
    dummy,
    public_key,
    push,
    schnorr,
    signature,
)

P2PKH, P2SH, P2WPKH, P2WSH, P2TR = (bytes([number]) for number in range(1, 6))

_DELAY = b"\x02\x90\x00\xb2\x75"
"""144 blocks, OP_CHECKSEQUENCEVERIFY, OP_DROP."""


SINGLE_KEY = ("p2pkh", "p2sh", "p2wpkh")
"""Kinds of lock that show their one key when they are spent."""


@dataclass(frozen=True)
class KeyLock(Lock):
    """A lock with what spends it.

    Attributes
    ----------
    keys : tuple of bytes
        Its public keys.
    redeem : bytes
        What is shown when it is spent beside or instead of keys: redeem script, witness script,
        nested program, leaf of taproot, or the key in its long form.
    low_r : bool
        Its owner's wallet looks for short signatures.
    """

    keys: tuple[bytes, ...] = ()
    redeem: bytes = b""
    low_r: bool = True

    def unlock(self, coin: Coin, flag: int = ALL) -> Unlocked:
        """Return the input script and the witness stack that spend a coin under this lock."""
        return _UNLOCK[self.kind](self, coin, flag)

    def sign(self, coin: Coin, flag: int, place: int = 0) -> bytes:
        """Return what stands for an ECDSA signature."""
        return signature(coin, place, flag, low_r=self.low_r)


def make_lock(kind: str, *origin: object, low_r: bool = True) -> KeyLock:
    """Return a fresh lock.

    Parameters
    ----------
    kind : str
        A key of :data:`KINDS`: ``p2pkh``, ``p2pkh_long`` (an uncompressed key), ``p2sh`` (nests
        P2WPKH), ``p2sh_multisig`` and ``p2wsh``
        (two of three keys), ``p2wsh_pair`` (two of two), ``p2wsh_delay`` (a key after a day),
        ``p2wpkh``, ``p2tr`` (key path), ``p2tr_leaf`` (script path), ``p2pk`` and
        ``multisig`` (a bare key, and two of three bare keys: they have no address).
    origin : object
        Seed, wallet, number: they name the keys.
    low_r : bool
        Its owner's wallet looks for short signatures.
    """
    keys = tuple(public_key(*origin, place) for place in range(KINDS[kind][0]))
    return lock_of(kind, keys, low_r=low_r)


def lock_of(kind: str, keys: tuple[bytes, ...], *, low_r: bool = True) -> KeyLock:
    """Return the lock of a kind that these keys open: one key may have several."""
    if kind == "p2pk":
        return KeyLock(kind, push(keys[0]) + b"\xac", None, keys, b"", low_r)
    if kind == "multisig":
        return KeyLock(kind, _multisig(2, keys), None, keys, b"", low_r)
    address, redeem = KINDS[kind][1](keys)
    return KeyLock(kind, script_of(address), address, keys, redeem, low_r)


def others_of(lock: Lock) -> list[KeyLock]:
    """Return the other locks that show the same single key when they are spent."""
    if not isinstance(lock, KeyLock) or lock.kind not in SINGLE_KEY:
        return []
    kinds = (kind for kind in SINGLE_KEY if kind != lock.kind)
    return [lock_of(kind, lock.keys, low_r=lock.low_r) for kind in kinds]


def anchor_lock() -> KeyLock:
    """Return pay-to-anchor, which everybody may spend (BIP 433)."""
    address = witness_address(1, b"\x4e\x73")
    if address is None:
        raise AssertionError("pay-to-anchor has an address")
    return KeyLock("p2a", script_of(address), address)


def forged_lock(victim: bytes, *origin: object) -> KeyLock:
    """Return a taproot lock whose unlocking looks like that of a victim's key.

    Its one leaf has a version that nobody uses, so that anything opens it, and its control block
    is the victim's public key: beside data in the form of a signature, that is the form of P2WPKH.
    """
    address = P2TR + _sha256(victim + public_key(*origin))
    return KeyLock("p2tr_forged", script_of(address), address, (victim,))


def _multisig(required: int, keys: tuple[bytes, ...]) -> bytes:
    body = b"".join(map(push, keys))
    return bytes([0x50 + required]) + body + bytes([0x50 + len(keys), 0xAE])


def _long(key: bytes) -> bytes:
    """Return 65 bytes shaped like the same key with both of its numbers."""
    return b"\x04" + key[1:] + dummy("long key", key)


def _nested(keys: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    program = b"\x00\x14" + hash160(keys[0])
    return P2SH + hash160(program), program


def _wrapped(
    prefix: bytes, digest: Callable[[bytes], bytes], script: Callable[[tuple[bytes, ...]], bytes]
) -> Callable[[tuple[bytes, ...]], tuple[bytes, bytes]]:
    """Return the dress of a kind whose address is the digest of a script."""

    def dress(keys: tuple[bytes, ...]) -> tuple[bytes, bytes]:
        shown = script(keys)
        return prefix + digest(shown), shown

    return dress


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


KINDS: dict[str, tuple[int, Callable[[tuple[bytes, ...]], tuple[bytes, bytes]]]] = {
    "p2pk": (1, lambda keys: (b"", b"")),
    "multisig": (3, lambda keys: (b"", b"")),
    "p2pkh": (1, lambda keys: (P2PKH + hash160(keys[0]), b"")),
    "p2pkh_long": (1, lambda keys: (P2PKH + hash160(_long(keys[0])), _long(keys[0]))),
    "p2sh": (1, _nested),
    "p2sh_multisig": (3, _wrapped(P2SH, hash160, lambda keys: _multisig(2, keys))),
    "p2wpkh": (1, lambda keys: (P2WPKH + hash160(keys[0]), b"")),
    "p2wsh": (3, _wrapped(P2WSH, _sha256, lambda keys: _multisig(2, keys))),
    "p2wsh_pair": (2, _wrapped(P2WSH, _sha256, lambda keys: _multisig(2, keys))),
    "p2wsh_delay": (
        1, _wrapped(P2WSH, _sha256, lambda keys: _DELAY + push(keys[0]) + b"\xac")
    ),
    "p2tr": (1, lambda keys: (P2TR + keys[0][1:], b"")),
    "p2tr_leaf": (1, lambda keys: (P2TR + _sha256(keys[0]), push(keys[0][1:]) + b"\xac")),
}  # fmt: skip
"""Each kind of lock: how many keys it has, and their address and shown script."""


def _key_hash(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return push(lock.sign(coin, flag)) + push(lock.redeem or lock.keys[0]), ()


def _witness_key(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    nested = push(lock.redeem) if lock.redeem else b""
    return nested, (lock.sign(coin, flag), lock.keys[0])


def _legacy_multisig(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    signed = b"".join(push(lock.sign(coin, flag, place)) for place in range(2))
    return b"\x00" + signed + push(lock.redeem), ()


def _witness_multisig(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    signed = (lock.sign(coin, flag, place) for place in range(2))
    return b"", (b"", *signed, lock.redeem)


def _delayed(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return b"", (lock.sign(coin, flag), lock.redeem)


def _leaf(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return b"", (schnorr(coin, flag), lock.redeem, b"\xc0" + lock.keys[0][1:])


def _taproot_key(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return b"", (schnorr(coin, flag),)


def _forged(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return b"", (lock.sign(coin, flag), lock.keys[0])


def _bare_key(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return push(lock.sign(coin, flag)), ()


def _bare_multisig(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    signed = b"".join(push(lock.sign(coin, flag, place)) for place in range(2))
    return b"\x00" + signed, ()


def _nothing(lock: KeyLock, coin: Coin, flag: int) -> Unlocked:
    return b"", ()


_UNLOCK: dict[str, Callable[[KeyLock, Coin, int], Unlocked]] = {
    "p2pk": _bare_key,
    "multisig": _bare_multisig,
    "p2pkh": _key_hash,
    "p2pkh_long": _key_hash,
    "p2sh": _witness_key,
    "p2sh_multisig": _legacy_multisig,
    "p2wpkh": _witness_key,
    "p2wsh": _witness_multisig,
    "p2wsh_pair": _witness_multisig,
    "p2wsh_delay": _delayed,
    "p2tr": _taproot_key,
    "p2tr_leaf": _leaf,
    "p2tr_forged": _forged,
    "p2a": _nothing,
}
