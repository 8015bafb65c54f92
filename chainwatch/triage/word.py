"""What a report calls those who were asked about: vendors only where tags call all of them so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import polars as pl

from chainwatch.attribution.taxonomy import is_a
from chainwatch.results.table import Table

SUBJECT, VENDOR = "subject", "vendor"
"""The words, each with an *s* for several. A report that calls somebody a vendor whom nobody called
one accuses; that he was asked about says nothing of him."""


def word_for(addresses: Collection[bytes], tags: pl.DataFrame | None, chain: str) -> str:
    """Return the word for some addresses of a chain, by what tags call each of them.

    Parameters
    ----------
    addresses : collection of bytes
        Who was asked about.
    tags : polars.DataFrame, optional
        Rows of tags.
    chain : str
        Where the addresses are.
    """
    if tags is None or not addresses:
        return SUBJECT
    rows = tags.filter((pl.col("chain") == chain) & pl.col("concept").is_not_null())
    told = rows.select("address", "concept").unique().iter_rows()
    named = {address for address, concept in told if is_a(concept, VENDOR)}
    return VENDOR if named.issuperset(addresses) else SUBJECT


def titled(table: Table, word: str) -> Table:
    """Return a table whose columns and meanings say a word where they say *vendor*."""
    return replace(
        table,
        key=tuple(one.replace(VENDOR, word) for one in table.key),
        meaning=table.meaning.replace(VENDOR, word),
        columns=tuple(
            replace(
                one, name=one.name.replace(VENDOR, word), meaning=one.meaning.replace(VENDOR, word)
            )
            for one in table.columns
        ),
        order=tuple(one.replace(VENDOR, word) for one in table.order),
    )
