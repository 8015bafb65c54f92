"""Checksummed texts: base58check, bech32(m), CashAddr, EIP-55; knows no chain, shows no text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, lru_cache

from chainwatch.errors import AddressError

LONGEST_BASE58 = 120
"""Characters; base58 is quadratic in its length, and an extended key of 111 is the longest used."""

LONGEST_BECH32 = 90
"""Characters (BIP 173): beyond them the checksum promises less."""

LONGEST_CASHADDR = 124
"""Characters: a prefix of 11, its mark, and the longest payload, 512 bits."""

BECH32, BECH32M = 1, 0x2BC830A3
"""What the checksum of each variant must come to (BIP 173, BIP 350)."""

_AGAIN = "copy it again from its source"
_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS = tuple(chr(high) + chr(low) for high in _BASE58 for low in _BASE58)
_BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE32 = b"0123456789abcdefghijklmnopqrstuv"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CASH_GENERATOR = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_CASH_SIZES = (20, 24, 28, 32, 40, 48, 56, 64)  # bytes, by the low three bits of the version


def _reverse(alphabet: bytes) -> bytes:
    """Return the translation from a character to its number; 255 marks every other character."""
    table = bytearray(b"\xff" * 256)
    for number, character in enumerate(alphabet):
        table[character] = number
    return bytes(table)


def _flags(characters: bytes) -> bytes:
    return bytes(0x20 if number in characters else 0 for number in range(256))


def _step(top: int, generators: tuple[int, ...] = _GENERATOR) -> int:
    folded = 0
    for bit, generator in enumerate(generators):
        folded ^= generator if top >> bit & 1 else 0
    return folded


_FROM_BASE58 = _reverse(_BASE58)
_FROM_BECH32 = _reverse(_BECH32)
_TO_BECH32 = _BECH32.ljust(256, b"?")
_TO_BASE32 = _BASE32.ljust(256, b"?")
_STEPS = tuple(_step(top) for top in range(32))
_CASH_STEPS = tuple(_step(top, _CASH_GENERATOR) for top in range(32))
_LETTERS, _HIGH = _flags(b"abcdef"), _flags(b"89abcdef")


def _numbers(text: str, table: bytes, name: str) -> bytes:
    """Return the number of each character; refuse characters outside the alphabet."""
    if not text.isascii():
        raise AddressError("it holds a character that is not plain ASCII", remedy=_AGAIN)
    numbers = text.encode().translate(table)
    if 255 in numbers:
        at = numbers.index(255)
        raise AddressError(
            f"character {at + 1}, {text[at]!a}, is not in the {name} alphabet", remedy=_AGAIN
        )
    return numbers


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]


def base58check_encode(data: bytes) -> str:
    """Return data and the first four bytes of its double SHA-256 as base58."""
    whole = data + _checksum(data)
    number = int.from_bytes(whole)
    pairs = []
    while number:
        number, pair = divmod(number, 3364)
        pairs.append(_PAIRS[pair])
    zeros = len(whole) - len(whole.lstrip(b"\x00"))
    return "1" * zeros + "".join(reversed(pairs)).lstrip("1")


def base58check_decode(text: str) -> bytes:
    """Return the data of a base58check text, without its checksum.

    Raises
    ------
    AddressError
        If it is empty or too long, has a character outside the alphabet, or fails its checksum.
    """
    if not 6 <= len(text) <= LONGEST_BASE58:
        raise AddressError(f"{len(text)} characters is no length of a base58 text")
    digits = _numbers(text, _FROM_BASE58, "base58")
    number = 0
    for digit in digits:
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    whole = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
    if len(whole) < 5 or _checksum(whole[:-4]) != whole[-4:]:
        raise AddressError("its base58 checksum does not match", remedy=_AGAIN)
    return whole[:-4]


def _polymod(values: bytes, check: int) -> int:
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _STEPS[check >> 25]
    return check


@lru_cache(maxsize=64)
def _prefix_state(prefix: str) -> int:
    """Return the checksum's state after the human-readable part."""
    raw = prefix.encode()
    spread = bytes(byte >> 5 for byte in raw) + b"\x00" + bytes(byte & 31 for byte in raw)
    return _polymod(spread, 1)


def bech32_decode(text: str) -> tuple[str, bytes, int]:
    """Read a bech32 or bech32m text.

    Returns
    -------
    tuple of str, bytes, int
        The human-readable part in lower case, the 5-bit values without the checksum, and
        ``BECH32`` or ``BECH32M``.

    Raises
    ------
    AddressError
        If its length, case, characters or checksum break BIP 173 and BIP 350.
    """
    if len(text) > LONGEST_BECH32:
        raise AddressError(f"{len(text)} characters is no length of a bech32 text")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise AddressError("bech32 in mixed case is not valid", remedy=_AGAIN)
    prefix, mark, rest = lower.rpartition("1")
    if not (prefix and mark) or len(rest) < 6 or not all("!" <= item <= "~" for item in prefix):
        raise AddressError("it lacks the parts of a bech32 text", remedy=_AGAIN)
    values = _numbers(rest, _FROM_BECH32, "bech32")
    check = _polymod(values, _prefix_state(prefix))
    if check not in (BECH32, BECH32M):
        raise AddressError("its bech32 checksum does not match", remedy=_AGAIN)
    return prefix, values[:-6], check


def bech32_encode(prefix: str, values: bytes, variant: int) -> str:
    """Write 5-bit values under a lower-case human-readable part, with the variant's checksum."""
    check = _polymod(values + bytes(6), _prefix_state(prefix)) ^ variant
    tail = bytes(check >> shift & 31 for shift in range(25, -1, -5))
    return f"{prefix}1{(values + tail).translate(_TO_BECH32).decode()}"


