"""The filter over the logs of a block, by which a log that a node leaves out shows itself.

The header of a block commits to it. It holds three bits for each address that logged and for each
topic: a log that is left out leaves bits that no other explains, unless others share all of them.

References
----------
Ethereum Yellow Paper, section 4.3.1 (transaction receipt).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from chainwatch.sources.evm.fields import Log

SIZE = 256
"""Bytes of a filter."""


@lru_cache(maxsize=100_000)
def _bits(item: str) -> int:
    """Return the bits that an address or topic sets, of its hexadecimal text."""
    from eth_hash.auto import keccak

    hashed = keccak(bytes.fromhex(item[2:]))
    bits = 0
    for place in (0, 2, 4):
        bits |= 1 << (int.from_bytes(hashed[place : place + 2], "big") % (8 * SIZE))
    return bits


def bloom_of(logs: Iterable[Log]) -> int:
    """Return the filter over logs, as a number; their hexadecimal texts must be sound."""
    bits = 0
    for log in logs:
        bits |= _bits(log.address)
        for topic in log.topics:
            bits |= _bits(topic)
    return bits
