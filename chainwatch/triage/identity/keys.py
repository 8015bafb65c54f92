"""Fingerprints of OpenPGP keys and contacts as people write them, in one form each."""

from __future__ import annotations

import re

from chainwatch.errors import TagError

FULL = {40: "version 4", 64: "version 6"}
"""Digits of fingerprints that nobody can make another key for, and of which version they are."""

SHORT = {8: "short id", 16: "long id", 32: "version 3 fingerprint"}
"""Digits of names of keys for which others can be made: they name a key and prove nothing."""

_HEX = re.compile(r"[0-9A-F]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,20})\s*:\s*(.+)", re.IGNORECASE | re.DOTALL)


def fingerprint_of(text: str) -> str:
    """Return a fingerprint or an id of a key in capitals, without blanks, colons and ``0x``.

    Raises
    ------
    TagError
        If it is none of any version.

    Examples
    --------
    >>> fingerprint_of("0x 0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567")
    '0123456789ABCDEF0123456789ABCDEF01234567'
    """
    bare = "".join(text.split()).replace(":", "").upper().removeprefix("0X")
    if not _HEX.fullmatch(bare) or len(bare) not in (*FULL, *SHORT):
        raise TagError(
            f"a fingerprint of {len(bare)} characters is none",
            remedy="write its 40 or 64 digits from 0 to F; an id of 8 or 16 digits is a lead alone",
        )
    return bare


def is_full(fingerprint: str) -> bool:
    """Tell whether nobody can make another key of a fingerprint."""
    return len(fingerprint) in FULL


def contact_of(text: str) -> str:
    """Return a contact in one form: the service in front, and no difference of capitals.

    Raises
    ------
    TagError
        If it does not say of which service it is.

    Examples
    --------
    >>> contact_of("Telegram: @Kelp_Shop"), contact_of("Kelp@Example.org")
    ('telegram:kelp_shop', 'mail:kelp@example.org')
    """
    said = text.strip()
    found = _SCHEME.fullmatch(said)
    if found:
        return f"{found[1].casefold()}:{found[2].strip().lstrip('@').casefold()}"
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", said):
        return f"mail:{said.casefold()}"
    raise TagError(
        "a contact that does not say of which service it is",
        remedy="write it as telegram:name, session:id or name@example.org",
    )


__all__ = ["FULL", "SHORT", "contact_of", "fingerprint_of", "is_full"]
