"""How wide the columns of a printed table are: numbers and addresses never break inside a cell.

Widths are measured before anything is set. A table is set in the largest type in which all its
cells stand on one line, or else in the largest in which everything that must not break fits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from chainwatch.case.report.elements import TableBlock
from chainwatch.figures.typefaces import set_width
from chainwatch.sanitize import WRITTEN_OUT, breakable

PAGE_WIDTH = 739.0
"""Width of what is printed on a page on its side, in points: A4 less its margins."""
UPRIGHT_WIDTH = 492.0
"""Width of what is printed on an upright page, in points."""
UPRIGHT_SMALLEST = 7.0
"""Size of type, in points, below which a table is turned on its side instead."""
INSET = 7.2
"""Blank beside a cell, both sides together, in points."""
SIZES = (8.0, 7.5, 7.0, 6.5)
"""Sizes of type, in points, the most readable first; nobody reads a smaller one on paper."""
HALVED = (None, 50, 25)
"""Characters beyond which ids may stand on two lines, where a table is too wide at any size."""
FEW_IDS = 2
"""Columns of ids up to which these may stand on two lines rather than the table on its side."""
NARROWEST = 56.0
"""Width in points that a column of running text has at least, where its text takes as much."""
WIDEST, WIDEST_IN_LISTS = 230.0, 340.0
"""Width up to which running text widens its column, in points: in an exhibit, in other tables."""
LONGEST_WORD = 100
"""Characters of a word that never breaks: no address, id or digest is longer."""
HASH_LIKE = re.compile(r"(0x|(hmac-)?sha256:)?[0-9A-Za-z]{26,}\Z")
TIME = re.compile(r"\d{4}-\d\d(-\d\d)?( \d\d:\d\d(:\d\d)?)?\Z")


@dataclass(frozen=True)
class Columns:
    """Size of type and widths of the columns of a table, in points.

    ``halved`` is the length beyond which ids stand on two lines; null: none does.
    """

    size: float
    widths: tuple[float, ...]
    halved: int | None = None

    def halves(self, text: str) -> bool:
        """Return whether a cell is an id that stands on two lines."""
        long = self.halved is not None and self.halved < len(text) <= LONGEST_WORD
        return long and hash_like(text)


def hash_like(text: str) -> bool:
    """Return whether a text is a hash or address, to be set in a fixed width."""
    return HASH_LIKE.match(text) is not None


def one_piece(text: str, *, right: bool) -> bool:
    """Return whether a cell is a number, an address, a time or one word: it stands on one line."""
    words = text.split()
    if WRITTEN_OUT.search(text):
        return False
    short = all(len(word) <= LONGEST_WORD for word in words)
    return short and (right or len(words) <= 1 or TIME.match(text) is not None)


def stands_upright(table: TableBlock) -> bool:
    """Return whether all that must not break in a table fits on an upright page, and can be read.

    Where ids of many columns would be broken into halves for that, a page on its side is better.
    """
    if any(len(row) != len(table.columns) for row in table.rows):
        return True  # whoever sets it says what is wrong
    ids = sum(any(map(hash_like, cells)) for cells in zip(*table.rows, strict=False))
    least, _ = _needed(table, HALVED[2] if ids <= FEW_IDS else HALVED[1])
    room = UPRIGHT_WIDTH - INSET * len(table.columns)
    return sum(least) * UPRIGHT_SMALLEST <= room


def columns_of(table: TableBlock, width: float = PAGE_WIDTH) -> Columns:
    """Return the widths of a table's columns, in the largest type that does on a page's width."""
    room = width - INSET * len(table.columns)
    for halved in HALVED:
        least, most = _needed(table, halved)
        for size in SIZES:
            if sum(most) * size <= room:
                return _columns(size, [width * size for width in most], halved)
        for size in SIZES:
            if sum(least) * size <= room:
                return _columns(size, _spread(least, most, size, room), halved)
    share = room / max(sum(least), 1.0)
    return _columns(SIZES[-1], [width * share for width in least], halved)


def lines_of(table: TableBlock, chosen: Columns) -> list[int]:
    """Return on how many lines each row of a table stands, about."""
    rooms = [max(width - INSET, 1.0) for width in chosen.widths]
    return [
        max(ceil(_wide(text) * chosen.size / wide) for text, wide in zip(row, rooms, strict=True))
        or 1
        for row in table.rows
    ]


def halves(text: str) -> list[str]:
    """Return an id in the two parts that stand below each other."""
    middle = (len(text) + 1) // 2
    return [text[:middle], text[middle:]]


def _columns(size: float, widths: Sequence[float], halved: int | None) -> Columns:
    return Columns(size, tuple(round(width + INSET, 2) for width in widths), halved)


def _spread(least: list[float], most: list[float], size: float, room: float) -> list[float]:
    """Give the room that is left to the columns whose text would take more lines without it."""
    left = room - sum(least) * size
    wanted = [(high - low) * size for low, high in zip(least, most, strict=True)]
    share = min(1.0, left / max(sum(wanted), 1e-9))
    return [low * size + more * share for low, more in zip(least, wanted, strict=True)]


def _needed(table: TableBlock, halved: int | None) -> tuple[list[float], list[float]]:
    """Return for each column what it needs at least and at most, at a size of one point."""
    least, most = [], []
    widest = (WIDEST if table.exhibit else WIDEST_IN_LISTS) / SIZES[2]
    broken = Columns(1.0, (), halved).halves
    align = table.align or ("left",) * len(table.columns)
    for side, name, *cells in zip(align, table.columns, *table.rows, strict=True):
        right = side == "right"
        heads = [_wide(word, bold=True) for word in name.split()] or [0.0]
        low, high = [max(heads)], [_wide(name, bold=True)]
        for text in set(cells):
            piece = one_piece(text, right=right)
            whole = max(map(_of_id, halves(text))) if broken(text) else _wide(text)
            words = [*map(str.rstrip, breakable(text))]
            low += (
                [whole] if piece else [
                    min(_wide(text), NARROWEST / SIZES[2]),
                    *(_wide(word) for word in words if len(word) <= LONGEST_WORD),
                ]
            )  # fmt: skip
            high.append(whole if piece else min(whole, widest))
        least.append(max(low) * 1.01)
        most.append(max(*high, *low) * 1.01)
    return least, most


def _wide(text: str, *, bold: bool = False) -> float:
    return _of_id(text) if hash_like(text) else set_width(text, 1.16 if bold else 1.0)


def _of_id(text: str) -> float:
    return set_width(text, 1.0, mono=True)
