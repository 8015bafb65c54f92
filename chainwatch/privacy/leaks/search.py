"""Many needles in one pass over bytes: eight bytes at each place, looked up in a table.

Each needle is found by its last eight bytes, which are the least alike: addresses of a chain all
begin in the same way. A small table of what these bytes hash to leaves few places to look at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from chainwatch.privacy.leaks.forms import SHORTEST, Needle

_BITS = 20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: multiplying by it spreads numbers (Knuth, 6.4)."""


class Hit(NamedTuple):
    """A needle, and where it begins."""

    needle: Needle
    start: int


class Search:
    """Needles, ready to be looked for."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        listed = list(dict.fromkeys(needles))
        self._folded = _Table([one for one in listed if one.folded])
        self._exact = _Table([one for one in listed if not one.folded])

    def in_bytes(self, data: bytes) -> Iterator[Hit]:
        """Yield what stands in bytes: texts whatever their capitals, everything else as it is."""
        yield from self._exact.hits(data)
        yield from self._folded.hits(data.lower())


class _Table:
    def __init__(self, needles: list[Needle]) -> None:
        self.by_end: dict[int, list[Needle]] = defaultdict(list)
        for one in needles:
            self.by_end[int.from_bytes(one.data[-SHORTEST:], "little")].append(one)
        self.ends = np.array(sorted(self.by_end), dtype=np.uint64)
        self.likely = np.zeros(1 << _BITS, dtype=bool)
        self.likely[_slots(self.ends)] = True

    def hits(self, data: bytes) -> Iterator[Hit]:
        if not len(self.ends):
            return
        for offset in range(SHORTEST):
            count = (len(data) - offset) // SHORTEST
            if count <= 0:
                return
            words = np.frombuffer(data, "<u8", count, offset)
            places = np.flatnonzero(self.likely[_slots(words)])
            found = words[places]
            nearest = np.searchsorted(self.ends, found).clip(max=len(self.ends) - 1)
            for place in places[self.ends[nearest] == found]:
                end = offset + (int(place) + 1) * SHORTEST
                for one in self.by_end[int(words[place])]:
                    start = end - len(one.data)
                    if start >= 0 and data.startswith(one.data, start):
                        yield Hit(one, start)


def _slots(words: np.ndarray) -> np.ndarray:
    """Return where numbers stand in a table of ``2**_BITS``."""
    return ((words * _SPREAD) >> np.uint64(64 - _BITS)).astype(np.int64)
