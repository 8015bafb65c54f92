"""Keys that stand in a text whoever they are of: extended keys, private keys, and public keys.

A public key of a masked address is the address: its hash is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.codecs import base58check_decode
from chainwatch.errors import AddressError
from chainwatch.privacy.leaks.forms import ADDRESS, EXTENDED_KEY, PRIVATE_KEY
from chainwatch.results.roles import Party

_LETTERS = rb"[1-9A-HJ-NP-Za-km-z]"
_START, _END = rb"(?<!" + _LETTERS + rb")", rb"(?!" + _LETTERS + rb")"
_EXTENDED = re.compile(_START + _LETTERS + rb"{107,112}" + _END)
_PRIVATE = re.compile(_START + rb"[5KLc9TQ67]" + _LETTERS + rb"{50,51}" + _END)
_PUBLIC = re.compile(rb"(?=((?:0[23][0-9a-f]{64})|(?:04[0-9a-f]{128})))")
_EXTENDED_SIZE, _PRIVATE_SIZES = 78, (33, 34)
_PRIVATE_VERSIONS = frozenset({0x80, 0xEF, 0xB0, 0x9E, 0xF1})
"""First bytes of private keys: Bitcoin and Bitcoin Cash, test networks, Litecoin, Dogecoin (and its
test network), as the nodes' ``chainparams`` have them."""


class KeyFound(NamedTuple):
    """A key in a text: its kind, its form, whom it is of if that is known, where it begins."""

    kind: str
    form: str
    party: Party | None
    start: int


class KeySearch:
    """Looks for keys in texts; knows by which hashes those of masked addresses are found."""

    def __init__(self, parties: frozenset[Party] | None) -> None:
        self.hashed: dict[bytes, Party] = {}
        self.accounts: dict[bytes, Party] = {}
        for party in sorted(parties or ()):
            kind, payload = party[1][0], party[1][1:]
            if kind in (Kind.P2PKH, Kind.P2WPKH, Kind.P2SH):
                self.hashed[payload] = party
            elif kind in (Kind.EVM, Kind.TRON):
                self.accounts[payload] = party

    def in_text(self, data: bytes) -> Iterator[KeyFound]:
        """Yield the keys that stand in a text."""
        for found in _EXTENDED.finditer(data):
            if len(_decoded(found[0])) == _EXTENDED_SIZE:
                yield KeyFound(EXTENDED_KEY, "text", None, found.start())
        for found in _PRIVATE.finditer(data):
            raw = _decoded(found[0])
            if len(raw) in _PRIVATE_SIZES and raw[0] in _PRIVATE_VERSIONS:
                yield KeyFound(PRIVATE_KEY, "text", None, found.start())
        if self.hashed or self.accounts:
            yield from self._public(data.lower())

    def _public(self, data: bytes) -> Iterator[KeyFound]:
        seen: dict[bytes, Party | None] = {}
        for found in _PUBLIC.finditer(data):
            digits = found[1]
            if digits not in seen:
                seen[digits] = self._of(bytes.fromhex(digits.decode("ascii")))
            if party := seen[digits]:
                yield KeyFound(ADDRESS, "public key", party, found.start())

    def _of(self, key: bytes) -> Party | None:
        """Return whose address a public key has, if anybody's who is masked."""
        hashed = hash160(key)
        nested = hash160(b"\x00\x14" + hashed)
        if len(key) == 65 and self.accounts:
            from chainwatch.addresses.codecs import keccak

            return self.accounts.get(keccak(key[1:])[-20:]) or self.hashed.get(hashed)
        return self.hashed.get(hashed) or self.hashed.get(nested)


def _decoded(text: bytes) -> bytes:
    try:
        return base58check_decode(text.decode("ascii"))
    except AddressError:
        return b""
