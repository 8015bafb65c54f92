"""``Measured``: what results of measured shares have in common, and the judging of known worlds.

A kind of rates says its table, what each of its shares is of, and what it prints; how a share is
read from a row, and what is said where nothing was measured, is the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import polars as pl

from chainwatch.errors import InputError
from chainwatch.evaluate.shares import Share
from chainwatch.progress import watched
from chainwatch.results.table import Column, Rows, Table
from chainwatch.units import counted

W = TypeVar("W")
J = TypeVar("J")

KNOWN_FROM = Column.kind("basis", "where what is known comes from")

Counts = tuple[str, str | None]
"""The columns that count what a share is of, and its independent cases; None: each is one."""


class Measured(ABC):
    """Base of results that say how often something is right: stand it before ``Result``.

    A kind of rates says its ``table``, in the rows of which a column of the name of each share
    counts; ``shares``, by their names, what each is of; and ``measured``, which says in words, by
    its key, that a row was measured.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in the table.
    """

    frame: pl.DataFrame

    table: ClassVar[Table]
    shares: ClassVar[Mapping[str, Counts]] = {}
    measured: ClassVar[str]

    def tables(self) -> Mapping[str, Rows]:
        """Return the table that makes up the content digest."""
        return {self.table.name: self.table.rows(self.frame)}

    def row(self, **key: str) -> dict[str, Any]:
        """Return the one row of a key.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        rows = self.frame.filter(**key)
        if rows.height != 1:
            what = self.measured.format_map(key)
            raise InputError(f"no {what}", remedy="ask for a row of .frame")
        return rows.row(0, named=True)

    def share_of(self, name: str, **key: str) -> Share:
        """Return a measured share of the row of a key.

        Raises
        ------
        InputError
            If nothing of that name was measured.
        """
        rows = self.frame.filter(**key)
        if name not in self.shares or rows.height != 1:
            raise InputError(
                f"no {name} of {self.measured.format_map(key)}",
                remedy=f"ask for one of {', '.join(self.shares)}, and for a row of .frame",
            )
        row, (of, cases) = rows.row(0, named=True), self.shares[name]
        return Share(row[name], row[of], row[cases] if cases and row[of] else None)

    @abstractmethod
    def lines(self) -> Sequence[str]:
        """Return what was measured, a line each, every figure with its numbers and interval."""

    def __repr__(self) -> str:
        head = f"{type(self).__name__}({counted(self.frame.height, 'row', 'rows')})"
        return "\n".join([head, *self.lines()])


def judged_by_basis(
    worlds: Iterable[W], basis: Callable[[W], str], judge: Callable[[W, int], J], what: str
) -> list[tuple[str, list[J]]]:
    """Judge worlds one after the other, and return what was found in those of each basis.

    Parameters
    ----------
    worlds : iterable
        They may be made as they are asked for.
    basis, judge : callable
        Where what is known of a world comes from; and what is found in it, given how many of its
        basis came before.
    what : str
        What is judged, as progress and errors say it.

    Raises
    ------
    InputError
        If there is no world.
    """
    judged: dict[str, list[J]] = {}
    with watched(f"judging {what}") as tell:
        for world in worlds:
            mine = judged.setdefault(basis(world), [])
            if tell:
                tell(f"{basis(world)}, chain {len(mine) + 1}")
            mine.append(judge(world, len(mine)))
    if not judged:
        raise InputError(f"there is no world to judge {what} on", remedy="pass at least one")
    return sorted(judged.items())
