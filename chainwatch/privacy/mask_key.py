"""The key of the pseudonyms of a case: read from its file, and one of each recipient's own.

Keys protect against joining by name only: rows that are like no other without their pseudonyms
join what two recipients hold, whatever the keys.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from pathlib import Path

from chainwatch.errors import InputError
from chainwatch.sanitize import visible


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


def recipient_name(text: str) -> str:
    """Return a recipient's name in the one form of which their key is made, and which is shown.

    Composed characters (NFC), and one space for each run of blanks: what looks the same is the
    same name.

    Raises
    ------
    InputError
        If it holds a control character or one that nobody sees.
    """
    name = unicodedata.normalize("NFC", text)
    if visible(name, keep="") != re.sub(r"[^\S\t\n\r\v\f]", " ", name):
        raise InputError(
            "the name of a recipient holds a control character or one that nobody sees",
            where=visible(name)[:100], remedy="write it in plain letters",
        )  # fmt: skip
    return " ".join(name.split())


def recipient_key(key: bytes, recipient: str) -> bytes:
    """Return the key of the pseudonyms that one recipient is given; the same name has the same.

    Two recipients cannot join what they were given by its pseudonyms; by rows that are like no
    other they can. Whoever has the key of the case can make the key of each of them, and nobody can
    go back.

    Parameters
    ----------
    key : bytes
        The key of the case.
    recipient : str
        Their name; nothing gives the key of a bundle for nobody named, which is none of theirs.

    Raises
    ------
    InputError
        If the name holds what nobody sees.
    """
    name = recipient_name(recipient).encode()
    return hmac.new(key, b"chainwatch recipient\x00" + name, hashlib.sha256).digest()
