"""Blocks one after another: their transactions, then what ties them to the header."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainwatch.kernels import block_columns as at
from chainwatch.kernels.hashing.sha256_loops import double_of, merkle
from chainwatch.kernels.jit import bare, compiled
from chainwatch.kernels.parse_loops import count_at, fails, transaction_at

_HEADER = at.HEADER_SIZE


@bare
def block_at(
    data: Any, begin: int, end: int, txs: Any, ins: Any, outs: Any, filled: Any, block: Any,
    rules: Any, seed: Any, table: Any, fail: Any,
) -> Any:  # fmt: skip
    """Read the transactions of one block; return the place after it."""
    count, p = count_at(data, begin + _HEADER, end, at.SMALLEST_TX, at.NO_ROOM_TXS, fail)
    if p < 0:
        return -1
    block[at.BLOCK_BEGIN], block[at.BLOCK_END], block[at.BLOCK_TX] = begin, end, filled[0]
    block[at.BLOCK_COMMITMENT] = block[at.BLOCK_NONCE] = -1
    block[at.BLOCK_WITNESSED] = block[at.BLOCK_EXTENDED] = 0
    odd = -1
    for k in range(count):
        p, new = transaction_at(
            data, p, end, txs, ins, outs, filled, block, rules, seed, table, fail
        )
        if p < 0:
            return -1
        extended = txs[filled[0] - 1, at.TX_EXTENDED] != 0
        if extended and (k == 0 or k != count - 1):
            return fails(fail, at.OUT_OF_PLACE, txs[filled[0] - 1, at.TX_START], 0)
        block[at.BLOCK_EXTENDED] = extended
        if odd < 0 and new != (k == 0):
            odd = k
        if k == 0 and filled[1] - txs[block[at.BLOCK_TX], at.TX_FIRST_IN] != 1:
            odd = 0
    if block[at.BLOCK_EXTENDED] != 0:
        if p >= end:
            return fails(fail, at.SHORT, end, 0)
        # A byte says whether an extension block follows, which is not read.
        if data[p] == 1 or (data[p] == 0 and p + 1 == end):
            p = end
    if p != end:
        return fails(fail, at.LEFT_OVER, p, end - p)
    if odd >= 0:
        return fails(fail, at.BAD_COINBASE, begin + _HEADER, odd)
    size = block[at.BLOCK_SCRIPT_END] - block[at.BLOCK_SCRIPT]
    if count == 0 or size < 2 or size > 100:
        return fails(fail, at.NO_COINBASE, begin + _HEADER, 0)
    find_commitment(data, txs, outs, filled, block)
    return p


@bare
def find_commitment(data: Any, txs: Any, outs: Any, filled: Any, block: Any) -> None:
    """Note where the coinbase commits to the witnesses: in its last output of that form."""
    first = block[at.BLOCK_TX]
    last = txs[first + 1, at.TX_FIRST_OUT] if filled[0] > first + 1 else filled[2]
    for row in range(txs[first, at.TX_FIRST_OUT], last):
        p = outs[row, at.OUT_SCRIPT]
        if (
            outs[row, at.OUT_SCRIPT_END] - p >= 38
            and data[p] == 0x6A
            and data[p + 1] == 0x24
            and data[p + 2] == 0xAA
            and data[p + 3] == 0x21
            and data[p + 4] == 0xA9
            and data[p + 5] == 0xED
        ):
            block[at.BLOCK_COMMITMENT] = p + 6


@bare
def scan(
    data: Any, begins: Any, ends: Any, rules: Any, seed: Any, table: Any,
    blocks: Any, txs: Any, ins: Any, outs: Any, filled: Any, fail: Any,
) -> Any:  # fmt: skip
    """Read blocks until one fails; return how many passed, and in ``filled`` their rows."""
    for k in range(begins.size):
        t, i, o = filled[0], filled[1], filled[2]
        p = block_at(
            data, begins[k], ends[k], txs, ins, outs, filled, blocks[k], rules, seed, table, fail
        )
        if p < 0:
            filled[0], filled[1], filled[2] = t, i, o
            return k
    return begins.size


@bare
def differs(data: Any, p: int, digest: Any) -> bool:
    """Compare 32 bytes of the data with a digest."""
    for k in range(32):  # noqa: SIM110  # compiled code takes no generator
        if data[p + k] != digest[k]:
            return True
    return False


@compiled
def bind(data: Any, blocks: Any, count: Any, txids: Any, wtxids: Any, fail: Any, way: Any) -> Any:
    """Check merkle roots and witness commitments until one fails; return how many passed."""
    both, digest = np.empty(64, np.uint8), np.empty(32, np.uint8)
    for k in range(blocks.shape[0]):
        block, first = blocks[k], blocks[k, at.BLOCK_TX]
        place = block[at.BLOCK_BEGIN] + _HEADER
        root, twice = merkle(txids[first : first + count[k]], way)
        if twice:
            fails(fail, at.REPEATED, place, 0)
            return k
        if differs(data, block[at.BLOCK_BEGIN] + 36, root):
            fails(fail, at.BAD_ROOT, place, 0)
            return k
        if block[at.BLOCK_WITNESSED] == 0:
            continue
        if block[at.BLOCK_COMMITMENT] < 0 or block[at.BLOCK_NONCE] < 0:
            fails(fail, at.NO_COMMITMENT, place, 0)
            return k
        leaves = wtxids[first : first + count[k]].copy()
        leaves[0] = 0
        root, twice = merkle(leaves, way)
        if twice:
            fails(fail, at.REPEATED, place, 0)
            return k
        both[:32] = root
        both[32:] = data[block[at.BLOCK_NONCE] : block[at.BLOCK_NONCE] + 32]
        double_of(both, 0, 64, digest, way)
        if differs(data, block[at.BLOCK_COMMITMENT], digest):
            fails(fail, at.BAD_COMMITMENT, place, 0)
            return k
    return blocks.shape[0]
