"""Output descriptors: which addresses a wallet has, as wallets write it down, and never shown.

A descriptor names a script type and its keys: where each came from, the path below it, and a star
for all numbers in turn. It holds extended public keys and is kept as close as they are.

References
----------
BIP 380 (checksums, keys), 381 (pkh, sh), 382 (wpkh, wsh), 383 (multi), 386 (tr), 389 (several
paths); BIP 48, 67, 129.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from chainwatch.addresses.bip32 import (
    ExtendedKey,
    Point,
    address_of,
    child_of,
    compressed,
    hash160,
    point_of,
)
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError

LONGEST = 8_000
"""Characters; of twenty keys with their origins there are fewer."""

_AGAIN = "copy it again from the wallet"
_TYPES = "pkh, wpkh, sh(wpkh), tr, or multi and sortedmulti in sh, wsh or sh(wsh)"
_HARDENED = 1 << 31
_MOST_SIGNERS = {"p2sh": 15, "p2wsh": 20, "p2sh-p2wsh": 20}
_CALL = re.compile(r"([a-z0-9_]{1,20})\((.*)\)")
_KEY = re.compile(r"(?:\[([^\[\]]*)\])?([^/\[\]]+)((?:/[^/]*)*)")
_ORIGIN = re.compile(r"[0-9a-fA-F]{8}((?:/[0-9]{1,10}['hH]?)*)")
_HEX_KEY = re.compile(r"0[23][0-9a-fA-F]{64}|04[0-9a-fA-F]{128}")
_STEPS = re.compile(r"<([0-9]+(?:;[0-9]+)+)>")

_SEVERAL_SIGN = 48
_PURPOSES = {44: "p2pkh", 49: "p2sh-p2wpkh", 84: "p2wpkh", 86: "p2tr"}
"""First number of an origin to the script type of its account (BIP 44, 49, 84, 86)."""

# BIP 380: characters in groups of 32 by their use, and those of the checksum.
_GROUPS = (
    "0123456789()[],'/*abcdefgh@:$%{}",
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~",
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ ',
)
_INPUT = "".join(_GROUPS)
_CHECK = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)


def checksum(text: str) -> str:
    """Return the eight characters that stand behind a descriptor and its ``#`` (BIP 380).

    Raises
    ------
    InputError
        If it holds a character that no descriptor has.
    """
    symbols, groups = [], []
    for letter in text:
        at = _INPUT.find(letter)
        if at < 0:
            raise InputError("the descriptor holds a character that none has", remedy=_AGAIN)
        symbols.append(at & 31)
        groups.append(at >> 5)
        if len(groups) == 3:
            symbols.append(groups[0] * 9 + groups[1] * 3 + groups[2])
            groups = []
    if groups:
        symbols.append(groups[0] if len(groups) == 1 else groups[0] * 3 + groups[1])
    state = 1
    for value in [*symbols, *[0] * 8]:
        top = state >> 35
        state = (state & 0x7FFFFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            state ^= term if top >> bit & 1 else 0
    state ^= 1
    return "".join(_CHECK[state >> 5 * (7 - place) & 31] for place in range(8))


@dataclass(frozen=True, repr=False, eq=False)
class Branch:
    """Addresses that are followed together: of one script type, numbered from 0.

    Attributes
    ----------
    kind : str
        Script type.
    numbers : tuple of int
        Path below the (first) key.
    change : bool
        It is one for change.
    ranged : bool
        It has an address for each number; else one only.
    """

    kind: str
    numbers: tuple[int, ...]
    change: bool
    ranged: bool
    _signers: tuple[_Signer, ...]
    _required: int = 0
    _sorted: bool = False

    def address(self, index: int) -> bytes:
        """Return the canonical address of a number."""
        keys = [signer.key(index) for signer in self._signers]
        if not self._required:
            return _single(keys[0], self.kind)
        script = _multisig(self._required, sorted(keys) if self._sorted else keys)
        if self.kind == "p2sh":
            return bytes((Kind.P2SH,)) + hash160(script)
        program = hashlib.sha256(script).digest()
        if self.kind == "p2wsh":
            return bytes((Kind.P2WSH,)) + program
        return bytes((Kind.P2SH,)) + hash160(b"\x00\x20" + program)


def key_of(text: str) -> ExtendedKey | Descriptor:
    """Return what a wallet exported: an extended public key, or a descriptor.

    Raises
    ------
    InputError
        If it is neither; as the two raise it.
    """
    marks = isinstance(text, str) and any(mark in text for mark in "()[]/#")
    return Descriptor(text) if marks else ExtendedKey(text)


def branch_of(key: ExtendedKey, kind: str, numbers: tuple[int, ...]) -> Branch:
    """Return a branch below an extended key, under one script type."""
    signer = _Signer(key.branch(numbers), ranged=True)
    return Branch(kind, numbers, (numbers or (key.child,))[-1] == 1, True, (signer,))


class _Signer:
    """One key of a script: of an extended key or fixed, for each number or one for all."""

    __slots__ = ("_code", "_fixed", "_point", "_ranged")

    def __init__(self, found: tuple[Point, bytes] | bytes, *, ranged: bool) -> None:
        self._fixed = found if isinstance(found, bytes) else compressed(found[0])
        self._point: Point | None = None if isinstance(found, bytes) else found[0]
        self._code = b"" if isinstance(found, bytes) else found[1]
        self._ranged = ranged

    def key(self, index: int) -> bytes:
        if self._point is None or not self._ranged:
            return self._fixed
        return compressed(child_of(self._point, self._code, index)[0])


class Descriptor:
    """What a wallet says of its addresses; it does not show itself.

    Parameters
    ----------
    text : str
        An output descriptor with or without its checksum, or a key with its origin, such as
        ``[d34db33f/84h/0h/0h]xpub...``, whose script type the origin names.

    Attributes
    ----------
    form : str
        Its functions, such as ``sh(wpkh)``; ``key`` of a key with its origin.
    kind : str
        Script type: that of the function; of a key with its origin what the origin names, unless
        the version of the key names one that is not the oldest.
    fingerprint : str
        Those of its keys, as of :class:`chainwatch.addresses.bip32.ExtendedKey`.
    open : bool
        It does not say which addresses of its key are the wallet's: no star stands in it.

    Raises
    ------
    InputError
        If it is none, of a kind that is not read, private, or its checksum does not fit. No text
        that was given is in the error.
    """

    __slots__ = ("_keys", "_required", "_sorted", "fingerprint", "form", "kind", "open")

    def __init__(self, text: str) -> None:
        body, sharp, check = text.strip().partition("#")
        if len(text) > LONGEST:
            raise InputError(f"{len(text):,} characters are no descriptor", remedy=_AGAIN)
        wanted = checksum(body)
        if sharp and check != wanted:
            raise InputError("the checksum of the descriptor does not fit it", remedy=_AGAIN)
        self._required, self._sorted = 0, False
        self.form, kind, written = _script(body)
        if isinstance(written, str):
            self._keys: tuple[_Key, ...] = (_Key(written, kind),)
        else:
            self._required, self._sorted, texts = written
            self._keys = tuple(_Key(item, kind) for item in texts)
        _check_alike(self._keys)
        first = self._keys[0]
        self.kind: str = kind or _kind_of(first)
        self.open = not any(key.ranged for key in self._keys) and bool(first.extended)
        self.fingerprint = "+".join(key.fingerprint for key in self._keys)

    def __repr__(self) -> str:
        return f"Descriptor({self.form}, fingerprint {self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        raise InputError("a descriptor is not copied or written out", remedy="keep it as it is")

    @property
    def account(self) -> ExtendedKey | None:
        """The key alone where nothing else is said: no function, no path."""
        first = self._keys[0]
        bare = self.form == "key" and first.paths == ((),) and not first.ranged
        return first.extended if bare else None

    def check_chain(self, chain: Chain) -> None:
        """Refuse a chain on which wallets do not write such keys.

        Raises
        ------
        InputError
            If a key is of another chain, or of a test network and the chain is not.
        """
        for key in self._keys:
            if key.extended:
                key.extended.check_chain(chain)

    def branches(self, below: Sequence[tuple[int, ...]] | None = None) -> list[Branch]:
        """Return its branches, in the order in which it names them.

        Parameters
        ----------
        below : sequence of tuple of int, optional
            Paths below the keys of one that is open.
        """
        # A key without alternatives may stand before one that has them.
        first = max(self._keys, key=lambda key: len(key.paths))
        paths = range(len(first.paths))
        made = []
        for extra in below or ((),):
            for number in paths:
                numbers = (*first.path(number), *extra)
                signers = tuple(
                    key.signer(number, extra, ranged=below is not None or key.ranged)
                    for key in self._keys
                )
                ranged = below is not None or any(key.ranged for key in self._keys)
                change = bool(numbers) and numbers[-1] == 1
                made.append(
                    Branch(
                        self.kind, numbers, change, ranged, signers, self._required, self._sorted
                    )
                )
        return made


class _Key:
    """A key expression: what stands in it, and the paths below it."""

    __slots__ = ("extended", "fingerprint", "fixed", "paths", "purpose", "ranged")

    def __init__(self, text: str, kind: str | None) -> None:
        found = _KEY.fullmatch(text)
        if not found:
            raise InputError("the descriptor holds no key where one belongs", remedy=_AGAIN)
        origin, key, path = found.groups()
        self.purpose = None if origin is None else _purpose(origin)
        self.paths, self.ranged = _paths(path)
        self.extended: ExtendedKey | None = None
        self.fixed = b""
        if _HEX_KEY.fullmatch(key) or (kind == "p2tr" and re.fullmatch("[0-9a-fA-F]{64}", key)):
            self.fixed = _fixed(key, kind)
            self.fingerprint = hash160(self.fixed)[:4].hex()
            if path:
                raise InputError("a path stands below a key that has none", remedy=_AGAIN)
        else:
            self.extended = ExtendedKey(key, several=kind in _MOST_SIGNERS)
            self.fingerprint = self.extended.fingerprint

    def path(self, number: int) -> tuple[int, ...]:
        """Return the path of that alternative; of a key with one, always that."""
        return self.paths[number if len(self.paths) > 1 else 0]

    def signer(self, number: int, extra: tuple[int, ...], *, ranged: bool) -> _Signer:
        """Return what signs for the branch of an alternative."""
        if self.extended is None:
            return _Signer(self.fixed, ranged=False)
        below = self.extended.branch((*self.path(number), *extra))
        return _Signer(below, ranged=ranged)


Several = tuple[int, bool, list[str]]
"""Signatures required, whether keys are sorted, and the keys."""


def _script(text: str) -> tuple[str, str | None, str | Several]:
    """Return form, script type, and the key or keys of an expression."""
    call = _CALL.fullmatch(text)
    if not call:
        if "(" in text or ")" in text:
            raise InputError("the descriptor does not end where it should", remedy=_AGAIN)
        return "key", None, text
    name, inner = call.groups()
    if name in ("pkh", "wpkh", "tr"):
        if name == "tr" and "," in inner:
            _unread("tr with a tree of scripts")
        _check_flat(inner)
        return name, {"pkh": "p2pkh", "wpkh": "p2wpkh", "tr": "p2tr"}[name], inner
    if name in ("sh", "wsh"):
        return _wrapped(name, inner)
    return _unread(name)


def _wrapped(name: str, inner: str) -> tuple[str, str, str | Several]:
    call = _CALL.fullmatch(inner)
    below, rest = call.groups() if call else ("", "")
    if (name, below) == ("sh", "wpkh"):
        _check_flat(rest)
        return "sh(wpkh)", "p2sh-p2wpkh", rest
    if (name, below) == ("sh", "wsh"):
        form, _, keys = _wrapped("wsh", rest)
        return f"sh({form})", "p2sh-p2wsh", keys
    if below in ("multi", "sortedmulti"):
        kind = "p2sh" if name == "sh" else "p2wsh"
        return f"{name}({below})", kind, _several(rest, kind, ordered=below == "sortedmulti")
    return _unread(f"{name}({below or '...'})")


def _several(text: str, kind: str, *, ordered: bool) -> Several:
    required, *keys = text.split(",")
    _check_flat(text.replace(",", ""))
    most = _MOST_SIGNERS[kind]
    if not (required.isdecimal() and 1 <= int(required) <= len(keys) <= most):
        what = f"{len(keys)} keys of which so many must sign cannot be"
        raise InputError(what, remedy=f"up to {most} keys of which at least one must sign")
    return int(required), ordered, keys


def _check_flat(text: str) -> None:
    if "(" in text or ")" in text or "," in text:
        raise InputError("the descriptor does not end where it should", remedy=_AGAIN)


def _unread(form: str) -> NoReturn:
    raise InputError(
        f"descriptors of the form {form} are not read",
        remedy=f"give the addresses themselves, or one of {_TYPES}",
    )


def _kind_of(key: _Key) -> str:
    """Return the script type of a key that stands alone with its origin."""
    if key.extended is None:
        raise InputError(
            "a public key alone names no address",
            remedy=f"give the descriptor that it stands in: {_TYPES}",
        )
    if key.purpose == _SEVERAL_SIGN:
        raise InputError(
            "the origin of the key says that it is one of several that sign together (BIP 48)",
            remedy="give the wallet's output descriptor, which names all of them",
        )
    # Wallets write xpub whatever script type they use: then the origin knows better.
    neutral = key.extended.kind == "p2pkh"
    return _PURPOSES.get(key.purpose or 0, "p2pkh") if neutral else key.extended.kind


def _purpose(origin: str) -> int | None:
    """Return the first number of an origin if it is hardened; refuse what is no origin."""
    found = _ORIGIN.fullmatch(origin)
    if not found:
        what = "what stands in brackets before the key is not where it came from"
        raise InputError(what, remedy="as in [d34db33f/84h/0h/0h]xpub...")
    first = found[1].split("/")[1:2]
    return int(first[0][:-1]) if first and first[0][-1] in "'hH" else None


def _paths(text: str) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """Return the paths below a key, one for each alternative, and whether a star ends them."""
    steps = text.split("/")[1:]
    ranged = steps[-1:] == ["*"]
    made: list[tuple[int, ...]] = [()]
    for step in steps[: len(steps) - ranged]:
        if step[-1:] in ("'", "h", "H"):
            raise InputError(
                "a hardened step below an extended public key cannot be taken without the private"
                " one",
                remedy="export the account's own public key from the wallet",
            )
        several = _STEPS.fullmatch(step)
        choices = several[1].split(";") if several else [step]
        if several and len(made) > 1:
            raise InputError("a key has two lists of alternatives", remedy=_AGAIN)
        numbers = [int(item) if item.isdecimal() and len(item) < 11 else -1 for item in choices]
        if not all(0 <= number < _HARDENED for number in numbers):
            raise InputError("a step of the path below a key is no number", remedy=_AGAIN)
        made = [(*path, number) for path in made for number in numbers]
    return tuple(made), ranged


def _check_alike(keys: Sequence[_Key]) -> None:
    """Refuse keys that go through other numbers of alternatives (BIP 389)."""
    counts = {len(key.paths) for key in keys} - {1}
    if len(counts) > 1:
        what = "the keys of the descriptor have other numbers of alternatives"
        raise InputError(what, remedy="give one descriptor for each branch")


def _fixed(text: str, kind: str | None) -> bytes:
    """Return a public key that stands there in hexadecimal."""
    key = bytes.fromhex(text if len(text) != 64 else f"02{text}")
    if key[0] == 4:
        if kind not in ("p2pkh", "p2sh"):
            raise InputError("an uncompressed key has no such address", remedy=_AGAIN)
        x, y = int.from_bytes(key[1:33]), int.from_bytes(key[33:])
        if point_of(bytes([2 + y % 2]) + key[1:33]) != (x, y):
            raise InputError("the descriptor holds no public key", remedy=_AGAIN)
    else:
        point_of(key)
    return key


def _single(key: bytes, kind: str) -> bytes:
    if key[0] == 4:
        return bytes((Kind.P2PKH,)) + hash160(key)
    return address_of(point_of(key), kind)


def _multisig(required: int, keys: Sequence[bytes]) -> bytes:
    """Return the script of several signers (BIP 11)."""
    pushed = b"".join(bytes((len(key),)) + key for key in keys)
    return _number(required) + pushed + _number(len(keys)) + b"\xae"


def _number(value: int) -> bytes:
    return bytes((0x50 + value,)) if value <= 16 else bytes((1, value))
