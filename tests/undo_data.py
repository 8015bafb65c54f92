"""Writes undo data as a node does, and slowly: what the readers of it are tried with."""

from __future__ import annotations


def varint(number: int) -> bytes:
    """Return a number as undo data writes it."""
    out = bytes([number & 0x7F])
    while number > 0x7F:
        number = (number >> 7) - 1
        out = bytes([number & 0x7F | 0x80]) + out
    return out


def packed(amount: int) -> int:
    """Compress an amount as the reference implementation does."""
    zeros = 0
    while amount and amount % 10 == 0 and zeros < 9:
        amount, zeros = amount // 10, zeros + 1
    if zeros == 9 or not amount:
        return 10 * amount
    return 1 + (amount // 10 * 9 + amount % 10 - 1) * 10 + zeros
