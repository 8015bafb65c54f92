"""Double SHA-256 over spliced spans, and merkle roots, compiled.

``way`` chooses the compression when a loop is compiled, not when it runs: ``None`` takes the
processor's SHA instructions, a number takes plain arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32, uint64

from chainwatch.kernels.hashing.sha256_constants import ROUNDS, START
from chainwatch.kernels.hashing.sha256_ni import compress_ni
from chainwatch.kernels.jit import bare, compiled

STATE = 8 + 64
"""Words of a state: eight, and room for those of the rounds."""

_START = np.array(START, np.uint32)
_ROUNDS = np.array(ROUNDS, np.uint32)


@bare
def turned(x: Any, n: int) -> Any:
    """Rotate 32 bits to the right."""
    return uint32((x >> uint32(n)) | (x << uint32(32 - n)))


@bare
def scheduled(data: Any, p: int, words: Any) -> None:
    """Spread a block of 64 bytes over the 64 words of the rounds."""
    for i in range(16):
        q = p + 4 * i
        words[i] = (
            uint32(data[q]) << uint32(24)
            | uint32(data[q + 1]) << uint32(16)
            | uint32(data[q + 2]) << uint32(8)
            | uint32(data[q + 3])
        )
    for i in range(16, 64):
        x, y = words[i - 15], words[i - 2]
        low = turned(x, 7) ^ turned(x, 18) ^ (x >> uint32(3))
        high = turned(y, 17) ^ turned(y, 19) ^ (y >> uint32(10))
        words[i] = uint32(words[i - 16] + words[i - 7] + low + high)


@bare
def compress_plain(state: Any, data: Any, p: int, count: int) -> None:
    """Mix blocks into the state with plain arithmetic."""
    words = state[8:]
    for _ in range(count):
        scheduled(data, p, words)
        a, b, c, d = state[0], state[1], state[2], state[3]
        e, f, g, h = state[4], state[5], state[6], state[7]
        for i in range(64):
            mixed = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
            one = uint32(h + mixed + ((e & f) ^ (~e & g)) + _ROUNDS[i] + words[i])
            mixed = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
            two = uint32(mixed + ((a & b) ^ (a & c) ^ (b & c)))
            h, g, f, e = g, f, e, uint32(d + one)
            d, c, b, a = c, b, a, uint32(one + two)
        state[0], state[1] = uint32(state[0] + a), uint32(state[1] + b)
        state[2], state[3] = uint32(state[2] + c), uint32(state[3] + d)
        state[4], state[5] = uint32(state[4] + e), uint32(state[5] + f)
        state[6], state[7] = uint32(state[6] + g), uint32(state[7] + h)
        p += 64


@bare
def compress(state: Any, data: Any, p: int, count: int, way: Any) -> None:
    """Mix blocks into the state in the way chosen."""
    if way is None:
        compress_ni(state, data, p, count)  # type: ignore[call-arg]  # numba gives the first
    else:
        compress_plain(state, data, p, count)


@bare
def begin(state: Any) -> None:
    """Set the state to its start."""
    for i in range(8):
        state[i] = _START[i]


@bare
def absorb(state: Any, buffer: Any, held: int, data: Any, p: int, end: int, way: Any) -> int:
    """Take in a span; return how many bytes wait in the buffer for a full block."""
    if held:
        while held < 64 and p < end:
            buffer[held] = data[p]
            held += 1
            p += 1
        if held < 64:
            return held
        compress(state, buffer, 0, 1, way)
    whole = (end - p) >> 6
    if whole:
        compress(state, data, p, whole, way)
    p += whole << 6
    held = end - p
    for k in range(held):
        buffer[k] = data[p + k]
    return held


@bare
def finish(state: Any, buffer: Any, held: int, length: int, out: Any, way: Any) -> None:
    """Pad, take in what waits, and write the digest of ``length`` bytes."""
    buffer[held] = 0x80
    size = 64 if held < 56 else 128
    for k in range(held + 1, size - 8):
        buffer[k] = 0
    bits = uint64(length) * uint64(8)
    for k in range(8):
        buffer[size - 8 + k] = np.uint8((bits >> uint64(56 - 8 * k)) & uint64(255))
    compress(state, buffer, 0, size >> 6, way)
    for i in range(8):
        for k in range(4):
            out[4 * i + k] = np.uint8((state[i] >> uint32(24 - 8 * k)) & uint32(255))


@bare
def again(state: Any, buffer: Any, out: Any, way: Any) -> None:
    """Replace a digest by the digest of it."""
    begin(state)
    for k in range(32):
        buffer[k] = out[k]
    finish(state, buffer, 32, 32, out, way)


@compiled
def hash_spans(data: Any, spans: Any, out: Any, way: Any) -> None:
    """Write the double hash of each row's spans, taken one after the other."""
    state, buffer = np.empty(STATE, np.uint32), np.empty(128, np.uint8)
    for row in range(spans.shape[0]):
        begin(state)
        held, length = 0, 0
        for k in range(0, spans.shape[1], 2):
            p, end = spans[row, k], spans[row, k + 1]
            held = absorb(state, buffer, held, data, p, end, way)
            length += end - p
        finish(state, buffer, held, length, out[row], way)
        again(state, buffer, out[row], way)


@compiled
def double_of(data: Any, p: int, end: int, out: Any, way: Any) -> None:
    """Write the double hash of one span."""
    state, buffer = np.empty(STATE, np.uint32), np.empty(128, np.uint8)
    begin(state)
    held = absorb(state, buffer, 0, data, p, end, way)
    finish(state, buffer, held, end - p, out, way)
    again(state, buffer, out, way)


@compiled
def merkle(leaves: Any, way: Any) -> tuple[Any, bool]:
    """Return the root over ids, and whether equal neighbours make it ambiguous."""
    count = leaves.shape[0]
    level = np.empty((count + 1) * 32, np.uint8)
    state, buffer = np.empty(STATE, np.uint32), np.empty(128, np.uint8)
    for row in range(count):
        for k in range(32):
            level[32 * row + k] = leaves[row, k]
    while count > 1:
        for pair in range(count // 2):
            alike = True
            for k in range(32):
                alike &= level[64 * pair + k] == level[64 * pair + 32 + k]
            if alike:
                return level[:32], True
        if count & 1:
            for k in range(32):
                level[32 * count + k] = level[32 * count - 32 + k]
            count += 1
        count //= 2
        for pair in range(count):
            begin(state)
            compress(state, level, 64 * pair, 1, way)
            made = level[32 * pair : 32 * pair + 32]
            finish(state, buffer, 0, 64, made, way)
            again(state, buffer, made, way)
    return level[:32], False
