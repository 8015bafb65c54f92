"""Many needles in one pass over bytes: eight bytes at each place, looked up in a table.

Each needle is found by its last eight bytes, which are the least alike: addresses of a chain all
begin in the same way. A small table of what these bytes hash to leaves few places to look at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from chainwatch.privacy.leaks.forms import BEGINNING, SHORTENED, SHORTEST, TELLING, Needle, Whole

_BITS = 20
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: multiplying by it spreads numbers (Knuth, 6.4)."""


class Hit(NamedTuple):
    """A needle, and where it begins."""

    needle: Needle
    start: int


class Search:
    """Needles, ready to be looked for."""

    def __init__(self, needles: Iterable[Needle], whole: Iterable[Whole] = ()) -> None:
        listed = _telling(dict.fromkeys(needles))
        self._folded = _Table([one for one in listed if one.folded])
        self._exact = _Table([one for one in listed if not one.folded])
        self._shortened = _Shortened(whole)

    def in_bytes(self, data: bytes) -> Iterator[Hit]:
        """Yield what stands in bytes: texts whatever their capitals, everything else as it is."""
        lower = data.lower()
        yield from self._exact.hits(data)
        folded = list(self._folded.hits(lower))
        # A beginning is told of where no more than it stands there.
        more = {(hit.needle.who, hit.start) for hit in folded if hit.needle.form != BEGINNING}
        short = [hit for hit in self._shortened.hits(lower)
                 if (hit.needle.who, hit.start) not in more]  # fmt: skip
        more |= {(hit.needle.who, hit.start) for hit in short}
        for hit in [*folded, *short]:
            if hit.needle.form != BEGINNING or (hit.needle.who, hit.start) not in more:
                yield hit


def _telling(needles: Iterable[Needle]) -> list[Needle]:
    """Return needles without the beginnings that several share: such a one names nobody."""
    listed = list(needles)
    whose: dict[bytes, set[str]] = defaultdict(set)
    for one in listed:
        if one.form == BEGINNING:
            whose[one.data].add(one.who)
    return [one for one in listed if one.form != BEGINNING or len(whose[one.data]) == 1]


_DOTS = b"\xe2\x80\xa6|\\.{2,8}|\\\\u2026|&hellip;|&#8230;|&#x2026;|\xe2\x8b\xaf|\xc2\x85"
_PARTED = re.compile(
    rb"(?<![0-9a-z])([0-9a-z:]{4,120})[ \t\[(]{0,3}(?:(?P<dots>" + _DOTS
    + rb")|[-_~*]{1,8}|\xe2\x80[\x90-\x95])[ \t\])]{0,3}(?=([0-9a-z]{4,120}))"
)  # fmt: skip
_FIRST, _LAST = 4, 4
"""Characters of a shortened text that are kept at least at either side of dots."""
_FIRST_ELSE = 6
"""And before any other sign, which parts many words that are none."""


class _Shortened:
    """Texts of which a beginning and an end stand at the two sides of dots, in any cut."""

    def __init__(self, whole: Iterable[Whole]) -> None:
        self.by_sides: dict[tuple[bytes, bytes], list[Whole]] = defaultdict(list)
        for one in dict.fromkeys(whole):
            self.by_sides[one.data[:_FIRST], one.data[-_LAST:]].append(one)

    def hits(self, lower: bytes) -> Iterator[Hit]:
        if not self.by_sides:
            return
        for found in _PARTED.finditer(lower):
            start, before, after = found.start(), found[1], found[3]
            for cut in (0, before.rfind(b":") + 1):
                kept = before[cut:]
                for one in self.by_sides.get((kept[:_FIRST], after[-_LAST:]), ()):
                    if _is_cut(one, kept, after, dots=found["dots"] is not None):
                        data = lower[start + cut : found.end() + len(after)]
                        yield Hit(Needle(data, one.kind, SHORTENED, one.who, True), start + cut)
                if not cut and b":" not in before:
                    break


def _is_cut(one: Whole, before: bytes, after: bytes, *, dots: bool) -> bool:
    """Tell whether enough of a text is kept, and nothing else."""
    if not (one.data.startswith(before) and one.data.endswith(after)):
        return False
    if len(before) + len(after) >= len(one.data):
        return False
    telling = max(len(before) - one.alike, 0) + len(after)
    # An id has no beginning that says what it is: dates and numbers look like one.
    few = _FIRST if dots and one.alike else _FIRST_ELSE
    return len(before) >= few and telling >= TELLING


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
