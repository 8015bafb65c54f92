"""Which pseudonyms would single a party out: those whose rows fewer than ``FEWEST`` share.

Whoever holds the public chain can compute what this edition would say of every address. A
pseudonym is then as good as the address, unless several parties stand in rows that read the same.
Rows are compared as they are shown, over all tables at once, and parties named in them by how
those look in turn, so that joining tables gives nothing more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from chainwatch.privacy.edition import FEWEST, POOLED
from chainwatch.results.provenance import digest_json

PSEUDONYM = re.compile(rf"{POOLED}-[a-z2-7]{{10}}\Z")

Row = tuple[str, tuple[str, ...]]
"""Name of a table, and the cells of a row as text."""


def singled_out(
    tables: Mapping[str, pl.DataFrame], on_the_way: Iterable[str] = ()
) -> frozenset[str]:
    """Return the pseudonyms that must give way to the common word.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Everything that is to be shown, with a pseudonym for every masked party.
    on_the_way : iterable of str
        Pseudonyms that stay whatever they give away: parties through which followed value passes,
        without whom a route cannot be told.
    """
    kept = frozenset(on_the_way)
    rows = _rows(tables)
    looks = _looks(rows, kept)
    sizes = Counter(looks.values())
    return frozenset(
        name for name, look in looks.items() if sizes[look] < FEWEST and name not in kept
    )


def standing(tables: Mapping[str, pl.DataFrame]) -> frozenset[str]:
    """Return the pseudonyms that stand anywhere in tables."""
    return frozenset(cell for _, row in _rows(tables) for cell in row if PSEUDONYM.match(cell))


def _rows(tables: Mapping[str, pl.DataFrame]) -> list[Row]:
    """Return the rows that hold a pseudonym."""
    found: list[Row] = []
    for name, frame in sorted(tables.items()):
        texts = [column for column, dtype in frame.schema.items() if dtype == pl.String]
        if not texts or not frame.height:
            continue
        masked = pl.any_horizontal(pl.col(texts).str.starts_with(f"{POOLED}-").fill_null(False))
        for row in frame.filter(masked).iter_rows():
            found.append((name, tuple(str(cell) for cell in row)))
    return found


def _looks(rows: Iterable[Row], kept: frozenset[str]) -> dict[str, str]:
    """Return for each pseudonym a digest of its rows, refined until it tells no more apart."""
    listed = [(row, frozenset(filter(PSEUDONYM.match, row[1]))) for row in rows]
    names = frozenset().union(*(inside for _, inside in listed))
    looks = {name: name if name in kept else "" for name in names}
    while True:
        seen: dict[str, list[object]] = {name: [looks[name]] for name in names}
        for (table, cells), inside in listed:
            for name in inside:
                seen[name].append([table, *(_look(cell, name, looks) for cell in cells)])
        finer = {
            name: digest_json([parts[0], *sorted(map(digest_json, parts[1:]))])
            for name, parts in seen.items()
        }
        if len(set(finer.values())) == len(set(looks.values())):
            return finer
        looks = finer


def _look(cell: str, name: str, looks: Mapping[str, str]) -> str:
    return "itself" if cell == name else looks.get(cell, cell)
