"""A public extended key that does not show itself, its children (BIP 32) and their addresses.

The arithmetic on the curve is py_ecc's; the rules are here. Nothing is secret in it, so it need not
take the same time for every key.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.codecs import LONGEST_BASE58, base58check_decode
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.errors import AddressError, InputError

Point = tuple[int, int]
"""A point of the curve secp256k1."""

GENERATOR: Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
"""The origin of the curve (SEC 2, 2.4.1): the public key of the secret 1."""

_SIZE = 78
_AGAIN = "copy it again from the device"

_FORMS: dict[int, tuple[str, str | None, str | Chain]] = {
    0x0488B21E: ("xpub", "p2pkh", "main"),
    0x049D7CB2: ("ypub", "p2sh-p2wpkh", "main"),
    0x04B24746: ("zpub", "p2wpkh", "main"),
    0x0295B43F: ("Ypub", None, "main"),
    0x02AA7ED3: ("Zpub", None, "main"),
    0x043587CF: ("tpub", "p2pkh", "test"),
    0x044A5262: ("upub", "p2sh-p2wpkh", "test"),
    0x045F1CF6: ("vpub", "p2wpkh", "test"),
    0x024289EF: ("Upub", None, "test"),
    0x02575483: ("Vpub", None, "test"),
}
"""Version bytes to name, script type (None: several keys sign) and networks (SLIP-132); chains that
have forms of their own state them."""

_SEED_WORDS = (12, 15, 18, 21, 24)  # BIP 39
_PRIVATE = ("prv", "tpv", "gpv")  # xprv and its kin, Ltpv and Mtpv, dgpv


def _forms_of_chains() -> dict[int, tuple[str, str | None, str | Chain]]:
    """Return the forms that chains have for themselves."""
    return {
        version: (name, kind, chain)
        for chain in all_chains()
        for version, name, kind in chain.extended_keys
    }


class ExtendedKey:
    """An extended public key that does not show itself.

    Parameters
    ----------
    text : str
        xpub, ypub, zpub, tpub, upub, vpub, Ltub, Mtub or dgub, as a wallet writes it.
    several : bool
        It stands where several keys sign together: Ypub, Zpub, Upub and Vpub are taken too.

    Attributes
    ----------
    form : str
        The first four characters of such a key: ``xpub``, ``zpub``, ...
    kind : str
        Script type that its version bytes name.
    depth, child : int
        How far it lies below the seed, and its own child number.
    fingerprint : str
        First 4 bytes of the hash of its public key (BIP 32), hexadecimal: what is shown of it.

    Raises
    ------
    InputError
        If the text is no extended public key, is a private key, or belongs to a wallet for which
        several keys sign. No text that was given is in the error.
    """

    __slots__ = ("_code", "_net", "_point", "child", "depth", "fingerprint", "form", "kind")

    def __init__(self, text: str, *, several: bool = False) -> None:
        data = _payload(text)
        forms = _FORMS | _forms_of_chains()
        form = forms.get(int.from_bytes(data[:4]))
        if form is None:
            known = ", ".join(name for name, kind, _ in forms.values() if kind)
            raise InputError(
                f"an extended key of an unknown kind (version {data[:4].hex()})",
                remedy=f"give one of {known}",
            )
        self.form, kind, self._net = form
        if kind is None and not several:
            raise InputError(
                f"a key of the kind {self.form} is one of several that sign together",
                remedy="give the wallet's output descriptor, which names all of them, or the"
                " addresses themselves",
            )
        self.kind: str = kind or ""
        self.depth, self.child = data[4], int.from_bytes(data[9:13])
        if self.depth == 0 and (self.child or any(data[5:9])):
            raise InputError(
                "the key says it is a first key, and that it has a parent",
                remedy="copy it again from the device: it was altered",
            )
        self._code = data[13:45]
        self._point = point_of(data[45:])
        self.fingerprint = hash160(data[45:])[:4].hex()

    def __repr__(self) -> str:
        return f"ExtendedKey({self.form}, fingerprint {self.fingerprint}, depth {self.depth})"

    def __reduce__(self) -> NoReturn:
        raise InputError("an extended key is not copied or written out", remedy="keep it as it is")

    def check_chain(self, chain: Chain) -> None:
        """Refuse a chain on which wallets do not write such keys.

        Raises
        ------
        InputError
            If the key is of another chain, or of a test network and the chain is not.
        """
        if isinstance(self._net, str):
            fits = chain.family == "utxo" and chain.mainnet == (self._net == "main")
            where = "a main network" if self._net == "main" else "a test network"
            remedy = "pass the chain, such as " + ("btc" if self._net == "main" else "btc-testnet")
        else:
            fits, where = chain == self._net, self._net.name
            remedy = f"pass the chain {self._net.alias}"
        if not fits:
            raise InputError(
                f"a key of the kind {self.form} is of {where}, not of {chain.name}", remedy=remedy
            )

    def branch(self, numbers: Sequence[int]) -> tuple[Point, bytes]:
        """Return point and chain code below the key."""
        point, code = self._point, self._code
        for number in numbers:
            point, code = child_of(point, code, number)
        return point, code


def _payload(text: object) -> bytes:
    """Return the 78 bytes of the text of a public extended key; show none of it."""
    if not isinstance(text, str):
        raise InputError(
            f"a value of type {type(text).__name__} is no extended key",
            remedy="give its text",
        )
    if text.strip()[1:4] in _PRIVATE:
        _refuse_private()
    words = text.split()
    if len(words) in _SEED_WORDS and all(word.isalpha() for word in words):
        raise InputError(
            "these are as many words as a wallet's seed has, which spends the coins; chainwatch"
            " does not take it",
            remedy="derive the extended public key on a machine apart",
        )
    if not text or len(text) > LONGEST_BASE58:
        raise InputError(f"{len(text):,} characters are no extended key", remedy=_AGAIN)
    if text != text.strip():
        raise InputError("white space stands around the extended key", remedy="take it away")
    try:
        data = base58check_decode(text)
    except AddressError as error:
        raise InputError(f"this is no extended key: {error.what}", remedy=_AGAIN) from None
    if len(data) in (33, 34) or (len(data) == _SIZE and data[45] == 0):
        _refuse_private()
    if len(data) != _SIZE:
        raise InputError(f"an extended key has {_SIZE} bytes, not {len(data)}", remedy=_AGAIN)
    return data


def _refuse_private() -> NoReturn:
    raise InputError(
        "this is a private key, which spends the coins; chainwatch does not take it",
        remedy="derive the public one on a machine apart, and take care where this one was shown",
    )


def hash160(data: bytes) -> bytes:
    """Return RIPEMD-160 of SHA-256: the hash of a public key."""
    from Crypto.Hash import RIPEMD160  # OpenSSL often comes without it

    digest: bytes = RIPEMD160.new(hashlib.sha256(data).digest()).digest()
    return digest


@cache
def _curve() -> Any:
    """Return py_ecc's curve, and undo what importing it changes for the rest of the process.

    It lets Python nest a hundred times deeper, and answers of servers nested as deep would then
    end the process instead of in an error.
    """
    limit = sys.getrecursionlimit()
    try:
        return import_module("py_ecc.secp256k1.secp256k1")
    finally:
        sys.setrecursionlimit(limit)


def point_of(key: bytes) -> Point:
    """Return the point of a compressed public key.

    Raises
    ------
    InputError
        If the bytes are no public key.
    """
    P = _curve().P  # noqa: N806 - as in the standard
    x = int.from_bytes(key[1:])
    y = pow(x**3 + 7, (P + 1) // 4, P)
    if key[0] not in (2, 3) or x >= P or (y * y - x**3 - 7) % P:
        raise InputError("the extended key holds no public key", remedy=_AGAIN)
    return x, y if y % 2 == key[0] % 2 else P - y


def compressed(point: Point) -> bytes:
    """Return a public key as 33 bytes."""
    return bytes((2 + point[1] % 2,)) + point[0].to_bytes(32)


def _plus(point: Point, tweak: bytes) -> Point:
    """Return the point moved by a number of steps from the origin of the curve."""
    curve = _curve()
    moved: Point = (0, 0)
    if int.from_bytes(tweak) < curve.N:
        moved = curve.add(point, curve.privtopub(tweak)) if any(tweak) else point
    if moved == (0, 0):
        raise InputError(
            "a child of this key does not exist (BIP 32)",
            remedy="name other branches: a wallet passes over this one",
        )
    return moved


def child_of(point: Point, code: bytes, number: int) -> tuple[Point, bytes]:
    """Return point and chain code of a public child that is not hardened (BIP 32, CKDpub).

    Raises
    ------
    InputError
        If there is no such child, which happens to one number in 2^127.
    """
    made = hmac.digest(code, compressed(point) + number.to_bytes(4), "sha512")
    return _plus(point, made[:32]), made[32:]


def address_of(point: Point, kind: str) -> bytes:
    """Return the canonical address of a public key under one script type."""
    if kind == "p2tr":
        return taproot_of(point[0].to_bytes(32))
    pushed = hash160(compressed(point))
    if kind == "p2sh-p2wpkh":
        return bytes((Kind.P2SH,)) + hash160(b"\x00\x14" + pushed)
    return bytes((Kind.P2PKH if kind == "p2pkh" else Kind.P2WPKH,)) + pushed


def taproot_of(inner: bytes, root: bytes = b"") -> bytes:
    """Return the canonical address of an internal key and a tree of scripts (BIP 341).

    Parameters
    ----------
    inner : bytes
        The 32 bytes of the internal key.
    root : bytes
        Root of the tree; empty without scripts (BIP 86).
    """
    tag = hashlib.sha256(b"TapTweak").digest()
    tweak = hashlib.sha256(tag + tag + inner + root).digest()
    return bytes((Kind.P2TR,)) + _plus(point_of(b"\x02" + inner), tweak)[0].to_bytes(32)
