"""Output scripts: the script of an address, and the address (or keys, or neither) of a script.

An address stands for a script that names one. Pay-to-public-key and bare multisig name keys; who
holds them is never assumed to be one owner, so their address is None. Classification is by form
alone, as a reader of the chain recognises it; whether a rule of its era gave the form its meaning
(P2SH before BIP 16, taproot before its height, tokens before May 2023) is a question for the
ledger. Which forms a chain knows at all is one of its facts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chainwatch.addresses.canonical import Kind, kind_of, witness_address
from chainwatch.chains.base import Forms
from chainwatch.errors import AddressError

LARGEST_SCRIPT = 10_000
"""Bytes; consensus fails any longer script, so its output can never be spent."""

MOST_KEYS = 20
"""Keys that OP_CHECKMULTISIG accepts by consensus."""

_OP_1, _OP_16, _OP_CHECKSIG, _OP_CHECKMULTISIG = 0x51, 0x60, 0xAC, 0xAE
_OP_RETURN = b"\x6a"
_VERSIONS = {0: 0} | {_OP_1 - 1 + version: version for version in range(1, 17)}
_KEY_STARTS = {
    33: (b"\x02", b"\x03"),
    65: (b"\x04", b"\x06", b"\x07"),  # 06 and 07: the hybrid form, which consensus accepts
}
_SMALLEST_MULTISIG = 37  # one compressed key
_P2PKH_HEAD, _P2PKH_TAIL = b"\x76\xa9\x14", b"\x88\xac"
_P2SH_HEAD, _P2SH_TAIL = b"\xa9\x14", b"\x87"
_P2SH32_HEAD = b"\xaa\x20"
_ANCHOR = b"\x51\x02\x4e\x73"
_MWEB = {8: "mweb_hogaddr", 9: "mweb_pegin"}
"""By witness version: all that lies in extension blocks, and what is moved into them. Their 32
bytes are the hash of a header and the id of a kernel there: they are nobody's address."""

_TOKEN = 0xEF
_CATEGORY = 32
_RESERVED, _COMMITMENT, _NFT, _AMOUNT = 0x80, 0x40, 0x20, 0x10
_MOST_CAPABLE = 2
_WITNESS_NAMES = {
    int(Kind.P2WPKH): "p2wpkh",
    int(Kind.P2WSH): "p2wsh",
    int(Kind.P2TR): "p2tr",
    int(Kind.WITNESS_UNKNOWN): "witness_unknown",
}


@dataclass(frozen=True, slots=True)
class Classified:
    """What an output script is.

    Attributes
    ----------
    kind : str
        As in ``outputs.script_kind`` of the ledger.
    address : bytes or None
        Canonical address; None where the script names none.
    keys : tuple of bytes
        Public keys of P2PK and bare multisig, as they stand in the script.
    required : int
        Signatures that those keys must give; 0 without keys.
    spendable : bool
        False where the value is burnt for certain: OP_RETURN, or a script beyond the size limit.
    tokens : bool
        Tokens stand before what locks the output: the address alone does not give its script.
    """

    kind: str
    address: bytes | None = None
    keys: tuple[bytes, ...] = ()
    required: int = 0
    spendable: bool = True
    tokens: bool = False


_NULL_DATA = Classified("null_data", spendable=False)
_NONSTANDARD = Classified("nonstandard")
_OVERSIZED = Classified("nonstandard", spendable=False)


def script_of(address: bytes) -> bytes:
    """Return the output script that pays a canonical address of a Bitcoin-like chain.

    Raises
    ------
    AddressError
        If the bytes are no canonical address, or one of an account chain, which has no scripts.
    """
    kind, payload = kind_of(address), address[1:]
    if kind is Kind.P2PKH:
        return _P2PKH_HEAD + payload + _P2PKH_TAIL
    if kind is Kind.P2SH:
        return _P2SH_HEAD + payload + _P2SH_TAIL
    if kind is Kind.P2SH32:
        return _P2SH32_HEAD + payload + _P2SH_TAIL
    if kind in (Kind.P2WPKH, Kind.P2WSH):
        return bytes((0, len(payload))) + payload
    if kind is Kind.P2TR:
        return bytes((_OP_1, len(payload))) + payload
    if kind is Kind.WITNESS_UNKNOWN:
        return bytes((_OP_1 - 1 + payload[0], len(payload) - 1)) + payload[1:]
    raise AddressError(f"an address of kind {kind.name} has no output script")


def classify(script: bytes, forms: Forms = Forms.WITNESS) -> Classified:
    """Return what an output script is: its kind, and its address or keys.

    Parameters
    ----------
    script : bytes
        The whole output script.
    forms : Forms
        What the chain gives a meaning. Without segregated witness a witness program is nonstandard,
        for it is no address.

    Returns
    -------
    Classified
        Version 0 programs of neither 20 nor 32 bytes are nonstandard. Version 1 of other than 32
        bytes and versions 2 to 16 are ``witness_unknown``, which has an address; pay-to-anchor is
        one of these with a name of its own. Of a script that carries tokens, it is what follows
        them that is classified; one that only begins like that is nonstandard.

    Fails when
    ----------
    A public key is recognised by first byte and length; whether it is a point on the curve is not
    asked, so a multisig that carries data in the shape of keys lists them as keys.

    References
    ----------
    BIP 16, BIP 141, BIP 341, BIP 350, BIP 433; CHIP-2022-02 (CashTokens), CHIP-2022-05 (P2SH32);
    LIP-0003 (extension blocks).
    """
    if forms & Forms.TOKENS and script[:1] == bytes((_TOKEN,)):
        begin = after_tokens(script)
        return replace(_locked(script[begin:], forms), tokens=True) if begin else _NONSTANDARD
    return _locked(script, forms)


