"""RIPEMD-160 of 32 bytes, compiled: the second half of the hash in addresses (BIP 16, BIP 141).

References
----------
Dobbertin, Bosselaers, Preneel: RIPEMD-160, a strengthened version of RIPEMD (1996), appendix A.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32

from chainwatch.kernels.jit import bare

_START = np.array((0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0), np.uint32)


def _orders() -> tuple[list[int], list[int]]:
    """Return which word each of the 80 steps of the left and of the right line takes."""
    turn = (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8)
    left = list(range(16))
    right = [(9 * k + 5) % 16 for k in range(16)]
    lines = (left, right)
    for line in lines:
        for step in range(4):
            line += [turn[word] for word in line[16 * step :]]
    return left, right


_SHIFTS = (
    "befc5879bdef6798 768db97f7cf9b7dc bd67e9dfe8d65c75 bcefef989e56865c 9f5b68dc5cdeb856",
    "899bdff5778beec6 9df7c89b77c76fdb 97fb866ecd5edd75 f58bee6e69c9c5f8 85c9c5e68d65fdbb",
)
"""How far each step turns, left line and right line, one hexadecimal digit a step."""

_LEFT, _RIGHT = (np.array(order, np.int64) for order in _orders())
_TURN_LEFT, _TURN_RIGHT = (
    np.array([int(digit, 16) for digit in line.replace(" ", "")], np.int64) for line in _SHIFTS
)
_ADD_LEFT = np.array((0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E), np.uint32)
_ADD_RIGHT = np.array((0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0), np.uint32)


@bare
def _turned(x: Any, n: int) -> Any:
    return uint32((x << uint32(n)) | (x >> uint32(32 - n)))


@bare
def _mixed(group: int, x: Any, y: Any, z: Any) -> Any:
    """Return the function of a group of 16 steps."""
    if group == 0:
        return x ^ y ^ z
    if group == 1:
        return (x & y) | (~x & z)
    if group == 2:
        return (x | ~y) ^ z
    if group == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


@bare
def ripemd160_of_32(data: Any, p: int, words: Any, out: Any, q: int) -> None:
    """Write the digest of 32 bytes at ``p`` to ``out`` at ``q``; ``words`` holds 16 of 32 bits."""
    for i in range(8):
        at = p + 4 * i
        words[i] = (
            uint32(data[at])
            | uint32(data[at + 1]) << uint32(8)
            | uint32(data[at + 2]) << uint32(16)
            | uint32(data[at + 3]) << uint32(24)
        )
    for i in range(8, 16):
        words[i] = uint32(0)
    words[8], words[14] = uint32(0x80), uint32(256)  # the end mark, and the length in bits
    a, b, c, d, e = _START[0], _START[1], _START[2], _START[3], _START[4]
    f, g, h, i, j = a, b, c, d, e
    for step in range(80):
        group = step >> 4
        turned = _turned(
            uint32(a + _mixed(group, b, c, d) + words[_LEFT[step]] + _ADD_LEFT[group]),
            _TURN_LEFT[step],
        )
        a, e, d, c, b = e, d, _turned(c, 10), b, uint32(turned + e)
        turned = _turned(
            uint32(f + _mixed(4 - group, g, h, i) + words[_RIGHT[step]] + _ADD_RIGHT[group]),
            _TURN_RIGHT[step],
        )
        f, j, i, h, g = j, i, _turned(h, 10), g, uint32(turned + j)
    made = (
        uint32(_START[1] + c + i), uint32(_START[2] + d + j), uint32(_START[3] + e + f),
        uint32(_START[4] + a + g), uint32(_START[0] + b + h),
    )  # fmt: skip
    for k in range(5):
        for byte in range(4):
            out[q + 4 * k + byte] = np.uint8((made[k] >> uint32(8 * byte)) & uint32(255))
