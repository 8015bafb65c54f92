"""Hashes of blocks and transactions: how they are made, shown, and read from what is shown."""

from __future__ import annotations

import hashlib
import re

HASH_SIZE = 32
"""Bytes."""

_DIGITS = re.compile(r"[0-9a-fA-F]{64}")


def double_sha256(data: bytes) -> bytes:
    """Return SHA-256 of SHA-256: the hash of Bitcoin's blocks and transactions."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def hash_text(name: bytes) -> str:
    """Return a hash as it is shown: reversed, in hexadecimal."""
    return name[::-1].hex()


def hash_from_hex(text: object) -> bytes | None:
    """Return a hash in wire order from its shown form; None of anything but 64 digits of it."""
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        return None
    return bytes.fromhex(text)[::-1]
