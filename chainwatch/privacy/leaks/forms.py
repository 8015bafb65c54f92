"""Every form in which a secret can stand in a file: as text, in hexadecimal, base64, as bytes.

Texts are compared without regard to capitals, so that a checksummed address and its lower case are
one form. A form in hexadecimal is found within longer ones: in scripts, in topics of 32 bytes, and
behind the 0x41 of Tron.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import NamedTuple

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind, kind_of, text
from chainwatch.addresses.codecs import base58check_encode
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError
from chainwatch.privacy.edition import DISCLOSURE, POOLED, Edition
from chainwatch.privacy.leaks.secrets import Secrets
from chainwatch.results.roles import Party

ADDRESS, TRANSACTION, MASK_KEY, DERIVED_KEY = (
    "masked address", "withheld transaction", "mask key", "key derived from the mask key",
)  # fmt: skip
EXTENDED_KEY, PRIVATE_KEY = "extended key", "private key"
"""Kinds that are known by their form, whoever they are of: nothing has to say which."""

SHORTEST = 8
"""Bytes of a needle: fewer stand in any file by chance."""

_UNLIKE = 6
"""Different bytes of a needle that is no text: runs of zeros stand in any font or table."""

TELLING = 6
"""Characters beside those that all addresses of a chain begin with: fewer are many people's."""

_BEGUN, _BEGUN_TELLING = 16, 12
"""Characters of a beginning that is looked for by itself, and how many of them tell at least."""


class Needle(NamedTuple):
    """Bytes to look for, what they are of, in which form, and by what it is called in a list.

    ``folded`` are texts of which capitals do not matter; they are in lower case here.
    """

    data: bytes
    kind: str
    form: str
    who: str
    folded: bool


class Whole(NamedTuple):
    """A text in lower case that lists may shorten.

    ``alike`` is how many characters at its start all texts of its chain have.
    """

    data: bytes
    alike: int
    kind: str
    who: str


SHORTENED, BEGINNING = "shortened text", "beginning of its text"


def needles(secrets: Secrets) -> Iterator[Needle]:
    """Yield every form of every secret."""
    named = _Names(secrets)
    for party in sorted(secrets.parties or ()):
        yield from _named(ADDRESS, named.party(party), _address(*party))
    for one in sorted(secrets.transactions or ()):
        yield from _named(TRANSACTION, named.transaction(one), _transaction(one[1]))
    if secrets.key is not None:
        yield from _named(MASK_KEY, "the mask key", _key(secrets.key))
        for party in sorted(secrets.parties or ()):
            seal = named.seal(party)
            derived = [*_key(seal), ("base32", base64.b32encode(seal)[:26], True)]
            yield from _named(DERIVED_KEY, named.party(party), derived)


Form = tuple[str, bytes, bool]
"""Name, bytes, and whether capitals do not matter."""


def _named(kind: str, who: str, forms: Iterator[Form] | list[Form]) -> Iterator[Needle]:
    for form, data, folded in forms:
        if len(data) >= SHORTEST and (folded or len(set(data)) >= _UNLIKE):
            yield Needle(data.lower() if folded else data, kind, form, who, folded)


class _Names:
    """By what a list of leaks calls a secret: never by itself."""

    def __init__(self, secrets: Secrets) -> None:
        self.key = secrets.key
        self.numbers = {
            one: number
            for listed in (secrets.parties, secrets.transactions)
            for number, one in enumerate(sorted(listed or ()), 1)
        }

    def party(self, party: Party) -> str:
        """Return the pseudonym of a party; its number in the list where no key is known."""
        if self.key is None:
            return f"masked party {self.numbers[party]}"
        return Edition(DISCLOSURE, self.key).pseudonym(*party)

    def transaction(self, one: Party) -> str:
        if self.key is None:
            return f"withheld transaction {self.numbers[one]}"
        seal = base64.b32encode(self.seal(one))[:10].decode().lower()
        return f"{POOLED} transaction {seal}"

    def seal(self, one: Party) -> bytes:
        """Return the keyed digest that the pseudonym of a party is the beginning of."""
        chain, raw = one
        return hmac.new(self.key or b"", chain.encode() + b"\x00" + raw, hashlib.sha256).digest()


