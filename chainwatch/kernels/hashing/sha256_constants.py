"""The constants of SHA-256, computed from what defines them (FIPS 180-4)."""

from __future__ import annotations

from math import isqrt


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(number: int) -> int:
    """Return the whole part of a cube root."""
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low


START = tuple(isqrt(prime << 64) & 0xFFFFFFFF for prime in _primes(8))
"""First 32 bits behind the point of the square roots of the first eight primes."""

ROUNDS = tuple(_cube_root(prime << 96) & 0xFFFFFFFF for prime in _primes(64))
"""The same of the cube roots of the first 64 primes."""
