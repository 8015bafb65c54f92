"""Writes undo data as a node does, and slowly: what the readers of it are tried with."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from chainwatch.bitcoin.block import parse_block
from chainwatch.chains.catalogue import chain as chain_of


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


def coin(height: int, value: int, script: bytes) -> bytes:
    """Return an output that was spent, as undo data writes it."""
    start = varint(height * 2) + (b"\0" if height else b"") + varint(packed(value))
    if len(script) == 25 and script.startswith(b"\x76\xa9\x14"):
        return start + b"\x00" + script[3:23]
    if len(script) == 23 and script.startswith(b"\xa9\x14"):
        return start + b"\x01" + script[2:22]
    if len(script) == 67 and script.startswith(b"\x41\x04"):
        return start + bytes([4 | script[65] & 1]) + script[2:34]
    if len(script) == 35 and script[0] == 0x21:
        return start + script[1:34]
    return start + varint(len(script) + 6) + script


def records_of(maker: ModuleType, blocks: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the frame of undo data of each block that has a parent."""
    coins: dict[tuple[bytes, int], bytes] = {}
    regtest = chain_of("btc-regtest")
    parsed = {raw: parse_block(raw, regtest, name="made") for raw in dict.fromkeys(blocks)}
    for block in parsed.values():
        for tx in block.txs:
            for n, (value, script) in enumerate(tx.outputs):
                coins[tx.txid, n] = coin(block.claimed_height or 0, value, script)
    records = {}
    for raw, block in parsed.items():
        if not any(block.header.parent):
            continue
        data = maker.compact(len(block.txs) - 1)
        for tx in block.txs[1:]:
            data += maker.compact(len(tx.inputs))
            data += b"".join(coins[txid, n] for txid, n, _ in tx.inputs)
        records[raw] = maker.framed(data) + maker.sha256d(block.header.parent + data)
    return records
