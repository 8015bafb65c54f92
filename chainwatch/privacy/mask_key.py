"""The key of the pseudonyms of a case: read from its file, and one of each recipient's own."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from chainwatch.errors import InputError


def read_mask_key(path: str | Path) -> bytes:
    """Read a mask key as ``annex/mask_key.txt`` holds it.

    Raises
    ------
    InputError
        If there is no such file, or it is no hexadecimal key of at least 16 bytes; the key is never
        shown.
    """
    what = "the mask key cannot be read"
    try:
        key = bytes.fromhex(Path(path).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        key, what = b"", "the mask key is missing: there is no such file"
    except (OSError, ValueError):
        key = b""
    if len(key) < 16:
        raise InputError(
            what, where=str(path), remedy="give a file with at least 32 hexadecimal digits"
        )
    return key


def recipient_key(key: bytes, recipient: str) -> bytes:
    """Return the key of the pseudonyms that one recipient is given; the same name has the same.

    Two recipients cannot join what they were given by its pseudonyms. Whoever has the key of the
    case can make the key of each of them, and nobody can go back.

    Parameters
    ----------
    key : bytes
        The key of the case.
    recipient : str
        Their name, without blanks at its ends.
    """
    return hmac.new(
        key, b"chainwatch recipient\x00" + recipient.strip().encode(), hashlib.sha256
    ).digest()
