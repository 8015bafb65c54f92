"""Memos of THORChain and of chains that speak as it does: what was asked for, and what it answers.

A swap is asked for by ``=:ASSET:DESTINATION/REFUND_ADDRESS:LIMIT:...`` (``SWAP`` and ``S`` say the
same). What is paid out bears ``OUT:HASH``, what is given back ``REFUND:HASH``, with the hash of the
transaction that was paid in. On coin chains a memo is the data of an OP_RETURN output.

References
----------
THORChain developer documentation, *Transaction Memos*; thornode, ``x/thorchain/memo``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SWAP, OUT, REFUND = "swap", "out", "refund"

_WORDS = {"=": SWAP, "s": SWAP, "swap": SWAP, "out": OUT, "refund": REFUND}
_HASH = re.compile(r"(?:0x)?([0-9a-f]{64})")


class Memo(NamedTuple):
    """What a memo says: its kind, whom a swap is to be paid to, and whose payout it is.

    ``destination`` is text as it stands there, an address or a name; ``paid_in`` the hash of the
    transaction that was paid in, in small letters.
    """

    kind: str
    asset: str = ""
    destination: str = ""
    paid_in: str = ""


def read_memo(text: str) -> Memo | None:
    """Return what a memo says; None of one that is none of a swap.

    Examples
    --------
    >>> read_memo("=:ETH.ETH:0x7a09:100/1/0:t:30").destination
    '0x7a09'
    >>> read_memo("OUT:" + "AB" * 32).paid_in == "ab" * 32
    True
    """
    word, *parts = text.strip().split(":")
    kind = _WORDS.get(word.lower())
    if kind is None or not parts:
        return None
    if kind == SWAP:
        destination = parts[1].split("/")[0] if len(parts) > 1 else ""
        return Memo(SWAP, parts[0], destination)
    found = _HASH.fullmatch(parts[0].strip().lower())
    return Memo(kind, paid_in=found[1]) if found else None


def memo_of_script(script: bytes | None) -> Memo | None:
    """Return the memo that an OP_RETURN script carries; None where it carries none."""
    data = pushed(script or b"")
    if data is None:
        return None
    try:
        return read_memo(data.decode("ascii"))
    except UnicodeDecodeError:
        return None


def pushed(script: bytes) -> bytes | None:
    """Return what the pushes of an OP_RETURN script hold together; None where it is cut or other.

    Examples
    --------
    >>> pushed(bytes.fromhex("6a03") + b"abc")
    b'abc'
    >>> pushed(bytes.fromhex("6a05") + b"abc") is None
    True
    """
    if script[:1] != b"\x6a":
        return None
    data, at = b"", 1
    while at < len(script):
        code, at = script[at], at + 1
        width = {0x4C: 1, 0x4D: 2, 0x4E: 4}.get(code, 0)
        if code > 0x4E or at + width > len(script):
            return None
        size = int.from_bytes(script[at : at + width], "little") if width else code
        at += width
        if at + size > len(script):
            return None
        data, at = data + script[at : at + size], at + size
    return data
