"""Rows that lead to a masked party although they name none, added up until a crowd stands behind.

A row of somebody shown as ``masked`` tells whose it is all the same where subject, month and
rounded amount fit one address of the public chain. Such rows are never listed. They are added up
by the parties who are shown beside them and by direction; of each sum at least ``FEWEST`` rows and
as many masked parties are part, or it joins the sum of the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from chainwatch.privacy.edition import FEWEST, WITHHELD, band, coarse

SEVERAL = "several"
"""Stands for the parties of a sum over more than one of them."""


class Part(NamedTuple):
    """A row to be added up.

    Attributes
    ----------
    cells : mapping
        The row as the edition would show it by itself.
    exact : mapping
        Its amounts and counts.
    masked : frozenset
        The masked parties to whom it leads.
    """

    cells: Mapping[str, Any]
    exact: Mapping[str, int | None]
    masked: frozenset[bytes]


class Sum(NamedTuple):
    """A row that stands for several: its cells, how many they are, whether it was rounded."""

    cells: dict[str, Any]
    rows: str
    rounded: bool


def _never(parts: Sequence[Part]) -> bool:
    return False


def sums(
    parts: Iterable[Part],
    parties: Sequence[str],
    firm: Sequence[str],
    soft: Sequence[str],
    told_coarse: Callable[[Sequence[Part]], bool] = _never,
) -> list[Sum]:
    """Add up rows until at least ``FEWEST`` masked parties stand behind each sum.

    Sums are exact, and told by the parties shown. Those of smaller crowds are taken together, with
    the smallest of the others where they are still too few, so that no sum can be had from a total
    by subtraction. Where all rows of a table and direction have too few, one digit is left.

    Parameters
    ----------
    parts : iterable of Part
        Rows of one table.
    parties : sequence of str
        Columns that hold parties.
    firm : sequence of str
        Columns across which nothing is added up.
    soft : sequence of str
        Columns by which a sum is told in parts, where each part has its own crowd.
    told_coarse : callable
        Whether the sum of some rows is rounded elsewhere: it joins another, or is rounded here too.
    """
    found: list[Sum] = []
    for members in _by(parts, firm):
        groups = sorted(_by(members, parties), key=crowd)
        left = [part for group in groups if told_coarse(group) for part in group]
        groups = [group for group in groups if not told_coarse(group)]
        while groups and (
            crowd(groups[0]) < FEWEST or 0 < crowd(left) < FEWEST or (left and told_coarse(left))
        ):
            left += groups.pop(0)
        if left:
            few = crowd(left) < FEWEST or told_coarse(left)
            found.append(_sum(left, parties, firm, few))
        for group in groups:
            finer = _by(group, soft)
            split = all(crowd(part) >= FEWEST and not told_coarse(part) for part in finer)
            found += [_sum(part, parties, firm) for part in (finer if split else [group])]
    return found


def crowd(parts: Sequence[Part]) -> int:
    """Return among how many a sum hides each: its masked parties, or its rows if these are fewer.

    The many parties of one transaction are no crowd: whoever finds it finds them all.
    """
    parties = frozenset[bytes]().union(*(part.masked for part in parts))
    return min(len(parties), len(parts))


def _by(parts: Iterable[Part], columns: Sequence[str]) -> list[list[Part]]:
    """Return rows in groups of equal cells, in the order of these."""
    groups: dict[tuple[str, ...], list[Part]] = {}
    for part in parts:
        key = tuple(str(part.cells.get(name)) for name in columns)
        groups.setdefault(key, []).append(part)
    return [groups[key] for key in sorted(groups)]


def _sum(
    parts: Sequence[Part], parties: Sequence[str], firm: Sequence[str], few: bool = False
) -> Sum:
    """Return the sum of rows; of few, to one digit and without what would tell them apart."""
    cells: dict[str, Any] = {}
    for name in parts[0].cells:
        if name in parts[0].exact:
            cells[name] = _total([part.exact[name] for part in parts], few)
            continue
        values = {part.cells[name] for part in parts}
        kept = len(values) == 1 and (not few or name in (*parties, *firm) or WITHHELD in values)
        cells[name] = values.pop() if kept else SEVERAL if name in parties else None
    return Sum(cells, band(len(parts)), few)


def _total(values: Sequence[int | None], few: bool) -> int | None:
    """Return a sum, or nothing where a part of it is unknown."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return coarse(sum(known)) if few else sum(known)


def as_decimal(value: int | None) -> Decimal | None:
    """Return an amount as tables hold it."""
    return None if value is None else Decimal(value)
