"""Addresses from which anybody can spend: they are nobody's, and spending from one joins nobody.

Three kinds: witness programs that no rule gives a meaning yet, pay-to-anchor among them; hashes of
scripts that ask for no signature; and the key whose secret is 1, which every implementation of the
curve prints. The scripts are written out here, and their addresses are computed from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache

import polars as pl

from chainwatch.addresses.bip32 import GENERATOR, address_of, hash160, taproot_of
from chainwatch.addresses.canonical import Kind

OPEN_KIND = bytes((Kind.WITNESS_UNKNOWN,))
"""How the canonical bytes of witness programs without a meaning begin."""

_NUMBERS = {"OP_1NEGATE": b"\x4f"} | {f"OP_{n}": bytes((0x50 + n,)) for n in range(1, 17)}
_LOCKS = {"OP_CHECKLOCKTIMEVERIFY": b"\xb1", "OP_CHECKSEQUENCEVERIFY": b"\xb2"}
_ONE = {
    "OP_NOP": 0x61, "OP_IFDUP": 0x73, "OP_DUP": 0x76, "OP_EQUAL": 0x87, "OP_1ADD": 0x8B,
    "OP_ABS": 0x90, "OP_NOT": 0x91, "OP_0NOTEQUAL": 0x92, "OP_ADD": 0x93, "OP_BOOLAND": 0x9A,
    "OP_BOOLOR": 0x9B, "OP_NUMEQUAL": 0x9C, "OP_MAX": 0xA4, "OP_RIPEMD160": 0xA6, "OP_SHA1": 0xA7,
    "OP_SHA256": 0xA8, "OP_HASH160": 0xA9, "OP_HASH256": 0xAA,
}  # fmt: skip
"""Operations that alone make a script which anybody satisfies with a number or two."""

_NOBODYS_POINT = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
"""The point of BIP 341 whose secret nobody knows: for outputs that only scripts can spend."""

_MEANINGLESS = "a witness program to which no rule gives a meaning yet"
_KNOWN = "the key whose secret is 1, which everybody knows"


def open_scripts() -> dict[bytes, str]:
    """Return scripts that ask for no signature, each with its operations in words."""
    found = {b"": "an empty script", b"\x51\x02\x4e\x73": "the script of pay-to-anchor"}
    found |= {code: name for name, code in _NUMBERS.items()}
    found |= {bytes((code,)): name for name, code in _ONE.items()}
    found |= {b"\x75\x51": "OP_DROP OP_1", b"\x6d\x51": "OP_2DROP OP_1", b"\x61\x51": "OP_NOP OP_1"}
    for lock, code in _LOCKS.items():
        for name, number in _NUMBERS.items():
            found[number + code] = f"{name} {lock}"
            found[number + code + b"\x75\x51"] = f"{name} {lock} OP_DROP OP_1"
    return found


def why_open(address: bytes) -> str | None:
    """Return what makes an address anybody's, or None where nothing that is known does."""
    if address[:1] == OPEN_KIND:
        return _MEANINGLESS
    return _catalogue().get(address)


def without_key(column: str = "address") -> pl.Expr:
    """Return whether anybody can spend from an address, so that who does owns nothing else.

    Null where the address is.

    Parameters
    ----------
    column : str
        Column of canonical addresses.

    Fails when
    ----------
    A soft fork gives a later witness version a meaning: its addresses have keys from then on, and
    links between them are missed until it is entered here. Other scripts without a signature hide
    behind their hash, and other secrets that are known to the public count as keys.

    References
    ----------
    BIP 141 (unknown versions), BIP 341 (a point without a known secret), BIP 433 (pay-to-anchor).
    """
    address = pl.col(column)
    known = pl.Series(open_addresses(), dtype=pl.Binary).implode()
    return address.bin.starts_with(OPEN_KIND) | address.is_in(known)


def open_addresses() -> list[bytes]:
    """Return the addresses that are anybody's and do not begin as ``OPEN_KIND``."""
    return list(_catalogue())


@cache
def _catalogue() -> Mapping[bytes, str]:
    """Return the addresses that are computed here, each with what makes it anybody's."""
    found = {
        address: f"{form} of {name}"
        for script, name in open_scripts().items()
        for form, address in _hidden(script)
    }
    leaf = _tagged(b"TapLeaf", b"\xc0\x01\x51")
    found[taproot_of(_NOBODYS_POINT, leaf)] = "taproot without a key, with the script OP_1"
    return found | dict.fromkeys(_known_keys(), _KNOWN)


def _hidden(script: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the addresses that hide a script behind its hash."""
    sha256 = hashlib.sha256(script).digest()
    yield "P2SH", bytes((Kind.P2SH,)) + hash160(script)
    yield "P2WSH", bytes((Kind.P2WSH,)) + sha256
    yield "P2SH-P2WSH", bytes((Kind.P2SH,)) + hash160(b"\x00\x20" + sha256)
    yield "P2SH32", bytes((Kind.P2SH32,)) + hashlib.sha256(sha256).digest()


def _known_keys() -> Iterator[bytes]:
    """Yield the addresses of the generator of the curve: its secret is 1."""
    for kind in ("p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2tr"):
        yield address_of(GENERATOR, kind)
    x, y = (part.to_bytes(32) for part in GENERATOR)
    yield bytes((Kind.P2PKH,)) + hash160(b"\x04" + x + y)
    yield bytes((Kind.P2TR,)) + x


def _tagged(tag: bytes, data: bytes) -> bytes:
    name = hashlib.sha256(tag).digest()
    return hashlib.sha256(name + name + data).digest()
