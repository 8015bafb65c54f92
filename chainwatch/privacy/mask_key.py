"""The key of the pseudonyms of a case, read from its file; it is never shown."""

from __future__ import annotations

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