def segwit_decode(text: str) -> tuple[str, int, bytes]:
    """Return the human-readable part, witness version and witness program of a segwit text.

    Raises
    ------
    AddressError
        If the text is no bech32, or version, length, padding or variant break BIP 141, 173 or 350.
    """
    prefix, values, variant = bech32_decode(text)
    if not values:
        raise AddressError("it has no witness version and no program", remedy=_AGAIN)
    version = values[0]
    size, spare = divmod(5 * (len(values) - 1), 8)
    if version > 16:
        raise AddressError(f"witness version {version} does not exist; the highest is 16")
    if not 2 <= size <= 40 or (version == 0 and size not in (20, 32)):
        raise AddressError(f"a program of {size} bytes is not valid in witness version {version}")
    if variant != (BECH32M if version else BECH32):
        wanted = "bech32m" if version else "bech32"
        raise AddressError(f"witness version {version} takes the checksum of {wanted}")
    number = int(values[1:].translate(_TO_BASE32), 32)
    if spare > 4 or number & ((1 << spare) - 1):
        raise AddressError("its padding is not valid", remedy=_AGAIN)
    return prefix, version, (number >> spare).to_bytes(size)


def segwit_encode(prefix: str, version: int, program: bytes) -> str:
    """Write a witness program: version 0 in bech32, every later version in bech32m."""
    count = (8 * len(program) + 4) // 5
    number = int.from_bytes(program) << (5 * count - 8 * len(program))
    values = bytes(number >> shift & 31 for shift in range(5 * (count - 1), -1, -5))
    return bech32_encode(prefix, bytes([version]) + values, BECH32M if version else BECH32)


def _cash_check(prefix: str, values: bytes) -> int:
    """Return the 40-bit checksum of CashAddr; 0 where values end in their own checksum."""
    check = 1
    for value in bytes(ord(item) & 31 for item in prefix) + b"\x00" + values:
        check = (check & 0x7FFFFFFFF) << 5 ^ value ^ _CASH_STEPS[check >> 35]
    return check ^ 1


def cashaddr_decode(text: str, prefix: str) -> tuple[int, bytes]:
    """Return the type (0 P2PKH, 1 P2SH, 2 and 3 the same with tokens) and hash of a CashAddr text.

    The prefix may be left out of the text, as most wallets do; it is part of the checksum all the
    same.

    Raises
    ------
    AddressError
        If its length, case, prefix, characters, checksum, padding or version are wrong.

    References
    ----------
    CashAddr specification of Bitcoin Cash; CHIP-2022-02 (types 2 and 3).
    """
    if len(text) > LONGEST_CASHADDR:
        raise AddressError(f"{len(text)} characters is no length of a CashAddr text")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise AddressError("CashAddr in mixed case is not valid", remedy=_AGAIN)
    stated, mark, rest = lower.rpartition(":")
    if mark and stated != prefix:
        raise AddressError(f"its prefix is {stated!a}, not {prefix!r}")
    values = _numbers(rest, _FROM_BECH32, "CashAddr")
    if len(values) < 10 or _cash_check(prefix, values):
        raise AddressError("its CashAddr checksum does not match", remedy=_AGAIN)
    size, spare = divmod(5 * (len(values) - 8), 8)
    number = int(values[:-8].translate(_TO_BASE32), 32)
    if spare > 4 or number & ((1 << spare) - 1):
        raise AddressError("its padding is not valid", remedy=_AGAIN)
    data = (number >> spare).to_bytes(size)
    if data[0] & 0x80 or len(data) - 1 != _CASH_SIZES[data[0] & 7]:
        raise AddressError(f"its version byte 0x{data[0]:02x} does not fit its length")
    return data[0] >> 3, data[1:]


def cashaddr_encode(prefix: str, kind: int, payload: bytes) -> str:
    """Write a hash of a type as CashAddr, with its prefix."""
    data = bytes([kind << 3 | _CASH_SIZES.index(len(payload))]) + payload
    count = (8 * len(data) + 4) // 5
    number = int.from_bytes(data) << (5 * count - 8 * len(data))
    values = bytes(number >> shift & 31 for shift in range(5 * (count - 1), -1, -5))
    check = _cash_check(prefix, values + bytes(8))
    tail = bytes(check >> shift & 31 for shift in range(35, -1, -5))
    return f"{prefix}:{(values + tail).translate(_TO_BECH32).decode()}"


@cache
def _keccak() -> Callable[[bytes], bytes]:
    from eth_hash.auto import keccak  # slow to import, and needed for EVM texts alone

    return keccak


def keccak(data: bytes) -> bytes:
    """Return Keccak-256, by which EVM chains and Tron make addresses of public keys."""
    return _keccak()(data)


def eip55_encode(payload: bytes) -> str:
    """Return 20 bytes as ``0x`` and 40 hex digits whose capitals are a checksum (EIP-55).

    A letter is a capital where the digit at its place in the Keccak-256 of the lower-case text
    is 8 or more. All 40 places are turned at once, as bits of one integer.
    """
    digits = payload.hex().encode()
    places = _keccak()(digits).hex()[:40].encode()
    turned = int.from_bytes(digits.translate(_LETTERS)) & int.from_bytes(places.translate(_HIGH))
    return "0x" + (int.from_bytes(digits) ^ turned).to_bytes(40).decode()


def eip55_decode(digits: str) -> bytes:
    """Return the 20 bytes of 40 hex digits; digits of mixed case must carry the right capitals.

    Raises
    ------
    AddressError
        If the capitals are not those of EIP-55.
    """
    payload = bytes.fromhex(digits)
    if digits in (digits.lower(), digits.upper()) or eip55_encode(payload) == f"0x{digits}":
        return payload
    raise AddressError("its capitals do not match the EIP-55 checksum", remedy=_AGAIN)
