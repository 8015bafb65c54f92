"""Names of those whom a list or an order of an authority names.

A tag of such a concept says that an address is on the list. Its label is the name of the list, and
whoever keeps it was paid nothing: in a figure of payments it must not stand as if it were a party.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from chainwatch.attribution.taxonomy import descendants

LISTS = ("sanction", "black_list")
"""Concepts of lists and orders of authorities, each with its narrower ones."""

CONTESTED = " (contested)"
"""What is said where tags name several of one confidence."""

SHOWN = 4
"""Characters of an address at each end that tell it from others in a short name."""


@cache
def _concepts() -> frozenset[str]:
    return frozenset({*LISTS, *(one for broad in LISTS for one in descendants(broad))})


def of_lists(concept: str | None) -> bool:
    """Tell whether a concept, or each of several by commas, is that of a list or an order.

    Examples
    --------
    >>> of_lists("forfeiture, seizure_order"), of_lists("exchange, sanction"), of_lists(None)
    (True, False, False)
    """
    told = [one.strip() for one in (concept or "").split(",")]
    return all(one in _concepts() for one in told)


def list_names(tags: pl.DataFrame) -> frozenset[str]:
    """Return the labels of tags that name a list or an order, and no actor beside it."""
    if "actor" not in tags.columns or "concept" not in tags.columns:
        return frozenset()
    rows = tags.filter(pl.col("actor").is_null()).select("label", "concept").unique()
    return frozenset(label for label, concept in rows.iter_rows() if of_lists(concept))


def lists_in(name: str) -> list[str]:
    """Return the names in one that several tags give: to be on two lists is no contest.

    Examples
    --------
    >>> lists_in("seizure order 1 or forfeiture order 2 (contested)")
    ['seizure order 1', 'forfeiture order 2']
    """
    several = name.removesuffix(CONTESTED)
    return [name] if several == name else several.split(" or ")


def listed(who: str, name: str) -> str:
    """Return the name of an address that is on a list, or on several.

    Examples
    --------
    >>> listed(short("1NpHuti9NSM9fVTXLkvSDU4AnhqGQ5N53d"), "a sanctions list")
    '1NpH…N53d (listed: a sanctions list)'
    """
    return f"{who} (listed: {'; '.join(lists_in(name))})"


def short(address: str) -> str:
    """Return the first and last characters of an address."""
    if len(address) <= 2 * SHOWN + 1:
        return address
    return f"{address[:SHOWN]}…{address[-SHOWN:]}"
