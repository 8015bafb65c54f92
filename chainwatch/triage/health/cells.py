"""The cells that are counted: a grid that is public before anything is read, or keys out of rows.

A grid is made of the classes of substances and the channels of the taxonomy, of the regions and the
weeks that are asked for: of nothing that was read. So every cell has a noisy count, whether anybody
is in it or not, and that a cell is there gives nothing away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from math import prod

import polars as pl

from chainwatch.attribution.contact import CHANNELS, SUBSTANCES
from chainwatch.errors import InputError
from chainwatch.triage.health.seller_payments import (
    CHANNEL,
    DIMENSIONS,
    NOT_SAID,
    REGION,
    SUBSTANCE,
    WEEK,
)

ELSEWHERE = "elsewhere"
"""Stands for every region that is not asked for by its name."""

MOST = 500_000
"""Cells of the largest grid."""

BETWEEN = "|"
"""Stands between the words of a key."""


def checked_dimensions(by: Sequence[str], among: Sequence[str] = DIMENSIONS) -> tuple[str, ...]:
    """Return by what is counted, in one order.

    Raises
    ------
    InputError
        If it is nothing, or one of them is no dimension.
    """
    named = (by,) if isinstance(by, str) else tuple(by)
    if not named or set(named) - set(among):
        raise InputError("by names no dimension", remedy=f"name some of {', '.join(among)}")
    return tuple(one for one in among if one in named)


@dataclass(frozen=True)
class Grid:
    """All cells of a release, in one order: the last dimension runs fastest.

    Attributes
    ----------
    axes : tuple of (str, tuple of str)
        By what is counted, and every word that can stand there; a week is its Monday.
    """

    axes: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, by: Sequence[str], regions: Sequence[str], weeks: Sequence[date]) -> Grid:
        """Return the grid of what is asked for, of nothing that was read.

        Raises
        ------
        InputError
            If it has too many cells.
        """
        named = sorted({one.strip().upper() for one in regions} - {""})
        words: dict[str, tuple[str, ...]] = {
            SUBSTANCE: tuple(sorted(SUBSTANCES)),
            CHANNEL: (*sorted(CHANNELS), NOT_SAID),
            REGION: (*named, ELSEWHERE, NOT_SAID),
            WEEK: tuple(one.isoformat() for one in weeks),
        }
        made = cls(tuple((one, words[one]) for one in by))
        if made.size > MOST:
            raise InputError(
                f"the grid has {made.size:,} cells, more than {MOST:,}",
                remedy="name fewer dimensions or regions, or a shorter period",
            )
        return made

    @property
    def size(self) -> int:
        """How many cells there are."""
        return prod(len(words) for _, words in self.axes)

    @property
    def by(self) -> tuple[str, ...]:
        """By what is counted."""
        return tuple(name for name, _ in self.axes)

    def codes(self, rows: pl.DataFrame) -> pl.Series:
        """Return the number of the cell of each row; a region that is not named is elsewhere."""
        number = pl.lit(0, pl.Int64)
        for name, words in self.axes:
            at = {word: place for place, word in enumerate(words)}
            other = at[ELSEWHERE] if name == REGION else None
            place = pl.col(name).cast(pl.String).replace_strict(
                at, default=other, return_dtype=pl.Int64
            )  # fmt: skip
            number = number * len(words) + place
        return rows.select(number.alias("cell"))["cell"]

    def frame(self) -> pl.DataFrame:
        """Return the words of every cell, in order."""
        rows = list(product(*(words for _, words in self.axes)))
        made = pl.DataFrame(rows, schema=dict.fromkeys(self.by, pl.String), orient="row")
        return dated(made)


def keys(rows: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """Return the key of the cell of each row, as one text."""
    words = [pl.col(name).cast(pl.String).str.replace_all(BETWEEN, " ", literal=True)
             for name in by]  # fmt: skip
    return rows.select(pl.concat_str(words, separator=BETWEEN).alias("cell"))["cell"]


def of_keys(found: Sequence[str], by: Sequence[str]) -> pl.DataFrame:
    """Return the words of cells by their keys."""
    rows = [tuple(key.split(BETWEEN)) for key in found]
    return dated(pl.DataFrame(rows, schema=dict.fromkeys(by, pl.String), orient="row"))


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Return cells with their week as a day, where they have one."""
    return frame.with_columns(pl.col(WEEK).str.to_date()) if WEEK in frame.columns else frame


__all__ = ["ELSEWHERE", "Grid", "checked_dimensions", "dated", "keys", "of_keys"]