def _address(chain: str, address: bytes) -> Iterator[Form]:
    """Yield the forms of an address: its texts, its payload, its script and the digest of it."""
    kind, payload = kind_of(address), address[1:]
    shown = text(address, chain)
    for written in dict.fromkeys([shown, shown.rpartition(":")[2], *_other_texts(chain, address)]):
        yield "text", written.encode(), True
        yield from (("base64", one, False) for one in _base64(written.encode()))
        yield from _beginning(written, _alike(written))
    if len(payload) < 20:
        return  # a payload of a few bytes stands anywhere; its text does not
    yield "payload in hexadecimal", payload.hex().encode(), True
    yield "payload", payload, False
    yield from (("base64", one, False) for one in _base64(payload))
    if kind not in (Kind.EVM, Kind.TRON):
        digest = hashlib.sha256(script_of(address)).digest()
        for way in (digest, digest[::-1]):
            yield "digest of its script", way.hex().encode(), True
            yield "digest of its script", way, False


def whole_texts(secrets: Secrets) -> Iterator[Whole]:
    """Yield the texts that lists may shorten: of addresses, and of transactions in both orders."""
    named = _Names(secrets)
    for party in sorted(secrets.parties or ()):
        chain, address = party
        shown = text(address, chain)
        every = [shown, shown.rpartition(":")[2], *_other_texts(chain, address)]
        for written in dict.fromkeys(every):
            yield Whole(written.lower().encode(), _alike(written), ADDRESS, named.party(party))
    for one in sorted(secrets.transactions or ()):
        for way in (one[1], one[1][::-1]):
            for ahead in ("", "0x"):
                digits = (ahead + way.hex()).encode()
                yield Whole(digits, len(ahead), TRANSACTION, named.transaction(one))


def _alike(written: str) -> int:
    """Return how many characters at its start a text has in common with all of its chain."""
    if written[:2].lower() == "0x":
        return 2
    return written.find("1") + 2 if _is_bech32(written) else written.find(":") + 2


def _beginning(written: str, alike: int) -> Iterator[Form]:
    """Yield the beginning of a text, where enough of it is not that of others by chance."""
    begun = written[: max(_BEGUN, alike + _BEGUN_TELLING)]
    if len(begun) < len(written) and len(set(begun[alike:])) >= _UNLIKE:
        yield BEGINNING, begun.encode(), True


def _is_bech32(written: str) -> bool:
    """Tell whether a text has a prefix that all of its chain have."""
    return written.islower() and 0 < written.find("1") < 6


def _other_texts(chain: str, address: bytes) -> Iterator[str]:
    """Yield other addresses of the same key, and the same address in other writings."""
    kind, payload, target = kind_of(address), address[1:], chain_of(chain)
    if kind in (Kind.P2PKH, Kind.P2SH) and target.cashaddr:
        version = target.p2pkh if kind is Kind.P2PKH else target.p2sh
        if version is not None:
            yield base58check_encode(bytes((version,)) + payload)
    if kind in (Kind.P2PKH, Kind.P2WPKH):
        nested = bytes((Kind.P2SH,)) + hash160(b"\x00\x14" + payload)
        for other in (bytes((Kind.P2PKH,)) + payload, bytes((Kind.P2WPKH,)) + payload, nested):
            try:
                yield text(other, chain)
            except AddressError:
                continue  # the chain has no such addresses
    if kind is Kind.TRON:
        yield "0x" + payload.hex()


def _transaction(txid: bytes) -> Iterator[Form]:
    for form, way in (("id", txid), ("id turned round", txid[::-1])):
        yield f"{form}, in hexadecimal", way.hex().encode(), True
        yield from _beginning(way.hex(), 0)
        yield form, way, False
        yield from ((f"{form}, in base64", one, False) for one in _base64(way))


def _key(key: bytes) -> list[Form]:
    hexadecimal: list[Form] = [("hexadecimal", key.hex().encode(), True), ("bytes", key, False)]
    return hexadecimal + [("base64", one, False) for one in _base64(key)]


def _base64(data: bytes) -> Iterator[bytes]:
    """Yield what stands in base64 of anything that holds these bytes: one form for each third."""
    for ahead in range(3):
        bits = 8 * ahead
        coded = base64.b64encode(bytes(ahead) + data)
        # Characters that other bytes before or after have a part in are left out.
        first, last = -(-bits // 6), (bits + 8 * len(data)) // 6
        yield coded[first:last]
        if b"+" in coded[first:last] or b"/" in coded[first:last]:
            yield coded[first:last].translate(bytes.maketrans(b"+/", b"-_"))


def named_party(secrets: Secrets, party: Party) -> str:
    """Return by what a list of leaks calls a party."""
    return _Names(secrets).party(party)
