"""What a node answers over JSON about a block, put back into the block's own bytes.

The bytes then pass every check that a block file does, and no amount has been a JSON number on
the way.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from chainwatch.bitcoin.hashes import double_sha256
from chainwatch.errors import BlockError

_REMEDY = "ask for the block with verbosity 0, or with its transactions in hexadecimal"


def block_of_answer(
    block: Mapping[str, Any], transactions: Mapping[str, str | Mapping[str, Any]] | None = None
) -> bytes:
    """Return the bytes of a block from the answer of ``getblock``.

    Parameters
    ----------
    block : mapping
        Answer with verbosity 2, whose transactions carry ``hex``; or 1, which lists their ids.
    transactions : mapping, optional
        By txid as shown, what the answer lacks: ``hex`` itself, or the answer of
        ``getrawtransaction``. Which block such an answer names is not looked at: one id may stand
        in two blocks (BIP30).

    Returns
    -------
    bytes
        Header, count and transactions. Of a block mined together with another chain's the proof
        is missing, which a node does not answer in JSON: it will not pass as a block.

    Raises
    ------
    BlockError
        If something is missing, or the header does not hash to the hash of the answer.
    """
    where = f"block {str(block.get('hash'))[:64]!a}"
    try:
        header = _header(block)
        parts = [_raw(item, transactions or {}) for item in block["tx"]]
    except (KeyError, TypeError, ValueError, AttributeError, struct.error) as bad:
        what = "an answer lacks what a block is made of"
        raise BlockError(f"{what} ({bad!a:.80})", where=where, remedy=_REMEDY) from None
    if double_sha256(header)[::-1].hex() != block.get("hash"):
        what = "the header does not hash to the hash of the answer"
        raise BlockError(what, where=where, remedy=_REMEDY)
    return header + _compact(len(parts)) + b"".join(parts)


def _header(block: Mapping[str, Any]) -> bytes:
    parent = bytes.fromhex(block.get("previousblockhash") or bytes(32).hex())
    root = bytes.fromhex(block["merkleroot"])
    return (
        struct.pack("<I", block["version"] & 0xFFFFFFFF) + parent[::-1] + root[::-1]
        + struct.pack("<III", block["time"], int(block["bits"], 16), block["nonce"])
    )  # fmt: skip


def _raw(item: Any, transactions: Mapping[str, str | Mapping[str, Any]]) -> bytes:
    """Return a transaction: of its own entry, or of what was asked for besides."""
    if not (isinstance(item, Mapping) and "hex" in item):
        item = transactions[item["txid"] if isinstance(item, Mapping) else item]
    return bytes.fromhex(item if isinstance(item, str) else item["hex"])


def _compact(number: int) -> bytes:
    if number < 0xFD:
        return bytes([number])
    return (
        b"\xfd" + number.to_bytes(2, "little")
        if number < 2**16
        else (b"\xfe" + number.to_bytes(4, "little"))
    )