def after_tokens(script: bytes) -> int:
    """Return where what locks an output begins behind its tokens; 0 if they are not well formed.

    References
    ----------
    CHIP-2022-02, *Token encoding*: category, one byte that says what follows, commitment, amount.
    """
    at = 1 + _CATEGORY
    if len(script) <= at:
        return 0
    what, capability = script[at] & 0xF0, script[at] & 0x0F
    at += 1
    named = bool(what & _NFT)
    if what & _RESERVED or not what & (_NFT | _AMOUNT) or capability > _MOST_CAPABLE:
        return 0
    if not named and (capability or what & _COMMITMENT):
        return 0
    if what & _COMMITMENT:
        size, at = _compact(script, at)
        if size < 1 or at + size > len(script):
            return 0
        at += size
    if what & _AMOUNT:
        amount, at = _compact(script, at)
        if not 1 <= amount < 2**63:
            return 0
    return at


def _compact(script: bytes, at: int) -> tuple[int, int]:
    """Return a number in its shortest form and the place after it; -1 where none stands there."""
    first = script[at : at + 1]
    if not first:
        return -1, at
    if first[0] < 0xFD:
        return first[0], at + 1
    size = 1 << first[0] - 0xFC
    digits = script[at + 1 : at + 1 + size]
    number = int.from_bytes(digits, "little")
    least = 0xFD if size == 2 else 1 << 4 * size
    return (number, at + 1 + size) if len(digits) == size and number >= least else (-1, at)


def _locked(script: bytes, forms: Forms) -> Classified:
    size = len(script)
    if size == 25 and script.startswith(_P2PKH_HEAD) and script.endswith(_P2PKH_TAIL):
        return Classified("p2pkh", b"\x01" + script[3:23])
    if size == 23 and script.startswith(_P2SH_HEAD) and script.endswith(_P2SH_TAIL):
        return Classified("p2sh", b"\x02" + script[2:22])
    if 4 <= size <= 42 and script[1] == size - 2 and script[0] in _VERSIONS:
        return _witness(script, forms)
    if script.startswith(_OP_RETURN):
        return _NULL_DATA
    long_hash = size == 35 and script.startswith(_P2SH32_HEAD) and script.endswith(_P2SH_TAIL)
    if long_hash and forms & Forms.TOKENS:
        return Classified("p2sh32", b"\x07" + script[2:34])
    return _with_keys(script, size)


def _witness(script: bytes, forms: Forms) -> Classified:
    if not forms & Forms.WITNESS:
        return _NONSTANDARD
    version, program = _VERSIONS[script[0]], script[2:]
    if forms & Forms.EXTENSION and version in _MWEB and len(program) == 32:
        return Classified(_MWEB[version])
    address = witness_address(version, program)
    if address is None:
        return _NONSTANDARD
    return Classified("p2a" if script == _ANCHOR else _WITNESS_NAMES[address[0]], address)


def _with_keys(script: bytes, size: int) -> Classified:
    if size > LARGEST_SCRIPT:
        return _OVERSIZED
    if size in (35, 67) and script[0] == size - 2 and script[-1] == _OP_CHECKSIG:
        key = script[1:-1]
        return Classified("p2pk", None, (key,), 1) if _is_key(key) else _NONSTANDARD
    if size >= _SMALLEST_MULTISIG and script[-1] == _OP_CHECKMULTISIG:
        return _multisig(script) or _NONSTANDARD
    return _NONSTANDARD


def _is_key(data: bytes) -> bool:
    return data[:1] in _KEY_STARTS[len(data)]


def _multisig(script: bytes) -> Classified | None:
    """Read ``m <key> ... <key> n OP_CHECKMULTISIG``; None where it is anything else."""
    required, at = _count(script, 0)
    keys: list[bytes] = []
    while at < len(script) and script[at] in _KEY_STARTS and len(keys) < MOST_KEYS:
        key = script[at + 1 : at + 1 + script[at]]
        if len(key) != script[at] or not _is_key(key):
            return None
        keys.append(key)
        at += 1 + len(key)
    total, at = _count(script, at)
    if 1 <= required <= total == len(keys) and at == len(script) - 1:
        return Classified("multisig", None, tuple(keys), required)
    return None


def _count(script: bytes, at: int) -> tuple[int, int]:
    """Return a number from 1 to 20 and the place after it; 0 where none stands there."""
    head = script[at : at + 2]
    if head and _OP_1 <= head[0] <= _OP_16:
        return head[0] - _OP_1 + 1, at + 1
    if head[:1] == b"\x01" and len(head) == 2 and 16 < head[1] <= MOST_KEYS:
        return head[1], at + 2  # no opcode stands for more than 16: the number is pushed
    return 0, at
