"""Where tags name two owners for one address at the same time: shown, never decided here."""

from __future__ import annotations

import polars as pl

from chainwatch.attribution.naming import claimed
from chainwatch.errors import TagError

MOST_CLAIMS = 1_000
"""Distinct claims on one address that are compared. The TagPack tool warns above 100."""

_GROUP = ["chain", "address", "basis"]
_CLAIM = ["chain", "address", "basis", "name", "source", "first_day", "last_day"]


def find_conflicts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of claims on one address that name two owners at overlapping times.

    The owner is the actor; where a tag states none, the label. Actors are compared with actors and
    labels with labels: a label beside an actor contradicts nothing, and neither do capitals.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows of ``schema.TAGS``.

    Returns
    -------
    polars.DataFrame
        ``chain, address, basis`` (*actor* or *label*), ``first, second`` (names in alphabetical
        order), ``first_source, second_source, from_day, to_day`` (the days both hold; null is open
        or undated), sorted.

    Raises
    ------
    TagError
        If one address has more than :data:`MOST_CLAIMS` distinct claims.

    Fails when
    ----------
    Two labels are spellings of one name, or a service runs for another: that is no conflict of
    owners, and this lists it. An undated tag overlaps with everything, perhaps wrongly.
    """
    claims = claimed(frame).select(_CLAIM).unique()
    contested = claims.filter(pl.col("name").n_unique().over(_GROUP) > 1)
    largest = contested.group_by(_GROUP).len()["len"].max()
    if isinstance(largest, int) and largest > MOST_CLAIMS:
        raise TagError(
            f"one address has {largest:,} distinct claims of ownership",
            remedy="look at its tags first, or read fewer packs",
        )
    return _overlapping(contested.join(contested, on=_GROUP, how="inner"))


def _overlapping(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of two names whose days overlap, each once."""
    meets = pl.col("from_day") <= pl.col("to_day")
    return (
        pairs.filter(pl.col("name") < pl.col("name_right"))
        .with_columns(
            from_day=pl.max_horizontal("first_day", "first_day_right"),
            to_day=pl.min_horizontal("last_day", "last_day_right"),
        )
        .filter(meets.fill_null(True))  # an open end excludes nothing
        .select(
            *_GROUP,
            pl.col("name").alias("first"),
            pl.col("name_right").alias("second"),
            pl.col("source").alias("first_source"),
            pl.col("source_right").alias("second_source"),
            "from_day",
            "to_day",
        )
        .unique()
        .sort(pl.all())
    )
