"""Undo data of a node: what the inputs of a block spent, as the node noted it to go back.

A ``rev`` record lists for each transaction but the coinbase the outputs that it spent, in the
order of its inputs, with amounts and scripts in a compressed form. Its checksum is over the hash
of the block before and the data: that is what ties a record to its block.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.bitcoin.consensus import FieldError, Tx
from chainwatch.bitcoin.hashes import double_sha256, hash_text
from chainwatch.bitcoin.spent import Output

CHECKSUM = 32
"""Bytes after each record."""

_SMALLEST_COIN = 3  # place of origin, amount, length of the script
_BITS = 57  # of a number to which seven more can be added: any is below 2**64
_CUT_OFF = "the undo data ends in the middle of a field"
_FIELD = 2**256 - 2**32 - 977  # the prime of secp256k1
_SPECIAL = 6  # lower lengths stand for the forms of script below
_P2PKH, _P2SH = 0, 1


def checksum(parent: bytes, data: bytes) -> bytes:
    """Return what stands after a record: double SHA-256 of the block before and the data."""
    return double_sha256(parent + data)


def parse_undo(data: bytes, supply: int, *, extended: bool = False) -> list[list[Output]]:
    """Return for each transaction but the coinbase what its inputs spent.

    Parameters
    ----------
    data : bytes
        One record, without its checksum.
    supply : int
        Largest amount of the chain, base units.
    extended : bool
        An extension block follows the block: what belongs to it follows here too, and is not read.

    Raises
    ------
    FieldError
        If anything is cut off, left over or out of range.

    References
    ----------
    ``undo.h``, ``compressor.h`` and ``serialize.h`` of the reference implementation.
    """
    try:
        count, at = _compact(data, 0)
        _check_fits(count, 1, data, at)
        spent = []
        for _ in range(count):
            coins, at = _compact(data, at)
            _check_fits(coins, _SMALLEST_COIN, data, at)
            items = []
            for _ in range(coins):
                coin, at = _coin(data, at, supply)
                items.append(coin)
            spent.append(items)
    except IndexError:
        raise FieldError(_CUT_OFF, len(data)) from None
    if at != len(data) and not extended:
        raise FieldError(f"{len(data) - at:,} bytes follow the undo data", at)
    return spent


def check_spent(txs: Sequence[Tx], spent: Sequence[Sequence[Output]], supply: int) -> None:
    """Refuse undo data that is not of these transactions, or lets one pay more than it spends.

    Raises
    ------
    FieldError
        With the transaction that does not fit.
    """
    if [len(tx.inputs) for tx in txs] != [len(coins) for coins in spent]:
        raise FieldError("the undo data is not of the block that it belongs to", 0)
    for tx, coins in zip(txs, spent, strict=True):
        total, name = sum(value for value, _ in coins), hash_text(tx.txid)
        if total > supply:
            raise FieldError(f"transaction {name} spends more than the supply", 0)
        if total < sum(value for value, _ in tx.outputs):
            raise FieldError(f"transaction {name} pays more than its undo data lets it", 0)


def _check_fits(count: int, smallest: int, data: bytes, at: int) -> None:
    if count * smallest > len(data) - at:
        raise FieldError(f"{count:,} entries cannot fit into the undo data", at)


def _coin(data: bytes, at: int, supply: int) -> tuple[Output, int]:
    origin, at = _varint(data, at)
    if origin >> 1:
        _, at = _varint(data, at)  # a version, kept for the sake of older nodes
    packed, at = _varint(data, at)
    value = unpacked_amount(packed)
    if value > supply:
        raise FieldError("an amount of the undo data is outside the supply", at)
    form, at = _varint(data, at)
    size = form - _SPECIAL if form >= _SPECIAL else 20 if form in (_P2PKH, _P2SH) else 32
    end = at + size
    if end > len(data):
        raise FieldError("the undo data ends in the middle of a script", len(data))
    script = data[at:end] if form >= _SPECIAL else _unpacked_script(form, data[at:end], at)
    return (value, script), end


def _compact(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 0xFD:
        return first, at + 1
    end = at + 1 + {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
    if end > len(data):
        raise FieldError(_CUT_OFF, len(data))
    return int.from_bytes(data[at + 1 : end], "little"), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte, the highest first, each continuation adding one."""
    number = 0
    while not number >> _BITS:
        byte = data[at]
        number = number << 7 | byte & 0x7F
        at += 1
        if byte < 0x80:
            return number, at
        number += 1
    raise FieldError("a number of the undo data is longer than any can be", at)


def unpacked_amount(packed: int) -> int:
    """Return the amount of its compressed form, which leaves out trailing zeros."""
    if packed == 0:
        return 0
    rest, zeros = divmod(packed - 1, 10)
    if zeros < 9:
        rest, digit = divmod(rest, 9)
        return (rest * 10 + digit + 1) * int(10**zeros)
    return (rest + 1) * 10**9


def _unpacked_script(form: int, payload: bytes, at: int) -> bytes:
    if form == _P2PKH:
        return b"\x76\xa9\x14" + payload + b"\x88\xac"
    if form == _P2SH:
        return b"\xa9\x14" + payload + b"\x87"
    if form in (2, 3):
        return b"\x21" + bytes([form]) + payload + b"\xac"
    return b"\x41\x04" + payload + _other_half(payload, form & 1, at) + b"\xac"


def _other_half(payload: bytes, odd: int, at: int) -> bytes:
    """Return the second coordinate of a point of secp256k1, of which the node kept the parity."""
    x = int.from_bytes(payload)
    square = (pow(x, 3, _FIELD) + 7) % _FIELD
    y: int = pow(square, (_FIELD + 1) // 4, _FIELD)
    if x >= _FIELD or y * y % _FIELD != square:
        raise FieldError("a public key of the undo data is no point of the curve", at)
    return (y if y & 1 == odd else _FIELD - y).to_bytes(32)


def check_half_key(payload: bytes, at: int) -> None:
    """Refuse a coordinate that no point of the curve has.

    Raises
    ------
    FieldError
        If it has none.
    """
    _other_half(payload, 0, at)
